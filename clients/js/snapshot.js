// What both kinds of snapshots have in common.

import { FormatError } from "./bits.js";

/** @param {import("./bits.js").ByteReader} reader */
export function takeOwn(reader) {
  const id = reader.varint();
  if (id > 2 ** 32) throw new FormatError("a number is out of range");
  const lastInput = reader.varint32();
  const length = reader.varint32();
  if (length > OWN_BYTES_MAX) throw new FormatError("more than a replica holds");
  return { id: id === 0 ? null : id - 1, lastInput, state: reader.take(length).slice() };
}

/** @param {number} number @param {number} max */
export function inRange(number, max) {
  if (number < 0 || number > max) throw new FormatError("a number is out of range");
  return number;
}

/** What is in each list more often than in the other, once and in order. @param {number[]} came @param {number[]} went */
export function net(came, went) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const id of came) counts.set(id, (counts.get(id) ?? 0) + 1);
  for (const id of went) counts.set(id, (counts.get(id) ?? 0) - 1);
  const ids = [...counts.keys()].sort((a, b) => a - b);
  return [ids.filter((id) => counts.get(id) > 0), ids.filter((id) => counts.get(id) < 0)];
}

/** Everything that was known is forgotten. */
export const FLAG_WHOLE = 1;
export const FLAG_OWN = 2;
export const FLAG_WAITING = 8;
/** Golomb order of ids. */
export const ID_ORDER = 8;
/** Golomb order of velocities. */
export const VELOCITY_ORDER = 4;
const OWN_BYTES_MAX = 256;
