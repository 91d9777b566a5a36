/** A page that lies and is lower than this has little room above its table. */
const LOW_PX = 520;

/**
 * @typedef {{ x: number, y: number }} Point
 * @typedef {"wide" | "low" | "tall"} Form
 * @typedef {Record<Form, { top: number, right: number, bottom: number, left: number }>} Margins What the page's panels
 *   take at each side, in CSS pixels.
 */

/**
 * Where the table lies on the screen. Lying, its low end is at the left; standing, at the bottom; turned by half, the
 * other way round. It is turned, never mirrored: side spin to the right looks like that.
 */
export class Layout {
  /**
   * @param {number} width Of the page, in CSS pixels.
   * @param {number} height
   * @param {{ length: number, width: number, rail: { along: number, across: number } }} table In metres; `rail` is what
   *   is around the playing surface, at its ends and at its sides.
   * @param {Margins} margins
   * @param {boolean} [isTurned] By half.
   */
  constructor(width, height, table, margins, isTurned = false) {
    this.table = table;
    this.isTall = height > width;
    /** @type {Form} */
    this.form = this.isTall ? "tall" : height < LOW_PX ? "low" : "wide";
    const margin = margins[this.form];
    const [along, across] = [table.length + 2 * table.rail.along, table.width + 2 * table.rail.across];
    const [spanX, spanY] = this.isTall ? [across, along] : [along, across];
    const [roomX, roomY] = [width - margin.left - margin.right, height - margin.top - margin.bottom];
    /** CSS pixels of a metre. */
    this.scale = Math.max(1, Math.min(roomX / spanX, roomY / spanY));
    this.middle = { x: margin.left + roomX / 2, y: margin.top + roomY / 2 };
    /** The rail's outer edge. */
    this.frame = {
      x: this.middle.x - (spanX * this.scale) / 2,
      y: this.middle.y - (spanY * this.scale) / 2,
      width: spanX * this.scale,
      height: spanY * this.scale,
    };
    // The columns of the turn from table to screen, whose y goes down.
    const scale = isTurned ? -this.scale : this.scale;
    this.turn = this.isTall ? { xx: 0, xy: -scale, yx: -scale, yy: 0 } : { xx: scale, xy: 0, yx: 0, yy: -scale };
    this.origin = {
      x: this.middle.x - (this.turn.xx * table.length + this.turn.xy * table.width) / 2,
      y: this.middle.y - (this.turn.yx * table.length + this.turn.yy * table.width) / 2,
    };
  }

  /**
   * @param {number} x In metres.
   * @param {number} y
   * @returns {Point} CSS pixels.
   */
  toScreen(x, y) {
    const { turn, origin } = this;
    return { x: origin.x + turn.xx * x + turn.xy * y, y: origin.y + turn.yx * x + turn.yy * y };
  }

  /**
   * @param {number} x CSS pixels.
   * @param {number} y
   * @returns {Point} Metres.
   */
  toTable(x, y) {
    const { turn, origin, scale } = this;
    const square = scale * scale;
    const [dx, dy] = [x - origin.x, y - origin.y];
    return { x: (turn.xx * dx + turn.yx * dy) / square, y: (turn.xy * dx + turn.yy * dy) / square };
  }
  /** @param {number} angle In radians, on the table. @returns {number} The same direction on the screen. */
  toAngle(angle) {
    const { turn } = this;
    const [x, y] = [Math.cos(angle), Math.sin(angle)];
    return Math.atan2(turn.yx * x + turn.yy * y, turn.xx * x + turn.xy * y);
  }
}
