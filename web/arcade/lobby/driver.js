import { Client, LOCAL, TagusError } from "/sdk/tagus.js";
import { Lobby } from "./lobby.js";
import { deviceId } from "./player.js";
import { gameOf, matchedIn, memberIn, qualityIn, snapshotIn, wish } from "./wire.js";
import { parseStats } from "./words.js";

const LOGIN_PAUSE_MS = 2_000;
const STATS_EVERY_MS = 3_000;

/** @typedef {import("/sdk/tagus.js").Socket} Socket @typedef {import("/sdk/tagus.js").Party} Party */

/** Carries the lobby's calls to the server, and what the server tells back to the lobby. It decides nothing. */
export class Driver {
  lobby = new Lobby();
  /** Names by user id, as far as they are known. @type {Map<string, string>} */
  names = new Map();
  /** The matchmaker's figures while somebody waits. @type {{ tickets: number, typicalMs: number | null } | null} */
  stats = null;

  #client = new Client();
  #page;
  #name;
  /** @type {Promise<Socket> | null} */
  #opening = null;
  /** @type {Socket | null} */
  #socket = null;
  /** @type {Party | null} */
  #party = null;
  #isRunning = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #calls;

  /**
   * @param {string} name The player's.
   * @param {{ changed: () => void, go: (game: string, matchId: string) => void, address: (code: string) => void }} page
   */
  constructor(name, page) {
    this.#name = name;
    this.#page = page;
    this.#calls = this.#table();
    setInterval(() => void this.#pollStats(), STATS_EVERY_MS);
  }

  /** The own round trip in milliseconds; null until measured. */
  get pingMs() {
    return this.#socket?.pingMs ?? null;
  }

  /**
   * Runs one step of the lobby and does what it asks for.
   * @param {(lobby: Lobby, nowMs: number) => void} step
   */
  do(step) {
    step(this.lobby, performance.now());
    // A listener of the page may come back here; the outer loop then does the inner step's effects, in order.
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let effect = this.lobby.pollEffect(); effect; effect = this.lobby.pollEffect()) this.#perform(effect);
    this.#isRunning = false;
    clearTimeout(this.#timer);
    const dueMs = this.lobby.pollTimeout();
    if (dueMs < Infinity) {
      this.#timer = setTimeout(() => this.do((lobby, nowMs) => lobby.handleTimeout(nowMs)), Math.max(0, dueMs - performance.now()));
    }
    this.#page.changed();
  }

  /** Tries to connect again at once. */
  retry() {
    this.#socket?.retry();
  }

  /** @param {string} name */
  async rename(name) {
    this.#name = name;
    if (!this.#client.session) return;
    try {
      await this.#client.updateAccount({ display_name: name });
      this.names.set(this.#client.session.userId, name);
      this.do((lobby) => lobby.renamed());
    } catch {
      // The name goes along with the next login; until then others see the old one.
    }
  }

  /** @param {import("./desk.js").Effect} effect */
  #perform(effect) {
    if (effect.kind === "call") void this.#callServer(effect);
    else if (effect.kind === "go") this.#page.go(effect.game, effect.matchId);
    else if (effect.kind === "address") this.#page.address(effect.code);
    else void this.#learnNames(effect.userIds, effect.isFresh);
  }

  /** @param {{ id: number, name: string, args: any }} call */
  async #callServer({ id, name, args }) {
    try {
      const result = await this.#calls[name](await this.#ready(), args);
      this.do((lobby, nowMs) => lobby.handleDone(id, result, nowMs));
      if (!this.stats) void this.#pollStats();
    } catch (thrown) {
      const { code, message } = thrown instanceof TagusError ? thrown : new TagusError(LOCAL.UNREACHABLE, String(thrown));
      this.do((lobby, nowMs) => lobby.handleFailed(id, { code, message }, nowMs));
    }
  }

  /** @returns {Record<string, (socket: Socket, args: any) => Promise<any>>} What the lobby may call. */
  #table() {
    const party = () => {
      if (!this.#party) throw new TagusError(LOCAL.DISCONNECTED, "no party");
      return this.#party;
    };
    const presence = (/** @type {string} */ sessionId) => {
      const found = party().presences.get(sessionId);
      if (!found) throw new TagusError(0, "they left the party");
      return found;
    };
    // With an answer, so that what got lost with the connection is known.
    const send = async (/** @type {Socket} */ _, /** @type {{ op: number, text: string }} */ { op, text }) => {
      const data = new TextEncoder().encode(text);
      await party().demand({ party_data_send: { party_id: party().partyId, op_code: op, data } });
    };
    return {
      addTicket: (socket, wanted) => socket.addMatchmaker(wish(wanted)),
      removeTicket: (socket, { ticket }) => socket.removeMatchmaker(ticket),
      addPartyTicket: (_, wanted) => party().addMatchmaker(wish(wanted)),
      removePartyTicket: (_, { ticket }) => party().removeMatchmaker(ticket),
      createParty: async (socket, { max }) => this.#watch(await socket.createParty({ maxSize: max, hidden: true })),
      joinParty: async (socket, { code }) => this.#watch(await socket.joinParty(code)),
      rejoin: async (socket, { code }) => this.#watch(await socket.joinParty(code)),
      leaveParty: async () => {
        const left = this.#party;
        this.#party = null;
        await left?.leave();
      },
      partyCode: (_, { partyId }) => this.#client.partyCode(partyId),
      promote: async (_, { sessionId }) => party().promote(presence(sessionId)),
      kick: async (_, { sessionId }) => party().remove(presence(sessionId)),
      send,
      bring: send,
      openRoom: async (_, { game }) => {
        const { match_id: matchId, code } = await this.#client.openPrivateMatch(game);
        return { matchId, code };
      },
      findRoom: async (socket, { code }) => {
        const { matchId, label } = await socket.join(code);
        return { matchId, game: gameOf(label) };
      },
    };
  }

  /** A socket that is open, however long the server takes to be there. */
  #ready() {
    this.#opening ??= this.#open().catch((thrown) => {
      this.#opening = null;
      throw thrown;
    });
    return this.#opening;
  }

  async #open() {
    this.do((lobby) => lobby.handleLink("connecting"));
    for (;;) {
      try {
        await this.#client.authenticateDevice(deviceId());
        await this.#client.updateAccount({ display_name: this.#name });
        break;
      } catch (thrown) {
        if (thrown instanceof TagusError && thrown.code >= 0) throw thrown;
        this.do((lobby) => lobby.handleLink("waiting"));
        await new Promise((resolve) => setTimeout(resolve, LOGIN_PAUSE_MS));
      }
    }
    const socket = this.#client.createSocket();
    this.#socket = socket;
    socket.on("state", (state) => this.do((lobby) => lobby.handleLink(state)));
    socket.on("quality", (quality) => this.do((lobby) => lobby.handleQuality(qualityIn(quality))));
    socket.on("matched", (matched) => this.do((lobby, nowMs) => lobby.handleMatched(matchedIn(matched), nowMs)));
    await socket.connect();
    return socket;
  }

  /** @param {Party} party Tells the lobby of it from here on. */
  #watch(party) {
    this.#party = party;
    const show = () => {
      if (this.#party !== party || !party.leader) return;
      this.do((lobby) => lobby.handleParty(snapshotIn(party)));
    };
    for (const event of ["joined", "resumed", "presence", "leader"]) party.on(event, show);
    party.on("data", (/** @type {number} */ op, /** @type {Uint8Array} */ bytes, from) => {
      const text = new TextDecoder().decode(bytes);
      if (this.#party === party) this.do((lobby) => lobby.handleData(op, text, memberIn(from)));
    });
    party.on("ticket", (ticket) => this.do((lobby, nowMs) => lobby.handleTicket(ticket, nowMs)));
    party.on("closed", (refusal) => {
      if (this.#party !== party) return;
      this.#party = null;
      this.do((lobby, nowMs) => lobby.handlePartyOver(refusal, nowMs));
    });
    show();
  }

  /**
   * @param {string[]} userIds
   * @param {boolean} isFresh Whether known ones are asked for again.
   */
  async #learnNames(userIds, isFresh) {
    const ids = userIds.filter((id) => id && (isFresh || !this.names.has(id)));
    if (ids.length === 0) return;
    try {
      for (const user of await this.#client.getUsers(ids)) this.names.set(user.id, user.display_name || user.username);
      this.#page.changed();
    } catch {
      // The user names that came with the presences are shown meanwhile.
    }
  }

  async #pollStats() {
    if (!this.lobby.search || !this.#client.session) {
      this.stats = null;
      return;
    }
    try {
      this.stats = parseStats(await this.#client.getMatchmakerStats());
      this.#page.changed();
    } catch {
      // A figure that is a little old is better than none.
    }
  }
}
