import { bodiesOf, withFirst } from "./bytes.js";
import { roll } from "./rolling.js";

/** Numbers of a body in the physics' rows. */
const STRIDE = 6;
const ON_TABLE = -1;
/** So long before a body goes into a pocket its way is looked at. */
const LOOK_SECONDS = 0.002;
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
 * @typedef {{ what: "contact" | "cushion" | "pocketed", speed: number, x: number, y: number, one: number, two: number }} Noise
 *   `speed` in m/s; `two` is the other body, the cushion or the pocket.
 * @typedef {object} Physics As far as it is needed to show a shot.
 * @property {(version: number) => void} open
 * @property {(bytes: Uint8Array) => void} load
 * @property {(shot: Shot) => { hash: bigint, seconds: number }} shoot
 * @property {(seconds: number) => Float64Array} frames
 * @property {() => { seconds: number, speed: number, what: string, one: number, two: number }[]} log
 *
 * @typedef {Point & { seconds: number, vx: number, vy: number }} Fall Where and when a body went into a pocket, and how
 *   fast.
 * @typedef {object} Looks What the physics does not tell.
 * @property {number} fallSeconds How long a body is seen to go into a pocket.
 * @property {(ball: Ball, fall: Fall, pocket: Point, part: number) => void} fall Shows it there; `part` from 0 to 1.
 * @property {(number: number) => import("./rolling.js").Turn} firstTurn How a body lies before anybody touched it.
 * @property {number[]} rolling By a body's number: the radius with which it seems to roll; without one it turns as the
 *   physics says.
 */

/** The balls as they are shown: at rest, in a shot, or gliding to where the server says they are. */
export class Stage {
  /** @type {Ball[]} */
  balls = [];
  /** The shot that is shown or was shown last. @type {{ hash: bigint, seconds: number } | null} */
  outcome = null;
  isPlaying = false;

  #physics;
  #looks;
  #startMs = 0;
  #shownSeconds = 0;
  /** @type {ReturnType<Physics["log"]>} */
  #log = [];
  #logAt = 0;
  /** The balls that go into a pocket in this shot. @type {Map<number, Fall>} */
  #falls = new Map();
  /** @type {{ fromMs: number, balls: { from: Point, to: Point }[] } | null} */
  #glide = null;

  /** @param {Physics} physics Nobody else's. @param {Looks} looks */
  constructor(physics, looks) {
    this.#physics = physics;
    this.#looks = looks;
  }

  /** @param {number} version Of the table. */
  open(version) {
    this.#physics.open(version);
  }

  /** Turns every ball as it lies before anybody touched it. */
  straighten() {
    for (const ball of this.balls) ball.turn.set(this.#looks.firstTurn(ball.number));
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
      const ball = (this.balls[number] ??= { number, x: 0, y: 0, depth: 0, isShown: false, turn: this.#looks.firstTurn(number) });
      const from = ball.isShown && ball.depth === 0 && body.isOn ? { x: ball.x, y: ball.y } : body;
      Object.assign(ball, { x: body.x, y: body.y, depth: 0, isShown: body.isOn });
      if (this.#glide) this.#glide.balls[number] = { from, to: { x: body.x, y: body.y } };
    });
    for (const ball of this.balls.slice(state[0])) ball.isShown = false;
  }

  /**
   * Plays a shot.
   * @param {Uint8Array} state Before it, with everything where it lay.
   * @param {{ x: number, y: number } | null} put Where body 0 is put first, in units.
   * @param {Shot} shot
   * @param {number} startMs When it was struck; what happened since is not heard.
   * @param {number} nowMs
   */
  play(state, put, shot, startMs, nowMs) {
    const before = put ? withFirst(state, put) : state;
    this.place(before);
    this.#physics.load(before);
    this.outcome = this.#physics.shoot(shot);
    this.#log = this.#physics.log();
    this.#startMs = startMs;
    this.isPlaying = true;
    const missed = Math.max(0, nowMs - startMs) / 1000;
    this.#shownSeconds = missed;
    this.#logAt = this.#log.findIndex(({ seconds }) => seconds > missed - MISSED_SECONDS_MAX);
    if (this.#logAt < 0) this.#logAt = this.#log.length;
    const pocketed = this.#log.filter(({ what }) => what === "pocketed");
    this.#falls = new Map(pocketed.map(({ one, seconds, speed }) => [one, this.#fallOf(one, seconds, speed)]));
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
    const isFalling = [...this.#falls.values()].some((fall) => seconds < fall.seconds + this.#looks.fallSeconds);
    if (seconds >= this.outcome.seconds && !isFalling) this.isPlaying = false;
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
    const from = { x: ball.x, y: ball.y };
    const fall = pocket > ON_TABLE ? this.#falls.get(ball.number) : undefined;
    if (fall) {
      const part = Math.min(1, (seconds - fall.seconds) / this.#looks.fallSeconds);
      this.#looks.fall(ball, fall, { x: rows[at], y: rows[at + 1] }, part);
    } else {
      ball.x = rows[at];
      ball.y = rows[at + 1];
    }
    const radius = this.#looks.rolling[ball.number];
    if (radius) roll(ball.turn, (from.y - ball.y) / radius, (ball.x - from.x) / radius, rows[at + 4] * passed);
    else roll(ball.turn, rows[at + 2] * passed, rows[at + 3] * passed, rows[at + 4] * passed);
  }

  /** @param {number} number @param {number} seconds @param {number} speed @returns {Fall} */
  #fallOf(number, seconds, speed) {
    const at = number * STRIDE;
    const rows = this.#physics.frames(seconds - LOOK_SECONDS);
    const [beforeX, beforeY] = [rows[at], rows[at + 1]];
    const later = this.#physics.frames(seconds - LOOK_SECONDS / 2);
    const [wayX, wayY] = [later[at] - beforeX, later[at + 1] - beforeY];
    const way = Math.hypot(wayX, wayY) || 1;
    return { x: beforeX + 2 * wayX, y: beforeY + 2 * wayY, seconds, vx: (wayX / way) * speed, vy: (wayY / way) * speed };
  }

  /** @param {number} seconds @returns {Noise[]} */
  #noises(seconds) {
    const noises = [];
    for (; this.#logAt < this.#log.length && this.#log[this.#logAt].seconds <= seconds; this.#logAt++) {
      const { what, speed, one, two, seconds: atSeconds } = this.#log[this.#logAt];
      if (seconds - atSeconds > MISSED_SECONDS_MAX) continue;
      const { x, y } = this.balls[one];
      noises.push({ what: /** @type {Noise["what"]} */ (what), speed, x, y, one, two });
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
