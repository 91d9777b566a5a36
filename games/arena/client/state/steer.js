/** At most 25 messages a second. */
const STEER_EVERY_MS = 40;

/** Lets a changed target through, at most once in {@link STEER_EVERY_MS}; the newest one is never lost. */
export class SteerGate {
  /** @type {Uint8Array | null} */
  #sent = null;
  #sentMs = -Infinity;

  /** The next target is sent even if it is the last one again: the server may have forgotten it. */
  reset() {
    this.#sent = null;
  }

  /**
   * @param {Uint8Array} bytes The target as it would be sent.
   * @param {number} nowMs
   * @returns {boolean} Whether to send it now.
   */
  admit(bytes, nowMs) {
    if (nowMs - this.#sentMs < STEER_EVERY_MS) return false;
    if (this.#sent && this.#sent.every((byte, i) => byte === bytes[i])) return false;
    this.#sent = bytes;
    this.#sentMs = nowMs;
    return true;
  }
}
