/** Limits for 4, 3 and 2 bars; what is worse has 1. Ping and lateness in milliseconds. */
const STEPS = [
  { bars: 4, pingMs: 70, ageMs: 140 },
  { bars: 3, pingMs: 140, ageMs: 260 },
  { bars: 2, pingMs: 260, ageMs: 600 },
];

/**
 * How good the connection feels.
 * @param {number | null} pingMs Null when not measured.
 * @param {number} ageMs Since the last snapshot.
 * @param {boolean} connected
 * @returns {number} 0 (none) to 4 bars.
 */
export function qualityBars(pingMs, ageMs, connected) {
  if (!connected) return 0;
  return STEPS.find((step) => (pingMs ?? 0) <= step.pingMs && ageMs <= step.ageMs)?.bars ?? 1;
}

/** Bytes per second over the last whole second or so. */
export class RateMeter {
  bytesPerSecond = 0;
  #bytes = 0;
  #sinceMs = -1;

  /** @param {number} bytes */
  add(bytes) {
    this.#bytes += bytes;
  }

  /** Asked regularly. @param {number} nowMs */
  tick(nowMs) {
    if (this.#sinceMs < 0) this.#sinceMs = nowMs;
    const elapsed = nowMs - this.#sinceMs;
    if (elapsed < 1000) return;
    this.bytesPerSecond = (this.#bytes * 1000) / elapsed;
    this.#bytes = 0;
    this.#sinceMs = nowMs;
  }
}
