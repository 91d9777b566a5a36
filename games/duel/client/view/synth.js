/** Sounds made of noise and tones; no file is loaded. Browsers let a page sound after its first touch. */

const VOICES_MAX = 30;

export class Synth {
  isMuted;
  #key;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {GainNode | null} */
  #out = null;
  /** @type {AudioBuffer | null} */
  #noise = null;
  #voices = 0;

  /** @param {string} key Under which the browser keeps whether it is muted. */
  constructor(key) {
    this.#key = key;
    this.isMuted = localStorage.getItem(key) === "yes";
  }

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
    localStorage.setItem(this.#key, this.isMuted ? "yes" : "no");
    if (this.#out && this.#context) this.#out.gain.setTargetAtTime(this.isMuted ? 0 : 0.9, this.#context.currentTime, 0.02);
  }

  /** The turn is one's own. */
  chime() {
    this.tone({ gain: 0.09, seconds: 0.35, from: 660, to: 660, pan: 0 });
    this.tone({ gain: 0.07, seconds: 0.5, from: 990, to: 990, pan: 0, after: 0.09 });
  }

  /** @param {{ gain: number, seconds: number, frequency: number, q: number, pan: number, after?: number }} what */
  burst({ gain, seconds, frequency, q, pan, after = 0 }) {
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
  tone({ gain, seconds, from, to, pan, after = 0 }) {
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
