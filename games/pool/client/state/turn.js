import { Aim, POWER_MIN } from "../../../duel/client/state/aim.js";
import { UNITS, bodiesOf, toUnits, withFirst } from "../../../duel/client/state/bytes.js";
import { predict } from "../../../duel/client/state/predict.js";
import { NONE, toMetres } from "../../../duel/client/state/protocol.js";
import { HAND } from "./protocol.js";
import { spots } from "./table.js";

/** Power that the aim line supposes while the cue is not drawn. */
const POWER_SUPPOSED = 0.45;
const BLACK = 8;
/** How far apart from others, in metres, places are looked for. */
const SEARCH_STEP = 0.03;

/**
 * @typedef {import("../../../duel/client/state/layout.js").Point} Point
 * @typedef {import("./table.js").Table} Table
 * @typedef {import("./protocol.js").Block} Block
 */

/** What this player is about to do in a turn: aim, ball in hand, called pocket. */
export class Turn {
  aim = new Aim();
  /** Where the cue ball was put, in units; null when it lies where it lay. @type {Point | null} */
  put = null;
  /** Where it is held meanwhile, in metres, and whether it may lie there. @type {(Point & { isLegal: boolean }) | null} */
  held = null;
  call = NONE;
  /** Whether the player chose the pocket; until then it follows the aim. */
  #hasChosen = false;
  #physics;
  /** @type {Uint8Array} */
  #state = new Uint8Array(1);
  /** @type {Block | null} */
  #block = null;
  #version = 0;
  /** @type {Table | null} */
  #table = null;
  #predicted = { key: "", line: /** @type {import("../../../duel/client/state/predict.js").Prediction | null} */ (null) };

  /**
   * @param {import("../../../duel/client/state/predict.js").Aimer & { open: (version: number) => void }} physics Nobody else's: the shot is tried
   *   out here.
   */
  constructor(physics) {
    this.#physics = physics;
  }

  /**
   * Another turn, or the same after something changed.
   * @param {Block} block
   * @param {Uint8Array} state
   * @param {number} version
   * @param {Table} table
   */
  begin(block, state, version, table) {
    if (this.#version !== version) this.#physics.open(version);
    this.#block = block;
    this.#state = state;
    this.#version = version;
    this.#table = table;
    this.#predicted.key = "";
    this.aim.reset();
    this.put = null;
    this.held = null;
    this.call = NONE;
    this.#hasChosen = false;
    if (block.mustPut) this.#putSomewhere();
    this.#faceBalls();
  }

  /** Where the cue ball is, in metres; null when it is off the table. @returns {Point | null} */
  get cueBall() {
    if (this.held) return this.held;
    if (this.put) return toMetres(this.put);
    const [cue] = bodiesOf(this.#state);
    return cue?.isOn ? cue : null;
  }

  get mayPut() {
    return this.#block !== null && this.#block.hand !== HAND.NO;
  }

  get needsCall() {
    return this.#block?.isBlackOn === true;
  }

  /** Whether a stroke now is one that the rules take. */
  get isReady() {
    const isPlaced = !this.#block?.mustPut || this.put !== null;
    return isPlaced && this.held === null && (!this.needsCall || this.call !== NONE);
  }

  get hasPower() {
    return this.aim.power >= POWER_MIN;
  }

  /** Takes the cue ball along. @param {Point} metres */
  hold(metres) {
    if (!this.mayPut || !this.#table) return;
    const { radius, length, width } = this.#table;
    const right = this.#block?.hand === HAND.KITCHEN ? length / 4 : length - radius;
    const at = { x: clamp(metres.x, radius, right), y: clamp(metres.y, radius, width - radius) };
    this.held = { ...at, isLegal: this.#fits(toUnits(at)) };
  }

  /** Lets it go; where it may not lie it goes back. */
  drop() {
    if (this.held?.isLegal) {
      this.put = toUnits(this.held);
      this.#predicted.key = "";
    }
    this.held = null;
  }

  /** @param {number} pocket */
  chooseCall(pocket) {
    if (!this.needsCall) return;
    this.call = pocket;
    this.#hasChosen = true;
  }

  /** The aim line; null while the cue ball is held or off the table. */
  get line() {
    if (this.held || !this.cueBall) return null;
    const power = this.hasPower ? this.aim.power : POWER_SUPPOSED;
    const shot = this.aim.shot(this.#version, power);
    const key = `${shot.angle} ${shot.power} ${shot.side} ${shot.height}`;
    if (key !== this.#predicted.key) {
      this.#predicted = { key, line: predict(this.#physics, this.#before(), shot) };
      this.#followCall();
    }
    return this.#predicted.line;
  }

  /**
   * The line of somebody else's aim.
   * @param {Aim} aim
   * @param {Point | null} put In units.
   */
  foreignLine(aim, put) {
    const state = put && this.#fits(put) ? withFirst(this.#state, put) : this.#state;
    const [cue] = bodiesOf(state);
    if (!cue?.isOn) return null;
    this.#predicted.key = "";
    return predict(this.#physics, state, aim.shot(this.#version, Math.max(aim.power, POWER_SUPPOSED)));
  }

  /** What is sent while aiming. */
  aiming() {
    return { put: this.held ? toUnits(this.held) : this.put, call: this.call, ...this.aim.numbers() };
  }

  /** What is sent to strike. */
  strike() {
    return { put: this.put, call: this.needsCall ? this.call : NONE, shot: this.aim.shot(this.#version) };
  }

  #before() {
    return this.put ? withFirst(this.#state, this.put) : this.#state;
  }

  /** @param {Point} units */
  #fits(units) {
    if (this.#block?.hand === HAND.KITCHEN && this.#table && units.x > (this.#table.length / 4) * UNITS) return false;
    try {
      this.#physics.load(withFirst(this.#state, units));
      return true;
    } catch {
      return false;
    }
  }

  /** The head spot, or the nearest place to it that is free. */
  #putSomewhere() {
    const { head } = spots(/** @type {Table} */ (this.#table));
    for (let ring = 0; ring < 20; ring++) {
      for (let i = 0; i < Math.max(1, ring * 6); i++) {
        const angle = Math.PI + (i * Math.PI) / Math.max(1, ring * 3);
        const at = toUnits({ x: head.x + Math.cos(angle) * ring * SEARCH_STEP, y: head.y + Math.sin(angle) * ring * SEARCH_STEP });
        if (this.#fits(at)) {
          this.put = at;
          return;
        }
      }
    }
  }

  /** Looks at the nearest ball to begin with. */
  #faceBalls() {
    const cue = this.cueBall;
    if (!cue) return;
    const away = (/** @type {Point} */ ball) => Math.hypot(ball.x - cue.x, ball.y - cue.y);
    const others = bodiesOf(this.#state).slice(1).filter((body) => body.isOn);
    const [nearest] = others.sort((a, b) => away(a) - away(b));
    if (nearest) this.aim.pointAt(cue, nearest);
  }

  /** The pocket that the black is sent towards. */
  #followCall() {
    const { line } = this.#predicted;
    if (!this.needsCall || this.#hasChosen || !line || line.ball !== BLACK || !this.#table) return;
    // As it is sent, before any cushion.
    const [from, to = from] = line.objectLine;
    const along = Math.atan2(to.y - from.y, to.x - from.x);
    const off = (/** @type {Point} */ pocket) => {
      const turn = Math.atan2(pocket.y - from.y, pocket.x - from.x) - along;
      return Math.abs(Math.atan2(Math.sin(turn), Math.cos(turn)));
    };
    const { pockets } = this.#table;
    this.call = pockets.reduce((best, pocket, i) => (off(pocket) < off(pockets[best]) ? i : best), 0);
  }
}

/** @param {number} value @param {number} low @param {number} high */
function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}
