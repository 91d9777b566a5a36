const PIXEL_RATIO_MAX = 2;

/**
 * @typedef {import("../state/layout.js").Layout} Layout
 * @typedef {import("../state/layout.js").Point} Point
 */

/** Two canvases: the table, which stands still, and over it what moves. */
export class Canvases {
  /** Pixels of the device for one of CSS. */
  ratio = 1;
  /** What was drawn last: the same is not drawn again. */
  #key = "";

  /** @param {HTMLCanvasElement} table @param {HTMLCanvasElement} play */
  constructor(table, play) {
    this.table = table;
    this.play = play;
    this.pen = /** @type {CanvasRenderingContext2D} */ (play.getContext("2d"));
  }

  /** Makes both as large as the page, and empty. */
  cover() {
    this.ratio = Math.min(PIXEL_RATIO_MAX, window.devicePixelRatio || 1);
    for (const canvas of [this.table, this.play]) {
      canvas.width = Math.round(window.innerWidth * this.ratio);
      canvas.height = Math.round(window.innerHeight * this.ratio);
    }
    this.#key = "";
  }

  /** Clears what moves for another picture, in CSS pixels. @param {string} key All that it depends on. @returns {boolean} Whether it is another. */
  begin(key) {
    if (key === this.#key) return false;
    this.#key = key;
    this.inDevicePixels();
    this.pen.clearRect(0, 0, this.play.width, this.play.height);
    this.inPagePixels();
    return true;
  }

  inDevicePixels() {
    this.pen.setTransform(1, 0, 0, 1, 0, 0);
  }

  /** Those of CSS. */
  inPagePixels() {
    this.pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
  }
}

/**
 * Clears a canvas to paint a table on it. A unit of the pen is a metre and y goes up, or left on a standing table.
 * @param {HTMLCanvasElement} canvas
 * @param {Layout} layout
 * @param {number} ratio Pixels of the device for one of CSS.
 */
export function penInMetres(canvas, { turn, origin }, ratio) {
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.setTransform(ratio * turn.xx, ratio * turn.yx, ratio * turn.xy, ratio * turn.yy, ratio * origin.x, ratio * origin.y);
  return pen;
}

/** @param {CanvasRenderingContext2D} pen @param {Point[]} line @param {(metres: Point) => Point} at */
export function trace(pen, line, at) {
  if (line.length < 2) return;
  pen.beginPath();
  line.forEach((point, i) => {
    const { x, y } = at(point);
    if (i === 0) pen.moveTo(x, y);
    else pen.lineTo(x, y);
  });
  pen.stroke();
}
