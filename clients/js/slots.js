// A copy of what a viewer sees of a room's world where snapshots may be lost, come twice or in the wrong order.
// The layout of its snapshots is in the server's `crates/replication/FORMAT.md`, under slots.

import { BitReader, ByteReader, FormatError } from "./bits.js";
import { FRACTION_BITS } from "./schema.js";
import { FLAG_OWN, FLAG_WAITING, FLAG_WHOLE, ID_ORDER, VELOCITY_ORDER, inRange, net, takeOwn } from "./snapshot.js";

/** @typedef {import("./schema.js").Axis} Axis */

/**
 * One entity, as it was at the tick that it was last told for.
 * @typedef {object} Ghost
 * @property {number} id As the room named it.
 * @property {number} kind The place of its kind in {@link import("./schema.js").Schema.kinds}.
 * @property {number} tick The tick that its levels are of.
 * @property {Axis[]} axes What is known of each field; see {@link SlotReplica.values}.
 * @property {{ tick: number, axes: Axis[] }[]} told As it was told in the last frames, by the frame's number.
 */

/**
 * A copy of what the viewer sees. `apply` the snapshots that arrive, and send `ack()` with every input.
 * Any bytes are safe to apply: what is no snapshot throws, and the memory is bounded.
 * It belongs to one viewer: a room that tells its schema anew has another.
 */
export class SlotReplica {
  /** @type {(Ghost | undefined)[]} */
  #slots = [];
  /** Slots by the ids of what is in them. @type {Map<number, number>} */
  #ids = new Map();
  #frame = 0;
  /** The frame that the viewer began with; none before the first whole snapshot, and after what was none. @type {number | null} */
  #start = null;
  /** Of the frames before the last, those that were applied. */
  #earlier = 0;

  /** @param {import("./schema.js").Schema} schema */
  constructor(schema) {
    this.schema = schema;
    /** The tick of the newest snapshot. */
    this.tick = 0;
    /** Some of what is in view was never told. */
    this.isWaiting = false;
    /** What the viewer was told of itself. @type {{ id: number | null, lastInput: number, state: Uint8Array }} */
    this.own = { id: null, lastInput: 0, state: new Uint8Array(0) };
    /** The ids that the last applied snapshot brought into sight. @type {number[]} */
    this.came = [];
    /** The ids that the last applied snapshot took out of sight. @type {number[]} */
    this.went = [];
  }

  /** How many entities are known. */
  get size() {
    return this.#ids.size;
  }

  /** Everything that is known. @returns {Generator<Ghost>} */
  *entities() {
    for (const ghost of this.#slots) if (ghost) yield ghost;
  }

  /** The entity of this id. @param {number} id @returns {Ghost | undefined} */
  entity(id) {
    const slot = this.#ids.get(id);
    return slot === undefined ? undefined : this.#slots[slot];
  }

  /** The values of an entity's fields, x and y first. @param {Ghost} ghost */
  values(ghost) {
    return this.schema.kinds[ghost.kind].fields.map((field, index) => field.valueOf(field.level(ghost.axes[index])));
  }

  /** What to tell the viewer: six bytes to put into every input; null before the first snapshot. @returns {Uint8Array | null} */
  ack() {
    if (this.#start === null) return null;
    const bytes = new DataView(new ArrayBuffer(6));
    bytes.setUint16(0, this.#frame, true);
    bytes.setUint32(2, this.#earlier, true);
    return new Uint8Array(bytes.buffer);
  }

  /**
   * Takes a snapshot. Answers whether it is newer than what is known: one that is not changes nothing.
   * When it throws, nothing is known until a snapshot comes that rests on nothing.
   * @param {Uint8Array} bytes
   */
  apply(bytes) {
    try {
      if (!this.#applyParts(new ByteReader(bytes))) return false;
    } catch (error) {
      this.#forgetAll();
      this.#start = null;
      this.came = [];
      this.went = [];
      throw error;
    }
    [this.came, this.went] = net(this.came, this.went);
    return true;
  }

  #applyParts(/** @type {ByteReader} */ reader) {
    const flags = reader.byte();
    if (!(flags & FLAG_SLOTS) || flags & ~FLAGS) throw outOfRange();
    const frame = reader.byte() + reader.byte() * 256;
    if (!this.#begin(flags, frame, reader)) return false;
    if (flags & FLAG_OWN) this.own = takeOwn(reader);
    const bits = new BitReader(reader);
    this.#takeLeft(bits);
    this.#takeNews(bits);
    bits.finish();
    if (!reader.isEmpty) throw new FormatError("there are bytes behind the end");
    this.isWaiting = (flags & FLAG_WAITING) !== 0;
    return true;
  }

  /** Moves on to a frame. Answers whether it is a newer one. @param {number} flags @param {number} frame @param {ByteReader} reader */
  #begin(flags, frame, reader) {
    const ahead = (frame - this.#frame) & 0xffff;
    const frames = ahead < 0x8000 ? ahead : 0;
    const next = this.tick + frames * this.schema.frameTicks;
    if (flags & FLAG_WHOLE) {
      const tick = reader.varint();
      const start = (frame - inRange(reader.varint(), 0xffff)) & 0xffff;
      if (this.#start !== null && tick <= this.tick) return false;
      if (this.#start === start && tick !== next) throw new FormatError("the snapshot does not follow the last one");
      this.#move(frame, tick, frames);
      if (this.#start !== start) {
        this.#forgetAll();
        this.#start = start;
        this.#earlier = 0;
      }
      return true;
    }
    if (this.#start === null) throw new FormatError("the snapshot does not follow the last one");
    if (frames === 0) return false;
    this.#move(frame, next, frames);
    return true;
  }

  /** @param {number} frame @param {number} tick @param {number} frames */
  #move(frame, tick, frames) {
    this.came = [];
    this.went = [];
    // As bits of a larger number: 33 of them, moved by up to 31.
    const applied = BigInt(this.#earlier) * 2n + 1n;
    this.#earlier = frames > 0 && frames <= 32 ? Number(BigInt.asUintN(32, applied << BigInt(frames - 1))) : 0;
    this.#frame = frame;
    this.tick = tick;
  }

  #forgetAll() {
    this.went.push(...this.#ids.keys());
    this.#ids.clear();
    this.#slots = [];
  }

  #forget(/** @type {number} */ slot) {
    const ghost = this.#slots[slot];
    if (!ghost) return;
    this.#ids.delete(ghost.id);
    this.#slots[slot] = undefined;
    this.went.push(ghost.id);
  }

  /** Those whose entities are out of sight. */
  #takeLeft(/** @type {BitReader} */ bits) {
    for (const slot of slotsOf(bits)) this.#forget(slot);
  }

  #takeNews(/** @type {BitReader} */ bits) {
    const commonAge = bits.bits(AGE_BITS);
    if (!bits.flag()) {
      for (const slot of slotsOf(bits)) this.#takeEntity(slot, commonAge, bits);
      return;
    }
    const length = inRange(bits.bits(LENGTH_BITS), SLOTS_MAX);
    for (let slot = 0; slot < length; slot += 1) if (bits.flag()) this.#takeEntity(slot, commonAge, bits);
  }

  /** @param {number} slot @param {number} commonAge @param {BitReader} bits */
  #takeEntity(slot, commonAge, bits) {
    if (bits.flag()) this.#moveOn(slot, commonAge, null);
    else if (bits.flag()) this.#takeFull(slot, bits);
    else if (bits.flag()) this.#moveOn(slot, commonAge, bits);
    else {
      const age = bits.bits(AGE_BITS);
      this.#moveOn(slot, age, bits.flag() ? bits : null);
    }
  }

  /**
   * An entity is where its state of so many frames ago takes it; or elsewhere, if the bits say how.
   * @param {number} slot @param {number} age @param {BitReader | null} bits
   */
  #moveOn(slot, age, bits) {
    const ghost = this.#slots[slot];
    const base = ghost?.told[(this.#frame - age) & (PAST - 1)];
    const isKnown = age > 0 && base?.tick === this.tick - age * this.schema.frameTicks;
    if (!ghost || !base || !isKnown) throw new FormatError("an unknown entity");
    const kind = this.schema.kinds[ghost.kind];
    const axes = kind.fields.map((field, index) => field.predicted(base.axes[index], age));
    if (bits) takeChanges(kind, axes, bits);
    this.#tell(ghost, axes);
  }

  /** @param {number} slot @param {BitReader} bits */
  #takeFull(slot, bits) {
    const id = bits.golomb(ID_ORDER);
    const index = bits.bits(this.schema.kindBits);
    const kind = this.schema.kinds[index];
    if (!kind) throw new FormatError("an unknown kind");
    const axes = kind.fields.map((field) => {
      const level = inRange(bits.bits(field.bits), field.levelMax);
      return field.isLinear && bits.flag() ? takeMoving(field, level, bits) : field.still(level);
    });
    let ghost = this.#slots[slot];
    if (ghost?.id !== id || ghost.kind !== index) {
      this.#forget(slot);
      // An id is one entity: what had it before is gone, though its slot did not say so yet.
      const other = this.#ids.get(id);
      if (other !== undefined) this.#forget(other);
      ghost = { id, kind: index, tick: 0, axes, told: [] };
      this.#slots[slot] = ghost;
      this.#ids.set(id, slot);
      this.came.push(id);
    }
    this.#tell(ghost, axes);
  }

  /** @param {Ghost} ghost @param {Axis[]} axes */
  #tell(ghost, axes) {
    ghost.tick = this.tick;
    ghost.axes = axes;
    ghost.told[this.#frame & (PAST - 1)] = { tick: this.tick, axes };
  }
}

/** The slots of a list in which each is named by its distance from the one before. @param {BitReader} bits */
function* slotsOf(bits) {
  for (let slot = 0; bits.flag(); slot += 1) {
    slot += bits.golomb(0);
    if (slot >= SLOTS_MAX) throw new FormatError("more than a replica holds");
    yield slot;
  }
}

/** What differs from the prediction. @param {import("./schema.js").Kind} kind @param {Axis[]} axes @param {BitReader} bits */
function takeChanges(kind, axes, bits) {
  const changed = kind.groups === 1 || !bits.flag() ? 1 : bits.bits(kind.groups);
  for (let index = 0; index < axes.length; index += 1) {
    const field = kind.fields[index];
    const axis = axes[index];
    if (!(changed & (1 << field.group))) continue;
    if (field.motion === "any") {
      if (bits.flag()) axis.at = inRange(bits.bits(field.bits), field.levelMax);
      continue;
    }
    const level = field.offset(field.level(axis), bits.golombSigned(field.isLinear ? RESIDUAL_ORDER : 0));
    if (!field.isLinear) {
      axis.at = level;
      continue;
    }
    let fraction = axis.at % 2 ** FRACTION_BITS;
    if (bits.flag()) {
      axis.velocity += bits.golombSigned(CHANGE_ORDER);
      if (!field.canMove(axis.velocity)) throw outOfRange();
      if (axis.velocity !== 0) fraction = bits.bits(FRACTION_BITS);
    }
    axis.at = level * 2 ** FRACTION_BITS + fraction;
  }
}

/** @param {import("./schema.js").Field} field @param {number} level @param {BitReader} bits @returns {Axis} */
function takeMoving(field, level, bits) {
  const fraction = bits.bits(FRACTION_BITS);
  const velocity = bits.golombSigned(VELOCITY_ORDER);
  if (!field.canMove(velocity)) throw outOfRange();
  return { at: level * 2 ** FRACTION_BITS + fraction, velocity, gain: 0 };
}

const outOfRange = () => new FormatError("a number is out of range");

const FLAG_SLOTS = 16;
const FLAGS = FLAG_SLOTS | FLAG_WHOLE | FLAG_OWN | FLAG_WAITING;
/** Frames of which the states are remembered. */
const PAST = 32;
const SLOTS_MAX = 1_024;
const AGE_BITS = 5;
const LENGTH_BITS = 11;
const RESIDUAL_ORDER = 2;
const CHANGE_ORDER = 6;
