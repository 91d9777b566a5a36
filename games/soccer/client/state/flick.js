import { Aim, POWER_MIN } from "../../../duel/client/state/aim.js";
import { bodiesOf } from "../../../duel/client/state/bytes.js";
import { predict } from "../../../duel/client/state/predict.js";
import { NONE } from "../../../duel/client/state/protocol.js";
import { BALL, chairOf, shirtOf } from "./pitch.js";

/**
 * @typedef {import("../../../duel/client/state/layout.js").Point} Point
 * @typedef {import("../../../duel/client/state/predict.js").Prediction} Prediction
 */

/** What this player is about to do in a turn: which disc, where to, how hard. */
export class Flick {
  aim = new Aim();
  /** The disc that is chosen; `NONE` when none is. */
  disc = NONE;
  #physics;
  /** @type {Uint8Array} */
  #state = new Uint8Array(1);
  #chair = NONE;
  #version = 0;
  #predicted = { key: "", line: /** @type {Prediction | null} */ (null) };

  /**
   * @param {import("../../../duel/client/state/predict.js").Aimer & { open: (version: number) => void }} physics Nobody
   *   else's: the flick is tried out here.
   */
  constructor(physics) {
    this.#physics = physics;
  }

  /**
   * Another turn, or the same after something changed.
   * @param {number} chair One's own.
   * @param {Uint8Array} state
   * @param {number} version Of the table.
   */
  begin(chair, state, version) {
    if (this.#version !== version) this.#physics.open(version);
    this.#version = version;
    this.#chair = chair;
    this.#state = state;
    this.#predicted.key = "";
    this.aim.reset();
    this.disc = NONE;
  }

  /** Where a body lies, in metres; null when it is not on the pitch. @param {number} body @returns {Point | null} */
  placeOf(body) {
    const found = bodiesOf(this.#state)[body];
    return found?.isOn ? found : null;
  }

  /** The place of the chosen disc. */
  get place() {
    return this.disc === NONE ? null : this.placeOf(this.disc);
  }

  /** The own disc that is next to a place, and how far it is from there. @param {Point} at */
  nearest(at) {
    let best = { disc: NONE, metres: Infinity };
    bodiesOf(this.#state).forEach((body, disc) => {
      if (!body.isOn || chairOf(disc) !== this.#chair) return;
      const metres = Math.hypot(body.x - at.x, body.y - at.y);
      if (metres < best.metres) best = { disc, metres };
    });
    return best;
  }

  /** @param {number} disc An own one; another one is not taken. */
  choose(disc) {
    if (disc === this.disc || chairOf(disc) !== this.#chair || !this.placeOf(disc)) return;
    this.disc = disc;
    this.aim.setPower(0);
    const [from, ball] = [this.place, this.placeOf(BALL)];
    if (from && ball) this.aim.pointAt(from, ball);
  }

  /** Chooses the disc next to the ball, unless one is chosen. */
  chooseAny() {
    const ball = this.placeOf(BALL);
    if (this.disc === NONE && ball) this.choose(this.nearest(ball).disc);
  }

  /** Goes to another own disc. @param {number} step 1 or −1. */
  chooseNext(step) {
    const own = bodiesOf(this.#state).flatMap((body, disc) => (body.isOn && chairOf(disc) === this.#chair ? [disc] : []));
    if (this.disc === NONE || own.length === 0) this.chooseAny();
    else this.choose(own[(own.indexOf(this.disc) + step + own.length) % own.length]);
  }

  /** Chooses the own disc with this number. @param {number} shirt From 1. */
  chooseShirt(shirt) {
    const disc = bodiesOf(this.#state).findIndex((_, body) => chairOf(body) === this.#chair && shirtOf(body) === shirt);
    if (disc >= 0) this.choose(disc);
  }

  get hasPower() {
    return this.disc !== NONE && this.aim.power >= POWER_MIN;
  }

  /** The aim line; null while nothing is drawn back. */
  get line() {
    if (!this.hasPower) return null;
    const shot = this.aim.shot(this.#version, this.aim.power, this.disc);
    const key = `${shot.body} ${shot.angle} ${shot.power}`;
    if (key !== this.#predicted.key) this.#predicted = { key, line: predict(this.#physics, this.#state, shot) };
    return this.#predicted.line;
  }

  /**
   * The line of somebody else's aim.
   * @param {Aim} aim
   * @param {number} disc
   */
  foreignLine(aim, disc) {
    if (disc === NONE || !this.placeOf(disc) || aim.power < POWER_MIN) return null;
    this.#predicted.key = "";
    return predict(this.#physics, this.#state, aim.shot(this.#version, aim.power, disc));
  }

  /** What is sent while aiming. */
  aiming() {
    return { put: null, call: this.disc, ...this.aim.numbers() };
  }

  /** What is sent to flick. */
  strike() {
    return { put: null, call: NONE, shot: this.aim.shot(this.#version, this.aim.power, this.disc) };
  }
}
