/**
 * @typedef {{ code: number, message: string }} Refusal
 * @typedef {import("./party-view.js").Member} Member
 * @typedef {import("./party-view.js").Snapshot} Snapshot
 *
 * @typedef {object} Search
 * @property {string} game Empty for a member who has not been told.
 * @property {boolean} isParty
 * @property {string} ticket Empty until the server answered.
 * @property {number} sinceMs
 * @property {"asking" | "waiting" | "stopping"} phase
 *
 * @typedef {{ waitMs: number, favouriteWins: number | null, region: string, rttMinMs: number, rttMaxMs: number }} Quality
 * @typedef {{ game: string, matchId: string, players: Member[], quality: Quality | null, ownSession: string }} Found
 * @typedef {{ game: string, matchId: string, code: string }} PrivateRoom
 * @typedef {"search" | "friends" | "code"} NoticePlace
 * @typedef {{ place: NoticePlace, text: string, isError: boolean }} Notice
 *
 * @typedef {{ kind: "call", id: number, name: string, args: any } | { kind: "go", game: string, matchId: string }
 *   | { kind: "address", code: string } | { kind: "names", userIds: string[], isFresh: boolean }} Effect
 */

/** What a lobby has in hand: what the page shows, what it asked the server for, what is due and what its owner must do. */
export class Desk {
  /** Whether the server can be talked to. @type {"idle" | "connecting" | "open" | "lost"} */
  link = "idle";
  /** What is asked for and not answered yet, of which there is one at a time. @type {"" | "party" | "code" | "room"} */
  busy = "";
  /** @type {import("./party-view.js").PartyView | null} */
  party = null;
  /** @type {Search | null} */
  search = null;
  /** @type {Found | null} */
  found = null;
  /** @type {PrivateRoom | null} */
  room = null;
  /** @type {Notice | null} */
  notice = null;

  /** @type {Effect[]} */
  effects = [];
  /** @type {Map<number, { name: string, args: any }>} */
  calls = new Map();
  lastCall = 0;
  /** What is due, and when; each kind once. @type {Map<"go" | "stopped" | "rejoin" | "asked", number>} */
  due = new Map();

  /** @returns {number} When {@link Lobby.handleTimeout} wants to be called; Infinity for never. */
  pollTimeout() {
    return Math.min(Infinity, ...this.due.values());
  }

  /** @returns {Effect | undefined} What the owner must do next. */
  pollEffect() {
    return this.effects.shift();
  }

  /**
   * @param {string} name
   * @param {any} args
   */
  ask(name, args) {
    const id = ++this.lastCall;
    this.calls.set(id, { name, args });
    this.effects.push({ kind: "call", id, name, args });
    return id;
  }

  /** @param {string} name */
  isAsking(name) {
    return [...this.calls.values()].some((call) => call.name === name);
  }

  /**
   * @param {NoticePlace} place
   * @param {string} text
   * @param {boolean} isError
   */
  tell(place, text, isError) {
    this.notice = { place, text, isError };
  }
}
