import { BALL } from "../state/pitch.js";
import { Synth } from "../../../duel/client/view/synth.js";

/** Speeds that sound as loud as it gets, in m/s. */
const LOUD = { contact: 3.6, cushion: 3.6 };

/** What is heard on the pitch and around it. */
export class Sound extends Synth {
  constructor() {
    super("tagus.soccer.mute");
  }

  /**
   * @param {import("../../../duel/client/state/stage.js").Noise} noise
   * @param {number} pan −1 left to 1 right.
   */
  play({ what, speed, one, two }, pan) {
    const isBall = one === BALL || (what === "contact" && two === BALL);
    if (what === "contact") this.#meet(Math.min(1, speed / LOUD.contact), isBall, pan);
    else if (what === "cushion") this.#board(Math.min(1, speed / LOUD.cushion), isBall, pan);
  }

  /** A finger flicks a disc. @param {number} power */
  flick(power) {
    this.burst({ gain: 0.12 + 0.4 * power, seconds: 0.05, frequency: 900 + 700 * power, q: 0.9, pan: 0 });
    this.tone({ gain: 0.12 + 0.3 * power, seconds: 0.1, from: 300, to: 120, pan: 0 });
  }

  /** The referee. @param {boolean} isLong At the end of a game. */
  whistle(isLong) {
    for (const after of isLong ? [0, 0.32, 0.64] : [0]) {
      const seconds = isLong && after > 0.5 ? 0.8 : 0.26;
      // Two tones that beat, as the pea in a whistle makes them.
      this.tone({ gain: 0.05, seconds, from: 2_750, to: 2_690, pan: 0, after });
      this.tone({ gain: 0.05, seconds, from: 2_810, to: 2_780, pan: 0, after });
      this.burst({ gain: 0.05, seconds: seconds * 0.8, frequency: 2_800, q: 6, pan: 0, after });
    }
  }

  /** The ball in the net, and those who saw it. @param {boolean} isGood For those who listen here. @param {number} pan */
  goal(isGood, pan) {
    this.burst({ gain: 0.4, seconds: 0.28, frequency: 3_400, q: 0.6, pan });
    this.tone({ gain: 0.3, seconds: 0.16, from: 160, to: 70, pan });
    const loud = isGood ? 1 : 0.45;
    for (let i = 0; i < 9; i++) {
      const after = 0.08 + i * 0.13 + Math.random() * 0.06;
      const voice = isGood ? 620 + Math.random() * 700 : 300 + Math.random() * 160;
      this.burst({ gain: 0.26 * loud, seconds: 1.5 - i * 0.08, frequency: voice, q: 1.1, pan: Math.random() * 1.6 - 0.8, after });
    }
    if (!isGood) return;
    [523, 659, 784, 1_047].forEach((note, i) => {
      this.tone({ gain: 0.1, seconds: i === 3 ? 0.7 : 0.2, from: note, to: note, pan: 0, after: 0.15 + i * 0.12 });
    });
  }

  /** The last seconds of one's time. */
  tick() {
    this.tone({ gain: 0.06, seconds: 0.05, from: 1_500, to: 1_400, pan: 0 });
  }

  /** @param {number} loud @param {boolean} isBall @param {number} pan */
  #meet(loud, isBall, pan) {
    if (loud < 0.008) return;
    const gain = 0.06 + 0.7 * loud ** 0.8;
    if (isBall) {
      // Leather: a round thump with little brightness.
      this.tone({ gain: gain * 0.8, seconds: 0.12, from: 250 + 130 * loud, to: 110, pan });
      this.burst({ gain: gain * 0.5, seconds: 0.05, frequency: 1_100 + 900 * loud, q: 0.8, pan });
      return;
    }
    this.burst({ gain: gain * 0.5, seconds: 0.03, frequency: 2_300 + 900 * loud, q: 1.6, pan });
    this.tone({ gain: gain * 0.45, seconds: 0.07, from: 980 + 160 * loud, to: 760, pan });
  }

  /** @param {number} loud @param {boolean} isBall @param {number} pan */
  #board(loud, isBall, pan) {
    if (loud < 0.012) return;
    this.burst({ gain: 0.05 + 0.45 * loud, seconds: 0.1, frequency: isBall ? 420 : 300 + 200 * loud, q: 0.8, pan });
    this.tone({ gain: 0.05 + 0.3 * loud, seconds: 0.14, from: isBall ? 210 : 140, to: isBall ? 120 : 80, pan });
  }
}
