import { ByteReader, FormatError, bitsFor } from "./bits.js";

/** @typedef {"linear" | "near" | "any"} Motion How a field changes, which decides how its changes are written. */
/** @typedef {"step" | "linear" | "angle"} Blend What is shown between two snapshots. */

/** Binary places of a level in linear motion. */
export const FRACTION_BITS = 6;
const ONE = 1 << FRACTION_BITS;
const VELOCITY_MIN = ONE / 8;
const GAIN_FIRST = 1;
export const GAIN_MAX = 6;

/**
 * What both ends know of one field of one entity: its level, in linear motion with {@link FRACTION_BITS} binary places,
 * and how it moves in a frame.
 * @typedef {{ at: number, velocity: number, gain: number }} Axis
 */

/** One number of an entity: its range, its precision and how it changes. */
export class Field {
  /** @param {ByteReader} reader */
  constructor(reader) {
    this.name = reader.text();
    this.min = reader.float64();
    this.step = reader.float64();
    this.levelMax = reader.varint32();
    const how = reader.byte();
    /** @type {Motion} */
    this.motion = pick(["linear", "near", "any"], how & 3);
    /** @type {Blend} */
    this.blend = pick(["step", "linear", "angle"], (how >> 2) & 3);
    this.wraps = (how & 16) !== 0;
    this.group = how >> 5;
    this.bits = bitsFor(this.levelMax);
    this.isLinear = this.motion === "linear";
    /** A whole turn, for what goes round; else 0. */
    this.turn = this.wraps ? this.step * (this.levelMax + 1) : 0;
    const levels = this.levelMax + 1;
    const most = { linear: 2 ** 23, near: 2 ** 24, any: 2 ** 32 }[this.motion];
    const isRange = Number.isFinite(this.min) && Number.isFinite(this.step) && this.step > 0;
    if (!isRange || levels < 2 || levels > most || (this.wraps && levels > 2 ** 23)) {
      throw new FormatError("a field's range is impossible");
    }
  }

  /** The value of a level. */
  valueOf(/** @type {number} */ level) {
    return this.min + level * this.step;
  }

  /** The level that the server told. */
  level(/** @type {Axis} */ axis) {
    return this.isLinear ? axis.at >>> FRACTION_BITS : axis.at;
  }

  /** A field of which nothing but its level is known. @returns {Axis} */
  still(/** @type {number} */ level) {
    if (!this.isLinear) return { at: level, velocity: 0, gain: 0 };
    return { at: middle(level), velocity: 0, gain: GAIN_FIRST };
  }

  /** Moves on by one frame as predicted. */
  predict(/** @type {Axis} */ axis) {
    if (axis.velocity === 0) return;
    const end = (this.levelMax + 1) * ONE;
    const moved = axis.at + axis.velocity;
    if (!this.wraps) axis.at = Math.min(Math.max(moved, 0), end - 1);
    else axis.at = moved < 0 ? moved + end : moved >= end ? moved - end : moved;
  }

  /** Where so many frames take it, all as predicted. @param {Axis} axis @param {number} frames @returns {Axis} */
  predicted(axis, frames) {
    const { velocity, gain } = axis;
    const end = (this.levelMax + 1) * ONE;
    const moved = axis.at + velocity * frames;
    if (this.wraps && velocity !== 0) return { at: ((moved % end) + end) % end, velocity, gain };
    return { at: velocity === 0 ? axis.at : Math.min(Math.max(moved, 0), end - 1), velocity, gain };
  }

  /** The level so far from another. */
  offset(/** @type {number} */ from, /** @type {number} */ residual) {
    const count = this.levelMax + 1;
    const level = this.wraps ? (((from + residual) % count) + count) % count : from + residual;
    if (level < 0 || level > this.levelMax) throw new FormatError("a number is out of range");
    return level;
  }

  /** It is exactly at `at`, and was told to move so. @param {Axis} axis @param {number} at @param {number} velocity */
  tell(axis, at, velocity) {
    axis.at = at;
    axis.velocity = velocity;
    axis.gain = GAIN_MAX;
  }

  /** A velocity that can be. */
  canMove(/** @type {number} */ velocity) {
    return Math.abs(velocity) <= this.levelMax * ONE;
  }

  /**
   * The prediction missed by `residual` levels: the level is `actual`, and was `before` a frame ago.
   * @param {Axis} axis @param {number} before @param {number} actual @param {number} residual
   */
  correct(axis, before, actual, residual) {
    if (!this.isLinear) {
      axis.at = actual;
      return;
    }
    let moved = actual - before;
    if (this.wraps) {
      const count = this.levelMax + 1;
      const half = Math.trunc(count / 2);
      if (moved > half) moved -= count;
      else if (moved < -half) moved += count;
    }
    axis.at = residual === 1 ? actual * ONE : residual === -1 ? actual * ONE + ONE - 1 : middle(actual);
    if (Math.abs(residual) > 1) {
      axis.velocity = moved * ONE;
      axis.gain = GAIN_FIRST;
      return;
    }
    const limit = this.levelMax * ONE;
    const changed = axis.velocity + residual * (ONE >> axis.gain);
    const stands = moved === 0 && Math.abs(changed) < VELOCITY_MIN;
    axis.velocity = stands ? 0 : Math.min(Math.max(changed, -limit), limit);
    axis.gain = Math.min(axis.gain + 1, GAIN_MAX);
  }
}

/** A kind of entity. */
export class Kind {
  /** @param {ByteReader} reader @param {Field[]} axes */
  constructor(reader, axes) {
    this.name = reader.text();
    const everywhere = reader.byte();
    if (everywhere > 1) throw new FormatError("a number is out of range");
    /** Seen by all, wherever they look. */
    this.everywhere = everywhere === 1;
    const count = reader.varint32();
    if (count > FIELDS_MAX - 2) throw new FormatError("too many fields in a kind");
    /** x and y first. */
    this.fields = [...axes];
    for (let index = 0; index < count; index += 1) this.fields.push(new Field(reader));
    /** The place of each field in an entity's values, by its name. */
    this.index = new Map(this.fields.map((field, index) => [field.name, index]));
    this.groups = 1 + Math.max(...this.fields.map((field) => field.group));
  }
}

/** What a room's entities are made of, from the server's description of it. Its layout is in the server's `FORMAT.md`. */
export class Schema {
  /** @param {Uint8Array} bytes Throws a {@link FormatError} when they are no description. */
  constructor(bytes) {
    const reader = new ByteReader(bytes);
    if (reader.byte() !== VERSION) throw new FormatError("the version is unknown");
    /** Ticks from one snapshot's frame to the next. */
    this.frameTicks = reader.byte();
    const axes = [new Field(reader), new Field(reader)];
    this.side = reader.varint32();
    this.margin = reader.varint32();
    const isAxis = (/** @type {Field} */ axis) => axis.isLinear && !axis.wraps && axis.group === 0;
    const isSide = this.side > 0 && this.side <= 2 ** 23 && this.margin < Math.ceil(this.side / 2);
    if (this.frameTicks === 0 || !axes.every(isAxis) || !isSide) throw new FormatError("the grid is impossible");
    const [columns, rows] = axes.map((axis) => Math.floor(axis.levelMax / this.side) + 1);
    this.columns = columns;
    this.squareCount = columns * rows;
    if (this.squareCount > SQUARES_MAX) throw new FormatError("the grid has too many cells");
    const count = reader.varint32();
    if (count < 1 || count > KINDS_MAX) throw new FormatError("no kind, or too many");
    /** @type {Kind[]} */
    this.kinds = [];
    for (let index = 0; index < count; index += 1) this.kinds.push(new Kind(reader, axes));
    if (!reader.isEmpty) throw new FormatError("there are bytes behind the end");
    this.kindBits = bitsFor(count - 1);
    this.reachBits = bitsFor(this.side + 2 * this.margin - 1);
  }

  /** What positions in a square are relative to. */
  corner(/** @type {number} */ square) {
    const column = square % this.columns;
    const row = Math.floor(square / this.columns);
    return [column * this.side - this.margin, row * this.side - this.margin];
  }
}

/** @template T @param {T[]} list @param {number} index @returns {T} */
function pick(list, index) {
  if (index >= list.length) throw new FormatError("a number is out of range");
  return list[index];
}

const middle = (/** @type {number} */ level) => level * ONE + ONE / 2;

const VERSION = 1;
const KINDS_MAX = 64;
const FIELDS_MAX = 16;
const SQUARES_MAX = 65_536;
