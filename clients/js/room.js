import { Emitter } from "./emitter.js";
import { LOCAL, TagusError, asTagusError } from "./error.js";

const CODE_MATCH_NOT_FOUND = 4;
/** Pause before a rejoin is tried again when it got no answer, in milliseconds. */
const REJOIN_PAUSE_MS = 1_000;

/**
 * @typedef {{ user_id: string, session_id: string, username: string }} Presence
 */

/**
 * A seat in one room. When the connection comes back, the room is joined again, which resumes a seat that the
 * server still holds.
 *
 * Events: `data` (op, bytes, Presence or undefined), `presence` (joins, leaves), `lost` (), `resumed` (),
 * `closed` (TagusError or null): the room is over for this client.
 */
export class Room extends Emitter {
  /** The room's real id; the name asked for until the server told it. @type {string} */
  matchId;
  /** @type {string} */
  label = "";
  /** @type {Presence | null} */
  self = null;
  /** Who is here, by session id. @type {Map<string, Presence>} */
  presences = new Map();

  #socket;
  #name;
  #metadata;
  #forget;
  #closed = false;

  /**
   * Made by `Socket.join`.
   * @param {import("./socket.js").Socket} socket
   * @param {string} name
   * @param {{ metadata?: Record<string, string> } | undefined} options
   * @param {() => void} forget Called when the room is over.
   */
  constructor(socket, name, options, forget) {
    super();
    this.#socket = socket;
    this.#name = name;
    this.#metadata = options?.metadata;
    this.#forget = forget;
    this.matchId = name;
  }

  /** Takes the seat. Rejects with a {@link TagusError} when refused. */
  async enter() {
    const answer = await this.#socket.request({ match_join: { match_id: this.matchId, metadata: this.#metadata } });
    const match = answer.match ?? {};
    this.matchId = match.match_id ?? this.matchId;
    this.label = match.label ?? "";
    this.self = match.self ?? null;
    this.presences.clear();
    for (const presence of match.presences ?? []) this.presences.set(presence.session_id, presence);
    if (this.self) this.presences.set(this.self.session_id, this.self);
  }

  /**
   * @param {number} op
   * @param {Uint8Array} [bytes]
   * @returns {boolean} False when not connected; the message is dropped.
   */
  send(op, bytes = new Uint8Array(0)) {
    if (this.#closed) return false;
    return this.#socket.send({ match_data_send: { match_id: this.matchId, op_code: op, data: bytes } });
  }

  /** Gives the seat up. */
  async leave() {
    if (this.#closed) return;
    this.#close(null);
    await this.#socket.request({ match_leave: { match_id: this.matchId } });
  }

  /**
   * A message for this room; called by the socket.
   * @param {import("./codec.js").Envelope} envelope
   */
  handleEnvelope({ match_data: data, match_presence_event: event }) {
    if (data) {
      this.emit("data", data.op_code, data.data, data.presence);
      return;
    }
    const joins = /** @type {Presence[]} */ (event.joins ?? []);
    const leaves = /** @type {Presence[]} */ (event.leaves ?? []);
    for (const presence of leaves) this.presences.delete(presence.session_id);
    for (const presence of joins) this.presences.set(presence.session_id, presence);
    this.emit("presence", joins, leaves);
  }

  /**
   * The connection changed; called by the socket.
   * @param {import("./link.js").LinkState} state
   */
  handleLinkState(state) {
    if (state === "waiting") this.emit("lost");
    else if (state === "open") void this.#rejoin();
    else if (state === "closed") this.#close(new TagusError(LOCAL.DISCONNECTED, "the socket was closed"));
  }

  async #rejoin() {
    try {
      await this.enter();
    } catch (thrown) {
      const error = asTagusError(thrown);
      if (this.#closed || error.code === LOCAL.DISCONNECTED) return;
      if (error.code === CODE_MATCH_NOT_FOUND && this.matchId !== this.#name) {
        // The server started anew: a default room has the same name and another id.
        this.matchId = this.#name;
        void this.#rejoin();
      } else if (error.code === LOCAL.TIMEOUT || error.code === LOCAL.BUSY) {
        setTimeout(() => this.#socket.state === "open" && !this.#closed && void this.#rejoin(), REJOIN_PAUSE_MS);
      } else {
        this.#close(error);
      }
      return;
    }
    this.emit("resumed");
  }

  /** @param {TagusError | null} error */
  #close(error) {
    if (this.#closed) return;
    this.#closed = true;
    this.#forget();
    this.emit("closed", error);
  }
}
