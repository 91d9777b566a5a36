import { Channel } from "./channel.js";
import { CODECS } from "./codec.js";
import { Emitter } from "./emitter.js";
import { LOCAL, TagusError } from "./error.js";
import { Link } from "./link.js";
import { Party } from "./party.js";
import { Room } from "./room.js";

/**
 * @typedef {import("./codec.js").Envelope} Envelope
 *
 * @typedef {(want: { format: string, force: boolean }) => Promise<string>} Address
 *   Gives the socket's address; `force` asks for a fresh token, because the last attempt failed.
 *
 * @typedef {object} SocketExtras
 * @property {keyof typeof CODECS} [format] `protobuf` unless told; `json` is larger, slower and readable.
 * @property {(url: string) => WebSocket} [open] For tests and for places without a global `WebSocket`.
 *
 * @typedef {SocketExtras & import("./link.js").LinkOptions} SocketOptions
 *
 * @typedef {object} Wish What a ticket of the matchmaker asks for.
 * @property {number} min_count Players of a match, at least; 2 or more.
 * @property {number} max_count Players of a match, at most.
 * @property {number} [count_multiple] Of which the number of players is a multiple.
 * @property {string} [query] What the others' properties must be; anybody when left out.
 * @property {Record<string, string>} [string_properties] `mode` among them names the mode.
 * @property {Record<string, number>} [numeric_properties]
 *
 * @typedef {object} MatchedUser
 * @property {import("./place.js").Presence} presence
 * @property {string} [party_id]
 * @property {Record<string, string>} [string_properties]
 * @property {Record<string, number>} [numeric_properties]
 *
 * @typedef {{ ticket: string, match_id?: string, token?: string, users: MatchedUser[], self: MatchedUser }} Matched
 *
 * @typedef {object} MatchQuality
 * @property {string} ticket
 * @property {number} [wait_ms] How long the ticket waited.
 * @property {number} [wait_ms_max] How long the match's oldest ticket waited.
 * @property {number} [favourite_wins] The probability that the favourite side wins; absent where players have no rating.
 * @property {string} [region]
 * @property {number} [rtt_ms_min] Shortest round trip to the region.
 * @property {number} [rtt_ms_max] Longest round trip to the region.
 * @property {{ session_ids?: string[] }[]} [teams]
 * @property {string} [mode]
 */

/**
 * The real-time connection of one login. It connects again by itself when it is lost, and enters its rooms, parties and
 * channels again. Tickets of the matchmaker end with the connection.
 *
 * Events: `state` (LinkState), `ping` (milliseconds), `quality` (MatchQuality) right before `matched` (Matched), `push`
 * (an envelope nobody else wanted), `error` (TagusError).
 */
export class Socket extends Emitter {
  #link;
  #codec;
  #address;
  #open;
  /** @type {WebSocket | null} */
  #transport = null;
  #generation = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Map<string, { settle: (envelope: Envelope) => void, reject: (error: TagusError) => void }>} */
  #promises = new Map();
  /** @type {Set<Room | Party | Channel>} */
  #places = new Set();
  /** @type {((error: TagusError | null) => void)[]} */
  #opening = [];
  #pumping = false;

  /**
   * @param {Address} address
   * @param {SocketOptions} [options]
   */
  constructor(address, { format = "protobuf", open = (url) => new WebSocket(url), ...linkOptions } = {}) {
    super();
    this.#address = address;
    this.#codec = CODECS[format];
    this.#open = open;
    this.#link = new Link(linkOptions);
  }

  /** @returns {import("./link.js").LinkState} */
  get state() {
    return this.#link.state;
  }

  /** Smoothed round trip in milliseconds; null until measured. */
  get pingMs() {
    return this.#link.pingMs;
  }

  /**
   * Connects. Resolves at the first open connection, however many attempts that takes.
   * @returns {Promise<void>}
   */
  connect() {
    if (this.state === "open") return Promise.resolve();
    if (this.state === "closed") return Promise.reject(new TagusError(LOCAL.DISCONNECTED, "the socket was closed"));
    const opened = new Promise((resolve, reject) => {
      this.#opening.push((error) => (error ? reject(error) : resolve(undefined)));
    });
    this.#do((now) => this.#link.connect(now));
    return /** @type {Promise<void>} */ (opened);
  }

  /** Tries again at once when the socket waits for its next attempt. */
  retry() {
    this.#do((now) => this.#link.retry(now));
  }

  /** Closes for good. */
  close() {
    this.#do(() => this.#link.close());
  }

  /**
   * Sends a message that is answered.
   * @template [T=Envelope]
   * @param {Envelope} envelope
   * @param {(answer: Envelope) => T} [read] Called with the answer before any message behind it is handled.
   * @returns {Promise<T>} What was read, by default the answer; rejects with a {@link TagusError}.
   */
  request(envelope, read = (answer) => /** @type {any} */ (answer)) {
    return new Promise((resolve, reject) => {
      const settle = (/** @type {Envelope} */ answer) => {
        try {
          resolve(read(answer));
        } catch (thrown) {
          reject(thrown);
        }
      };
      this.#do((now) => this.#promises.set(this.#link.request(envelope, now), { settle, reject }));
    });
  }

  /**
   * Sends a message that is not answered.
   * @param {Envelope} envelope
   * @returns {boolean} False when not connected; the message is dropped.
   */
  send(envelope) {
    let sent = false;
    this.#do(() => (sent = this.#link.send(envelope)));
    return sent;
  }

  /**
   * Calls a function of the server over the socket.
   * @param {string} id
   * @param {string} [payload]
   * @returns {Promise<string>}
   */
  async rpc(id, payload = "") {
    return (await this.request({ rpc: { id, payload } })).rpc?.payload ?? "";
  }

  /**
   * Joins a room by its id or join code, or by its stable name when it is one of the server's default rooms.
   * @param {string} name
   * @param {{ metadata?: Record<string, string> }} [options]
   * @returns {Promise<Room>} The room tells of its data and of lost and found seats.
   */
  join(name, options) {
    return this.#joinRoom({ match_id: name }, options);
  }

  /**
   * Joins the match that the matchmaker made.
   * @param {Matched} matched
   * @param {{ metadata?: Record<string, string> }} [options]
   * @returns {Promise<Room>}
   */
  joinMatched({ match_id, token = "" }, options) {
    return this.#joinRoom(match_id ? { match_id } : { token }, options);
  }

  /**
   * Makes a party and leads it.
   * @param {import("./party.js").PartySettings & { maxSize?: number }} [settings] Open by default; without `maxSize` as
   *   large as the server allows.
   * @returns {Promise<Party>}
   */
  createParty(settings = {}) {
    const party = new Party(this, "", () => this.#places.delete(party));
    return this.#enter(party, party.create(settings));
  }

  /**
   * Joins a party by its id or join code, or asks its leader.
   * @param {string} idOrCode
   * @returns {Promise<Party>} It tells of `joined` when one is in, which `isMember` says too.
   */
  joinParty(idOrCode) {
    const party = new Party(this, idOrCode, () => this.#places.delete(party));
    return this.#enter(party, party.enter());
  }

  /**
   * Joins a channel of chat.
   * @param {import("./channel.js").ChannelTarget} target
   * @param {{ persistence?: boolean, hidden?: boolean }} [options] Whether what one says is kept, by default it is; and
   *   whether others see one there, by default they do.
   * @returns {Promise<Channel>}
   */
  joinChannel(target, options = {}) {
    const channel = new Channel(this, target, options, () => this.#places.delete(channel));
    return this.#enter(channel, channel.enter());
  }

  /**
   * Asks for a match. It is told by `matched`.
   * @param {Wish} wish
   * @returns {Promise<string>} The ticket.
   */
  addMatchmaker(wish) {
    return this.request({ matchmaker_add: wish }, (answer) => answer.matchmaker_ticket?.ticket ?? "");
  }

  /**
   * Asks for it no more.
   * @param {string} ticket
   * @returns {Promise<void>}
   */
  removeMatchmaker(ticket) {
    return this.request({ matchmaker_remove: { ticket } }, () => undefined);
  }

  /**
   * @param {import("./room.js").RoomName} name
   * @param {{ metadata?: Record<string, string> }} [options]
   */
  #joinRoom(name, options) {
    const room = new Room(this, name, options, () => this.#places.delete(room));
    return this.#enter(room, room.enter());
  }

  /**
   * @template {Room | Party | Channel} T
   * @param {T} place
   * @param {Promise<unknown>} entered
   * @returns {Promise<T>}
   */
  async #enter(place, entered) {
    this.#places.add(place);
    try {
      await entered;
    } catch (thrown) {
      this.#places.delete(place);
      throw thrown;
    }
    return place;
  }

  /**
   * Runs one step of the link and does what it asks for.
   * @param {(nowMs: number) => void} step
   */
  #do(step) {
    step(performance.now());
    // A listener may call back into the socket; the outer loop then does the inner step's effects, in order.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let effect = this.#link.pollEffect(); effect; effect = this.#link.pollEffect()) this.#perform(effect);
    } finally {
      this.#pumping = false;
    }
    clearTimeout(this.#timer);
    const due = this.#link.pollTimeout();
    if (due === Infinity) return;
    this.#timer = setTimeout(() => this.#do((now) => this.#link.handleTimeout(now)), Math.max(0, due - performance.now()));
  }

  /** @param {import("./link.js").Effect} effect */
  #perform(effect) {
    switch (effect.kind) {
      case "dial":
        void this.#dial(++this.#generation, effect.attempt > 0);
        break;
      case "transmit":
        this.#transport?.send(/** @type {any} */ (this.#codec.encode(effect.envelope)));
        break;
      case "hangup":
        this.#hangUp();
        break;
      case "state":
        this.#stateChanged(effect.state);
        break;
      case "answer":
        this.#promises.get(effect.cid)?.settle(effect.envelope);
        this.#promises.delete(effect.cid);
        break;
      case "failure":
        this.#promises.get(effect.cid)?.reject(effect.error);
        this.#promises.delete(effect.cid);
        break;
      case "push":
        this.#deliver(effect.envelope);
        break;
      case "ping":
        this.emit("ping", effect.ms);
        break;
    }
  }

  /**
   * @param {number} generation Which attempt this is; events of earlier ones are ignored.
   * @param {boolean} force
   */
  async #dial(generation, force) {
    const current = () => generation === this.#generation;
    const lost = () => current() && this.#do((now) => this.#link.handleLost(now));
    try {
      const url = await this.#address({ format: this.#codec.format, force });
      if (!current()) return;
      const transport = this.#open(url);
      transport.binaryType = "arraybuffer";
      transport.onopen = () => current() && this.#do((now) => this.#link.handleOpen(now));
      transport.onmessage = (event) => current() && this.#receive(event.data);
      transport.onclose = lost;
      this.#transport = transport;
    } catch (thrown) {
      if (current()) this.emit("error", thrown);
      lost();
    }
  }

  /** @param {string | ArrayBuffer} frame */
  #receive(frame) {
    let envelope;
    try {
      envelope = this.#codec.decode(frame);
    } catch (thrown) {
      this.emit("error", thrown);
      return;
    }
    this.#do((now) => this.#link.handleEnvelope(envelope, now));
  }

  #hangUp() {
    this.#generation += 1;
    this.#transport?.close();
    this.#transport = null;
  }

  /** @param {import("./link.js").LinkState} state */
  #stateChanged(state) {
    if (state === "open" || state === "closed") {
      const error = state === "open" ? null : new TagusError(LOCAL.DISCONNECTED, "the socket was closed");
      for (const settle of this.#opening.splice(0)) settle(error);
    }
    if (state !== "connecting") for (const place of [...this.#places]) place.handleLinkState(state);
    this.emit("state", state);
  }

  /** @param {Envelope} envelope */
  #deliver(envelope) {
    for (const place of this.#places) {
      if (place.handleEnvelope(envelope)) return;
    }
    const { error, match_quality: quality, matchmaker_matched: matched } = envelope;
    if (error) this.emit("error", new TagusError(error.code ?? 0, error.message ?? ""));
    else if (quality) this.emit("quality", quality);
    else if (matched) this.emit("matched", matched);
    else this.emit("push", envelope);
  }
}
