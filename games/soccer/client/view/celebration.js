const PIECES = 130;
const SHOWN_MS = 2_400;
const FALL_PX = 520;

/** Paper that flies from a goal. */
export class Celebration {
  #canvas;
  #pen;
  #startMs = -Infinity;
  #isClear = true;
  /** @type {{ x: number, y: number, vx: number, vy: number, spin: number, size: number, color: string }[]} */
  #pieces = [];

  /** @param {HTMLCanvasElement} canvas Over everything. */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  }

  /**
   * @param {import("../../../duel/client/state/layout.js").Point} from On the screen.
   * @param {number} angle Into the pitch, on the screen.
   * @param {string[]} colors
   * @param {number} nowMs
   */
  begin(from, angle, colors, nowMs) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    this.#canvas.width = window.innerWidth;
    this.#canvas.height = window.innerHeight;
    this.#startMs = nowMs;
    this.#isClear = false;
    this.#pieces = Array.from({ length: PIECES }, (_, i) => {
      const way = angle + (Math.random() - 0.5) * 2.2;
      const speed = 140 + Math.random() ** 2 * 760;
      return {
        ...from, vx: Math.cos(way) * speed, vy: Math.sin(way) * speed - 160, spin: (Math.random() - 0.5) * 16,
        size: 5 + Math.random() * 6, color: colors[i % colors.length],
      };
    });
  }

  /** @param {number} nowMs */
  draw(nowMs) {
    if (this.#isClear) return;
    const pen = this.#pen;
    const seconds = (nowMs - this.#startMs) / 1000;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.#isClear = nowMs - this.#startMs > SHOWN_MS;
    if (this.#isClear) return;
    // Air slows paper down, and then it falls.
    const way = (1 - Math.exp(-2.6 * seconds)) / 2.6;
    pen.globalAlpha = Math.min(1, (SHOWN_MS / 1000 - seconds) * 2);
    for (const { x, y, vx, vy, spin, size, color } of this.#pieces) {
      const turned = spin * seconds;
      pen.setTransform(1, 0, 0, 1, x + vx * way + Math.sin(turned) * 8, y + vy * way + FALL_PX * 0.18 * seconds * seconds);
      pen.rotate(turned);
      pen.scale(1, Math.cos(turned * 1.7));
      pen.fillStyle = color;
      pen.fillRect(-size / 2, -size / 3, size, size / 1.5);
    }
    pen.globalAlpha = 1;
  }
}
