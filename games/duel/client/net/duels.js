const HISTORY = "duel_history";
const FRIENDS_MAX = 100;
const STATE_FRIEND = 0;
/** Last opponents that are offered to be challenged. */
const OPPONENTS_MAX = 8;
/** Codes of the notifications about games that are kept, as the server names them. */
const NOTES = [201, 202, 203, 204];

/**
 * @typedef {import("../state/history.js").Entry} Entry
 * @typedef {import("../state/kept.js").KeptGame} KeptGame
 * @typedef {import("../state/kept.js").Person} Person
 * @typedef {{ subject: string, content: string }} Note A notification.
 * @typedef {{ names: string[], isBot: boolean[], messages: import("../state/replay.js").Message[] }} Played
 */

/** What the server has of games that are over, and of those that are kept. */
export class Duels {
  #client;
  #game;
  /** The names that people chose, by their ids. @type {Map<string, string>} */
  #names = new Map();

  /** @param {import("../../../../clients/js/tagus.js").Client} client @param {string} game */
  constructor(client, game) {
    this.#client = client;
    this.#game = game;
  }

  get ownId() {
    return this.#client.session?.userId ?? "";
  }

  get ownUsername() {
    return this.#client.session?.username ?? "";
  }

  /** The last games of this login, the newest first. @returns {Promise<Entry[]>} */
  async history() {
    const id = { collection: HISTORY, key: this.#game, user_id: this.ownId };
    const [found] = await this.#client.readStorageObjects([id]);
    /** @type {Entry[]} */
    const games = found?.value.games ?? [];
    const named = await this.#named(games.map(({ opponent }) => opponent));
    return games.map((game, i) => ({ ...game, opponent: named[i] }));
  }

  /** @param {string} mode */
  rating(mode) {
    return this.#client.getRating(mode);
  }

  /** Friends, and whom one played against. @returns {Promise<Person[]>} */
  async people() {
    const [{ friends }, history] = await Promise.all([
      this.#client.listFriends({ state: STATE_FRIEND, limit: FRIENDS_MAX }),
      this.history(),
    ]);
    const known = new Map(friends.map(({ user }) => [user.id, { id: user.id, name: user.display_name || user.username }]));
    const opponents = history.flatMap(({ opponent: { id, name } }) => (id && name ? [{ id, name }] : []));
    for (const opponent of opponents.slice(0, OPPONENTS_MAX)) if (!known.has(opponent.id)) known.set(opponent.id, opponent);
    return [...known.values()];
  }

  /** @returns {Promise<KeptGame[]>} */
  async list() {
    const { games } = await this.#ask("list", {});
    const named = await this.#named(games.map((/** @type {KeptGame} */ { opponent }) => opponent));
    return games.map((/** @type {KeptGame} */ game, /** @type {number} */ i) => ({ ...game, opponent: named[i] }));
  }

  /**
   * @param {{ mode: string, days: number } & ({ user_id: string } | { username: string })} wish
   * @returns {Promise<string>} The game's id.
   */
  async challenge(wish) {
    return (await this.#ask("challenge", wish)).id;
  }

  /** @param {string} id @returns {Promise<string>} The room that has the game. */
  async open(id) {
    return (await this.#ask("open", { id })).match_id;
  }

  /** @param {string} id */
  async decline(id) {
    await this.#ask("decline", { id });
  }

  /**
   * A game that is over, as its room told it.
   * @param {string} userId Whose history it is in.
   * @param {string} id
   * @returns {Promise<Played>}
   */
  async replay(userId, id) {
    const { names, users, messages } = await this.#ask("replay", { user_id: userId, id });
    const decode = (/** @type {{ op: number, data: string }} */ { op, data }) => ({ op, data: bytesOf(data) });
    const isBot = users.map((/** @type {string | null} */ user) => user === null);
    return { names: await this.#chosen(names), isBot, messages: messages.map(decode) };
  }

  /** What a notification says, with the name that its sender chose. @param {Note} note */
  async sayNote({ subject, content }) {
    try {
      const { opponent } = JSON.parse(content);
      const [{ name }] = await this.#named([opponent]);
      return `${subject.replace(opponent.name, () => name)}.`;
    } catch {
      return `${subject}.`;
    }
  }

  /** @param {string} name @param {object} payload */
  async #ask(name, payload) {
    return JSON.parse((await this.#client.rpc(`duel.${name}`, payload)) || "{}");
  }

  /**
   * The same people by the names they chose.
   * @template {{ id: string | null, name: string }} T
   * @param {T[]} people
   * @returns {Promise<T[]>}
   */
  async #named(people) {
    const ids = [...new Set(people.flatMap(({ id }) => (id && !this.#names.has(id) ? [id] : [])))];
    for (let at = 0; at < ids.length; at += FRIENDS_MAX) {
      for (const user of await this.#client.getUsers(ids.slice(at, at + FRIENDS_MAX))) this.#names.set(user.id, user.display_name || user.username);
    }
    return people.map((person) => ({ ...person, name: (person.id && this.#names.get(person.id)) || person.name }));
  }

  /** @param {string[]} usernames Empty for a bot. */
  async #chosen(usernames) {
    const users = await this.#client.getUsers([], usernames.filter(Boolean)).catch(() => []);
    const names = new Map(users.map((user) => [user.username, user.display_name || user.username]));
    return usernames.map((name) => names.get(name) ?? name);
  }
}

/** Of a pushed envelope: the notifications about kept games. @param {any} envelope @returns {Note[]} */
export function notesOf(envelope) {
  const notes = envelope.notifications?.notifications ?? [];
  return notes.filter((/** @type {any} */ { code }) => NOTES.includes(Number(code)));
}

/** @param {string} text base64url. */
function bytesOf(text) {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
}
