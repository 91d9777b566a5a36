import { PALETTE } from "../state/color.js";

/** Below this radius on the screen a cell is a plain circle: a wobble could not be seen. */
const WOBBLE_RADIUS_PX = 22;
const NAME_RADIUS_PX = 17;
const MASS_RADIUS_PX = 42;
/** A name that would have to be smaller than this to fit is left out. */
const LABEL_PX_MIN = 7;
const VIRUS_SPIKES = 22;
const FONT = 'ui-rounded, "SF Pro Rounded", "Nunito", "Segoe UI", system-ui, sans-serif';

/**
 * @typedef {CanvasRenderingContext2D} Pen Its coordinates are world units; `scale` is pixels per unit.
 */

/**
 * @param {Pen} pen
 * @param {import("../state/scene.js").DrawnCell} cell
 * @param {{ scale: number, nowMs: number, name: string }} how
 */
export function drawCell(pen, cell, { scale, nowMs, name }) {
  const shades = PALETTE[cell.hue];
  const radiusPx = cell.radius * scale;
  const rim = Math.min(cell.radius * 0.09, 2 + 3 / scale);
  pen.beginPath();
  if (radiusPx < WOBBLE_RADIUS_PX) pen.arc(cell.x, cell.y, Math.max(0.1, cell.radius - rim / 2), 0, Math.PI * 2);
  else membrane(pen, cell, rim, radiusPx, nowMs);
  pen.fillStyle = shades.fill;
  pen.fill();
  pen.lineWidth = rim;
  pen.strokeStyle = cell.own ? shades.glow : shades.rim;
  pen.stroke();
  if (radiusPx > NAME_RADIUS_PX) drawLabels(pen, cell, name, scale);
}

/**
 * A slowly breathing outline: points around the circle, joined by curves through the middles between them.
 * @param {Pen} pen
 * @param {import("../state/scene.js").DrawnCell} cell
 * @param {number} rim
 * @param {number} radiusPx
 * @param {number} nowMs
 */
function membrane(pen, { id, x, y, radius }, rim, radiusPx, nowMs) {
  const count = Math.min(40, 12 + Math.floor(radiusPx / 8));
  const step = (Math.PI * 2) / count;
  const base = radius - rim / 2;
  // The curve cuts the corners between its points; this brings its mean radius back to `base`.
  const corner = 2 / (1 + Math.cos(step / 2) ** 2);
  const depth = Math.min(radius * 0.006, 1.6);
  const time = nowMs / 1000;
  const at = (/** @type {number} */ i) => {
    const angle = (i % count) * step;
    const wave = Math.sin(angle * 5 + time * 1.7 + id) + Math.sin(angle * 8 - time * 2.3 + id * 2);
    const r = base * corner + depth * wave;
    return { x: x + Math.cos(angle) * r, y: y + Math.sin(angle) * r };
  };
  let previous = at(0);
  let next = at(1);
  pen.moveTo((previous.x + next.x) / 2, (previous.y + next.y) / 2);
  for (let i = 1; i <= count; i++) {
    previous = next;
    next = at(i + 1);
    pen.quadraticCurveTo(previous.x, previous.y, (previous.x + next.x) / 2, (previous.y + next.y) / 2);
  }
  pen.closePath();
}

/**
 * @param {Pen} pen
 * @param {import("../state/scene.js").DrawnCell} cell
 * @param {string} name
 * @param {number} scale
 */
function drawLabels(pen, cell, name, scale) {
  const radiusPx = cell.radius * scale;
  const fit = (1.7 * radiusPx) / Math.max(3, name.length * 0.62);
  const namePx = Math.max(LABEL_PX_MIN, Math.round(Math.min(radiusPx * 0.42, fit, 64)));
  const showMass = radiusPx > MASS_RADIUS_PX;
  pen.save();
  pen.translate(cell.x, cell.y);
  pen.scale(1 / scale, 1 / scale);
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  if (name && fit >= LABEL_PX_MIN) label(pen, name, showMass ? -namePx * 0.25 : 0, namePx, 650);
  if (showMass) {
    const mass = Math.round((cell.radius * cell.radius) / 100);
    label(pen, String(mass), namePx * 0.68, Math.max(9, Math.round(namePx * 0.52)), 500);
  }
  pen.restore();
}

/**
 * @param {Pen} pen
 * @param {string} text
 * @param {number} y
 * @param {number} sizePx
 * @param {number} weight
 */
function label(pen, text, y, sizePx, weight) {
  pen.font = `${weight} ${sizePx}px ${FONT}`;
  pen.lineWidth = Math.max(2, sizePx * 0.16);
  pen.strokeStyle = "rgb(8 14 20 / 62%)";
  pen.strokeText(text, 0, y);
  pen.fillStyle = "#f7fbfc";
  pen.fillText(text, 0, y);
}

/**
 * @param {Pen} pen
 * @param {import("../state/scene.js").DrawnSpeck} virus
 * @param {number} nowMs
 */
export function drawVirus(pen, { id, x, y, radius }, nowMs) {
  const turn = nowMs / 9000 + id;
  pen.beginPath();
  for (let i = 0; i < VIRUS_SPIKES * 2; i++) {
    const angle = turn + (i * Math.PI) / VIRUS_SPIKES;
    const r = i % 2 === 0 ? radius * 1.04 : radius * 0.9;
    pen.lineTo(x + Math.cos(angle) * r, y + Math.sin(angle) * r);
  }
  pen.closePath();
  pen.fillStyle = "rgb(82 214 96 / 82%)";
  pen.fill();
  pen.lineJoin = "round";
  pen.lineWidth = Math.max(1, radius * 0.055);
  pen.strokeStyle = "#2f9c46";
  pen.stroke();
  pen.beginPath();
  pen.arc(x, y, radius * 0.6, 0, Math.PI * 2);
  pen.strokeStyle = "rgb(24 110 48 / 45%)";
  pen.stroke();
}

/**
 * @param {Pen} pen
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 * @param {number} hue
 */
export function drawBlob(pen, x, y, radius, hue) {
  pen.beginPath();
  pen.arc(x, y, Math.max(0, radius), 0, Math.PI * 2);
  pen.fillStyle = PALETTE[hue].fill;
  pen.fill();
}
