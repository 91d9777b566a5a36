// The physics in a page: the module of dist/physics.wasm behind plain calls.
// Pages fetch the module, tests read it from a file; either way its bytes come in as an argument.

/** What `Happening::numbers` calls them. */
const HAPPENINGS = ["contact", "cushion", "pocketed"];
/** Numbers of a body in `frames` and `places`. */
export const BODY_STRIDE = 6;
const ENTRY_NUMBERS = 5;
const WALL_NUMBERS = 9;
const SHOT_BYTES = 13;

/** Tables by the version that a shot carries. */
export const TABLES = { sevenFoot: 1, eightFoot: 2, nineFoot: 3, soccer: 101 };
/** Racks by their number. */
export const RACKS = { eightBall: 0, nineBall: 1, kickOff: 2 };

/**
 * One table. A page that aims while it shows a shot makes two of them from the same module.
 */
export class Physics {
  #exports;

  /** @param {WebAssembly.Module} module */
  static async create(module) {
    return new Physics(await WebAssembly.instantiate(module, {}));
  }

  /** @param {WebAssembly.Instance} instance */
  constructor(instance) {
    this.#exports = instance.exports;
  }

  /** Takes a table, with nothing on it. */
  open(version) {
    if (this.#exports.open(version) !== 0) throw new RangeError(`no table ${version}`);
  }

  /** Puts a rack on the table; the seed is a BigInt of 64 bits. */
  rack(rack, seed) {
    if (this.#exports.rack(rack, seed) !== 0) throw new RangeError(`no rack ${rack} for this table`);
  }

  /** Takes a state as the server sends it. */
  load(bytes) {
    this.#write(bytes);
    if (this.#exports.load(bytes.length) !== 0) throw new RangeError("no state of this table");
  }

  /** The state as the server reads it. */
  save() {
    const length = this.#exports.save();
    return new Uint8Array(this.#exports.memory.buffer, this.#exports.input(), length).slice();
  }

  /**
   * Plays a shot and tells what it did; `frames` then shows its motion.
   * @param {{table: number, body: number, angle: number, power: number, side: number, height: number}} shot
   */
  shoot(shot) {
    const bytes = encodeShot(shot);
    this.#write(bytes);
    if (this.#exports.shoot(bytes.length) !== 0) throw new RangeError("the shot cannot be played");
    return {
      hash: BigInt.asUintN(64, this.#exports.hash()),
      seconds: this.#exports.seconds(),
      eventCount: this.#exports.event_count(),
      isCut: this.#exports.is_cut() === 1,
    };
  }

  /** What the last shot did, in order. */
  log() {
    const rows = this.#rows(this.#exports.log(), ENTRY_NUMBERS);
    return rows.map(([seconds, speed, what, one, two]) => ({ seconds, speed, what: HAPPENINGS[what], one, two }));
  }

  /**
   * Every body at a time of the last shot: x, y, the three parts of its spin, and its pocket (−1 on the table, −2 not in
   * play), one after the other. The array is the module's own and holds until the next call.
   */
  frames(seconds) {
    return this.#numbers(this.#exports.frames(seconds));
  }

  /** Every body as it lies now, in the same form. */
  places() {
    return this.#numbers(this.#exports.places());
  }

  /** Walls and pockets to draw; `Session::geometry` tells what each number is. */
  geometry() {
    return this.#rows(this.#exports.geometry(), WALL_NUMBERS);
  }

  /** The size of the table and the radius and mass of each body. */
  sizes() {
    const rows = this.#rows(this.#exports.sizes(), 2);
    const [length, width] = rows.pop();
    return { length, width, bodies: rows.map(([radius, mass]) => ({ radius, mass })) };
  }

  /** What the module uses, in bytes. */
  get memoryBytes() {
    return this.#exports.memory.buffer.byteLength;
  }

  #write(bytes) {
    new Uint8Array(this.#exports.memory.buffer, this.#exports.input(), 512).set(bytes);
  }

  #numbers(place) {
    const address = Number(BigInt.asUintN(32, place >> 32n));
    return new Float64Array(this.#exports.memory.buffer, address, Number(place & 0xffff_ffffn));
  }

  #rows(place, width) {
    const numbers = this.#numbers(place);
    const rows = [];
    for (let at = 0; at < numbers.length; at += width) rows.push([...numbers.subarray(at, at + width)]);
    return rows;
  }
}

/** The bytes of a shot, as the server reads them. */
export function encodeShot({ table, body, angle, power, side, height }) {
  const bytes = new Uint8Array(SHOT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, table, true);
  view.setUint8(2, body);
  view.setUint32(3, angle, true);
  view.setUint16(7, power, true);
  view.setInt16(9, side, true);
  view.setInt16(11, height, true);
  return bytes;
}

/** An angle in radians as a shot has it: 2⁻³² turns. */
export function angleOf(radians) {
  return Math.round((radians / (2 * Math.PI)) * 2 ** 32) >>> 0;
}
