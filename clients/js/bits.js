// Streams of bits, lowest bit first, and whole numbers in as many bytes as they need: the words of the snapshots.

/** Bytes that are no snapshot, or no description. */
export class FormatError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "FormatError";
  }
}

/** Takes whole bytes off the front of a message. */
export class ByteReader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get isEmpty() {
    return this.at >= this.bytes.length;
  }

  byte() {
    if (this.at >= this.bytes.length) throw new FormatError("the bytes end too early");
    return this.bytes[this.at++];
  }

  /** @param {number} count */
  take(count) {
    if (count > this.bytes.length - this.at) throw new FormatError("the bytes end too early");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  /** Seven bits a byte, lowest first; at most 2⁵³ - 1. */
  varint() {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
    }
    throw new FormatError("a number is out of range");
  }

  /** A varint of 32 bits. */
  varint32() {
    const value = this.varint();
    if (value > 0xffff_ffff) throw new FormatError("a number is out of range");
    return value;
  }

  float64() {
    const bytes = this.take(8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
  }

  text() {
    const bytes = this.take(this.varint32());
    try {
      return TEXT.decode(bytes);
    } catch {
      throw new FormatError("a name is not UTF-8");
    }
  }
}

/** Reads bits from where a {@link ByteReader} is. */
export class BitReader {
  /** @param {ByteReader} reader */
  constructor(reader) {
    this.reader = reader;
    this.bytes = reader.bytes;
    this.at = reader.at * 8;
    this.end = reader.bytes.length * 8;
  }

  /** The next 0 to 32 bits as a number. */
  bits(/** @type {number} */ count) {
    if (count > this.end - this.at) throw new FormatError("the bytes end too early");
    let value = 0;
    let have = 0;
    while (have < count) {
      const take = Math.min(8 - (this.at & 7), count - have);
      const part = (this.bytes[this.at >>> 3] >>> (this.at & 7)) & ((1 << take) - 1);
      value |= part << have;
      have += take;
      this.at += take;
    }
    return value >>> 0;
  }

  flag() {
    if (this.at >= this.end) throw new FormatError("the bytes end too early");
    const bit = (this.bytes[this.at >>> 3] >>> (this.at & 7)) & 1;
    this.at += 1;
    return bit === 1;
  }

  /** An exponential Golomb code. */
  golomb(/** @type {number} */ order) {
    let length = 0;
    while (!this.flag()) {
      length += 1;
      if (length > 31) throw new FormatError("a number is out of range");
    }
    const high = 2 ** length + this.bits(length) - 1;
    const value = high * 2 ** order + this.bits(order);
    if (value > 0xffff_ffff) throw new FormatError("a number is out of range");
    return value;
  }

  /** A signed one. */
  golombSigned(/** @type {number} */ order) {
    const value = this.golomb(order);
    return value % 2 ? -(value + 1) / 2 : value / 2;
  }

  /** Ends on a byte's border and gives the rest back to the reader; what is left of the last byte must be zero. */
  finish() {
    if (this.bits(-this.at & 7) !== 0) throw new FormatError("a number is out of range");
    this.reader.at = this.at / 8;
  }
}

/** The bits that a number in `0..=max` needs. */
export const bitsFor = (/** @type {number} */ max) => 32 - Math.clz32(max);

const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
