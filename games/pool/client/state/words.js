/** What the page says about the game. */

import { NONE, OPPONENT, PHASE } from "../../../duel/client/state/protocol.js";
import { REFUSALS, sayLoss, sayWinner } from "../../../duel/client/state/words.js";
import { HAND } from "./protocol.js";

export const GROUPS = ["", "solids", "stripes"];

const FOULS = [
  "",
  "the cue ball was pocketed",
  "no ball was hit",
  "a wrong ball was hit first",
  "no ball reached a cushion",
  "the break was too weak",
];

const OWN_REFUSALS = /** @type {Record<number, string>} */ ({
  9: "The balls are still running.",
  13: "Pull the cue further back.",
  15: "Put the cue ball on the table first.",
  16: "The cue ball does not fit there.",
  17: "The cue ball belongs behind the line.",
  18: "Choose a pocket for the black first.",
});

/** What the loser did, by how the game ended, as far as it is pool's own. */
const ENDS = /** @type {Record<number, string>} */ ({
  2: "pocketed the black too early",
  3: "pocketed the black with a foul",
  4: "pocketed the black in another pocket than the called one",
  5: "made three fouls in a row",
});
export const DRAWN = 9;

/** @typedef {import("./protocol.js").Block} Block */

/** @param {number} foul @returns {string} Empty without one. */
export function sayFoul(foul) {
  return foul === 0 ? "" : `Foul: ${FOULS[foul] ?? "against the rules"}.`;
}

/** @param {number} reason */
export function sayRefusal(reason) {
  return OWN_REFUSALS[reason] ?? REFUSALS[reason] ?? "The server did not accept that.";
}

/** What is said at the table. @type {import("../../../duel/client/state/match.js").Sayings} */
export const SAYINGS = Object.freeze({
  refusal: sayRefusal,
  table({ last }) {
    if (last === 1) return [{ text: "Time is up.", tone: "foul" }];
    return last === 2 ? [{ text: "Racked again.", tone: "plain" }] : [];
  },
  verdict(before, { foul, block }, own) {
    /** @type {import("../../../duel/client/state/match.js").Said[]} */
    const said = foul === 0 ? [] : [{ text: sayFoul(foul), tone: "foul" }];
    if (own !== NONE && before.groups[own] === 0 && block.groups[own] !== 0) {
      said.push({ text: `You have the ${GROUPS[block.groups[own]]}.`, tone: "good" });
    }
    return said;
  },
  pauseMs: () => 0,
});

/**
 * The line above the table.
 * @param {object} what
 * @param {Block} what.block
 * @param {number} what.ownChair
 * @param {string[]} what.names
 * @param {boolean} what.isRunning Whether balls run.
 * @param {number} what.opponent
 * @param {number} what.call
 */
export function sayTurn({ block, ownChair, names, isRunning, opponent, call }) {
  if (block.phase === PHASE.WAITING) return "Waiting for the second player";
  if (block.phase === PHASE.OVER) return sayEnd(block, ownChair, names).title;
  if (isRunning) return "";
  if (block.player !== ownChair) return `${names[block.player] ?? "The other player"} is at the table`;
  if (block.isBlackOn && call === NONE) return "Tap the pocket for the black";
  if (block.hand !== HAND.NO) {
    const where = block.hand === HAND.KITCHEN ? "behind the line" : "anywhere";
    if (block.isBreak) return "Your break: drag the cue ball if you like";
    return `Ball in hand: drag the cue ball ${where}`;
  }
  return opponent === OPPONENT.NOBODY ? "" : "Your turn";
}

/**
 * @param {Block} block
 * @param {number} ownChair
 * @param {string[]} names
 */
export function sayEnd({ winner, how }, ownChair, names) {
  if (how === DRAWN || winner === NONE) return { title: "Drawn", text: "So many turns and no end." };
  const title = sayWinner(winner, ownChair, names);
  if (how <= 1) return { title, text: winner === ownChair ? "A clean finish." : "The last ball is in." };
  return { title, text: sayLoss(1 - winner, how, ownChair, names, ENDS) };
}
