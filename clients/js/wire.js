/** What the wire tells of a value's kind: where it ends. */
export const VARINT = 0;
export const FIXED64 = 1;
export const DELIMITED = 2;
const GROUP = 3;
const GROUP_END = 4;
const FIXED32 = 5;

/** Unknown groups within each other, at most. */
const GROUPS_MAX = 100;
export const TWO_32 = 2 ** 32;

/** Reads protobuf from its beginning to its end; throws a TypeError where the bytes are none. */
export class Reader {
  at = 0;
  /** The upper 32 bits of the last varint. */
  high = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  /** @param {string} why @returns {never} */
  fail(why) {
    throw new TypeError(`malformed message at byte ${this.at}: ${why}`);
  }

  /** Its lower 32 bits. */
  varint() {
    let low = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.pass(1)];
      if (shift === 63 && byte > 1) this.fail("a number is too long");
      if (shift < 32) low |= (byte & 127) << shift;
      if (shift > 24) high |= shift < 32 ? (byte & 127) >>> (32 - shift) : (byte & 127) << (shift - 32);
      if (byte < 128) {
        this.high = high;
        return low >>> 0;
      }
    }
  }

  /** @returns {[number, number]} A field's number and the kind of what follows. */
  tag() {
    const tag = this.varint();
    if (this.high !== 0 || tag < 8) this.fail("no field's number");
    return [tag >>> 3, tag & 7];
  }

  /**
   * Passes bytes over.
   * @param {number} length
   * @returns {number} Where they begin.
   */
  pass(length) {
    const start = this.at;
    if (length > this.end - start) this.fail("it ends too early");
    this.at += length;
    return start;
  }

  /** Passes over what has its length before it. @returns {number} Where it begins. */
  passDelimited() {
    const length = this.varint();
    return this.pass(this.high === 0 ? length : Infinity);
  }

  /**
   * @template T
   * @param {() => T} read Reads what has its length before it, and sees nothing behind it.
   */
  within(read) {
    const { end } = this;
    const start = this.passDelimited();
    this.end = this.at;
    this.at = start;
    const value = read();
    this.end = end;
    return value;
  }

  /**
   * Passes an unknown field over.
   * @param {number} number
   * @param {number} wire
   * @param {number} depth
   */
  skip(number, wire, depth) {
    if (wire === VARINT) this.varint();
    else if (wire === FIXED64) this.pass(8);
    else if (wire === DELIMITED) this.passDelimited();
    else if (wire === FIXED32) this.pass(4);
    else if (wire === GROUP && depth < GROUPS_MAX) this.skipGroup(number, depth + 1);
    else this.fail(`unknown kind ${wire}`);
  }

  /**
   * @param {number} group
   * @param {number} depth
   */
  skipGroup(group, depth) {
    for (;;) {
      const [number, wire] = this.tag();
      if (wire !== GROUP_END) this.skip(number, wire, depth);
      else if (number === group) return;
      else this.fail("a group ends that did not begin");
    }
  }
}

/** Writes protobuf into bytes that grow. */
export class Writer {
  bytes = new Uint8Array(1024);
  at = 0;
  /** What is being written, for complaints. */
  field = "";

  /**
   * @param {boolean} isRight
   * @param {string} wanted
   */
  check(isRight, wanted) {
    if (!isRight) throw new TypeError(`${this.field}: ${wanted} expected`);
  }

  /**
   * Makes room.
   * @param {number} length
   * @returns {number} Where it begins.
   */
  room(length) {
    const start = this.at;
    this.at += length;
    if (this.at > this.bytes.length) {
      const bytes = new Uint8Array(2 * this.at);
      bytes.set(this.bytes.subarray(0, start));
      this.bytes = bytes;
    }
    return start;
  }

  /** @param {number} value 0 to 255. */
  byte(value) {
    // Making room may change the bytes, so it comes first.
    const start = this.room(1);
    this.bytes[start] = value;
  }

  /** @param {number} value Whole, 64 bits. */
  varint(value) {
    let low = value >>> 0;
    let high = Math.floor(value / TWO_32) >>> 0;
    while (high !== 0 || low > 127) {
      this.byte((low & 127) | 128);
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.byte(low);
  }

  /**
   * Writes the length of what is written within before it.
   * @param {() => void} write
   */
  within(write) {
    // Most lengths take one byte; what is within makes way for longer ones.
    const start = this.room(1);
    write();
    const length = this.at - start - 1;
    let more = 0;
    for (let rest = length; rest > 127; rest = Math.floor(rest / 128)) more += 1;
    if (more > 0) {
      this.room(more);
      this.bytes.copyWithin(start + 1 + more, start + 1, start + 1 + length);
    }
    const end = this.at;
    this.at = start;
    this.varint(length);
    this.at = end;
  }
}
