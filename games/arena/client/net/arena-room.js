import { Client, TagusError } from "/sdk/tagus.js";
import { Replica, Schema } from "/sdk/replication.js";
import {
  RECEIVE, SEND, decodeBoard, decodeDied, decodeMinimap, decodePlayers, decodeWorld, encodeSpawn,
} from "../state/protocol.js";
import { Sight } from "../state/sight.js";

const DEVICE_KEY = "tagus.device";
const RETRY_PAUSE_MS = 2_000;
const DEFAULT_ROOM = "arena";
const CODE_MATCH_NOT_FOUND = 4;

/**
 * @typedef {"unreachable" | "refused" | "joined" | "elsewhere" | "lost" | "resumed" | "over"} LinkChange
 *   `elsewhere` is joined too, but in another room than the one asked for, which is gone.
 *
 * @typedef {object} ArenaListener
 * @property {(world: import("../state/protocol.js").World) => void} world
 * @property {(view: import("../state/sight.js").View) => void} view
 * @property {(players: import("../state/protocol.js").Players) => void} players
 * @property {(board: import("../state/protocol.js").Board) => void} board
 * @property {(minimap: import("../state/protocol.js").Minimap) => void} minimap
 * @property {(died: import("../state/protocol.js").Died) => void} died
 * @property {(what: LinkChange, detail: string) => void} link
 * @property {(bytes: number) => void} received Length of each message of the connection.
 */

/** The arena's messages over the SDK. */
export class ArenaRoom {
  /** @type {import("../../../../clients/js/tagus.js").Socket | null} */
  #socket = null;
  /** @type {import("../../../../clients/js/tagus.js").Room | null} */
  #room = null;
  #decoders;
  /** @type {Sight | null} */
  #sight = null;

  /**
   * @param {string} name The room's id or stable name.
   * @param {ArenaListener} listener
   */
  constructor(name, listener) {
    this.name = name;
    this.listener = listener;
    this.#decoders = /** @type {Record<number, (bytes: Uint8Array) => void>} */ ({
      [RECEIVE.WORLD]: (bytes) => {
        const world = decodeWorld(bytes);
        this.#sight = new Sight(new Replica(new Schema(world.schema)), world);
        listener.world(world);
      },
      [RECEIVE.VIEW]: (bytes) => this.#see(bytes),
      [RECEIVE.PLAYERS]: (bytes) => listener.players(decodePlayers(bytes)),
      [RECEIVE.BOARD]: (bytes) => listener.board(decodeBoard(bytes)),
      [RECEIVE.MINIMAP]: (bytes) => listener.minimap(decodeMinimap(bytes)),
      [RECEIVE.DIED]: (bytes) => listener.died(decodeDied(bytes)),
    });
  }

  /** @param {Uint8Array} snapshot */
  #see(snapshot) {
    const view = this.#sight?.see(snapshot);
    if (!view) return;
    this.#room?.applied(view.tick);
    this.listener.view(view);
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
    this.#socket = client.createSocket({ open: (url) => this.#open(url) });
    const asked = this.name;
    for (;;) {
      try {
        await this.#socket.connect();
        const room = await this.#socket.join(this.name);
        this.#room = room;
        room.on("data", (/** @type {number} */ op, /** @type {Uint8Array} */ bytes) => this.#decoders[op]?.(bytes));
        room.on("lost", () => this.listener.link("lost", ""));
        room.on("resumed", () => this.listener.link("resumed", ""));
        room.on("closed", (error) => this.listener.link("over", error?.message ?? ""));
        this.listener.link(this.name === asked ? "joined" : "elsewhere", "");
        return;
      } catch (thrown) {
        if (thrown instanceof TagusError && thrown.code === CODE_MATCH_NOT_FOUND && this.name !== DEFAULT_ROOM) {
          // A link to a room that is gone leads to the one that always is there.
          this.name = DEFAULT_ROOM;
          continue;
        }
        const isRefused = thrown instanceof TagusError && thrown.code >= 0;
        this.listener.link(isRefused ? "refused" : "unreachable", thrown instanceof Error ? thrown.message : String(thrown));
        await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
      }
    }
  }

  /** @param {string} url */
  #open(url) {
    const transport = new WebSocket(url);
    transport.addEventListener("message", ({ data }) => this.listener.received(data.length ?? data.byteLength));
    return transport;
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
