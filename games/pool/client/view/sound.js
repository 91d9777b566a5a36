/** Sounds made of noise and tones; no file is loaded. Browsers let a page sound after its first touch. */

const KEY = "tagus.pool.mute";
const VOICES_MAX = 30;
/** Speeds that sound as loud as it gets, in m/s. */
const LOUD = { contact: 4, cushion: 4.5 };

export class Sound {
  isMuted = localStorage.getItem(KEY) === "yes";
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {GainNode | null} */
  #out = null;
  /** @type {AudioBuffer | null} */
  #noise = null;
  #voices = 0;

  /** Called at a touch. */
  wake() {
    if (this.#context || typeof AudioContext === "undefined") {
      if (this.#context?.state === "suspended") void this.#context.resume();
      return;
    }
    const context = new AudioContext();
    const squeeze = context.createDynamicsCompressor();
    const out = context.createGain();
    out.gain.value = this.isMuted ? 0 : 0.9;
    out.connect(squeeze).connect(context.destination);
    const noise = context.createBuffer(1, context.sampleRate, context.sampleRate);
    const samples = noise.getChannelData(0);
    for (let i = 0; i < samples.length; i++) samples[i] = Math.random() * 2 - 1;
    this.#context = context;
    this.#out = out;
    this.#noise = noise;
  }

  toggle() {
    this.isMuted = !this.isMuted;
    localStorage.setItem(KEY, this.isMuted ? "yes" : "no");
    if (this.#out && this.#context) this.#out.gain.setTargetAtTime(this.isMuted ? 0 : 0.9, this.#context.currentTime, 0.02);
  }

  /**
   * @param {import("../state/stage.js").Noise} noise
   * @param {number} pan −1 left to 1 right.
   */
  play({ what, speed }, pan) {
    if (what === "contact") this.#hit(Math.min(1, speed / LOUD.contact), pan);
    else if (what === "cushion") this.#thud(Math.min(1, speed / LOUD.cushion), pan);
    else this.#drop(pan);
  }

  /** The cue's tip on the ball. @param {number} power */
  strike(power) {
    this.#burst({ gain: 0.1 + 0.5 * power, seconds: 0.05, frequency: 1_400, q: 1.2, pan: 0 });
    this.#tone({ gain: 0.1 + 0.25 * power, seconds: 0.09, from: 420, to: 240, pan: 0 });
  }

  /** The turn is one's own. */
  chime() {
    this.#tone({ gain: 0.09, seconds: 0.35, from: 660, to: 660, pan: 0 });
    this.#tone({ gain: 0.07, seconds: 0.5, from: 990, to: 990, pan: 0, after: 0.09 });
  }

  /** @param {number} loud @param {number} pan */
  #hit(loud, pan) {
    if (loud < 0.004) return;
    const gain = 0.05 + 0.8 * loud ** 0.8;
    // Phenolic balls click high; harder hits have more of it.
    this.#burst({ gain: gain * 0.55, seconds: 0.018, frequency: 3_600 + 2_000 * loud, q: 2.2, pan });
    this.#tone({ gain: gain * 0.5, seconds: 0.045, from: 2_300 + 500 * loud, to: 1_900, pan });
    this.#tone({ gain: gain * 0.2, seconds: 0.03, from: 5_100, to: 4_700, pan });
  }

  /** @param {number} loud @param {number} pan */
  #thud(loud, pan) {
    if (loud < 0.01) return;
    this.#burst({ gain: 0.06 + 0.6 * loud, seconds: 0.11, frequency: 260 + 240 * loud, q: 0.8, pan });
    this.#tone({ gain: 0.05 + 0.4 * loud, seconds: 0.13, from: 150, to: 82, pan });
  }

  /** @param {number} pan */
  #drop(pan) {
    this.#tone({ gain: 0.4, seconds: 0.2, from: 190, to: 66, pan });
    this.#burst({ gain: 0.34, seconds: 0.12, frequency: 500, q: 0.7, pan });
    for (const [after, gain] of [[0.12, 0.22], [0.22, 0.15], [0.29, 0.1]]) {
      this.#burst({ gain, seconds: 0.04, frequency: 1_100, q: 2, pan, after });
      this.#tone({ gain: gain * 0.7, seconds: 0.05, from: 700, to: 520, pan, after });
    }
  }

  /** @param {{ gain: number, seconds: number, frequency: number, q: number, pan: number, after?: number }} what */
  #burst({ gain, seconds, frequency, q, pan, after = 0 }) {
    const context = this.#context;
    if (!context || !this.#mayPlay()) return;
    const source = context.createBufferSource();
    source.buffer = this.#noise;
    const band = context.createBiquadFilter();
    band.type = "bandpass";
    band.frequency.value = frequency;
    band.Q.value = q;
    source.connect(band);
    const begin = context.currentTime + after;
    source.start(begin, Math.random() * 0.5, seconds + 0.05);
    this.#shape(source, band, { gain, seconds, pan, begin });
  }

  /** @param {{ gain: number, seconds: number, from: number, to: number, pan: number, after?: number }} what */
  #tone({ gain, seconds, from, to, pan, after = 0 }) {
    const context = this.#context;
    if (!context || !this.#mayPlay()) return;
    const tone = context.createOscillator();
    const begin = context.currentTime + after;
    tone.frequency.setValueAtTime(from, begin);
    tone.frequency.exponentialRampToValueAtTime(to, begin + seconds);
    tone.start(begin);
    tone.stop(begin + seconds + 0.05);
    this.#shape(tone, tone, { gain, seconds, pan, begin });
  }

  /** @param {AudioScheduledSourceNode} source @param {AudioNode} node @param {{ gain: number, seconds: number, pan: number, begin: number }} how */
  #shape(source, node, { gain, seconds, pan, begin }) {
    const context = /** @type {AudioContext} */ (this.#context);
    const level = context.createGain();
    level.gain.setValueAtTime(gain, begin);
    level.gain.exponentialRampToValueAtTime(0.0005, begin + seconds);
    const side = context.createStereoPanner();
    side.pan.value = Math.max(-0.8, Math.min(0.8, pan * 0.7));
    node.connect(level).connect(side).connect(/** @type {GainNode} */ (this.#out));
    this.#voices += 1;
    source.addEventListener("ended", () => {
      this.#voices -= 1;
      side.disconnect();
    });
  }

  #mayPlay() {
    return !this.isMuted && this.#voices < VOICES_MAX;
  }
}
