/** What `PROTOCOL.md` has beyond the messages of any game of two players. */

import * as duel from "../../../duel/client/state/protocol.js";

/** Op codes from the client. */
export const SEND = Object.freeze({ ...duel.SEND, FORMATION: 8 });
/** Op codes to the client. */
export const RECEIVE = Object.freeze({ ...duel.RECEIVE, FORMATIONS: 23 });
/** What the byte of a foul means here. */
export const GOAL = Object.freeze({ NONE: 0, GOAL: 1, OWN: 2 });

/**
 * @typedef {object} Own What the block of a turn of soccer tells.
 * @property {number[]} formations Of each chair, at the next kick-off.
 * @property {number[]} goals Of each chair.
 * @property {number} goalsToWin
 * @property {boolean} isKickOff
 *
 * @typedef {import("../../../duel/client/state/protocol.js").Block & Own} Block
 * @typedef {import("../../../duel/client/state/protocol.js").Table & { block: Block }} Table
 * @typedef {import("../../../duel/client/state/protocol.js").Verdict & { block: Block }} Verdict
 */

/** @param {Uint8Array} bytes @returns {Table} */
export function decodeTable(bytes) {
  return duel.decodeTable(bytes, readOwn);
}

/** @param {Uint8Array} bytes @returns {Verdict} */
export function decodeVerdict(bytes) {
  return duel.decodeVerdict(bytes, readOwn);
}

/** @param {Uint8Array} bytes @returns {{ game: number, formations: number[] }} */
export function decodeFormations(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { game: view.getUint16(0, true), formations: [view.getUint8(2), view.getUint8(3)] };
}

/** @param {{ game: number }} block @param {number} formation */
export function encodeFormation({ game }, formation) {
  return Uint8Array.of(...duel.encodeNumbers(game), formation);
}

/** @param {Uint8Array} state @param {Uint8Array} counts @returns {Own} */
function readOwn([one, two, ...goals], [goalsToWin, flags]) {
  return { formations: [one, two], goals, goalsToWin, isKickOff: (flags & 1) !== 0 };
}
