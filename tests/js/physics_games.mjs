// The golden games of crates/physics/tests/it/games.rs, which says how a game is made, written a second time.

const MASK = (1n << 64n) - 1n;
const VERSIONS = [1, 2, 3, 101];
const RACKS = [0, 0, 1, 2];
const BODY_NUMBERS = 6;
const TURNS = 10;

export class Game {
  #physics;
  #state;
  #version;
  shots = 0;

  constructor(physics, number) {
    this.#physics = physics;
    this.#state = BigInt(number);
    this.#version = VERSIONS[number % 4];
    physics.open(this.#version);
    physics.rack(RACKS[number % 4], BigInt(number));
  }

  /** Plays the whole game; returns its hash as the golden file has it. */
  play() {
    let hash = 0n;
    for (let turn = 0; turn < TURNS; turn += 1) {
      const places = this.#physics.places();
      if (places[5] !== -1) break;
      const shot = this.#shot(places.length / BODY_NUMBERS);
      hash = (hash * 31n + this.#physics.shoot(shot).hash) & MASK;
      this.shots += 1;
    }
    return hash.toString(16).padStart(16, "0");
  }

  #shot(count) {
    const word = this.#next();
    const angle = Number(this.#next() & 0xffff_ffffn);
    const isPool = this.#version < 100;
    const spin = (shift) => (isPool ? Math.trunc(Number(BigInt.asIntN(16, word >> shift)) / 2) : 0);
    return {
      table: this.#version,
      body: isPool ? 0 : Number(word % BigInt(count)),
      angle,
      power: Number(word >> 48n),
      side: spin(16n),
      height: spin(32n),
    };
  }

  /** splitmix64. */
  #next() {
    this.#state = (this.#state + 0x9e37_79b9_7f4a_7c15n) & MASK;
    let word = this.#state;
    word = ((word ^ (word >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & MASK;
    word = ((word ^ (word >> 27n)) * 0x94d0_49bb_1331_11ebn) & MASK;
    return word ^ (word >> 31n);
  }
}
