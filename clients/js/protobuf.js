import { MESSAGES } from "./messages.js";
import { DELIMITED, FIXED64, Reader, TWO_32, VARINT, Writer } from "./wire.js";

/**
 * The protobuf format of the messages in `messages.js`. In memory a message is what its JSON reads as: fields at their
 * default are absent, times are text, maps are objects; but bytes are `Uint8Array` and 64-bit integers numbers, and
 * both are always there.
 *
 * @typedef {object} Type One kind of value.
 * @property {number} wire How it is told where it ends.
 * @property {any} [none] The default, which a field has when it is absent.
 * @property {(reader: Reader, before?: any) => any} read `before` is what the field had until now.
 * @property {(to: Writer, value: any) => void} write
 *
 * @typedef {object} Field
 * @property {number} number
 * @property {string} name
 * @property {string} word The type as `messages.js` has it, without marks.
 * @property {Type} type
 * @property {boolean} isList
 * @property {boolean} isMap
 * @property {boolean} isOneOf
 * @property {boolean} isKept Whether it is there even at its default.
 */

/** What times are brought into: the years 1 to 9999, in seconds since 1970. */
const SECONDS_MIN = -62_135_596_800;
const SECONDS_MAX = 253_402_300_799;

/**
 * @param {string} name Of a message.
 * @param {Uint8Array} bytes
 * @returns {any}
 * @throws {TypeError} When the bytes are no such message.
 */
export function decodeMessage(name, bytes) {
  return messageType(name).take(new Reader(bytes), {});
}

/**
 * @param {string} name Of a message.
 * @param {any} value What is undefined or null in it is left out.
 * @returns {Uint8Array}
 * @throws {TypeError} When a field is unknown or of another type.
 */
export function encodeMessage(name, value) {
  writer.at = 0;
  messageType(name).put(writer, value);
  return writer.bytes.slice(0, writer.at);
}

/**
 * The fields of a message.
 * @param {string} name
 * @returns {readonly Field[]}
 */
export function fieldsOf(name) {
  return [...messageType(name).names.values()];
}

const writer = new Writer();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * @param {number} min
 * @param {number} max
 */
function whole(min, max) {
  return (/** @type {Writer} */ to, /** @type {any} */ value) => {
    to.check(Number.isInteger(value) && value >= min && value <= max, `a whole number from ${min} to ${max}`);
    to.varint(value);
  };
}

/** @type {Record<string, Type>} */
const SCALARS = {
  string: {
    wire: DELIMITED,
    none: "",
    read(reader) {
      const start = reader.passDelimited();
      try {
        return decoder.decode(reader.bytes.subarray(start, reader.at));
      } catch {
        return reader.fail("text is not UTF-8");
      }
    },
    write(to, value) {
      to.check(typeof value === "string", "text");
      to.within(() => {
        const start = to.room(3 * value.length);
        to.at = start + encoder.encodeInto(value, to.bytes.subarray(start)).written;
      });
    },
  },
  bytes: {
    wire: DELIMITED,
    none: new Uint8Array(0),
    // A copy, so that whoever keeps it keeps no frame.
    read: (reader) => reader.bytes.slice(reader.passDelimited(), reader.at),
    write(to, value) {
      to.check(value instanceof Uint8Array, "a Uint8Array");
      to.varint(value.length);
      const start = to.room(value.length);
      to.bytes.set(value, start);
    },
  },
  bool: {
    wire: VARINT,
    none: false,
    read: (reader) => reader.varint() !== 0 || reader.high !== 0,
    write(to, value) {
      to.check(typeof value === "boolean", "true or false");
      to.varint(Number(value));
    },
  },
  int32: { wire: VARINT, none: 0, read: (reader) => reader.varint() | 0, write: whole(-(2 ** 31), 2 ** 31 - 1) },
  uint32: { wire: VARINT, none: 0, read: (reader) => reader.varint(), write: whole(0, TWO_32 - 1) },
  int64: {
    wire: VARINT,
    none: 0,
    // Beyond 2^53 the nearest number.
    read(reader) {
      const low = reader.varint();
      return (reader.high | 0) * TWO_32 + low;
    },
    write: whole(-(2 ** 63), 2 ** 63 - 1024),
  },
  double: {
    wire: FIXED64,
    none: 0,
    read: (reader) => reader.view.getFloat64(reader.pass(8), true),
    write(to, value) {
      to.check(typeof value === "number", "a number");
      const start = to.room(8);
      new DataView(to.bytes.buffer).setFloat64(start, value, true);
    },
  },
};

/** A message, alone or within another. @implements {Type} */
class Message {
  wire = DELIMITED;
  /** @type {Map<number, Field>} */
  numbers = new Map();
  /** @type {Map<string, Field>} */
  names = new Map();
  /** Fields that are always there. @type {Field[]} */
  constant = [];

  /** @param {string} name */
  constructor(name) {
    this.name = name;
  }

  /** @param {string} text Its fields, as `messages.js` has them. */
  define(text) {
    for (const [, number, name, mark, word, shape] of text.matchAll(/(\d+) (\w+) (\|?)(\w+)([?*{}]*)/g)) {
      const plain = SCALARS[word] ?? (word === "time" ? TIME : messageType(word));
      const type = shape === "?" ? wrapper(plain, word) : shape === "{}" ? entry(plain, word) : plain;
      const isOneOf = mark === "|";
      const isKept = isOneOf || type === SCALARS.int64 || type === SCALARS.bytes;
      const shapes = { isList: shape === "*", isMap: shape === "{}", isOneOf, isKept };
      const field = { number: Number(number), name, word, type, ...shapes };
      this.numbers.set(field.number, field);
      this.names.set(name, field);
    }
    this.constant = [...this.names.values()].filter(({ isKept, isOneOf }) => isKept && !isOneOf);
    return this;
  }

  /**
   * @param {Reader} reader
   * @param {any} [before]
   */
  read(reader, before = {}) {
    return reader.within(() => this.take(reader, before));
  }

  /**
   * @param {Writer} to
   * @param {any} value
   */
  write(to, value) {
    to.within(() => this.put(to, value));
  }

  /**
   * Reads all there is.
   * @param {Reader} reader
   * @param {any} message What was read of it before: a message in two parts is one.
   */
  take(reader, message) {
    for (const { name, type } of this.constant) message[name] ??= type.none;
    while (reader.at < reader.end) {
      const [number, wire] = reader.tag();
      const field = this.numbers.get(number);
      if (!field) reader.skip(number, wire, 0);
      else if (wire !== field.type.wire) reader.fail(`${field.name} of ${this.name} is of another kind`);
      else this.#takeField(reader, field, message);
    }
    return message;
  }

  /**
   * @param {Reader} reader
   * @param {Field} field
   * @param {any} message
   */
  #takeField(reader, { name, type, isList, isMap, isOneOf, isKept }, message) {
    if (isList) {
      (message[name] ??= []).push(type.read(reader));
    } else if (isMap) {
      const [key, value] = type.read(reader);
      // Unlike an assignment this is right for every key.
      Object.defineProperty((message[name] ??= {}), key, { value, configurable: true, enumerable: true, writable: true });
    } else {
      if (isOneOf) this.#forgetOneOf(message, name);
      const value = type.read(reader, message[name]);
      if (isKept || value !== type.none) message[name] = value;
      else delete message[name];
    }
  }

  /**
   * The last member of a oneof counts.
   * @param {any} message
   * @param {string} last
   */
  #forgetOneOf(message, last) {
    for (const name of Object.keys(message)) {
      if (name !== last && this.names.get(name)?.isOneOf) delete message[name];
    }
  }

  /**
   * Writes all there is, by the numbers of the fields.
   * @param {Writer} to
   * @param {any} message
   */
  put(to, message) {
    to.check(Object(message) === message, "an object");
    const fields = Object.keys(message).map((name) => {
      const field = this.names.get(name);
      if (!field) throw new TypeError(`${this.name} has no field ${name}`);
      return field;
    });
    for (const field of fields.sort((a, b) => a.number - b.number)) {
      const value = message[field.name];
      if (value !== undefined && value !== null) this.#putField(to, field, value);
    }
  }

  /**
   * @param {Writer} to
   * @param {Field} field
   * @param {any} value
   */
  #putField(to, { number, name, type, isList, isMap, isOneOf }, value) {
    to.field = `${name} of ${this.name}`;
    to.check(!isList || Array.isArray(value), "a list");
    const isDefault = value === type.none || (value instanceof Uint8Array && value.length === 0);
    const values = isList ? value : isMap ? Object.entries(value) : isDefault && !isOneOf ? [] : [value];
    for (const one of values) {
      to.field = `${name} of ${this.name}`;
      to.varint(number * 8 + type.wire);
      type.write(to, one);
    }
  }
}

/** @type {Map<string, Message>} */
const known = new Map();

/** @param {string} name */
function messageType(name) {
  const found = known.get(name);
  if (found) return found;
  const made = new Message(name);
  // Known before its fields are, for a message within itself.
  known.set(name, made);
  return made.define(MESSAGES[name]);
}

/**
 * A value in a message of its own, so that one that is there at its default differs from none.
 * @param {Type} type
 * @param {string} word
 * @returns {Type}
 */
function wrapper(type, word) {
  const inner = new Message(word).define(`1 value ${word}`);
  return {
    wire: DELIMITED,
    read: (reader, before) => inner.read(reader, { value: before }).value ?? type.none,
    write: (to, value) => inner.write(to, { value }),
  };
}

/**
 * A key and a value of a map.
 * @param {Type} type
 * @param {string} word
 * @returns {Type}
 */
function entry(type, word) {
  const inner = new Message(word).define(`1 key string, 2 value ${word}`);
  return {
    wire: DELIMITED,
    read(reader) {
      const { key = "", value = type.none } = inner.read(reader);
      return [key, value];
    },
    write: (to, [key, value]) => inner.write(to, { key, value }),
  };
}

/** A point in time: RFC 3339 text in UTC with 3, 6 or 9 digits of fraction when there is one. @type {Type} */
const TIME = {
  wire: DELIMITED,
  read(reader) {
    const { seconds, nanos = 0 } = TIMESTAMP.read(reader);
    const date = new Date(Math.min(Math.max(seconds, SECONDS_MIN), SECONDS_MAX) * 1000);
    const digits = String(Math.min(Math.max(nanos, 0), 999_999_999)).padStart(9, "0").replace(/(000){1,3}$/, "");
    return `${date.toISOString().slice(0, 19)}${digits && `.${digits}`}Z`;
  },
  write(to, value) {
    const [, second, digits = "", zone] = /^(.{19})(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(value) ?? [];
    const ms = Date.parse(second + zone);
    to.check(Number.isFinite(ms), "a time");
    TIMESTAMP.write(to, { seconds: ms / 1000, nanos: Number(digits.padEnd(9, "0")) });
  },
};
const TIMESTAMP = new Message("Timestamp").define("1 seconds int64, 2 nanos int32");
