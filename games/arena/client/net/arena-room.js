import { Client, TagusError } from "/sdk/tagus.js";
import {
  RECEIVE, SEND, decodeBoard, decodeDied, decodeMinimap, decodePlayers, decodeView, decodeWorld, encodeSpawn,
} from "../state/protocol.js";

const DEVICE_KEY = "tagus.device";
const RETRY_PAUSE_MS = 2_000;
const DEFAULT_ROOM = "arena";
const CODE_MATCH_NOT_FOUND = 4;

/**
 * @typedef {object} ArenaListener
 * @property {(world: import("../state/protocol.js").World) => void} world
 * @property {(view: import("../state/protocol.js").View) => void} view
 * @property {(players: import("../state/protocol.js").Players) => void} players
 * @property {(board: import("../state/protocol.js").Board) => void} board
 * @property {(minimap: import("../state/protocol.js").Minimap) => void} minimap
 * @property {(died: import("../state/protocol.js").Died) => void} died
 * @property {(what: "unreachable" | "joined" | "lost" | "resumed" | "over", detail: string) => void} link
 */

/** The arena's messages over the SDK. */
export class ArenaRoom {
  /** @type {import("../../../../clients/js/tagus.js").Socket | null} */
  #socket = null;
  /** @type {import("../../../../clients/js/tagus.js").Room | null} */
  #room = null;
  #decoders;

  /**
   * @param {string} name The room's id or stable name.
   * @param {ArenaListener} listener
   */
  constructor(name, listener) {
    this.name = name;
    this.listener = listener;
    this.#decoders = /** @type {Record<number, (bytes: Uint8Array) => void>} */ ({
      [RECEIVE.WORLD]: (bytes) => listener.world(decodeWorld(bytes)),
      [RECEIVE.VIEW]: (bytes) => listener.view(decodeView(bytes)),
      [RECEIVE.PLAYERS]: (bytes) => listener.players(decodePlayers(bytes)),
      [RECEIVE.BOARD]: (bytes) => listener.board(decodeBoard(bytes)),
      [RECEIVE.MINIMAP]: (bytes) => listener.minimap(decodeMinimap(bytes)),
      [RECEIVE.DIED]: (bytes) => listener.died(decodeDied(bytes)),
    });
  }

  get pingMs() {
    return this.#socket?.pingMs ?? null;
  }

  get connected() {
    return this.#socket?.state === "open";
  }

  /** Logs in and joins, however long the server takes to be there. */
  async join() {
    const client = new Client();
    for (;;) {
      try {
        await client.authenticateDevice(deviceId());
        break;
      } catch (thrown) {
        this.listener.link("unreachable", String(thrown));
        await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
      }
    }
    this.#socket = client.createSocket();
    for (;;) {
      try {
        await this.#socket.connect();
        const room = await this.#socket.join(this.name);
        this.#room = room;
        room.on("data", (/** @type {number} */ op, /** @type {Uint8Array} */ bytes) => this.#decoders[op]?.(bytes));
        room.on("lost", () => this.listener.link("lost", ""));
        room.on("resumed", () => this.listener.link("resumed", ""));
        room.on("closed", (error) => this.listener.link("over", error?.message ?? ""));
        this.listener.link("joined", "");
        return;
      } catch (thrown) {
        if (thrown instanceof TagusError && thrown.code === CODE_MATCH_NOT_FOUND && this.name !== DEFAULT_ROOM) {
          // A link to a room that is gone leads to the one that always is there.
          this.name = DEFAULT_ROOM;
          continue;
        }
        this.listener.link("unreachable", thrown instanceof Error ? thrown.message : String(thrown));
        await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
      }
    }
  }

  /** Tries to connect again at once. */
  retry() {
    this.#socket?.retry();
  }

  /** @param {Uint8Array} target */
  steer(target) {
    return this.#room?.send(SEND.STEER, target) ?? false;
  }

  split() {
    this.#room?.send(SEND.SPLIT);
  }

  eject() {
    this.#room?.send(SEND.EJECT);
  }

  /**
   * @param {number} hue
   * @param {string} name
   */
  spawn(hue, name) {
    this.#room?.send(SEND.SPAWN, encodeSpawn(hue, name));
  }

  spectate() {
    this.#room?.send(SEND.SPECTATE);
  }
}

/** An id that this tab keeps: two tabs are two players, a reloaded one takes its seat back. */
function deviceId() {
  const known = sessionStorage.getItem(DEVICE_KEY);
  if (known) return known;
  const id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  sessionStorage.setItem(DEVICE_KEY, id);
  return id;
}
