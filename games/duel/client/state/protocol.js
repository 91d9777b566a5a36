/** The messages that games of two players have in common: bytes to plain objects and back. */

import { UNITS } from "./bytes.js";

/** Op codes from the client; 4 and 8 are of single games. */
export const SEND = Object.freeze({ SHOOT: 1, AIM: 2, DIFFERS: 3, CONCEDE: 5, REMATCH: 6, SIT: 7 });
/** Op codes to the client. */
export const RECEIVE = Object.freeze({ TABLE: 16, SHOT: 17, VERDICT: 18, AIM: 19, PEOPLE: 20, REFUSED: 21, RECORD: 22 });
/** Nobody's chair, no call. */
export const NONE = 255;
export const PHASE = Object.freeze({ WAITING: 0, PLAYING: 1, OVER: 2 });
export const OPPONENT = Object.freeze({ PERSON: 0, NOBODY: 1, BOT: 2 });
/** Longest trace of a shot that ended elsewhere, in bytes. */
export const TRACE_BYTES_MAX = 2_048;
const NO_LIMIT = 2 ** 32 - 1;
const KINDS = /** @type {const} */ (["free", "person", "away", "bot"]);

/**
 * @typedef {import("./aim.js").Shot} Shot
 * @typedef {{ x: number, y: number }} Units
 *
 * @typedef {object} Block What a player must know of any game; each game adds its own.
 * @property {number} game
 * @property {number} turn
 * @property {number} phase
 * @property {number} player
 * @property {number[]} timeOuts
 * @property {number} winner
 * @property {number} how
 * @property {number} waitMs
 * @property {number} leftMs `Infinity` without a limit.
 *
 * @typedef {(state: Uint8Array, counts: Uint8Array) => object} ReadOwn What the four bytes from 6 on and the two from 12
 *   on mean in one game.
 *
 * @typedef {{ rules: number, opponent: number, ownChair: number, last: number, tableVersion: number, turnSeconds: number,
 *   block: Block, state: Uint8Array }} Table
 * @typedef {{ game: number, turn: number, chair: number, put: Units | null, call: number, shot: Shot, ageMs: number }} Struck
 * @typedef {{ game: number, turn: number, hash: bigint, restMs: number, foul: number,
 *   pocketed: { ball: number, pocket: number }[], block: Block, state: Uint8Array }} Verdict
 * @typedef {{ put: Units | null, call: number, angle: number, power: number, side: number, height: number }} Aiming
 * @typedef {{ chair: number, game: number, turn: number, body?: number } & Aiming} ForeignAim `body` is what was struck in the
 *   end, when that is known.
 * @typedef {{ kind: "free" | "person" | "away" | "bot", name: string }} Chair
 * @typedef {{ watching: number, wantsRematch: boolean[], chairs: Chair[] }} People
 * @typedef {{ op: number, reason: number, game: number, turn: number }} Refused
 */

/** Reads numbers one after the other; reading past the end throws a RangeError. */
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
    return this.view.getUint16((this.at += 2) - 2, true);
  }
  i16() {
    return this.view.getInt16((this.at += 2) - 2, true);
  }
  u32() {
    return this.view.getUint32((this.at += 4) - 4, true);
  }
  i32() {
    return this.view.getInt32((this.at += 4) - 4, true);
  }
  u64() {
    return this.view.getBigUint64((this.at += 8) - 8, true);
  }
  /** @param {number} count */
  some(count) {
    this.at += count;
    if (this.at > this.bytes.length) throw new RangeError("bytes past the end");
    return this.bytes.slice(this.at - count, this.at);
  }
  rest() {
    return this.bytes.slice(this.at);
  }
  text() {
    const length = this.u8();
    const end = this.at + length;
    if (end > this.bytes.length) throw new RangeError("text past the end");
    const text = new TextDecoder().decode(this.bytes.subarray(this.at, end));
    this.at = end;
    return text;
  }
  /** @param {ReadOwn} readOwn @returns {any} A block, with what is the game's own. */
  block(readOwn) {
    const [game, turn, phase, player] = [this.u16(), this.u16(), this.u8(), this.u8()];
    const [state, timeOuts, counts] = [this.some(4), [this.u8(), this.u8()], this.some(2)];
    const [winner, how, waitMs, leftMs] = [this.u8(), this.u8(), this.u32(), this.u32()];
    const own = readOwn(state, counts);
    return { game, turn, phase, player, timeOuts, winner, how, waitMs, leftMs: leftMs === NO_LIMIT ? Infinity : leftMs, ...own };
  }
}

/** @param {Uint8Array} bytes @param {ReadOwn} readOwn @returns {any} A table of the game. */
export function decodeTable(bytes, readOwn) {
  const from = new Reader(bytes);
  const [rules, opponent, ownChair, last] = [from.u8(), from.u8(), from.u8(), from.u8()];
  const [tableVersion, turnSeconds] = [from.u16(), from.u16()];
  return { rules, opponent, ownChair, last, tableVersion, turnSeconds, block: from.block(readOwn), state: from.rest() };
}

/** @param {Uint8Array} bytes @returns {Struck} */
export function decodeShot(bytes) {
  const from = new Reader(bytes);
  const [game, turn, chair, flags, call] = [from.u16(), from.u16(), from.u8(), from.u8(), from.u8()];
  from.u8();
  const place = { x: from.i32(), y: from.i32() };
  const shot = {
    table: from.u16(), body: from.u8(), angle: from.u32(), power: from.u16(), side: from.i16(), height: from.i16(),
  };
  return { game, turn, chair, put: flags & 1 ? place : null, call, shot, ageMs: from.u32() };
}

/** @param {Uint8Array} bytes @param {ReadOwn} readOwn @returns {any} A verdict of the game. */
export function decodeVerdict(bytes, readOwn) {
  const from = new Reader(bytes);
  const [game, turn, hash, restMs, foul, count] = [from.u16(), from.u16(), from.u64(), from.u32(), from.u8(), from.u8()];
  const pocketed = [];
  for (let i = 0; i < count; i++) pocketed.push({ ball: from.u8(), pocket: from.u8() });
  return { game, turn, hash, restMs, foul, pocketed, block: from.block(readOwn), state: from.rest() };
}

/** @param {Uint8Array} bytes @returns {ForeignAim} */
export function decodeAim(bytes) {
  const from = new Reader(bytes);
  const [chair, game, turn, flags, call] = [from.u8(), from.u16(), from.u16(), from.u8(), from.u8()];
  const place = { x: from.i32(), y: from.i32() };
  const aim = { angle: from.u32(), power: from.u16(), side: from.i16(), height: from.i16() };
  return { chair, game, turn, put: flags & 1 ? place : null, call, ...aim };
}

/** @param {Uint8Array} bytes @returns {People} */
export function decodePeople(bytes) {
  const from = new Reader(bytes);
  const [watching, rematch] = [from.u16(), from.u8()];
  const chairs = [0, 1].map(() => ({ kind: KINDS[from.u8()] ?? "free", name: from.text() }));
  return { watching, wantsRematch: [(rematch & 1) !== 0, (rematch & 2) !== 0], chairs };
}

/** @param {Uint8Array} bytes @returns {Refused} */
export function decodeRefused(bytes) {
  const from = new Reader(bytes);
  return { op: from.u8(), reason: from.u8(), game: from.u16(), turn: from.u16() };
}

/**
 * @param {Block} block
 * @param {{ put: Units | null, call: number, shot: Uint8Array }} what `shot` is encoded by the physics.
 */
export function encodeShoot(block, { put, call, shot }) {
  const bytes = new Uint8Array(14 + shot.length);
  writeHead(bytes, block, put, call);
  bytes.set(shot, 14);
  return bytes;
}

/**
 * @param {Block} block
 * @param {Aiming} aiming
 */
export function encodeAim(block, { put, call, angle, power, side, height }) {
  const bytes = new Uint8Array(24);
  const view = writeHead(bytes, block, put, call);
  view.setUint32(14, angle, true);
  view.setUint16(18, power, true);
  view.setInt16(20, side, true);
  view.setInt16(22, height, true);
  return bytes;
}

/**
 * @param {{ game: number, turn: number }} of
 * @param {bigint} hash
 * @param {Uint8Array} trace
 */
export function encodeDiffers({ game, turn }, hash, trace) {
  const kept = trace.subarray(0, TRACE_BYTES_MAX);
  const bytes = new Uint8Array(12 + kept.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, game, true);
  view.setUint16(2, turn, true);
  view.setBigUint64(4, hash, true);
  bytes.set(kept, 12);
  return bytes;
}

/** Of the ops that name the game, or the game and its turn. @param {...number} numbers */
export function encodeNumbers(...numbers) {
  return new Uint8Array(numbers.flatMap((number) => [number & 255, number >> 8]));
}

/** @param {Uint8Array} bytes @param {Block} block @param {Units | null} put @param {number} call */
function writeHead(bytes, { game, turn }, put, call) {
  const view = new DataView(bytes.buffer);
  view.setUint16(0, game, true);
  view.setUint16(2, turn, true);
  view.setUint8(4, put ? 1 : 0);
  view.setUint8(5, call);
  view.setInt32(6, put?.x ?? 0, true);
  view.setInt32(10, put?.y ?? 0, true);
  return view;
}

/** @param {Units} units In metres. */
export function toMetres({ x, y }) {
  return { x: x / UNITS, y: y / UNITS };
}
