import { deviceId } from "/arcade/lobby/player.js";
import { Client, TagusError } from "/sdk/tagus.js";
import {
  RECEIVE, SEND, decodeAim, decodePeople, decodeRefused, decodeShot, encodeAim, encodeDiffers, encodeNumbers, encodeShoot,
} from "../state/protocol.js";

const RETRY_PAUSE_MS = 2_000;
const CODE_MATCH_NOT_FOUND = 4;

/**
 * @typedef {import("../state/protocol.js").Block} Block
 * @typedef {"online" | "unreachable" | "joined" | "gone" | "lost" | "resumed" | "over"} LinkChange
 *   `gone`: there is no such room; `over`: this one is.
 *
 * @typedef {object} Decoders What a game reads in its own way.
 * @property {(bytes: Uint8Array) => any} decodeTable
 * @property {(bytes: Uint8Array) => any} decodeVerdict
 * @property {Record<number, (bytes: Uint8Array) => void>} [others] Ops of the game's own.
 *
 * @typedef {object} RoomListener
 * @property {(table: any) => void} table A table of the game.
 * @property {(shot: import("../state/protocol.js").Struck) => void} shot
 * @property {(verdict: any) => void} verdict A verdict of the game.
 * @property {(aim: import("../state/protocol.js").ForeignAim) => void} aim
 * @property {(people: import("../state/protocol.js").People) => void} people
 * @property {(refused: import("../state/protocol.js").Refused) => void} refused
 * @property {() => void} record A game is over, and the server has it.
 * @property {(what: LinkChange, detail: string) => void} link
 * @property {(envelope: any) => void} [pushed] What the server says beside the room.
 */

/** The room of a game of two players, over the SDK. */
export class Room {
  #client = new Client();
  /** @type {import("../../../../clients/js/tagus.js").Socket | null} */
  #socket = null;
  /** @type {import("../../../../clients/js/tagus.js").Room | null} */
  #room = null;
  #ticket = "";
  /** Counts what was begun, so that what was given up is not finished. */
  #attempt = 0;
  #listener;
  #decoders;
  /** Who is here, by user name, and the names they chose. @type {import("../state/protocol.js").People | null} */
  #people = null;
  /** @type {Map<string, string>} */
  #names = new Map();

  /** @param {Decoders} game @param {RoomListener} listener */
  constructor({ decodeTable, decodeVerdict, others = {} }, listener) {
    this.#listener = listener;
    this.#decoders = /** @type {Record<number, (bytes: Uint8Array) => void>} */ ({
      ...others,
      [RECEIVE.TABLE]: (bytes) => listener.table(decodeTable(bytes)),
      [RECEIVE.SHOT]: (bytes) => listener.shot(decodeShot(bytes)),
      [RECEIVE.VERDICT]: (bytes) => listener.verdict(decodeVerdict(bytes)),
      [RECEIVE.AIM]: (bytes) => listener.aim(decodeAim(bytes)),
      [RECEIVE.PEOPLE]: (bytes) => this.#takePeople(decodePeople(bytes)),
      [RECEIVE.REFUSED]: (bytes) => listener.refused(decodeRefused(bytes)),
      [RECEIVE.RECORD]: () => listener.record(),
    });
  }

  /** The login, for what is asked beside the room. */
  get client() {
    return this.#client;
  }

  /** The id of the room one is in; empty when in none. */
  get matchId() {
    return this.#room?.matchId ?? "";
  }

  /**
   * Logs in and connects, however long the server takes to be there.
   * @param {string} name
   */
  async connect(name) {
    for (;;) {
      try {
        await this.#client.authenticateDevice(deviceId());
        break;
      } catch (thrown) {
        this.#listener.link("unreachable", String(thrown));
        await pause();
      }
    }
    await this.rename(name);
    this.#socket = this.#client.createSocket();
    this.#socket.on("matched", ({ match_id: matchId = "" }) => {
      if (!this.#ticket) return;
      this.#ticket = "";
      void this.join(matchId);
    });
    this.#socket.on("push", (envelope) => this.#listener.pushed?.(envelope));
    await this.#socket.connect();
    this.#listener.link("online", "");
  }

  /** Has the game that was just played written into the history of both players. */
  async keep() {
    try {
      await this.#socket?.rpc("pool.keep", this.matchId);
    } catch {
      // The other player's page asks for the same.
    }
  }

  sit() {
    this.#room?.send(SEND.SIT);
  }

  /** @param {string} name */
  async rename(name) {
    try {
      await this.#client.updateAccount({ display_name: name });
    } catch {
      // The name goes along with the next visit.
    }
  }

  /**
   * Takes a seat in a room.
   * @param {string} name The room's id or code.
   */
  async join(name) {
    const socket = this.#socket;
    if (!socket) return;
    const attempt = ++this.#attempt;
    while (attempt === this.#attempt) {
      try {
        const room = await socket.join(name);
        if (attempt !== this.#attempt) {
          await room.leave();
          return;
        }
        this.#room = room;
        const isCurrent = () => this.#room === room;
        room.on("data", (/** @type {number} */ op, /** @type {Uint8Array} */ bytes) => isCurrent() && this.#decoders[op]?.(bytes));
        room.on("lost", () => isCurrent() && this.#listener.link("lost", ""));
        room.on("resumed", () => isCurrent() && this.#listener.link("resumed", ""));
        room.on("closed", (error) => isCurrent() && this.#listener.link("over", error?.message ?? ""));
        this.#listener.link("joined", room.matchId);
        return;
      } catch (thrown) {
        const isRefused = thrown instanceof TagusError && thrown.code >= 0;
        const isGone = isRefused && thrown.code === CODE_MATCH_NOT_FOUND;
        this.#listener.link(isRefused ? "gone" : "unreachable", isGone ? "That game is over." : messageOf(thrown));
        if (isRefused) return;
        await pause();
      }
    }
  }

  /**
   * Opens a room of one's own and joins it.
   * @param {string} mode
   * @returns {Promise<string>} Its code.
   */
  async open(mode) {
    const { match_id: matchId, code } = await this.#client.openPrivateMatch(mode);
    await this.join(matchId);
    return code;
  }

  /**
   * Waits for another player, and joins the room of the match.
   * @param {string} mode
   */
  async quick(mode) {
    const socket = this.#socket;
    if (!socket) return;
    const attempt = ++this.#attempt;
    const wish = { min_count: 2, max_count: 2, query: `+properties.mode:${mode}`, string_properties: { mode } };
    const ticket = await socket.addMatchmaker(wish);
    if (attempt === this.#attempt) this.#ticket = ticket;
    else await socket.removeMatchmaker(ticket);
  }

  /** Gives up what was begun, or the seat. */
  async leave() {
    this.#attempt += 1;
    const [ticket, room] = [this.#ticket, this.#room];
    this.#ticket = "";
    this.#room = null;
    try {
      if (ticket) await this.#socket?.removeMatchmaker(ticket);
      await room?.leave();
    } catch {
      // The connection is lost; the server gives the seat up by itself.
    }
  }

  /** @param {import("../state/protocol.js").People} people As the server has them: by user name. */
  #takePeople(people) {
    this.#people = people;
    const shownName = (/** @type {string} */ name) => this.#names.get(name) ?? name;
    this.#listener.people({ ...people, chairs: people.chairs.map((chair) => ({ ...chair, name: shownName(chair.name) })) });
    const unknown = people.chairs.filter(({ kind, name }) => (kind === "person" || kind === "away") && !this.#names.has(name)).map(({ name }) => name);
    if (unknown.length > 0) void this.#learnNames(unknown);
  }

  /** @param {string[]} usernames */
  async #learnNames(usernames) {
    try {
      for (const user of await this.#client.getUsers([], usernames)) this.#names.set(user.username, user.display_name || user.username);
      if (this.#people && this.#room) this.#takePeople(this.#people);
    } catch {
      // The user names are shown meanwhile.
    }
  }

  /** Tries to connect again at once. */
  retry() {
    this.#socket?.retry();
  }

  /**
   * Sends a message of the game's own.
   * @param {number} op
   * @param {Uint8Array} bytes
   */
  send(op, bytes) {
    return this.#room?.send(op, bytes) ?? false;
  }

  /** @param {Block} block @param {Parameters<typeof encodeShoot>[1]} stroke */
  shoot(block, stroke) {
    return this.#room?.send(SEND.SHOOT, encodeShoot(block, stroke)) ?? false;
  }

  /** @param {Block} block @param {import("../state/protocol.js").Aiming} aiming */
  aim(block, aiming) {
    this.#room?.send(SEND.AIM, encodeAim(block, aiming));
  }

  /** @param {{ game: number, turn: number }} of @param {bigint} hash @param {unknown} trace */
  differs(of, hash, trace) {
    this.#room?.send(SEND.DIFFERS, encodeDiffers(of, hash, new TextEncoder().encode(JSON.stringify(trace))));
  }

  /** @param {Block} block */
  concede({ game }) {
    this.#room?.send(SEND.CONCEDE, encodeNumbers(game));
  }

  /** @param {Block} block */
  rematch({ game }) {
    this.#room?.send(SEND.REMATCH, encodeNumbers(game));
  }
}

/** @param {unknown} thrown */
function messageOf(thrown) {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
}
