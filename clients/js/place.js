import { Emitter } from "./emitter.js";
import { LOCAL, TagusError, asTagusError } from "./error.js";

/** Pause before entering again is tried once more when it got no answer, in milliseconds. */
const REENTER_PAUSE_MS = 1_000;

/**
 * @typedef {{ user_id: string, session_id: string, username: string }} Presence
 */

/**
 * Where a socket is: a room, a party or a channel. When the connection comes back, it is entered again.
 *
 * Events: `lost` (), `resumed` (), `closed` (TagusError or null): it is over for this client.
 */
export class Place extends Emitter {
  /** Who oneself is there. @type {Presence | null} */
  self = null;
  /** Who is here, by session id. @type {Map<string, Presence>} */
  presences = new Map();

  #socket;
  #forget;
  #isOver = false;

  /**
   * @param {import("./socket.js").Socket} socket
   * @param {() => void} forget Called when it is over.
   */
  constructor(socket, forget) {
    super();
    this.#socket = socket;
    this.#forget = forget;
  }

  /** Whether it is over for this client. */
  get isOver() {
    return this.#isOver;
  }

  /**
   * A message that is not answered.
   * @param {import("./codec.js").Envelope} envelope
   * @returns {boolean} False when not connected or over; the message is dropped.
   */
  transmit(envelope) {
    return !this.#isOver && this.#socket.send(envelope);
  }

  /**
   * A message that is answered.
   * @template T
   * @param {import("./codec.js").Envelope} envelope
   * @param {(answer: import("./codec.js").Envelope) => T} read See `Socket.request`.
   * @returns {Promise<T>}
   */
  request(envelope, read) {
    return this.#socket.request(envelope, read);
  }

  /**
   * A message of whose answer nothing is wanted.
   * @param {import("./codec.js").Envelope} envelope
   * @returns {Promise<void>}
   */
  demand(envelope) {
    return this.request(envelope, () => undefined);
  }

  /**
   * Asks to be in; each kind of place has its own message for it.
   * @returns {Promise<boolean>} False when one is not in yet.
   */
  enter() {
    return Promise.resolve(false);
  }

  /**
   * Whether entering is worth trying again at once, in another way.
   * @param {TagusError} _refusal
   */
  hasOtherWay(_refusal) {
    return false;
  }

  /**
   * The connection changed; called by the socket.
   * @param {import("./link.js").LinkState} state
   */
  handleLinkState(state) {
    if (state === "waiting") this.emit("lost");
    else if (state === "open") void this.#reenter();
    else if (state === "closed") this.end(new TagusError(LOCAL.DISCONNECTED, "the socket was closed"));
  }

  /**
   * Takes over who is here.
   * @param {{ self?: Presence, presences?: Presence[] }} answer
   */
  takePresences({ self, presences = [] }) {
    this.self = self ?? null;
    this.presences.clear();
    for (const presence of presences) this.presences.set(presence.session_id, presence);
    if (self) this.presences.set(self.session_id, self);
  }

  /**
   * Tells who came and who went; one's own leave is the end.
   * @param {{ joins?: Presence[], leaves?: Presence[] }} event
   */
  changePresences({ joins = [], leaves = [] }) {
    for (const presence of leaves) this.presences.delete(presence.session_id);
    for (const presence of joins) this.presences.set(presence.session_id, presence);
    this.emit("presence", joins, leaves);
    if (leaves.some((presence) => presence.session_id === this.self?.session_id)) this.end(null);
  }

  /**
   * It is over.
   * @param {TagusError | null} error
   */
  end(error) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#forget();
    this.emit("closed", error);
  }

  async #reenter() {
    try {
      if (await this.enter()) this.emit("resumed");
    } catch (thrown) {
      const error = asTagusError(thrown);
      if (this.#isOver || error.code === LOCAL.DISCONNECTED) return;
      if (error.code === LOCAL.TIMEOUT || error.code === LOCAL.BUSY) {
        setTimeout(() => this.#socket.state === "open" && !this.#isOver && void this.#reenter(), REENTER_PAUSE_MS);
      } else if (this.hasOtherWay(error)) {
        void this.#reenter();
      } else {
        this.end(error);
      }
    }
  }
}
