/** What the page says about the game. */

import { NONE, PHASE } from "../../../duel/client/state/protocol.js";
import { REFUSALS, sayLoss, sayWinner } from "../../../duel/client/state/words.js";
import { GOAL } from "./protocol.js";

const OWN_REFUSALS = /** @type {Record<number, string>} */ ({
  9: "The pitch is not still yet.",
  11: "Flick a disc of your own.",
  13: "Pull further back.",
});
const ORDINALS = ["", "first", "second", "third"];
const BY_GOALS = 1;
const BY_MORE_GOALS = 2;
const DRAWN = 9;
/** How long the ball is seen in the net; the server waits half a second more. */
const GOAL_SHOWN_MS = 1_400;

/** @typedef {import("./protocol.js").Block} Block */

/** @param {number} reason */
export function sayRefusal(reason) {
  return OWN_REFUSALS[reason] ?? REFUSALS[reason] ?? "The server did not accept that.";
}

/** What is said on the pitch; goals are celebrated as they are seen. @type {import("../../../duel/client/state/match.js").Sayings} */
export const SAYINGS = Object.freeze({
  refusal: sayRefusal,
  table({ last, block }) {
    // Whose time ran out is not on the ball now.
    const outs = block.timeOuts[1 - block.player];
    return last === 1 ? [{ text: outs ? `Time is up, for the ${ORDINALS[outs]} of three times.` : "Time is up.", tone: "foul" }] : [];
  },
  verdict: () => [],
  pauseMs: ({ foul }) => (foul === GOAL.NONE ? 0 : GOAL_SHOWN_MS),
});

/**
 * The line above the pitch.
 * @param {object} what
 * @param {Block} what.block
 * @param {number} what.ownChair
 * @param {string[]} what.names
 * @param {boolean} what.isRunning Whether something slides.
 * @param {boolean} what.isReady Whether the turn has begun.
 */
export function sayTurn({ block, ownChair, names, isRunning, isReady }) {
  if (block.phase === PHASE.WAITING) return "Waiting for the second player";
  if (block.phase === PHASE.OVER) return sayEnd(block, ownChair, names).title;
  if (isRunning) return "";
  const who = names[block.player] || "The other player";
  if (block.player !== ownChair) return block.isKickOff ? `${who} kicks off` : `${who} is on the ball`;
  if (!isReady) return "Get ready";
  return block.isKickOff ? "Your kick-off" : "Your turn";
}

/**
 * @param {Pick<Block, "winner" | "how"> & { goals?: number[] }} block
 * @param {number} ownChair
 * @param {string[]} names
 */
export function sayEnd({ winner, how, goals }, ownChair, names) {
  const isDrawn = how === DRAWN || winner === NONE;
  // A list of games does not know the goals.
  const score = goals ? `${goals[isDrawn ? 0 : winner]} : ${goals[isDrawn ? 1 : 1 - winner]}` : "";
  if (isDrawn) return { title: "Drawn", text: score ? `${score}, and the time is over.` : "As many goals on both sides." };
  const title = sayWinner(winner, ownChair, names);
  if (how === BY_GOALS) return { title, text: score ? `${score}.` : "By goals." };
  if (how === BY_MORE_GOALS) return { title, text: score ? `${score} when the time was over.` : "More goals when the time was over." };
  return { title, text: sayLoss(1 - winner, how, ownChair, names) };
}
