import { paintPool } from "./art_pool.js";
import { paintSoccer } from "./art_soccer.js";

/** Colours of the picture, in the order the cells take them. */
const COLORS = ["#49c5b1", "#f0907e", "#e3b856", "#8fa8f5", "#d48fd8", "#8ccf6b", "#5cb8e6"];
const GRID_PX = 34;

/**
 * Paints a quiet scene for a game's card: the same for the same id.
 * @param {HTMLCanvasElement} canvas
 * @param {string} id
 */
export function paintArt(canvas, id) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.scale(ratio, ratio);
  const picture = { pen, width, height, chance: generator(id) };
  (PICTURES[id] ?? paintCells)(picture);
}

/**
 * @typedef {{ pen: CanvasRenderingContext2D, width: number, height: number, chance: () => number }} Picture
 */

/** @type {Record<string, (picture: Picture) => void>} What is not here is a field of cells. */
const PICTURES = { pool: paintPool, soccer: paintSoccer };

/** @param {Picture} picture */
function paintCells({ pen, width, height, chance }) {
  pen.fillStyle = "#101922";
  pen.fillRect(0, 0, width, height);
  pen.strokeStyle = "rgb(148 190 210 / 8%)";
  pen.beginPath();
  for (let x = 0.5; x < width; x += GRID_PX) pen.rect(x, -1, 0, height + 2);
  for (let y = 0.5; y < height; y += GRID_PX) pen.rect(-1, y, width + 2, 0);
  pen.stroke();

  const crumbs = Math.floor((width * height) / 1700);
  for (let i = 0; i < crumbs; i++) disc(pen, chance() * width, chance() * height, 2 + chance() * 2.2, color(chance));
  /** @type {{ x: number, y: number, r: number }[]} */
  const placed = [];
  const sizes = [0.3, 0.22, 0.17, 0.13, 0.1, 0.1, 0.075, 0.075, 0.05, 0.05, 0.05, 0.035, 0.035];
  const cells = Math.round(sizes.length * Math.min(1, 0.5 + width / 1600));
  for (let i = 0; i < cells; i++) {
    const r = sizes[i] * height;
    const spot = findSpot(chance, placed, width, height, r);
    if (!spot) continue;
    placed.push({ ...spot, r });
    disc(pen, spot.x, spot.y, r, COLORS[i % COLORS.length]);
    pen.lineWidth = Math.max(2, r * 0.08);
    pen.strokeStyle = "rgb(0 0 0 / 20%)";
    pen.beginPath();
    pen.arc(spot.x, spot.y, r - pen.lineWidth / 2, 0, Math.PI * 2);
    pen.stroke();
  }
}

/**
 * A place where a disc touches no other; null when twenty tries found none.
 * @param {() => number} chance
 * @param {{ x: number, y: number, r: number }[]} placed
 * @param {number} width
 * @param {number} height
 * @param {number} r
 */
function findSpot(chance, placed, width, height, r) {
  for (let i = 0; i < 20; i++) {
    const spot = { x: chance() * width, y: r * 0.6 + chance() * (height - r * 1.2) };
    if (placed.every((other) => Math.hypot(other.x - spot.x, other.y - spot.y) > other.r + r + 8)) return spot;
  }
  return null;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 * @param {string} fill
 */
function disc(pen, x, y, radius, fill) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, Math.PI * 2);
  pen.fillStyle = fill;
  pen.fill();
}

/** @param {() => number} chance */
function color(chance) {
  return COLORS[Math.floor(chance() * COLORS.length)];
}

/**
 * A small generator of numbers in 0..1, seeded by text.
 * @param {string} text
 */
function generator(text) {
  let state = 2_166_136_261;
  for (const char of text) state = Math.imul(state ^ (char.codePointAt(0) ?? 0), 16_777_619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
