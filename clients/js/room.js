import { Place } from "./place.js";

const CODE_MATCH_NOT_FOUND = 4;

/** @typedef {import("./place.js").Presence} Presence */

/**
 * What names a room: its id, its join code, the stable name of one of the server's default rooms, or a token of the
 * matchmaker.
 * @typedef {{ match_id: string } | { token: string }} RoomName
 */

/**
 * A seat in one room. When the connection comes back, the room is joined again, which resumes a seat that the
 * server still holds.
 *
 * Events: `data` (op, bytes, Presence or undefined), `presence` (joins, leaves), `lost` (), `resumed` (),
 * `closed` (TagusError or null): the room is over for this client.
 */
export class Room extends Place {
  /** The room's real id; what was asked for until the server told it. @type {string} */
  matchId;
  /** @type {string} */
  label = "";

  #name;
  #metadata;
  /** Whether the server told the real id. */
  #isKnown = false;
  /** By which the connection names the room. @type {number | undefined} */
  #number;
  #appliedTick = 0;

  /**
   * Made by `Socket.join`.
   * @param {import("./socket.js").Socket} socket
   * @param {RoomName} name
   * @param {{ metadata?: Record<string, string> } | undefined} options
   * @param {() => void} forget Called when the room is over.
   */
  constructor(socket, name, options, forget) {
    super(socket, forget);
    this.#name = name;
    this.#metadata = options?.metadata;
    this.matchId = "match_id" in name ? name.match_id : "";
  }

  /** Takes the seat. Rejects with a {@link TagusError} when refused. */
  enter() {
    const name = this.#isKnown ? { match_id: this.matchId } : this.#name;
    this.#number = undefined;
    this.#appliedTick = 0;
    return this.request({ match_join: { ...name, metadata: this.#metadata } }, ({ match = {} }) => {
      this.matchId = match.match_id ?? this.matchId;
      this.#isKnown = true;
      this.label = match.label ?? "";
      this.takePresences(match);
      return true;
    });
  }

  /**
   * From here on everything that is sent says up to which tick snapshots were applied, so that the server sends fewer
   * while they pile up on the way. Only connections with extensions can say it.
   * @param {number} tick
   */
  applied(tick) {
    this.#appliedTick = tick % 2 ** 32;
  }

  /**
   * @param {number} op
   * @param {Uint8Array} [bytes]
   * @returns {boolean} False when not connected; the message is dropped.
   */
  send(op, bytes = new Uint8Array(0)) {
    if (this.#number && this.#appliedTick) {
      const sent = { room: this.#number, op_code: op, data: bytes, applied_tick: this.#appliedTick };
      return this.transmit({ room_data: sent });
    }
    return this.transmit({ match_data_send: { match_id: this.matchId, op_code: op, data: bytes } });
  }

  /** Gives the seat up. */
  async leave() {
    if (this.isOver) return;
    this.end(null);
    await this.demand({ match_leave: { match_id: this.matchId } });
  }

  /**
   * A message of the server; called by the socket.
   * @param {import("./codec.js").Envelope} envelope
   * @returns {boolean} Whether it was for this room.
   */
  handleEnvelope({ match_data: data, match_presence_event: event, room_data: short, room_number: numbered }) {
    const known = data ?? event ?? numbered;
    if (known ? known.match_id !== this.matchId : !short || short.room !== this.#number) return false;
    if (numbered) this.#number = numbered.room;
    else if (event) this.changePresences(event);
    else if (data) this.emit("data", data.op_code, data.data, data.presence);
    else this.emit("data", short.op_code, short.data, undefined);
    return true;
  }

  /**
   * After the server started anew a default room has the same name and another id.
   * @param {import("./error.js").TagusError} refusal
   */
  hasOtherWay(refusal) {
    const hasName = "match_id" in this.#name && this.#name.match_id !== this.matchId;
    if (refusal.code !== CODE_MATCH_NOT_FOUND || !this.#isKnown || !hasName) return false;
    this.#isKnown = false;
    return true;
  }
}
