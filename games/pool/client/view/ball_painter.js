import { COLORS } from "../state/balls.js";

/** The white spot around a number: the sine of its angle from the middle. */
const SPOT = 0.5;
/** Half the height of a stripe, in radii. */
const STRIPE = 0.54;
const GLYPH_PX = 64;
/** Towards the lamp, as the viewer sees it: x right, y down, z up. */
const LIGHT = unit(-0.22, -0.5, 0.84);
const WHITE = rgb(COLORS[0]);
const FELT = [18, 92, 84];
const INK = [22, 22, 26];

/** @typedef {import("../../../duel/client/state/layout.js").Layout} Layout */

/** Balls as spheres, pixel by pixel: their colours turn with them, the light does not. */
export class BallPainter {
  /** @type {HTMLCanvasElement[]} */
  #canvases = COLORS.map(() => document.createElement("canvas"));
  #keys = COLORS.map(() => "");
  #glyphs = COLORS.map((_, ball) => glyph(ball));
  /** @type {ImageData | null} */
  #image = null;
  #side = 0;

  /**
   * @param {CanvasRenderingContext2D} pen In pixels of the device.
   * @param {number} ball
   * @param {import("../../../duel/client/state/layout.js").Point} at Its middle, in pixels of the device.
   * @param {number} radius The same.
   * @param {Float64Array} turn
   * @param {boolean} isTall Whether the table is turned on the screen.
   */
  draw(pen, ball, at, radius, turn, isTall) {
    const side = 2 * Math.ceil(radius + 1.5);
    const [left, top] = [Math.floor(at.x - side / 2), Math.floor(at.y - side / 2)];
    const [mx, my] = [at.x - left, at.y - top];
    const canvas = this.#canvases[ball];
    const key = `${side} ${mx.toFixed(1)} ${my.toFixed(1)} ${radius.toFixed(2)} ${isTall} ${turn.map((part) => Math.round(part * 200)).join()}`;
    if (key !== this.#keys[ball]) {
      this.#keys[ball] = key;
      if (canvas.width !== side) canvas.width = canvas.height = side;
      this.#paint(canvas, ball, mx, my, radius, turn, isTall);
    }
    pen.drawImage(canvas, left, top);
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} ball
   * @param {number} mx
   * @param {number} my
   * @param {number} radius
   * @param {Float64Array} turn
   * @param {boolean} isTall
   */
  #paint(canvas, ball, mx, my, radius, turn, isTall) {
    const side = canvas.width;
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
    if (!this.#image || this.#side !== side) {
      this.#image = pen.createImageData(side, side);
      this.#side = side;
    }
    const { data } = this.#image;
    const color = rgb(COLORS[ball]);
    const marks = this.#glyphs[ball];
    const soft = 1.6 / radius;
    let at = 0;
    for (let y = 0; y < side; y++) {
      const py = (y + 0.5 - my) / radius;
      for (let x = 0; x < side; x++, at += 4) {
        const px = (x + 0.5 - mx) / radius;
        const square = px * px + py * py;
        const cover = (1 - Math.sqrt(square)) * radius + 0.5;
        if (cover <= 0) {
          data[at + 3] = 0;
          continue;
        }
        const grow = square > 0.998 ? 0.999 / Math.sqrt(square) : 1;
        const [nx, ny] = [px * grow, py * grow];
        const nz = Math.sqrt(1 - nx * nx - ny * ny);
        // The same point on the table, and then on the ball: z of the ball goes through its number.
        const [tx, ty] = isTall ? [-ny, -nx] : [nx, -ny];
        const bx = turn[0] * tx + turn[3] * ty + turn[6] * nz;
        const by = turn[1] * tx + turn[4] * ty + turn[7] * nz;
        const bz = turn[2] * tx + turn[5] * ty + turn[8] * nz;
        let [r, g, b] = color;
        if (ball > 8) {
          const white = step(Math.abs(by) - STRIPE, soft);
          r += (WHITE[0] - r) * white;
          g += (WHITE[1] - g) * white;
          b += (WHITE[2] - b) * white;
        }
        if (ball > 0) {
          const spot = step(SPOT - Math.sqrt(bx * bx + by * by), soft);
          if (spot > 0) {
            const u = (((bz > 0 ? bx : -bx) / SPOT) * 0.5 + 0.5) * (GLYPH_PX - 1);
            const v = ((-by / SPOT) * 0.5 + 0.5) * (GLYPH_PX - 1);
            const ink = sample(marks, u, v);
            r += (WHITE[0] + (INK[0] - WHITE[0]) * ink - r) * spot;
            g += (WHITE[1] + (INK[1] - WHITE[1]) * ink - g) * spot;
            b += (WHITE[2] + (INK[2] - WHITE[2]) * ink - b) * spot;
          }
        } else {
          // Six dots make the cue ball's spin visible.
          const dot = Math.max(Math.abs(bx), Math.abs(by), Math.abs(bz));
          const red = step(dot - 0.977, soft * 0.5);
          r += (206 - r) * red;
          g += (44 - g) * red;
          b += (38 - b) * red;
        }
        const facing = nx * LIGHT[0] + ny * LIGHT[1] + nz * LIGHT[2];
        const shade = 0.34 + 0.72 * Math.max(0, facing) - 0.16 * (1 - nz) * (1 - nz);
        // Cloth shines up into the lower rim, the lamp's panel from above.
        const bounce = (1 - nz) * (1 - nz) * 0.42 * Math.max(0, 0.35 - facing);
        const [lx, ly] = [2 * nz * nx + 0.24, 2 * nz * ny + 0.62];
        const panel = step(0.2 - Math.abs(lx), 0.12) * step(0.13 - Math.abs(ly), 0.1);
        const haze = Math.max(0, facing) ** 14 * 0.16;
        const gloss = Math.min(1, panel * 0.78 + haze + (1 - nz) ** 4 * 0.1);
        data[at] = lit(r, shade, bounce * FELT[0], gloss);
        data[at + 1] = lit(g, shade, bounce * FELT[1] * 2, gloss);
        data[at + 2] = lit(b, shade, bounce * FELT[2] * 2, gloss);
        data[at + 3] = cover >= 1 ? 255 : cover * 255;
      }
    }
    pen.putImageData(this.#image, 0, 0);
  }
}

/**
 * @param {number} part
 * @param {number} shade
 * @param {number} bounce
 * @param {number} gloss
 */
function lit(part, shade, bounce, gloss) {
  const value = part * shade + bounce;
  return value + (255 - value) * gloss;
}

/** From 0 to 1 within `width` around 0. @param {number} x @param {number} width */
function step(x, width) {
  const t = x / width + 0.5;
  return t <= 0 ? 0 : t >= 1 ? 1 : t * t * (3 - 2 * t);
}

/** @param {Uint8Array} marks @param {number} u @param {number} v 0 white to 1 ink. */
function sample(marks, u, v) {
  const x = Math.max(0, Math.min(GLYPH_PX - 2, Math.floor(u)));
  const y = Math.max(0, Math.min(GLYPH_PX - 2, Math.floor(v)));
  const [fx, fy] = [Math.min(1, u - x), Math.min(1, v - y)];
  const at = y * GLYPH_PX + x;
  const upper = marks[at] * (1 - fx) + marks[at + 1] * fx;
  const lower = marks[at + GLYPH_PX] * (1 - fx) + marks[at + GLYPH_PX + 1] * fx;
  return (upper * (1 - fy) + lower * fy) / 255;
}

/** A ball's number as ink. @param {number} ball */
function glyph(ball) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = GLYPH_PX;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.font = `800 ${ball > 9 ? 36 : 44}px "Helvetica Neue", Arial, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(String(ball), GLYPH_PX / 2, GLYPH_PX / 2 + 2);
  // Six and nine are told apart by a line.
  if (ball === 6 || ball === 9) pen.fillRect(GLYPH_PX / 2 - 11, GLYPH_PX / 2 + 19, 22, 4);
  const { data } = pen.getImageData(0, 0, GLYPH_PX, GLYPH_PX);
  return Uint8Array.from({ length: GLYPH_PX * GLYPH_PX }, (_, i) => data[4 * i + 3]);
}

/** @param {string} color Such as #12ab34. @returns {number[]} */
function rgb(color) {
  return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
}

/** @param {number} x @param {number} y @param {number} z @returns {number[]} */
function unit(x, y, z) {
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}
