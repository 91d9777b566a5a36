/** The arena's messages as `PROTOCOL.md` has them, but for the snapshots' inside: bytes to plain objects and back. */

/** Op codes from the client. */
export const SEND = Object.freeze({ STEER: 1, SPLIT: 2, EJECT: 3, SPAWN: 4, SPECTATE: 5 });
/** Op codes to the client. */
export const RECEIVE = Object.freeze({ WORLD: 16, VIEW: 17, PLAYERS: 18, BOARD: 19, MINIMAP: 20, DIED: 21 });

/** Longest name in UTF-8 bytes. */
export const NAME_BYTES_MAX = 24;
/** Owner that stands for nobody. */
export const NOBODY = 65_535;
const POSITION_MAX = 65_535;

/**
 * @typedef {{ size: number, tickRateHz: number, ownSeat: number, playersMax: number, halfHeightMin: number,
 *   halfHeightMax: number, schema: Uint8Array }} World
 * @typedef {{ alive: boolean, following: boolean, followed: number, rank: number, score: number,
 *   still: { x: number, y: number, halfHeight: number } | null }} Own `still` is where the camera stands when it
 *   follows nobody, in 0..1 of the world, and half the height of its picture in units.
 * @typedef {{ owner: number, bot: boolean, hue: number, name: string }} Player
 * @typedef {{ whole: boolean, players: Player[], gone: number[] }} Players
 * @typedef {{ rows: { owner: number, score: number }[], playersAlive: number }} Board
 * @typedef {{ x: number, y: number, hue: number, size: number }[]} Minimap All in 0..1, but the hue in 0..255.
 * @typedef {{ eater: number, bestScore: number, ticksAlive: number, bestRank: number }} Died
 */

/** Reads little-endian numbers one after the other; reading past the end throws a RangeError. */
class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }
  u8() {
    return this.view.getUint8(this.at++);
  }
  u16() {
    const value = this.view.getUint16(this.at, true);
    this.at += 2;
    return value;
  }
  u32() {
    const value = this.view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }
  f32() {
    const value = this.view.getFloat32(this.at, true);
    this.at += 4;
    return value;
  }
  rest() {
    return this.bytes.subarray(this.at);
  }
  text() {
    const length = this.u8();
    if (this.at + length > this.bytes.length) throw new RangeError("text past the end");
    const text = new TextDecoder().decode(this.bytes.subarray(this.at, this.at + length));
    this.at += length;
    return text;
  }
  /**
   * @template T
   * @param {number} count
   * @param {() => T} one
   * @returns {T[]}
   */
  list(count, one) {
    const items = [];
    for (let i = 0; i < count; i++) items.push(one());
    return items;
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {World}
 */
export function decodeWorld(bytes) {
  const r = new Reader(bytes);
  return {
    size: r.f32(), tickRateHz: r.u8(), ownSeat: r.u16(), playersMax: r.u16(), halfHeightMin: r.u16(),
    halfHeightMax: r.u16(), schema: r.rest(),
  };
}

/**
 * @param {Uint8Array} bytes The own state of a snapshot.
 * @returns {Own}
 */
export function decodeOwn(bytes) {
  const r = new Reader(bytes);
  const flags = r.u8();
  const own = { alive: (flags & 1) !== 0, following: (flags & 2) !== 0, followed: r.u16(), rank: r.u16(), score: r.u32() };
  const isStill = own.followed === NOBODY;
  return { ...own, still: isStill ? { x: fraction(r.u16()), y: fraction(r.u16()), halfHeight: r.u16() } : null };
}

/**
 * @param {Uint8Array} bytes
 * @returns {Players}
 */
export function decodePlayers(bytes) {
  const r = new Reader(bytes);
  const whole = r.u8() !== 0;
  const players = r.list(r.u16(), () => ({
    owner: r.u16(), bot: (r.u8() & 1) !== 0, hue: r.u8(), name: r.text(),
  }));
  return { whole, players, gone: r.list(r.u16(), () => r.u16()) };
}

/**
 * @param {Uint8Array} bytes
 * @returns {Board}
 */
export function decodeBoard(bytes) {
  const r = new Reader(bytes);
  const rows = r.list(r.u8(), () => ({ owner: r.u16(), score: r.u32() }));
  return { rows, playersAlive: r.u16() };
}

/**
 * @param {Uint8Array} bytes
 * @returns {Minimap}
 */
export function decodeMinimap(bytes) {
  const r = new Reader(bytes);
  return r.list(r.u8(), () => ({ x: r.u8() / 255, y: r.u8() / 255, hue: r.u8(), size: r.u8() / 255 }));
}

/**
 * @param {Uint8Array} bytes
 * @returns {Died}
 */
export function decodeDied(bytes) {
  const r = new Reader(bytes);
  return { eater: r.u16(), bestScore: r.u32(), ticksAlive: r.u32(), bestRank: r.u16() };
}

/**
 * @param {number} fractionX 0..1 of the world's width; what lies outside is brought to the border.
 * @param {number} fractionY
 * @returns {Uint8Array}
 */
export function encodeSteer(fractionX, fractionY) {
  const bytes = new Uint8Array(4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, toPosition(fractionX), true);
  view.setUint16(2, toPosition(fractionY), true);
  return bytes;
}

/**
 * @param {number} hue 0..255
 * @param {string} name Cut at whole characters to what fits.
 * @returns {Uint8Array}
 */
export function encodeSpawn(hue, name) {
  const encoder = new TextEncoder();
  const text = new Uint8Array(NAME_BYTES_MAX);
  const { written } = encoder.encodeInto(name.trim(), text);
  const bytes = new Uint8Array(1 + written);
  bytes[0] = hue;
  bytes.set(text.subarray(0, written), 1);
  return bytes;
}

/** @param {number} position */
function fraction(position) {
  return position / POSITION_MAX;
}

/** @param {number} fraction */
function toPosition(fraction) {
  return Math.round(Math.min(1, Math.max(0, fraction)) * POSITION_MAX);
}
