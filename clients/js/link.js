import { LOCAL, TagusError } from "./error.js";

/**
 * @typedef {import("./codec.js").Envelope} Envelope
 * @typedef {"idle" | "connecting" | "open" | "waiting" | "closed"} LinkState
 *   `waiting` is the pause before the next attempt; `closed` is final.
 *
 * @typedef {{ kind: "dial", attempt: number } | { kind: "transmit", envelope: Envelope } | { kind: "hangup" }
 *   | { kind: "state", state: LinkState } | { kind: "answer", cid: string, envelope: Envelope }
 *   | { kind: "failure", cid: string, error: TagusError } | { kind: "push", envelope: Envelope }
 *   | { kind: "ping", ms: number }} Effect
 *
 * @typedef {object} LinkOptions
 * @property {number} [pingEveryMs] Pause between two pings.
 * @property {number} [pingTimeoutMs] A ping unanswered for this long means that the connection is dead.
 * @property {number} [connectTimeoutMs] How long opening may take.
 * @property {number} [answerTimeoutMs] How long a request waits for its answer.
 * @property {number} [backoffMinMs] Longest first pause before another attempt; it doubles with each failure.
 * @property {number} [backoffMaxMs] Longest pause.
 * @property {number} [requestsMax] Requests that may wait at once; one more fails with `LOCAL.BUSY`.
 * @property {() => number} [random] Uniform in 0..1, for the jitter of the pauses.
 */

const DEFAULTS = {
  pingEveryMs: 2_000,
  pingTimeoutMs: 6_000,
  connectTimeoutMs: 8_000,
  answerTimeoutMs: 10_000,
  backoffMinMs: 250,
  backoffMaxMs: 8_000,
  requestsMax: 256,
  random: Math.random,
};

/** Weight of the newest round trip in the smoothed one. */
const PING_WEIGHT = 0.25;

/**
 * One logical connection that survives the loss of its sockets: who waits for which answer, when to ping, when to
 * give up, when to try again. It owns no socket, no clock and no timer: call a method with the time, then drain
 * {@link Link.pollEffect} to `undefined`, then wake it at {@link Link.pollTimeout}. Times are milliseconds of any
 * clock that never goes back.
 */
export class Link {
  /** @type {LinkState} */
  state = "idle";
  /** Smoothed round trip in milliseconds; null until measured. @type {number | null} */
  pingMs = null;
  /** Attempts that failed since the connection was last open. */
  failures = 0;

  /** @type {Effect[]} */
  #effects = [];
  /** @type {Map<string, number>} Deadline of each request, oldest first. */
  #waiting = new Map();
  #cid = 0;
  /** @type {{ cid: string, sentMs: number } | null} */
  #ping = null;
  /** When the state's own timer is due: the next ping, the next attempt or the end of opening. */
  #dueMs = Infinity;

  /** @param {LinkOptions} [options] */
  constructor(options = {}) {
    this.options = { ...DEFAULTS, ...options };
  }

  /**
   * The owner wants to be connected. Without effect unless idle.
   * @param {number} nowMs
   */
  connect(nowMs) {
    if (this.state === "idle") this.#dial(nowMs);
  }

  /**
   * Tries again at once when an attempt is due later.
   * @param {number} nowMs
   */
  retry(nowMs) {
    if (this.state === "waiting") this.#dial(nowMs);
  }

  /** The owner wants no more; what waits fails. */
  close() {
    if (this.state === "closed") return;
    if (this.state === "connecting" || this.state === "open") this.#effects.push({ kind: "hangup" });
    this.#fail(new TagusError(LOCAL.DISCONNECTED, "the connection was closed"));
    this.#dueMs = Infinity;
    this.#enter("closed");
  }

  /**
   * Sends something that is answered. The answer or failure comes as an effect with the same cid.
   * @param {Envelope} envelope
   * @param {number} nowMs
   * @returns {string} The cid.
   */
  request(envelope, nowMs) {
    const cid = String(++this.#cid);
    if (this.state !== "open") {
      const error = new TagusError(LOCAL.DISCONNECTED, "not connected");
      this.#effects.push({ kind: "failure", cid, error });
    } else if (this.#waiting.size >= this.options.requestsMax) {
      const error = new TagusError(LOCAL.BUSY, "too many requests are waiting");
      this.#effects.push({ kind: "failure", cid, error });
    } else {
      this.#waiting.set(cid, nowMs + this.options.answerTimeoutMs);
      this.#effects.push({ kind: "transmit", envelope: { ...envelope, cid } });
    }
    return cid;
  }

  /**
   * Sends something that is never answered.
   * @param {Envelope} envelope
   * @returns {boolean} False when not connected; the message is dropped.
   */
  send(envelope) {
    if (this.state !== "open") return false;
    this.#effects.push({ kind: "transmit", envelope });
    return true;
  }

  /** @param {number} nowMs */
  handleOpen(nowMs) {
    if (this.state !== "connecting") return;
    this.failures = 0;
    this.#dueMs = nowMs;
    this.#enter("open");
    this.handleTimeout(nowMs);
  }

  /**
   * @param {Envelope} envelope
   * @param {number} nowMs
   */
  handleEnvelope(envelope, nowMs) {
    if (this.state !== "open") return;
    const cid = envelope.cid;
    if (cid && cid === this.#ping?.cid) {
      this.#measure(nowMs - this.#ping.sentMs);
      this.#ping = null;
      this.#dueMs = nowMs + this.options.pingEveryMs;
    } else if (cid && this.#waiting.delete(cid)) {
      const { error } = envelope;
      if (error) {
        const failure = new TagusError(error.code ?? 0, error.message ?? "refused");
        this.#effects.push({ kind: "failure", cid, error: failure });
      } else {
        this.#effects.push({ kind: "answer", cid, envelope });
      }
    } else {
      // An answer that came after its deadline is pushed too: a late `match` still says that the seat was taken.
      this.#effects.push({ kind: "push", envelope });
    }
  }

  /**
   * The socket is gone, or could not be opened.
   * @param {number} nowMs
   */
  handleLost(nowMs) {
    if (this.state !== "connecting" && this.state !== "open") return;
    const { backoffMinMs, backoffMaxMs, random } = this.options;
    const ceiling = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(this.failures, 30));
    this.failures += 1;
    this.#ping = null;
    this.#fail(new TagusError(LOCAL.DISCONNECTED, "the connection was lost"));
    this.#dueMs = nowMs + ceiling * (0.5 + 0.5 * random());
    this.#enter("waiting");
  }

  /**
   * Does what is due.
   * @param {number} nowMs
   */
  handleTimeout(nowMs) {
    for (const [cid, deadline] of this.#waiting) {
      if (deadline > nowMs) break;
      this.#waiting.delete(cid);
      const error = new TagusError(LOCAL.TIMEOUT, "no answer in time");
      this.#effects.push({ kind: "failure", cid, error });
    }
    if (nowMs < this.#dueMs) return;
    if (this.state === "waiting") this.#dial(nowMs);
    else if (this.state === "connecting") this.#drop(nowMs);
    else if (this.state === "open" && this.#ping) this.#drop(nowMs);
    else if (this.state === "open") this.#sendPing(nowMs);
  }

  /** @returns {number} When {@link Link.handleTimeout} wants to be called; Infinity for never. */
  pollTimeout() {
    const [oldest = Infinity] = this.#waiting.values();
    return Math.min(this.#dueMs, oldest);
  }

  /** @returns {Effect | undefined} What the owner must do next. */
  pollEffect() {
    return this.#effects.shift();
  }

  /** @param {number} nowMs */
  #dial(nowMs) {
    this.#dueMs = nowMs + this.options.connectTimeoutMs;
    this.#enter("connecting");
    this.#effects.push({ kind: "dial", attempt: this.failures });
  }

  /** @param {number} nowMs */
  #drop(nowMs) {
    this.#effects.push({ kind: "hangup" });
    this.handleLost(nowMs);
  }

  /** @param {number} nowMs */
  #sendPing(nowMs) {
    const cid = String(++this.#cid);
    this.#ping = { cid, sentMs: nowMs };
    this.#dueMs = nowMs + this.options.pingTimeoutMs;
    this.#effects.push({ kind: "transmit", envelope: { cid, ping: {} } });
  }

  /** @param {number} ms */
  #measure(ms) {
    this.pingMs = this.pingMs === null ? ms : this.pingMs + (ms - this.pingMs) * PING_WEIGHT;
    this.#effects.push({ kind: "ping", ms: this.pingMs });
  }

  /** @param {TagusError} error */
  #fail(error) {
    for (const cid of this.#waiting.keys()) this.#effects.push({ kind: "failure", cid, error });
    this.#waiting.clear();
  }

  /** @param {LinkState} state */
  #enter(state) {
    this.state = state;
    this.#effects.push({ kind: "state", state });
  }
}
