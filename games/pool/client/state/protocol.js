/** What `PROTOCOL.md` has beyond the messages of any game of two players. */

import * as duel from "../../../duel/client/state/protocol.js";

/** Op codes from the client. */
export const SEND = Object.freeze({ ...duel.SEND, RERACK: 4 });
export const HAND = Object.freeze({ NO: 0, KITCHEN: 1, ANYWHERE: 2 });

/**
 * @typedef {object} Own What the block of a turn of pool tells.
 * @property {number} hand
 * @property {boolean} isBreak
 * @property {boolean} canRerack
 * @property {boolean} isBlackOn
 * @property {boolean} mustPut
 * @property {number[]} groups Of each chair: 0 none yet, 1 solids, 2 stripes.
 * @property {number[]} fouls
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

/** @param {Uint8Array} state @param {Uint8Array} counts @returns {Own} */
function readOwn([hand, flags, ...groups], counts) {
  return {
    hand, groups, fouls: [...counts],
    isBreak: (flags & 1) !== 0, canRerack: (flags & 2) !== 0, isBlackOn: (flags & 4) !== 0, mustPut: (flags & 8) !== 0,
  };
}
