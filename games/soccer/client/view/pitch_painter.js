import { penInMetres } from "../../../duel/client/view/canvases.js";

/** Stripes that the mower left. */
const STRIPES = 12;
const BOARD = 0.034;
const LINE = 0.0085;
/** Measures of what is drawn on the grass, in metres. */
const CENTRE_CIRCLE = 0.2;
const PENALTY = { deep: 0.34, wide: 0.78 };
const SMALL = { deep: 0.13, wide: 0.56 };
const PENALTY_SPOT = 0.24;
const APRON_ROUND = 0.12;

/**
 * @typedef {import("../../../duel/client/state/layout.js").Layout} Layout
 * @typedef {import("../state/pitch.js").Pitch} Pitch
 */

/**
 * Paints what never moves: boards, grass, lines and the goals' ground. Slow; once for each size of the page.
 * @param {HTMLCanvasElement} canvas
 * @param {Layout} layout
 * @param {Pitch} pitch
 * @param {number} ratio Pixels of the device for one of CSS.
 */
export function paintPitch(canvas, layout, pitch, ratio) {
  const pen = penInMetres(canvas, layout, ratio);
  const { scale } = layout;
  const px = 1 / scale;
  paintApron(pen, pitch, scale * ratio);
  paintBoards(pen, pitch, px);
  for (const end of [0, 1]) paintGoalGround(pen, pitch, end);
  paintGrass(pen, pitch);
  paintLines(pen, pitch);
  paintBoardShadow(pen, pitch, scale * ratio);
}

/** What is within the boards; the goals are not. @param {CanvasRenderingContext2D} pen @param {Pitch} pitch @param {number} [out] */
function field(pen, { length, width, corner }, out = 0) {
  pen.beginPath();
  pen.roundRect(-out, -out, length + 2 * out, width + 2 * out, corner + out);
}

/** The ground around the pitch. @param {CanvasRenderingContext2D} pen @param {Pitch} pitch @param {number} pixels Of a metre. */
function paintApron(pen, { length, width, rail }, pixels) {
  const outline = () => {
    pen.beginPath();
    pen.roundRect(-rail.along, -rail.across, length + 2 * rail.along, width + 2 * rail.across, APRON_ROUND);
  };
  pen.save();
  pen.shadowColor = "rgb(0 0 0 / 70%)";
  pen.shadowBlur = 0.07 * pixels;
  pen.shadowOffsetY = 0.025 * pixels;
  pen.fillStyle = "#16301f";
  outline();
  pen.fill();
  pen.restore();
  const shade = pen.createLinearGradient(-rail.along, 0, length + rail.along, 0);
  shade.addColorStop(0, "#10241a");
  shade.addColorStop(0.5, "#1c3a28");
  shade.addColorStop(1, "#10241a");
  pen.fillStyle = shade;
  outline();
  pen.fill();
}

/** @param {CanvasRenderingContext2D} pen @param {Pitch} pitch @param {number} px */
function paintBoards(pen, pitch, px) {
  const { length, width, goal } = pitch;
  pen.fillStyle = "#0d1620";
  field(pen, pitch, BOARD);
  pen.fill();
  // Panels along the boards, lit a little differently.
  pen.save();
  field(pen, pitch, BOARD);
  pen.clip();
  const panel = length / 8;
  for (let i = 0; i < 8; i++) {
    pen.fillStyle = i % 2 === 0 ? "#16324a" : "#0f766e";
    for (const y of [-BOARD, width]) pen.fillRect(i * panel + 0.012, y, panel - 0.024, BOARD);
  }
  for (const x of [-BOARD, length]) {
    pen.fillStyle = "#16324a";
    pen.fillRect(x, 0.16, BOARD, goal.low - 0.2);
    pen.fillRect(x, goal.high + 0.04, BOARD, goal.low - 0.2);
  }
  pen.restore();
  pen.lineWidth = 1.4 * px;
  pen.strokeStyle = "rgb(214 236 255 / 30%)";
  field(pen, pitch, BOARD);
  pen.stroke();
}

/** @param {CanvasRenderingContext2D} pen @param {Pitch} pitch @param {number} end 0 the low one, 1 the high one. */
function paintGoalGround(pen, { length, goal }, end) {
  const x = end === 0 ? -goal.depth : length;
  const back = end === 0 ? -goal.depth : length + goal.depth;
  const front = end === 0 ? 0 : length;
  const shade = pen.createLinearGradient(back, 0, front, 0);
  shade.addColorStop(0, "#123a22");
  shade.addColorStop(1, "#23672f");
  pen.fillStyle = "#0a1a12";
  pen.fillRect(x - 0.014, goal.low - 0.014, goal.depth + 0.028, goal.high - goal.low + 0.028);
  pen.fillStyle = shade;
  pen.fillRect(x, goal.low, goal.depth, goal.high - goal.low);
}

/** @param {CanvasRenderingContext2D} pen @param {Pitch} pitch */
function paintGrass(pen, pitch) {
  const { length, width } = pitch;
  pen.save();
  field(pen, pitch);
  pen.clip();
  const stripe = length / STRIPES;
  for (let i = 0; i < STRIPES; i++) {
    // Mown towards the viewer it is dark, away from him bright.
    const mown = pen.createLinearGradient(i * stripe, 0, (i + 1) * stripe, 0);
    const [edge, middle] = i % 2 === 0 ? ["#3a9a47", "#3fa34c"] : ["#2f8a3f", "#2b8239"];
    mown.addColorStop(0, edge);
    mown.addColorStop(0.5, middle);
    mown.addColorStop(1, edge);
    pen.fillStyle = mown;
    pen.fillRect(i * stripe - 0.001, 0, stripe + 0.002, width);
  }
  const light = pen.createRadialGradient(length / 2, width / 2, 0.1, length / 2, width / 2, length * 0.62);
  light.addColorStop(0, "rgb(255 255 210 / 13%)");
  light.addColorStop(0.45, "rgb(255 255 210 / 3%)");
  light.addColorStop(1, "rgb(0 20 10 / 40%)");
  pen.fillStyle = light;
  pen.fillRect(0, 0, length, width);
  const blades = /** @type {CanvasPattern} */ (pen.createPattern(noise(), "repeat"));
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.fillStyle = blades;
  pen.fillRect(0, 0, pen.canvas.width, pen.canvas.height);
  pen.restore();
}

/** @param {CanvasRenderingContext2D} pen @param {Pitch} pitch */
function paintLines(pen, { length, width, goal, corner }) {
  const middle = width / 2;
  pen.lineWidth = LINE;
  pen.strokeStyle = "rgb(255 255 255 / 82%)";
  pen.fillStyle = "rgb(255 255 255 / 82%)";
  pen.lineJoin = "miter";
  const dot = (/** @type {number} */ x, /** @type {number} */ y) => {
    pen.beginPath();
    pen.arc(x, y, LINE * 1.5, 0, 2 * Math.PI);
    pen.fill();
  };
  const inset = 0.03;
  pen.beginPath();
  pen.roundRect(inset, inset, length - 2 * inset, width - 2 * inset, corner - inset);
  pen.stroke();
  pen.beginPath();
  pen.moveTo(length / 2, inset);
  pen.lineTo(length / 2, width - inset);
  pen.stroke();
  pen.beginPath();
  pen.arc(length / 2, middle, CENTRE_CIRCLE, 0, 2 * Math.PI);
  pen.stroke();
  dot(length / 2, middle);
  for (const side of [1, -1]) {
    const end = side > 0 ? inset : length - inset;
    for (const { deep, wide } of [PENALTY, SMALL]) {
      pen.beginPath();
      pen.moveTo(end, middle - wide / 2);
      pen.lineTo(end + side * deep, middle - wide / 2);
      pen.lineTo(end + side * deep, middle + wide / 2);
      pen.lineTo(end, middle + wide / 2);
      pen.stroke();
    }
    const spot = end + side * PENALTY_SPOT;
    dot(spot, middle);
    const open = Math.acos((PENALTY.deep - PENALTY_SPOT) / CENTRE_CIRCLE);
    const facing = side > 0 ? 0 : Math.PI;
    pen.beginPath();
    pen.arc(spot, middle, CENTRE_CIRCLE, facing - open, facing + open);
    pen.stroke();
    // The goal line between the posts.
    pen.beginPath();
    pen.moveTo(side > 0 ? 0 : length, goal.low);
    pen.lineTo(side > 0 ? 0 : length, goal.high);
    pen.stroke();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Pitch} pitch @param {number} pixels */
function paintBoardShadow(pen, pitch, pixels) {
  const { length, width, goal } = pitch;
  pen.save();
  field(pen, pitch);
  pen.clip();
  pen.shadowColor = "rgb(0 18 8 / 75%)";
  pen.shadowBlur = 0.03 * pixels;
  pen.lineWidth = 0.01;
  pen.strokeStyle = "#07130c";
  // Where a goal is open there is no board.
  pen.beginPath();
  pen.rect(-0.2, -0.2, length + 0.4, width + 0.4);
  for (const x of [-0.1, length - 0.06]) pen.rect(x, goal.low, 0.16, goal.high - goal.low);
  pen.clip("evenodd");
  field(pen, pitch, 0.005);
  pen.stroke();
  pen.restore();
}

/** Blades of grass: a tile of faint light and dark. */
function noise() {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 128;
  const pen = /** @type {CanvasRenderingContext2D} */ (tile.getContext("2d"));
  let state = 11;
  const chance = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 4_294_967_296;
  for (let i = 0; i < 5_200; i++) {
    const [x, y, isLight] = [chance() * 128, chance() * 128, chance() < 0.5];
    pen.fillStyle = isLight ? `rgb(210 255 170 / ${(1 + chance() * 3).toFixed(1)}%)` : `rgb(0 40 10 / ${(1.5 + chance() * 4.5).toFixed(1)}%)`;
    pen.fillRect(x, y, 1 + chance(), 1.4 + chance() * 2.2);
  }
  return tile;
}
