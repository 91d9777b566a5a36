import { Synth } from "../../../duel/client/view/synth.js";

/** Speeds that sound as loud as it gets, in m/s. */
const LOUD = { contact: 4, cushion: 4.5 };

/** What is heard at a pool table. */
export class Sound extends Synth {
  constructor() {
    super("tagus.pool.mute");
  }

  /**
   * @param {import("../../../duel/client/state/stage.js").Noise} noise
   * @param {number} pan −1 left to 1 right.
   */
  play({ what, speed }, pan) {
    if (what === "contact") this.#hit(Math.min(1, speed / LOUD.contact), pan);
    else if (what === "cushion") this.#thud(Math.min(1, speed / LOUD.cushion), pan);
    else this.#drop(pan);
  }

  /** The cue's tip on the ball. @param {number} power */
  strike(power) {
    this.burst({ gain: 0.1 + 0.5 * power, seconds: 0.05, frequency: 1_400, q: 1.2, pan: 0 });
    this.tone({ gain: 0.1 + 0.25 * power, seconds: 0.09, from: 420, to: 240, pan: 0 });
  }

  /** @param {number} loud @param {number} pan */
  #hit(loud, pan) {
    if (loud < 0.004) return;
    const gain = 0.05 + 0.8 * loud ** 0.8;
    // Phenolic balls click high; harder hits have more of it.
    this.burst({ gain: gain * 0.55, seconds: 0.018, frequency: 3_600 + 2_000 * loud, q: 2.2, pan });
    this.tone({ gain: gain * 0.5, seconds: 0.045, from: 2_300 + 500 * loud, to: 1_900, pan });
    this.tone({ gain: gain * 0.2, seconds: 0.03, from: 5_100, to: 4_700, pan });
  }

  /** @param {number} loud @param {number} pan */
  #thud(loud, pan) {
    if (loud < 0.01) return;
    this.burst({ gain: 0.06 + 0.6 * loud, seconds: 0.11, frequency: 260 + 240 * loud, q: 0.8, pan });
    this.tone({ gain: 0.05 + 0.4 * loud, seconds: 0.13, from: 150, to: 82, pan });
  }

  /** @param {number} pan */
  #drop(pan) {
    this.tone({ gain: 0.4, seconds: 0.2, from: 190, to: 66, pan });
    this.burst({ gain: 0.34, seconds: 0.12, frequency: 500, q: 0.7, pan });
    for (const [after, gain] of [[0.12, 0.22], [0.22, 0.15], [0.29, 0.1]]) {
      this.burst({ gain, seconds: 0.04, frequency: 1_100, q: 2, pan, after });
      this.tone({ gain: gain * 0.7, seconds: 0.05, from: 700, to: 520, pan, after });
    }
  }
}
