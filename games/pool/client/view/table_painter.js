import { penInMetres } from "../../../duel/client/view/canvases.js";
import { RAIL, spots } from "../state/table.js";

/** From the nose to where the wood begins, in metres. */
const CUSHION = 0.05;
const FRAME_ROUND = 0.075;
const POCKET_RIM = 0.011;
const GRAIN_LINES = 260;

/**
 * @typedef {import("../../../duel/client/state/layout.js").Layout} Layout
 * @typedef {import("../state/table.js").Table} Table
 */

/**
 * Paints what never moves: wood, cloth, cushions and pockets. Slow; once for each size of the page.
 * @param {HTMLCanvasElement} canvas
 * @param {Layout} layout
 * @param {Table} table
 * @param {number} ratio Pixels of the device for one of CSS.
 */
export function paintTable(canvas, layout, table, ratio) {
  const pen = penInMetres(canvas, layout, ratio);
  const { scale } = layout;
  const px = 1 / scale;
  paintFrame(pen, table, scale * ratio);
  paintWood(pen, table, px);
  paintCloth(pen, table, px);
  paintCushions(pen, table, scale * ratio, px);
  paintWoodEdge(pen, table, px);
  paintPockets(pen, table, px);
  paintSights(pen, table, px);
}

/** The wood's outer edge. @param {CanvasRenderingContext2D} pen @param {Table} table @param {number} [inset] */
function outer(pen, table, inset = 0) {
  const out = RAIL - inset;
  pen.beginPath();
  pen.roundRect(-out, -out, table.length + 2 * out, table.width + 2 * out, FRAME_ROUND);
}

/** @param {CanvasRenderingContext2D} pen @param {Table} table @param {number} pixels Of a metre. */
function paintFrame(pen, table, pixels) {
  pen.save();
  pen.shadowColor = "rgb(0 0 0 / 75%)";
  pen.shadowBlur = 0.09 * pixels;
  pen.shadowOffsetY = 0.03 * pixels;
  pen.fillStyle = "#2a150b";
  outer(pen, table);
  pen.fill();
  pen.restore();
}

/**
 * Four rails, each with the grain along it, mitred at the corners.
 * @param {CanvasRenderingContext2D} pen
 * @param {Table} table
 * @param {number} px
 */
function paintWood(pen, table, px) {
  const { length: x, width: y } = table;
  const [l, b, r, t] = [-RAIL, -RAIL, x + RAIL, y + RAIL];
  const inner = RAIL * 1.1;
  const rails = [
    { points: [[l, b], [r, b], [r - inner, b + inner], [l + inner, b + inner]], from: [0, b], to: [0, 0] },
    { points: [[l, t], [r, t], [r - inner, t - inner], [l + inner, t - inner]], from: [0, t], to: [0, y] },
    { points: [[l, b], [l, t], [l + inner, t - inner], [l + inner, b + inner]], from: [l, 0], to: [0, 0] },
    { points: [[r, b], [r, t], [r - inner, t - inner], [r - inner, b + inner]], from: [r, 0], to: [x, 0] },
  ];
  pen.save();
  outer(pen, table);
  pen.clip();
  const chance = numbers(7);
  for (const { points, from, to } of rails) {
    pen.save();
    polygon(pen, points.map(([cornerX, cornerY]) => ({ x: cornerX, y: cornerY })));
    pen.clip();
    const shine = pen.createLinearGradient(from[0], from[1], to[0], to[1]);
    shine.addColorStop(0, "#3d1f10");
    shine.addColorStop(0.14, "#6e3c1e");
    shine.addColorStop(0.42, "#8a4f29");
    shine.addColorStop(0.66, "#5b2f17");
    shine.addColorStop(1, "#2e160a");
    pen.fillStyle = shine;
    pen.fillRect(l, b, r - l, t - b);
    const isAlong = from[0] === 0;
    for (let i = 0; i < GRAIN_LINES; i++) {
      const across = chance() * RAIL;
      const begin = chance() * (isAlong ? x + 2 * RAIL : y + 2 * RAIL) - RAIL;
      const long = 0.1 + chance() * 0.7;
      const wave = (chance() - 0.5) * 0.012;
      const depth = (isAlong ? from[1] : from[0]) + (isAlong ? Math.sign(to[1] - from[1]) : Math.sign(to[0] - from[0])) * across;
      pen.strokeStyle = chance() < 0.55 ? `rgb(25 9 2 / ${6 + chance() * 16}%)` : `rgb(214 150 92 / ${3 + chance() * 8}%)`;
      pen.lineWidth = 0.0008 + chance() * 0.0022;
      pen.beginPath();
      if (isAlong) {
        pen.moveTo(begin, depth);
        pen.bezierCurveTo(begin + long / 3, depth + wave, begin + long / 1.5, depth - wave, begin + long, depth + wave / 2);
      } else {
        pen.moveTo(depth, begin);
        pen.bezierCurveTo(depth + wave, begin + long / 3, depth - wave, begin + long / 1.5, depth + wave / 2, begin + long);
      }
      pen.stroke();
    }
    pen.restore();
  }
  pen.lineWidth = 1.4 * px;
  pen.strokeStyle = "rgb(20 8 2 / 55%)";
  for (const [cx, cy, dx, dy] of [[l, b, 1, 1], [r, b, -1, 1], [r, t, -1, -1], [l, t, 1, -1]]) {
    pen.beginPath();
    pen.moveTo(cx, cy);
    pen.lineTo(cx + dx * inner, cy + dy * inner);
    pen.stroke();
  }
  pen.restore();
  pen.lineWidth = 1.6 * px;
  pen.strokeStyle = "rgb(255 208 150 / 26%)";
  outer(pen, table, 1.2 * px);
  pen.stroke();
}

/** @param {CanvasRenderingContext2D} pen @param {Table} table @param {number} px */
function paintCloth(pen, table, px) {
  const { length: x, width: y } = table;
  const edge = CUSHION + 0.004;
  const [cx, cy] = [x / 2, y / 2];
  const light = pen.createRadialGradient(cx, cy, 0.1, cx, cy, x * 0.62);
  light.addColorStop(0, "#21948a");
  light.addColorStop(0.45, "#187c74");
  light.addColorStop(0.8, "#0f5d58");
  light.addColorStop(1, "#0a4744");
  pen.fillStyle = light;
  pen.fillRect(-edge, -edge, x + 2 * edge, y + 2 * edge);
  pen.save();
  pen.beginPath();
  pen.rect(-edge, -edge, x + 2 * edge, y + 2 * edge);
  pen.clip();
  const weave = /** @type {CanvasPattern} */ (pen.createPattern(noise(), "repeat"));
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.fillStyle = weave;
  pen.fillRect(0, 0, pen.canvas.width, pen.canvas.height);
  pen.restore();
  const { head, foot } = spots(table);
  pen.lineWidth = 1.2 * px;
  pen.strokeStyle = "rgb(232 255 250 / 17%)";
  pen.beginPath();
  pen.moveTo(head.x, 0);
  pen.lineTo(head.x, y);
  pen.stroke();
  pen.fillStyle = "rgb(232 255 250 / 30%)";
  for (const spot of [head, foot]) {
    pen.beginPath();
    pen.arc(spot.x, spot.y, 0.006, 0, 2 * Math.PI);
    pen.fill();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Table} table @param {number} pixels @param {number} px */
function paintCushions(pen, table, pixels, px) {
  pen.save();
  // Their shadow on the cloth.
  pen.shadowColor = "rgb(0 20 18 / 70%)";
  pen.shadowBlur = 0.028 * pixels;
  pen.shadowOffsetY = 0.006 * pixels;
  pen.fillStyle = "#0c5049";
  for (const cushion of table.cushions) {
    polygon(pen, cushion);
    pen.fill();
  }
  pen.restore();
  for (const cushion of table.cushions) {
    const nose = cushion[2];
    const end = cushion[3];
    const along = { x: end.x - nose.x, y: end.y - nose.y };
    const length = Math.hypot(along.x, along.y);
    // The inside lies to the left of the nose.
    const out = { x: along.y / length, y: -along.x / length };
    const cloth = pen.createLinearGradient(nose.x, nose.y, nose.x + out.x * CUSHION, nose.y + out.y * CUSHION);
    cloth.addColorStop(0, "#2aa89b");
    cloth.addColorStop(0.16, "#1d8a80");
    cloth.addColorStop(0.55, "#14665f");
    cloth.addColorStop(1, "#0b443f");
    pen.fillStyle = cloth;
    polygon(pen, cushion);
    pen.fill();
    pen.lineWidth = 1.5 * px;
    pen.strokeStyle = "rgb(150 240 225 / 38%)";
    pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(nose.x, nose.y);
    pen.lineTo(end.x, end.y);
    pen.stroke();
    pen.strokeStyle = "rgb(0 26 23 / 45%)";
    for (const [one, two] of [[cushion[0], cushion[1]], [cushion[4], cushion[5]]]) {
      pen.beginPath();
      pen.moveTo(one.x, one.y);
      pen.lineTo(two.x, two.y);
      pen.stroke();
    }
  }
}

/** The wood once more above the cushions' backs. @param {CanvasRenderingContext2D} pen @param {Table} table @param {number} px */
function paintWoodEdge(pen, table, px) {
  const { length: x, width: y } = table;
  const edge = CUSHION;
  pen.lineWidth = 0.022;
  pen.strokeStyle = "#33190c";
  pen.strokeRect(-edge - 0.011, -edge - 0.011, x + 2 * edge + 0.022, y + 2 * edge + 0.022);
  pen.lineWidth = 1.5 * px;
  pen.strokeStyle = "rgb(0 0 0 / 45%)";
  pen.strokeRect(-edge, -edge, x + 2 * edge, y + 2 * edge);
  pen.strokeStyle = "rgb(232 176 116 / 22%)";
  pen.strokeRect(-edge - 0.022, -edge - 0.022, x + 2 * edge + 0.044, y + 2 * edge + 0.044);
}

/** @param {CanvasRenderingContext2D} pen @param {Table} table @param {number} px */
function paintPockets(pen, table, px) {
  for (const { x, y, radius } of table.pockets) {
    const isSide = Math.abs(x - table.length / 2) < 0.01;
    const rim = radius + POCKET_RIM;
    // The leather that holds the ball stands on the wood only; towards the cloth the hole is open.
    const inward = { x: isSide ? 0 : Math.sign(table.length / 2 - x), y: Math.sign(table.width / 2 - y) };
    const facing = Math.atan2(inward.y, inward.x);
    const open = isSide ? 1.12 : 0.98;
    pen.lineCap = "butt";
    pen.beginPath();
    pen.arc(x, y, rim, facing + open, facing - open + 2 * Math.PI);
    pen.lineWidth = 2 * POCKET_RIM + 0.006;
    pen.strokeStyle = "#16100d";
    pen.stroke();
    pen.lineWidth = 1.3 * px;
    pen.strokeStyle = "rgb(226 178 120 / 45%)";
    pen.beginPath();
    pen.arc(x, y, rim + POCKET_RIM + 0.002, facing + open, facing - open + 2 * Math.PI);
    pen.stroke();
    const depth = pen.createRadialGradient(x + inward.x * 0.014, y + inward.y * 0.014, radius * 0.2, x, y, radius);
    depth.addColorStop(0, "#010202");
    depth.addColorStop(0.75, "#050809");
    depth.addColorStop(1, "#12191a");
    pen.fillStyle = depth;
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
    pen.lineWidth = 1.2 * px;
    pen.strokeStyle = "rgb(0 0 0 / 65%)";
    pen.stroke();
    // The cloth's lip catches light.
    pen.strokeStyle = "rgb(120 220 205 / 28%)";
    pen.beginPath();
    pen.arc(x, y, radius + 0.6 * px, facing - open * 0.8, facing + open * 0.8);
    pen.stroke();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Table} table @param {number} px */
function paintSights(pen, table, px) {
  const { length: x, width: y } = table;
  const off = (RAIL + CUSHION + 0.022) / 2;
  const spotsAt = [];
  for (const i of [1, 2, 3, 5, 6, 7]) spotsAt.push([(x * i) / 8, -off, 1], [(x * i) / 8, y + off, 1]);
  for (const i of [1, 2, 3]) spotsAt.push([-off, (y * i) / 4, 0], [x + off, (y * i) / 4, 0]);
  for (const [sx, sy, isAlong] of spotsAt) {
    const [w, h] = isAlong ? [0.0062, 0.0115] : [0.0115, 0.0062];
    const pearl = pen.createLinearGradient(sx - w, sy - h, sx + w, sy + h);
    pearl.addColorStop(0, "#fff6e4");
    pearl.addColorStop(0.5, "#d9cdb8");
    pearl.addColorStop(1, "#f7ecd8");
    pen.fillStyle = pearl;
    pen.strokeStyle = "rgb(20 8 2 / 60%)";
    pen.lineWidth = 0.9 * px;
    polygon(pen, [{ x: sx - w, y: sy }, { x: sx, y: sy - h }, { x: sx + w, y: sy }, { x: sx, y: sy + h }]);
    pen.fill();
    pen.stroke();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {{ x: number, y: number }[]} points */
function polygon(pen, points) {
  pen.beginPath();
  points.forEach(({ x, y }, i) => (i === 0 ? pen.moveTo(x, y) : pen.lineTo(x, y)));
  pen.closePath();
}

/** The cloth's weave: a tile of faint light and dark. */
function noise() {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 128;
  const pen = /** @type {CanvasRenderingContext2D} */ (tile.getContext("2d"));
  const image = pen.createImageData(128, 128);
  const chance = numbers(3);
  for (let i = 0; i < image.data.length; i += 4) {
    const value = chance();
    image.data.fill(value < 0.5 ? 0 : 255, i, i + 3);
    image.data[i + 3] = Math.abs(value - 0.5) * 22;
  }
  pen.putImageData(image, 0, 0);
  return tile;
}

/** Numbers in 0..1 that are the same at each painting. @param {number} seed */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
