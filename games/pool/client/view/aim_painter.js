import { trace } from "../../../duel/client/view/canvases.js";

/** Length of the cue, in radii of a ball: real ones are longer, and would hide the table. */
const CUE_RADII = 44;
const PULL_RADII = 11;
const TIP_GAP_RADII = 1.5;

/** @typedef {import("../../../duel/client/state/layout.js").Point} Point */

/**
 * The lines of an aim: the cue ball's way, and how both go on.
 * @param {CanvasRenderingContext2D} pen
 * @param {import("../../../duel/client/state/predict.js").Prediction} line
 * @param {(metres: Point) => Point} at
 * @param {number} radius
 * @param {boolean} isForeign
 */
export function drawLine(pen, line, at, radius, isForeign) {
  const alpha = isForeign ? 0.5 : 1;
  pen.lineCap = "round";
  pen.lineJoin = "round";
  pen.globalAlpha = alpha;
  pen.lineWidth = 5;
  pen.strokeStyle = "rgb(0 24 22 / 22%)";
  trace(pen, line.path, at);
  pen.lineWidth = 1.8;
  pen.strokeStyle = "rgb(255 255 255 / 88%)";
  trace(pen, line.path, at);
  pen.lineWidth = 2.4;
  pen.strokeStyle = "rgb(255 226 140 / 95%)";
  trace(pen, line.objectLine, at);
  pen.lineWidth = 1.6;
  pen.setLineDash([6, 5]);
  pen.strokeStyle = "rgb(255 255 255 / 70%)";
  trace(pen, line.cueLine, at);
  pen.setLineDash([]);
  if (!line.ghost && line.path.length > 1) {
    const end = at(line.path[line.path.length - 1]);
    pen.lineWidth = 1.4;
    pen.strokeStyle = "rgb(255 255 255 / 60%)";
    pen.beginPath();
    pen.arc(end.x, end.y, radius, 0, 2 * Math.PI);
    pen.stroke();
  }
  pen.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} pen @param {Point} at @param {number} radius @param {boolean} isForeign */
export function drawGhost(pen, { x, y }, radius, isForeign) {
  pen.globalAlpha = isForeign ? 0.5 : 1;
  pen.beginPath();
  pen.arc(x, y, radius - 0.8, 0, 2 * Math.PI);
  pen.fillStyle = "rgb(255 255 255 / 13%)";
  pen.fill();
  pen.lineWidth = 1.6;
  pen.strokeStyle = "rgb(255 255 255 / 92%)";
  pen.stroke();
  pen.globalAlpha = 1;
}

/**
 * The cue behind the ball.
 * @param {CanvasRenderingContext2D} pen
 * @param {Point} ball
 * @param {number} angle Where it points, on the screen.
 * @param {number} radius
 * @param {{ pull: number, alpha: number }} how
 */
export function drawCue(pen, ball, angle, radius, { pull, alpha }) {
  const tip = -(TIP_GAP_RADII + pull * PULL_RADII) * radius;
  const butt = tip - CUE_RADII * radius;
  const [thin, thick] = [radius * 0.2, radius * 0.44];
  pen.save();
  pen.globalAlpha = alpha;
  pen.translate(ball.x, ball.y);
  // Its shadow lies a little below, and further where the cue is higher.
  pen.save();
  pen.translate(radius * 0.25, radius * 0.75);
  pen.rotate(angle + 0.012);
  pen.fillStyle = "rgb(0 10 10 / 30%)";
  taper(pen, tip, butt, thin * 1.25, thick * 1.35);
  pen.restore();
  pen.rotate(angle);
  const part = (/** @type {number} */ share) => tip + (butt - tip) * share;
  const width = (/** @type {number} */ share) => thin + (thick - thin) * share;
  const piece = (/** @type {number} */ from, /** @type {number} */ to, /** @type {string[]} */ colors) => {
    const across = pen.createLinearGradient(0, -thick, 0, thick);
    [0, 0.32, 0.5, 1].forEach((stop, i) => across.addColorStop(stop, colors[i]));
    pen.fillStyle = across;
    taper(pen, part(from), part(to), width(from), width(to));
  };
  piece(0, 0.012, ["#27506b", "#4c86a8", "#35698a", "#173447"]);
  piece(0.012, 0.03, ["#cfc7b6", "#ffffff", "#f3ecdc", "#a79d88"]);
  piece(0.03, 0.6, ["#a9773c", "#f4d6a0", "#e3bb7c", "#875a2a"]);
  piece(0.6, 0.62, ["#0e0e10", "#4b4b52", "#26262b", "#050506"]);
  piece(0.62, 0.66, ["#8d8b86", "#ffffff", "#dedbd2", "#6e6c67"]);
  piece(0.66, 0.8, ["#14171d", "#4a5563", "#252c36", "#090b0e"]);
  piece(0.8, 0.815, ["#1a7a70", "#7ff0e0", "#49c5b1", "#0e544d"]);
  piece(0.815, 0.985, ["#2a120b", "#8a4631", "#56241a", "#160805"]);
  piece(0.985, 1, ["#0b0b0c", "#3c3c42", "#1c1c20", "#050506"]);
  pen.restore();
}

/** @param {CanvasRenderingContext2D} pen @param {number} from @param {number} to @param {number} thin @param {number} thick Half widths. */
function taper(pen, from, to, thin, thick) {
  pen.beginPath();
  pen.moveTo(from, -thin);
  pen.lineTo(to, -thick);
  pen.lineTo(to, thick);
  pen.lineTo(from, thin);
  pen.closePath();
  pen.fill();
}
