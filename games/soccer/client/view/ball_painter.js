/** Towards the lamp, as the viewer sees it: x right, y down, z up. */
const LIGHT = unit([-0.24, -0.5, 0.83]);
const WHITE = [246, 247, 243];
const BLACK = [24, 27, 32];
const SEAM = [176, 180, 178];
/** Half the width of a seam, in radii. */
const SEAM_WIDTH = 0.035;
const GRASS = [60, 120, 60];
/** The middles of the twelve black patches: corners of an icosahedron. */
const PATCHES = patches();

/** A football, pixel by pixel: its patches turn with it, the light does not. */
export class BallPainter {
  #canvas = document.createElement("canvas");
  #key = "";

  /**
   * @param {CanvasRenderingContext2D} pen In pixels of the device.
   * @param {import("../../../duel/client/state/layout.js").Point} at Its middle, in pixels of the device.
   * @param {number} radius The same.
   * @param {Float64Array} turn
   * @param {{ xx: number, xy: number, yx: number, yy: number }} layoutTurn From the table to the screen; its scale does not
   *   matter.
   */
  draw(pen, at, radius, turn, layoutTurn) {
    const side = 2 * Math.ceil(radius + 1.5);
    const [left, top] = [Math.floor(at.x - side / 2), Math.floor(at.y - side / 2)];
    const [mx, my] = [at.x - left, at.y - top];
    const { xx, xy } = layoutTurn;
    const key = `${side} ${mx.toFixed(1)} ${my.toFixed(1)} ${Math.sign(xx)} ${Math.sign(xy)} ${turn.map((part) => Math.round(part * 200)).join()}`;
    if (key !== this.#key) {
      this.#key = key;
      if (this.#canvas.width !== side) this.#canvas.width = this.#canvas.height = side;
      this.#paint(mx, my, radius, turn, layoutTurn);
    }
    pen.drawImage(this.#canvas, left, top);
  }

  /**
   * @param {number} mx
   * @param {number} my
   * @param {number} radius
   * @param {Float64Array} turn
   * @param {{ xx: number, xy: number, yx: number, yy: number }} layoutTurn
   */
  #paint(mx, my, radius, turn, { xx, xy, yx, yy }) {
    const side = this.#canvas.width;
    const pen = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d", { willReadFrequently: true }));
    const image = pen.createImageData(side, side);
    const { data } = image;
    const scale = Math.hypot(xx, yx);
    const soft = 1.3 / radius;
    let at = 0;
    for (let y = 0; y < side; y++) {
      const py = (y + 0.5 - my) / radius;
      for (let x = 0; x < side; x++, at += 4) {
        const px = (x + 0.5 - mx) / radius;
        const square = px * px + py * py;
        const cover = (1 - Math.sqrt(square)) * radius + 0.5;
        if (cover <= 0) continue;
        const grow = square > 0.998 ? 0.999 / Math.sqrt(square) : 1;
        const [nx, ny] = [px * grow, py * grow];
        const nz = Math.sqrt(1 - nx * nx - ny * ny);
        // The same point on the table, and then on the ball.
        const [tx, ty] = [(xx * nx + yx * ny) / scale, (xy * nx + yy * ny) / scale];
        const bx = turn[0] * tx + turn[3] * ty + turn[6] * nz;
        const by = turn[1] * tx + turn[4] * ty + turn[7] * nz;
        const bz = turn[2] * tx + turn[5] * ty + turn[8] * nz;
        const { patch, seam } = marksAt(bx, by, bz, soft);
        const facing = nx * LIGHT[0] + ny * LIGHT[1] + nz * LIGHT[2];
        const shade = 0.5 + 0.54 * Math.max(0, facing) - 0.2 * (1 - nz) * (1 - nz);
        const bounce = (1 - nz) * (1 - nz) * 0.4 * Math.max(0, 0.4 - facing);
        const gloss = Math.max(0, facing) ** 20 * 0.3;
        for (let part = 0; part < 3; part++) {
          const leather = WHITE[part] + (SEAM[part] - WHITE[part]) * seam;
          const value = (leather + (BLACK[part] - leather) * patch) * shade + bounce * GRASS[part];
          data[at + part] = value + (255 - value) * gloss;
        }
        data[at + 3] = cover >= 1 ? 255 : cover * 255;
      }
    }
    pen.putImageData(image, 0, 0);
  }
}

/**
 * How much of a black patch and of a seam there is at a point of the ball.
 * @param {number} x
 * @param {number} y
 * @param {number} z
 * @param {number} soft How soft edges are, in radii.
 */
function marksAt(x, y, z, soft) {
  // The three patches next to the point; the white one between them is hexagonal.
  let [one, two, three] = [-1, -1, -1];
  let [best, second, third] = [-2, -2, -2];
  for (let i = 0; i < PATCHES.length; i++) {
    const dot = PATCHES[i][0] * x + PATCHES[i][1] * y + PATCHES[i][2] * z;
    if (dot > best) [third, three, second, two, best, one] = [second, two, best, one, dot, i];
    else if (dot > second) [third, three, second, two] = [second, two, dot, i];
    else if (dot > third) [third, three] = [dot, i];
  }
  // The edge of the patch goes through the thirds of the ways to the two others.
  const a = mixed(PATCHES[one], PATCHES[two]);
  const b = mixed(PATCHES[one], PATCHES[three]);
  const edge = cross(a, b);
  const length = Math.hypot(edge[0], edge[1], edge[2]);
  const inside = edge[0] * PATCHES[one][0] + edge[1] * PATCHES[one][1] + edge[2] * PATCHES[one][2] < 0 ? -1 : 1;
  const patch = step(((edge[0] * x + edge[1] * y + edge[2] * z) / length) * inside, soft);
  const between = cross(PATCHES[one], PATCHES[two]);
  const away = Math.abs(between[0] * x + between[1] * y + between[2] * z) / Math.hypot(between[0], between[1], between[2]);
  return { patch, seam: step(SEAM_WIDTH - away, soft) };
}

function patches() {
  const golden = (1 + Math.sqrt(5)) / 2;
  const corners = [];
  for (const one of [-1, 1]) {
    for (const two of [-golden, golden]) corners.push([0, one, two], [one, two, 0], [two, 0, one]);
  }
  return corners.map(unit);
}

/** @param {number[]} near @param {number[]} far */
function mixed(near, far) {
  return near.map((part, i) => part * 2 + far[i]);
}

/** @param {number[]} a @param {number[]} b */
function cross(a, b) {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** From 0 to 1 within `width` around 0. @param {number} x @param {number} width */
function step(x, width) {
  const t = x / width + 0.5;
  return t <= 0 ? 0 : t >= 1 ? 1 : t * t * (3 - 2 * t);
}

/** @param {number[]} vector */
function unit(vector) {
  const length = Math.hypot(...vector);
  return vector.map((part) => part / length);
}
