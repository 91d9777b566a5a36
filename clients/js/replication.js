// What a viewer sees of a room's world: a copy of it from snapshots, and what to draw between two of them.
// The layout of snapshots is in the server's `crates/replication/FORMAT.md`; both decoders read the same golden files.

import { BitReader, ByteReader, FormatError } from "./bits.js";
import { FRACTION_BITS, GAIN_MAX, Schema } from "./schema.js";
import { FLAG_OWN, FLAG_WAITING, FLAG_WHOLE, ID_ORDER, VELOCITY_ORDER, inRange, net, takeOwn } from "./snapshot.js";

export { FormatError, Schema };
export { Interpolator } from "./interpolator.js";
export { Predictor } from "./predictor.js";
export { SlotReplica } from "./slots.js";

/**
 * One entity.
 * @typedef {object} Entity
 * @property {number} id As the room named it.
 * @property {number} kind The place of its kind in {@link Schema.kinds}.
 * @property {import("./schema.js").Axis[]} axes What is known of each field; see {@link Replica.values}.
 */

/** @typedef {{ corner: number[], everywhere: boolean, entities: Entity[] }} Cell */

/**
 * A copy of what the viewer sees. `apply` each snapshot in order, then look at `entities()`, `came` and `went`.
 * Any bytes are safe to apply: what is no snapshot throws, and the memory is bounded.
 */
export class Replica {
  /** @type {Cell[]} */
  #cells = [];
  #frame = 0;
  #isSound = false;
  /** The last cell was told in part. */
  #isPart = false;

  /** @param {Schema} schema */
  constructor(schema) {
    this.schema = schema;
    /** The tick of the last snapshot. */
    this.tick = 0;
    /** More of what is in view comes with the next snapshots. */
    this.isWaiting = false;
    /** What the viewer was told of itself. @type {{ id: number | null, lastInput: number, state: Uint8Array }} */
    this.own = { id: null, lastInput: 0, state: new Uint8Array(0) };
    /** The ids that the last snapshot brought into sight. @type {number[]} */
    this.came = [];
    /** The ids that the last snapshot took out of sight. @type {number[]} */
    this.went = [];
    /** How many entities are known. */
    this.size = 0;
  }

  /** Everything that is known. @returns {Generator<Entity>} */
  *entities() {
    for (const cell of this.#cells) yield* cell.entities;
  }

  /** The values of an entity's fields, x and y first. @param {Entity} entity */
  values(entity) {
    return this.schema.kinds[entity.kind].fields.map((field, index) => field.valueOf(field.level(entity.axes[index])));
  }

  /** Brings it up to date. When it throws, nothing is known until the next whole snapshot. @param {Uint8Array} bytes */
  apply(bytes) {
    const wasSound = this.#isSound;
    this.#isSound = false;
    this.came = [];
    this.went = [];
    try {
      this.#applyParts(new ByteReader(bytes), wasSound);
    } catch (error) {
      this.#closeAll();
      this.came = [];
      this.went = [];
      throw error;
    }
    [this.came, this.went] = net(this.came, this.went);
    this.#isSound = true;
  }

  /** @param {ByteReader} reader @param {boolean} wasSound */
  #applyParts(reader, wasSound) {
    const flags = reader.byte();
    const frame = reader.byte();
    if (flags & ~FLAGS) throw new FormatError("a number is out of range");
    let steps = 0;
    if (flags & FLAG_WHOLE) {
      this.#closeAll();
      this.tick = reader.varint();
    } else {
      steps = (frame - this.#frame) & 0xff;
      if (!wasSound || steps >= RING) throw new FormatError("the snapshot does not follow the last one");
    }
    if (flags & FLAG_OWN) this.own = takeOwn(reader);
    if (flags & FLAG_CLOSED) this.#takeClosed(reader);
    for (let step = 0; step < steps; step += 1) this.#takeDeltas(reader);
    if (this.#isPart) this.#takeMore(this.#cells[this.#cells.length - 1], reader);
    while (!reader.isEmpty) this.#takeOpened(reader);
    this.#isPart = (flags & FLAG_PART) !== 0;
    if (this.#isPart && this.#cells.length === 0) throw new FormatError("an unknown cell");
    this.#frame = frame;
    this.tick += steps * this.schema.frameTicks;
    this.isWaiting = (flags & FLAG_WAITING) !== 0;
  }

  #closeAll() {
    for (const cell of this.#cells) this.#forget(cell);
    this.#cells = [];
    this.#isPart = false;
    this.size = 0;
  }

  #forget(/** @type {Cell} */ cell) {
    for (const entity of cell.entities) this.went.push(entity.id);
    this.size -= cell.entities.length;
  }

  #takeClosed(/** @type {ByteReader} */ reader) {
    const count = reader.varint32();
    if (count === 0 || count > this.#cells.length) throw new FormatError("an unknown cell");
    const closed = new Set();
    let at = 0;
    for (let index = 0; index < count; index += 1) {
      at += reader.varint32();
      if (at >= this.#cells.length) throw new FormatError("an unknown cell");
      this.#forget(this.#cells[at]);
      closed.add(at);
      at += 1;
    }
    if (closed.has(this.#cells.length - 1)) this.#isPart = false;
    this.#cells = this.#cells.filter((_, index) => !closed.has(index));
  }

  /** One frame: which cells have news, then the news. The others move as predicted. */
  #takeDeltas(/** @type {ByteReader} */ reader) {
    const count = this.#cells.length;
    const news = reader.take(Math.ceil(count / 8));
    for (let index = 0; index < count; index += 1) {
      const cell = this.#cells[index];
      const isPart = this.#isPart && index === count - 1;
      if (!(news[index >> 3] & (1 << (index & 7)))) for (const entity of cell.entities) this.#predict(entity);
      else if (isPart) this.#takeDeltaOfPart(cell, new BitReader(new ByteReader(reader.take(reader.varint32()))));
      else this.#takeDelta(cell, reader);
    }
    if (count % 8 && news[news.length - 1] >> (count % 8)) throw new FormatError("a number is out of range");
  }

  /** @param {Cell} cell @param {ByteReader} reader */
  #takeDelta(cell, reader) {
    const bits = new BitReader(reader);
    const gone = takeGone(bits);
    if (gone.length > 0 && gone[gone.length - 1] >= cell.entities.length) throw new FormatError("an unknown entity");
    this.#leave(cell, gone);
    if (!this.#takeChanged(cell, bits)) throw new FormatError("an unknown entity");
    this.#takeEntering(cell, bits);
    bits.finish();
  }

  /** What the delta of a cell says of the entities that were told; the others are behind them. @param {Cell} cell @param {BitReader} bits */
  #takeDeltaOfPart(cell, bits) {
    this.#leave(cell, takeGone(bits));
    this.#takeChanged(cell, bits);
  }

  /** Those at these places are gone; places behind the end are nobody's. @param {Cell} cell @param {number[]} gone */
  #leave(cell, gone) {
    if (gone.length === 0) return;
    const places = new Set(gone);
    const stays = cell.entities.filter((_, index) => !places.has(index));
    for (const at of gone) if (at < cell.entities.length) this.went.push(cell.entities[at].id);
    this.size -= cell.entities.length - stays.length;
    cell.entities = stays;
  }

  /** Answers whether all that is told is of entities that are there; what is behind that cannot be read. @param {Cell} cell @param {BitReader} bits */
  #takeChanged(cell, bits) {
    const { entities } = cell;
    let at = 0;
    while (bits.flag()) {
      const end = at + bits.golomb(0);
      while (at < Math.min(end, entities.length)) this.#predict(entities[at++]);
      if (end >= entities.length) return false;
      this.#takeChanges(entities[at++], bits);
    }
    while (at < entities.length) this.#predict(entities[at++]);
    return true;
  }

  #predict(/** @type {Entity} */ entity) {
    const { fields } = this.schema.kinds[entity.kind];
    for (let index = 0; index < fields.length; index += 1) fields[index].predict(entity.axes[index]);
  }

  /** One frame on, with what the bits say. @param {Entity} entity @param {BitReader} bits */
  #takeChanges(entity, bits) {
    const kind = this.schema.kinds[entity.kind];
    const changed = kind.groups === 1 || !bits.flag() ? 1 : bits.bits(kind.groups);
    for (let index = 0; index < kind.fields.length; index += 1) {
      const field = kind.fields[index];
      const axis = entity.axes[index];
      const before = field.level(axis);
      field.predict(axis);
      if (!(changed & (1 << field.group))) continue;
      if (field.motion === "any") {
        if (bits.flag()) axis.at = inRange(bits.bits(field.bits), field.levelMax);
        continue;
      }
      const residual = bits.golombSigned(0);
      const actual = field.offset(field.level(axis), residual);
      if (field.isLinear && Math.abs(residual) === 1 && bits.flag()) {
        const at = actual * 2 ** FRACTION_BITS + bits.bits(FRACTION_BITS);
        const velocity = axis.velocity + bits.golombSigned(TOLD_ORDER);
        if (!field.canMove(velocity)) throw new FormatError("a number is out of range");
        field.tell(axis, at, velocity);
      } else if (residual !== 0) field.correct(axis, before, actual, residual);
    }
  }

  #takeOpened(/** @type {ByteReader} */ reader) {
    if (this.#cells.length >= CELLS_MAX) throw new FormatError("more than a replica holds");
    const square = reader.varint32() - 1;
    if (square >= this.schema.squareCount) throw new FormatError("an unknown cell");
    const everywhere = square < 0;
    /** @type {Cell} */
    const cell = { corner: everywhere ? [0, 0] : this.schema.corner(square), everywhere, entities: [] };
    this.#takeMore(cell, reader);
    this.#cells.push(cell);
  }

  /** @param {Cell} cell @param {ByteReader} reader */
  #takeMore(cell, reader) {
    const bits = new BitReader(reader);
    this.#takeEntering(cell, bits);
    bits.finish();
  }

  /** @param {Cell} cell @param {BitReader} bits */
  #takeEntering(cell, bits) {
    while (bits.flag()) {
      if (this.size >= ENTITIES_MAX) throw new FormatError("more than a replica holds");
      const entity = this.#takeEntity(cell, bits);
      this.came.push(entity.id);
      this.size += 1;
      cell.entities.push(entity);
    }
  }

  /** @param {Cell} cell @param {BitReader} bits @returns {Entity} */
  #takeEntity(cell, bits) {
    const id = bits.golomb(ID_ORDER);
    const index = bits.bits(this.schema.kindBits);
    const kind = this.schema.kinds[index];
    if (!kind || kind.everywhere !== cell.everywhere) throw new FormatError("an unknown kind");
    const axes = kind.fields.map((field, place) => {
      const isRelative = place < 2 && !cell.everywhere;
      const level = isRelative ? cell.corner[place] + bits.bits(this.schema.reachBits) : bits.bits(field.bits);
      inRange(level, field.levelMax);
      return field.isLinear && bits.flag() ? takeMoving(field, level, bits) : field.still(level);
    });
    return { id, kind: index, axes };
  }
}

/** The places of those that are gone from a cell, in order. @param {BitReader} bits */
function takeGone(bits) {
  const gone = [];
  for (let at = 0; bits.flag(); at += 1) {
    at += bits.golomb(0);
    gone.push(at);
  }
  return gone;
}

/** @param {import("./schema.js").Field} field @param {number} level @param {BitReader} bits */
function takeMoving(field, level, bits) {
  const fraction = bits.bits(FRACTION_BITS);
  const velocity = bits.golombSigned(VELOCITY_ORDER);
  const gain = inRange(bits.bits(GAIN_BITS), GAIN_MAX);
  if (!field.canMove(velocity)) throw new FormatError("a number is out of range");
  return { at: level * 2 ** FRACTION_BITS + fraction, velocity, gain };
}

const FLAG_CLOSED = 4;
const FLAG_PART = 32;
const FLAGS = FLAG_WHOLE | FLAG_OWN | FLAG_CLOSED | FLAG_WAITING | FLAG_PART;
/** As many frames as a snapshot may catch up with, and one. */
const RING = 16;
const CELLS_MAX = 4_096;
const ENTITIES_MAX = 65_536;
const TOLD_ORDER = 5;
const GAIN_BITS = 3;
