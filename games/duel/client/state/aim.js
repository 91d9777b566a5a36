/** How a player is about to strike, and the integers of it. */

const TURN = 2 * Math.PI;
const POWER_MAX = 65_535;
const OFFSET_MAX = 32_767;
/** A stroke weaker than this is none: the player changed their mind. */
export const POWER_MIN = 0.015;

/**
 * @typedef {{ table: number, body: number, angle: number, power: number, side: number, height: number }} Shot
 */

/** Direction, power and where the body is met. */
export class Aim {
  /** In radians, from the table's x to the left. */
  angle = 0;
  /** 0 to 1. */
  power = 0;
  /** Where it meets the body, right of its middle and above it, as parts of the largest offset. */
  side = 0;
  height = 0;

  /** Begins a turn: no power and no spin. */
  reset() {
    this.power = 0;
    this.side = 0;
    this.height = 0;
  }

  /** @param {number} radians */
  turn(radians) {
    this.angle = wrap(this.angle + radians);
  }

  /**
   * Points at a place.
   * @param {{ x: number, y: number }} from
   * @param {{ x: number, y: number }} to
   */
  pointAt(from, to) {
    if (Math.hypot(to.x - from.x, to.y - from.y) > 1e-6) this.angle = wrap(Math.atan2(to.y - from.y, to.x - from.x));
  }

  /** @param {number} power */
  setPower(power) {
    this.power = Math.max(0, Math.min(1, power));
  }

  /**
   * @param {number} side
   * @param {number} height
   */
  setSpin(side, height) {
    const length = Math.hypot(side, height);
    const part = length > 1 ? 1 / length : 1;
    this.side = side * part;
    this.height = height * part;
  }

  /** The integers of it, without table and ball. */
  numbers() {
    return {
      angle: Math.round((this.angle / TURN) * 2 ** 32) >>> 0,
      power: powerNumber(this.power),
      // Cut rather than rounded: the length of both together has a limit.
      side: Math.trunc(this.side * OFFSET_MAX),
      height: Math.trunc(this.height * OFFSET_MAX),
    };
  }

  /**
   * The shot with a body, on a table of this version.
   * @param {number} table
   * @param {number} [power] To look ahead with another one than is drawn.
   * @param {number} [body] The cue ball, unless it is a disc.
   * @returns {Shot}
   */
  shot(table, power = this.power, body = 0) {
    return { table, body, ...this.numbers(), power: powerNumber(power) };
  }

  /** @param {{ angle: number, power: number, side: number, height: number }} numbers Of somebody else's aim. */
  take({ angle, power, side, height }) {
    this.angle = wrap((angle / 2 ** 32) * TURN);
    this.power = power / POWER_MAX;
    this.side = side / OFFSET_MAX;
    this.height = height / OFFSET_MAX;
  }

  /**
   * Comes nearer to another aim: what is drawn of somebody else's, who tells it a few times a second.
   * @param {Aim} target
   * @param {number} part 0 to 1.
   */
  approach(target, part) {
    let turn = wrap(target.angle - this.angle);
    if (turn > Math.PI) turn -= TURN;
    this.turn(turn * part);
    this.power += (target.power - this.power) * part;
    this.side += (target.side - this.side) * part;
    this.height += (target.height - this.height) * part;
  }
}

/** @param {number} power */
function powerNumber(power) {
  return Math.round(Math.max(0, Math.min(1, power)) * POWER_MAX);
}

/** @param {number} angle */
function wrap(angle) {
  return ((angle % TURN) + TURN) % TURN;
}
