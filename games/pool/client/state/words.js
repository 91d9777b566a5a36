/** What the page says about the game. */

import { HAND, NONE, OPPONENT, PHASE } from "./protocol.js";

export const GROUPS = ["", "solids", "stripes"];

const FOULS = [
  "",
  "the cue ball was pocketed",
  "no ball was hit",
  "a wrong ball was hit first",
  "no ball reached a cushion",
  "the break was too weak",
];

const REFUSALS = /** @type {Record<number, string>} */ ({
  6: "Too late: the time ran out.",
  8: "It is not your turn.",
  9: "The balls are still running.",
  13: "Pull the cue further back.",
  15: "Put the cue ball on the table first.",
  16: "The cue ball does not fit there.",
  17: "The cue ball belongs behind the line.",
  18: "Choose a pocket for the black first.",
  21: "That is not allowed now.",
  22: "No chair is free.",
  23: "Not so fast.",
  24: "The server could not do that. Try again.",
});

/** What the loser did, by how the game ended; the first two were the winner's doing. */
const ENDS = [
  "",
  "",
  "pocketed the black too early",
  "pocketed the black with a foul",
  "pocketed the black in another pocket than the called one",
  "made three fouls in a row",
  "let the time run out three times",
  "conceded",
  "left the game",
];
const DRAWN = 9;

/** @typedef {import("./protocol.js").Block} Block */

/** @param {number} foul @returns {string} Empty without one. */
export function sayFoul(foul) {
  return foul === 0 ? "" : `Foul: ${FOULS[foul] ?? "against the rules"}.`;
}

/** @param {number} reason */
export function sayRefusal(reason) {
  return REFUSALS[reason] ?? "The server did not accept that.";
}

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
  const loser = names[1 - winner] || "The other player";
  const title = winner === ownChair ? "You win" : `${names[winner] || "The other player"} wins`;
  if (how <= 1) return { title, text: winner === ownChair ? "A clean finish." : "The last ball is in." };
  return { title, text: `${1 - winner === ownChair ? "You" : loser} ${ENDS[how]}.` };
}
