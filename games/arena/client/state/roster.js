/** @typedef {import("./protocol.js").Player} Player */

/** Who plays, by owner. */
export class Roster {
  /** @type {Map<number, Player>} */
  #players = new Map();

  /** @param {import("./protocol.js").Players} change */
  apply({ whole, players, gone }) {
    if (whole) this.#players.clear();
    for (const owner of gone) this.#players.delete(owner);
    for (const player of players) this.#players.set(player.owner, player);
  }

  /** @param {number} owner */
  get(owner) {
    return this.#players.get(owner);
  }

  /** @param {number} owner */
  name(owner) {
    return this.#players.get(owner)?.name ?? "";
  }
}
