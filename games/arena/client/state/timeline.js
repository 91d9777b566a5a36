/** Snapshots kept; older ones are dropped, which also bounds what a hidden tab collects. */
const SNAPSHOTS_MAX = 32;
/** Arrivals that the delay is judged by: about eight seconds, so that what happens now and then is not forgotten. */
const ARRIVALS_MAX = 200;
/** The part of all arrivals for which the delay is long enough. */
const IN_TIME_SHARE = 0.95;
/** How far beyond the newest snapshot things are drawn going on as they did, in ticks. */
const BEYOND_TICKS_MAX = 3;
/** Beyond this many ticks of error the clock jumps; below it, it is slewed. */
const JUMP_TICKS = 12;
/** How fast the delay may change, in milliseconds of delay per millisecond of time. */
const SLEW = 0.08;
const BASE_DELAY_TICKS = 1.5;
const DELAY_TICKS_MAX = 10;

/** @typedef {import("./sight.js").View} View */

/**
 * Decides which moment of the past is drawn. The best arrival of the last seconds tells the server's clock; drawing
 * stays one and a half ticks behind it, plus what the other arrivals were late, so that there nearly always is a
 * snapshot on both sides of the moment drawn. Where there is none, things go on as they did for a moment; then time
 * stands still, and is made up for slowly: what is drawn may stop, it does not jump.
 */
export class Timeline {
  /** @type {View[]} Oldest first. */
  #snapshots = [];
  /** @type {number[]} Arrival less the tick's nominal time, newest last. */
  #lateness = [];
  /** The least of `lateness`: local time at which tick 0 would have arrived at best. */
  #bestZeroMs = 0;
  #targetDelayMs = 0;
  #tickMs = 40;
  /** Local time of tick 0 as drawn; null until the first snapshot. @type {number | null} */
  #drawnZeroMs = null;
  #lastNowMs = 0;
  /** Tick up to which snapshots were reported as crossed. */
  #crossedTick = -1;
  #lastArrivalMs = -Infinity;

  /** @param {number} hz */
  setTickRate(hz) {
    if (hz > 0) this.#tickMs = 1000 / hz;
  }

  /** Forgets everything: another room, or the same after a restart. */
  reset() {
    this.#snapshots = [];
    this.#lateness = [];
    this.#drawnZeroMs = null;
    this.#crossedTick = -1;
  }

  /**
   * @param {View} view
   * @param {number} nowMs
   */
  push(view, nowMs) {
    const last = this.#snapshots.at(-1);
    if (last && (view.tick <= last.tick || view.tick - last.tick > 1000 / this.#tickMs)) this.reset();
    this.#lastArrivalMs = nowMs;
    this.#snapshots.push(view);
    this.#lateness.push(nowMs - view.tick * this.#tickMs);
    if (this.#snapshots.length > SNAPSHOTS_MAX) this.#snapshots.shift();
    if (this.#lateness.length > ARRIVALS_MAX) this.#lateness.shift();
    this.#judge();
  }

  #judge() {
    const sorted = [...this.#lateness].sort((a, b) => a - b);
    this.#bestZeroMs = sorted[0];
    const late = sorted[Math.floor((sorted.length - 1) * IN_TIME_SHARE)] - sorted[0];
    this.#targetDelayMs = Math.min(BASE_DELAY_TICKS * this.#tickMs + late, DELAY_TICKS_MAX * this.#tickMs);
  }

  /** Milliseconds since a snapshot came; Infinity before the first. @param {number} nowMs */
  ageMs(nowMs) {
    return nowMs - this.#lastArrivalMs;
  }

  /** How far what is drawn lies behind the best arrival, in milliseconds; Infinity before the first. */
  shownAgeMs() {
    return this.#drawnZeroMs === null ? Infinity : this.#drawnZeroMs - this.#bestZeroMs;
  }

  /** How far behind the best arrival drawing should be, in milliseconds. */
  targetDelayMs() {
    return this.#targetDelayMs;
  }

  /**
   * The moment to draw.
   * @param {number} nowMs
   * @returns {{ from: View, to: View, fraction: number, crossed: View[] } | null} `fraction` 0..1 of the way, or more;
   *   `crossed` are the snapshots that the moment passed since the last call, each reported once, in order.
   */
  advance(nowMs) {
    const newest = this.#snapshots.at(-1);
    if (!newest) return null;
    const wanted = this.#bestZeroMs + this.#targetDelayMs;
    if (this.#drawnZeroMs === null || Math.abs(wanted - this.#drawnZeroMs) > JUMP_TICKS * this.#tickMs) {
      this.#drawnZeroMs = wanted;
    } else {
      const step = SLEW * Math.max(0, nowMs - this.#lastNowMs);
      this.#drawnZeroMs += Math.min(step, Math.max(-step, wanted - this.#drawnZeroMs));
    }
    this.#lastNowMs = nowMs;

    this.#drawnZeroMs = Math.max(this.#drawnZeroMs, nowMs - (newest.tick + BEYOND_TICKS_MAX) * this.#tickMs);
    const moment = (nowMs - this.#drawnZeroMs) / this.#tickMs;
    let at = Math.max(0, this.#snapshots.length - 2);
    while (at > 0 && this.#snapshots[at].tick > moment) at -= 1;
    const from = this.#snapshots[at];
    const to = this.#snapshots[at + 1] ?? from;
    const span = to.tick - from.tick;
    const fraction = span === 0 ? 0 : Math.max(0, (moment - from.tick) / span);

    // A snapshot counts as crossed once drawing heads for it: what it says was eaten is then on its way.
    const crossed = this.#snapshots.filter((view) => view.tick > this.#crossedTick && view.tick <= to.tick);
    this.#crossedTick = Math.max(this.#crossedTick, to.tick);
    this.#snapshots.splice(0, at);
    return { from, to, fraction, crossed };
  }
}
