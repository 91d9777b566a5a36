import { trace } from "../../../duel/client/view/canvases.js";

/** Length of the arrow at full power, in radii of a disc. */
const ARROW_RADII = 3;
const GAP_RADII = 1.12;

/** @typedef {import("../../../duel/client/state/layout.js").Point} Point */

/**
 * Where the disc goes, what it meets, and how both go on.
 * @param {CanvasRenderingContext2D} pen
 * @param {import("../../../duel/client/state/predict.js").Prediction} line
 * @param {(metres: Point) => Point} at
 * @param {number} radius Of a disc, in CSS pixels.
 * @param {boolean} isForeign
 */
export function drawLine(pen, line, at, radius, isForeign) {
  pen.save();
  pen.lineCap = "round";
  pen.lineJoin = "round";
  pen.globalAlpha = isForeign ? 0.55 : 1;
  pen.lineWidth = 4.5;
  pen.strokeStyle = "rgb(0 30 10 / 26%)";
  trace(pen, line.path, at);
  pen.setLineDash([2, 7]);
  pen.lineWidth = 2.6;
  pen.strokeStyle = "rgb(255 255 255 / 92%)";
  trace(pen, line.path, at);
  pen.setLineDash([]);
  pen.lineWidth = 5;
  pen.strokeStyle = "rgb(0 30 10 / 22%)";
  trace(pen, line.objectLine, at);
  pen.lineWidth = 2.6;
  pen.strokeStyle = "rgb(255 226 120 / 96%)";
  trace(pen, line.objectLine, at);
  head(pen, line.objectLine, at);
  pen.lineWidth = 1.6;
  pen.setLineDash([6, 5]);
  pen.strokeStyle = "rgb(255 255 255 / 62%)";
  trace(pen, line.cueLine, at);
  pen.setLineDash([]);
  const end = line.ghost ?? line.path[line.path.length - 1];
  const { x, y } = at(end);
  pen.beginPath();
  pen.arc(x, y, radius - 1, 0, 2 * Math.PI);
  pen.fillStyle = `rgb(255 255 255 / ${line.ghost ? 20 : 9}%)`;
  pen.fill();
  pen.lineWidth = 1.8;
  pen.strokeStyle = `rgb(255 255 255 / ${line.ghost ? 95 : 60}%)`;
  pen.stroke();
  pen.restore();
}

/**
 * The arrow ahead of a disc that is drawn back, and the band behind it.
 * @param {CanvasRenderingContext2D} pen
 * @param {Point} disc On the screen.
 * @param {number} angle Where it will go, on the screen.
 * @param {number} radius
 * @param {{ power: number, isForeign: boolean }} how
 */
export function drawPull(pen, disc, angle, radius, { power, isForeign }) {
  if (power <= 0) return;
  const color = powerColor(power);
  pen.save();
  pen.globalAlpha = isForeign ? 0.7 : 0.92;
  pen.translate(disc.x, disc.y);
  pen.rotate(angle);
  // The band, which is drawn back as far as the arrow goes ahead.
  const back = -(GAP_RADII + power * ARROW_RADII * 1.1) * radius;
  pen.lineCap = "round";
  for (const side of [-1, 1]) {
    pen.beginPath();
    pen.moveTo(0, side * radius * 0.98);
    pen.lineTo(back, 0);
    pen.lineWidth = 3.2;
    pen.strokeStyle = "rgb(0 20 10 / 35%)";
    pen.stroke();
    pen.lineWidth = 2;
    pen.strokeStyle = color;
    pen.stroke();
  }
  pen.beginPath();
  pen.arc(back, 0, radius * 0.2, 0, 2 * Math.PI);
  pen.fillStyle = color;
  pen.fill();
  const from = GAP_RADII * radius;
  const to = from + (0.5 + power * ARROW_RADII) * radius;
  const [half, wide, tip] = [radius * 0.16, radius * 0.46, radius * 0.78];
  pen.beginPath();
  pen.moveTo(from, -half * 0.6);
  pen.lineTo(to - tip, -half);
  pen.lineTo(to - tip, -wide);
  pen.lineTo(to, 0);
  pen.lineTo(to - tip, wide);
  pen.lineTo(to - tip, half);
  pen.lineTo(from, half * 0.6);
  pen.closePath();
  const fade = pen.createLinearGradient(from, 0, to, 0);
  fade.addColorStop(0, "rgb(255 255 255 / 55%)");
  fade.addColorStop(0.5, color);
  fade.addColorStop(1, color);
  pen.lineJoin = "round";
  pen.lineWidth = 3;
  pen.strokeStyle = "rgb(0 20 10 / 40%)";
  pen.stroke();
  pen.fillStyle = fade;
  pen.fill();
  pen.restore();
}

/**
 * The power beside a disc, in hundredths.
 * @param {CanvasRenderingContext2D} pen
 * @param {Point} disc
 * @param {number} angle
 * @param {number} radius
 * @param {number} power
 */
export function drawPower(pen, disc, angle, radius, power) {
  // Across the aim, on the upper side, where no finger is.
  const up = Math.cos(angle) >= 0 ? -Math.PI / 2 : Math.PI / 2;
  const away = radius * 2.1 + 6;
  const [x, y] = [disc.x + Math.cos(angle + up) * away, disc.y + Math.sin(angle + up) * away];
  const text = `${Math.round(power * 100)}`;
  pen.font = "700 14px ui-rounded, system-ui, sans-serif";
  const width = pen.measureText(text).width + 16;
  pen.beginPath();
  pen.roundRect(x - width / 2, y - 12, width, 24, 12);
  pen.fillStyle = "rgb(9 16 22 / 82%)";
  pen.fill();
  pen.lineWidth = 1.5;
  pen.strokeStyle = powerColor(power);
  pen.stroke();
  pen.fillStyle = "#fff";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(text, x, y + 0.5);
}

/** From green over yellow to red. @param {number} power */
function powerColor(power) {
  const hue = 140 - 140 * Math.min(1, power);
  return `hsl(${hue.toFixed(0)} 90% 58%)`;
}

/** @param {CanvasRenderingContext2D} pen @param {Point[]} line @param {(metres: Point) => Point} at */
function head(pen, line, at) {
  if (line.length < 2) return;
  const end = at(line[line.length - 1]);
  // A few points back, since the last two may be next to each other.
  const before = at(line[Math.max(0, line.length - 4)]);
  const angle = Math.atan2(end.y - before.y, end.x - before.x);
  pen.save();
  pen.translate(end.x, end.y);
  pen.rotate(angle);
  pen.beginPath();
  pen.moveTo(-7, -5.5);
  pen.lineTo(2, 0);
  pen.lineTo(-7, 5.5);
  pen.stroke();
  pen.restore();
}
