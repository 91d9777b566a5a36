/** Games that are played over days, in words and in order. */

import { capital, sayUntil } from "./history.js";

/** Days for a turn that are offered. */
export const DAYS = Object.freeze([1, 3, 7]);

/**
 * @typedef {{ id: string, name: string }} Person
 * @typedef {{ id: string, mode: string, opponent: Person, is_own_turn: boolean, turn: number, deadline: number, is_new: boolean }} KeptGame
 *   `deadline` in seconds since 1970; `is_new`: a challenge that the caller has not answered.
 */

/** Those to be played first, and of these the most urgent. @param {KeptGame[]} games */
export function inOrder(games) {
  const rank = (/** @type {KeptGame} */ { is_own_turn: isOwn, is_new: isNew }) => (isNew ? 0 : isOwn ? 1 : 2);
  return [...games].sort((a, b) => rank(a) - rank(b) || a.deadline - b.deadline);
}

/** How many wait for their player. @param {KeptGame[]} games */
export function waiting(games) {
  return games.filter(({ is_own_turn: isOwn, is_new: isNew }) => isOwn || isNew).length;
}

/**
 * What is written under a game's title.
 * @param {KeptGame} game
 * @param {number} nowMs Calendar time.
 */
export function sayState({ is_own_turn: isOwn, turn, deadline }, nowMs) {
  const until = sayUntil(deadline, nowMs);
  if (turn === 0) return isOwn ? `You begin, by ${until}.` : `They begin, by ${until}.`;
  return isOwn ? `Turn ${turn + 1}: play by ${until}.` : `Turn ${turn + 1}: they have until ${until}.`;
}

/**
 * What the page says while one is in such a game.
 * @param {{ isOwnTurn: boolean, other: string, untilS: number, nowMs: number }} what `untilS` is 0 without a limit.
 */
export function sayKept({ isOwnTurn, other, untilS, nowMs }) {
  if (untilS === 0) return "This game is kept: leave whenever you like.";
  const until = sayUntil(untilS, nowMs);
  return isOwnTurn ? `Your turn is kept until ${until}.` : `${capital(other)} has until ${until}: you may leave.`;
}
