import { firstTurn, roll } from "./balls.js";
import { bodiesOf, withCueBall } from "./bytes.js";

/** Balls of a pool table, the cue ball among them. */
const BALLS = 16;
/** Numbers of a ball in the physics' rows. */
const STRIDE = 6;
const ON_TABLE = -1;
const DROP_SECONDS = 0.34;
const GLIDE_MS = 500;
/** Frames that come later than this do not turn the balls by what was missed, and do not sound it. */
const MISSED_SECONDS_MAX = 0.1;

/**
 * @typedef {import("./aim.js").Shot} Shot
 * @typedef {import("./layout.js").Point} Point
 *
 * @typedef {object} Ball
 * @property {number} number
 * @property {number} x In metres.
 * @property {number} y
 * @property {number} depth 0 on the table to 1 gone into a pocket.
 * @property {boolean} isShown
 * @property {Float64Array} turn
 *
 * @typedef {{ what: "contact" | "cushion" | "pocketed", speed: number, x: number, y: number, one: number }} Noise
 *   `speed` in m/s.
 * @typedef {object} Physics As far as it is needed to show a shot.
 * @property {(version: number) => void} open
 * @property {(bytes: Uint8Array) => void} load
 * @property {(shot: Shot) => { hash: bigint, seconds: number }} shoot
 * @property {(seconds: number) => Float64Array} frames
 * @property {() => { seconds: number, speed: number, what: string, one: number, two: number }[]} log
 */

/** The balls as they are shown: at rest, in a shot, or gliding to where the server says they are. */
export class Stage {
  /** @type {Ball[]} */
  balls = Array.from({ length: BALLS }, (_, number) => ({
    number, x: 0, y: 0, depth: 0, isShown: false, turn: firstTurn(number),
  }));
  /** The shot that is shown or was shown last. @type {{ hash: bigint, seconds: number } | null} */
  outcome = null;
  isPlaying = false;

  #physics;
  #startMs = 0;
  #shownSeconds = 0;
  /** @type {ReturnType<Physics["log"]>} */
  #log = [];
  #logAt = 0;
  /** When balls go into a pocket in this shot. @type {Map<number, number>} */
  #pocketed = new Map();
  /** Where they were seen last before, and when they went. @type {Map<number, Point & { seconds: number }>} */
  #dropped = new Map();
  /** @type {{ fromMs: number, balls: { from: Point, to: Point }[] } | null} */
  #glide = null;

  /** @param {Physics} physics Nobody else's. */
  constructor(physics) {
    this.#physics = physics;
  }

  /** @param {number} version Of the table. */
  open(version) {
    this.#physics.open(version);
  }

  /**
   * Lays the balls where they are at rest.
   * @param {Uint8Array} state
   * @param {number | null} [glideFromMs] They glide there from this time on; null: at once.
   */
  place(state, glideFromMs = null) {
    this.isPlaying = false;
    this.outcome = null;
    this.#glide = glideFromMs === null ? null : { fromMs: glideFromMs, balls: [] };
    bodiesOf(state).forEach((body, number) => {
      const ball = this.balls[number];
      const from = ball.isShown && ball.depth === 0 && body.isOn ? { x: ball.x, y: ball.y } : body;
      Object.assign(ball, { x: body.x, y: body.y, depth: 0, isShown: body.isOn });
      if (this.#glide) this.#glide.balls[number] = { from, to: { x: body.x, y: body.y } };
    });
    for (const ball of this.balls.slice(state[0])) ball.isShown = false;
  }

  /**
   * Plays a shot.
   * @param {Uint8Array} state Before it, with the cue ball where it lay.
   * @param {{ x: number, y: number } | null} put Where the cue ball is put first, in units.
   * @param {Shot} shot
   * @param {number} startMs When it was struck; what happened since is not heard.
   * @param {number} nowMs
   */
  play(state, put, shot, startMs, nowMs) {
    const before = put ? withCueBall(state, put) : state;
    this.place(before);
    this.#physics.load(before);
    this.outcome = this.#physics.shoot(shot);
    this.#log = this.#physics.log();
    this.#startMs = startMs;
    this.#dropped.clear();
    this.isPlaying = true;
    const missed = Math.max(0, nowMs - startMs) / 1000;
    this.#shownSeconds = missed;
    this.#logAt = this.#log.findIndex(({ seconds }) => seconds > missed - MISSED_SECONDS_MAX);
    if (this.#logAt < 0) this.#logAt = this.#log.length;
    this.#pocketed = new Map(this.#log.filter(({ what }) => what === "pocketed").map(({ one, seconds }) => [one, seconds]));
  }

  /**
   * Moves the balls on.
   * @param {number} nowMs
   * @returns {Noise[]} What happened meanwhile.
   */
  update(nowMs) {
    if (this.#glide) this.#moveGliding(nowMs);
    if (!this.isPlaying || !this.outcome) return [];
    const seconds = Math.max(0, (nowMs - this.#startMs) / 1000);
    const passed = Math.min(MISSED_SECONDS_MAX, Math.max(0, seconds - this.#shownSeconds));
    this.#shownSeconds = seconds;
    const rows = this.#physics.frames(seconds);
    for (let number = 0; number * STRIDE < rows.length; number++) this.#show(this.balls[number], rows, passed, seconds);
    const noises = this.#noises(seconds);
    const isDropping = [...this.#dropped.values()].some((drop) => seconds < drop.seconds + DROP_SECONDS);
    if (seconds >= this.outcome.seconds && !isDropping) this.isPlaying = false;
    return noises;
  }

  /** What the shot did, for a report. */
  trace() {
    return this.#log.map(({ seconds, what, one, two }) => [Math.round(seconds * 1e6), what[0], one, two]);
  }

  /**
   * @param {Ball} ball
   * @param {Float64Array} rows
   * @param {number} passed
   * @param {number} seconds
   */
  #show(ball, rows, passed, seconds) {
    const at = ball.number * STRIDE;
    const pocket = rows[at + 5];
    if (pocket < ON_TABLE) {
      ball.isShown = false;
      return;
    }
    if (pocket > ON_TABLE) {
      const drop = this.#dropped.get(ball.number) ?? { x: ball.x, y: ball.y, seconds: this.#pocketed.get(ball.number) ?? seconds };
      this.#dropped.set(ball.number, drop);
      const part = Math.min(1, (seconds - drop.seconds) / DROP_SECONDS);
      // It falls in with the way it still had, and rests below the middle of the hole.
      const eased = 1 - (1 - part) * (1 - part);
      ball.x = drop.x + (rows[at] - drop.x) * eased;
      ball.y = drop.y + (rows[at + 1] - drop.y) * eased;
      ball.depth = part;
      ball.isShown = part < 1;
    } else {
      ball.x = rows[at];
      ball.y = rows[at + 1];
    }
    roll(ball.turn, rows[at + 2] * passed, rows[at + 3] * passed, rows[at + 4] * passed);
  }

  /** @param {number} seconds @returns {Noise[]} */
  #noises(seconds) {
    const noises = [];
    for (; this.#logAt < this.#log.length && this.#log[this.#logAt].seconds <= seconds; this.#logAt++) {
      const { what, speed, one, seconds: atSeconds } = this.#log[this.#logAt];
      if (seconds - atSeconds > MISSED_SECONDS_MAX) continue;
      const { x, y } = this.balls[one];
      noises.push({ what: /** @type {Noise["what"]} */ (what), speed, x, y, one });
    }
    return noises;
  }

  /** @param {number} nowMs */
  #moveGliding(nowMs) {
    const { fromMs, balls } = /** @type {{ fromMs: number, balls: { from: Point, to: Point }[] }} */ (this.#glide);
    const part = Math.min(1, Math.max(0, nowMs - fromMs) / GLIDE_MS);
    const eased = part * part * (3 - 2 * part);
    balls.forEach(({ from, to }, number) => {
      this.balls[number].x = from.x + (to.x - from.x) * eased;
      this.balls[number].y = from.y + (to.y - from.y) * eased;
    });
    if (part === 1) this.#glide = null;
  }
}
