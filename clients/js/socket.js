import { jsonCodec } from "./codec.js";
import { Emitter } from "./emitter.js";
import { LOCAL, TagusError } from "./error.js";
import { Link } from "./link.js";
import { Room } from "./room.js";

/**
 * @typedef {import("./codec.js").Envelope} Envelope
 *
 * @typedef {(want: { format: string, force: boolean }) => Promise<string>} Address
 *   Gives the socket's address; `force` asks for a fresh token, because the last attempt failed.
 *
 * @typedef {object} SocketExtras
 * @property {import("./codec.js").Codec} [codec]
 * @property {(url: string) => WebSocket} [open] For tests and for places without a global `WebSocket`.
 *
 * @typedef {SocketExtras & import("./link.js").LinkOptions} SocketOptions
 */

/**
 * The real-time connection of one login. It connects again by itself when it is lost, and takes its rooms back.
 *
 * Events: `state` (LinkState), `ping` (milliseconds), `push` (an envelope nobody else wanted), `error` (TagusError).
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
  /** @type {Map<string, { resolve: (envelope: Envelope) => void, reject: (error: TagusError) => void }>} */
  #promises = new Map();
  /** @type {Set<Room>} */
  #rooms = new Set();
  /** @type {((error: TagusError | null) => void)[]} */
  #opening = [];
  #pumping = false;

  /**
   * @param {Address} address
   * @param {SocketOptions} [options]
   */
  constructor(address, { codec = jsonCodec, open = (url) => new WebSocket(url), ...linkOptions } = {}) {
    super();
    this.#address = address;
    this.#codec = codec;
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
   * @param {Envelope} envelope
   * @returns {Promise<Envelope>} Rejects with a {@link TagusError}.
   */
  request(envelope) {
    return new Promise((resolve, reject) => {
      this.#do((now) => this.#promises.set(this.#link.request(envelope, now), { resolve, reject }));
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
   * Joins a room by its id, or by its stable name when it is one of the server's default rooms.
   * @param {string} idOrName
   * @param {{ metadata?: Record<string, string> }} [options]
   * @returns {Promise<Room>} The room tells of its data and of lost and found seats.
   */
  async join(idOrName, options) {
    const room = new Room(this, idOrName, options, () => this.#rooms.delete(room));
    this.#rooms.add(room);
    try {
      await room.enter();
    } catch (thrown) {
      this.#rooms.delete(room);
      throw thrown;
    }
    return room;
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
        this.#promises.get(effect.cid)?.resolve(effect.envelope);
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
    if (state !== "connecting") for (const room of [...this.#rooms]) room.handleLinkState(state);
    this.emit("state", state);
  }

  /** @param {Envelope} envelope */
  #deliver(envelope) {
    const matchId = envelope.match_data?.match_id ?? envelope.match_presence_event?.match_id;
    for (const room of this.#rooms) {
      if (matchId !== undefined && room.matchId === matchId) {
        room.handleEnvelope(envelope);
        return;
      }
    }
    if (envelope.error) this.emit("error", new TagusError(envelope.error.code ?? 0, envelope.error.message ?? ""));
    else this.emit("push", envelope);
  }
}
