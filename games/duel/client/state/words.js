/** What pages of any game of two players say. */

/** By the reason's number; a game has its own besides. */
export const REFUSALS = Object.freeze(/** @type {Record<number, string>} */ ({
  6: "Too late: the time ran out.",
  8: "It is not your turn.",
  21: "That is not allowed now.",
  22: "No chair is free.",
  23: "Not so fast.",
  24: "The server could not do that. Try again.",
}));

const LOSSES = /** @type {Record<number, string>} */ ({
  6: "let the time run out",
  7: "conceded",
  8: "left the game",
});

/** @param {number} winner @param {number} ownChair @param {string[]} names */
export function sayWinner(winner, ownChair, names) {
  return winner === ownChair ? "You win" : `${names[winner] || "The other player"} wins`;
}

/**
 * What the loser did.
 * @param {number} loser
 * @param {number} how
 * @param {number} ownChair
 * @param {string[]} names
 * @param {Record<number, string>} [own] Ends of the game's own, by how.
 */
export function sayLoss(loser, how, ownChair, names, own = {}) {
  return `${loser === ownChair ? "You" : names[loser] || "The other player"} ${own[how] ?? LOSSES[how] ?? "lost"}.`;
}
