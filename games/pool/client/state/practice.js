import { bodiesOf, withFirst } from "../../../duel/client/state/bytes.js";
import { NONE, OPPONENT, PHASE } from "../../../duel/client/state/protocol.js";
import { HAND } from "./protocol.js";

const EIGHT_BALL = 0;
const OFF = 254;
const UNDO_MAX = 50;

/**
 * A table for one, without rules and without a server: the cue ball may always be put elsewhere, strokes may be taken
 * back, and the last ball brings a new rack. It speaks to the page as the server does.
 */
export class Practice {
  #physics;
  #version;
  #seed;
  #turn = 0;
  #game = 0;
  /** @type {Uint8Array} */
  #state = new Uint8Array(0);
  /** @type {Uint8Array[]} */
  #before = [];

  /**
   * @param {import("../../../duel/client/state/stage.js").Physics & { rack: (rack: number, seed: bigint) => void, save: () => Uint8Array }} physics
   * @param {number} version Of the table.
   * @param {bigint} seed
   */
  constructor(physics, version, seed) {
    this.#physics = physics;
    this.#version = version;
    this.#seed = seed;
    physics.open(version);
    this.rack();
  }

  get canUndo() {
    return this.#before.length > 0;
  }

  rack() {
    this.#physics.rack(EIGHT_BALL, this.#seed);
    this.#seed += 1n;
    this.#state = this.#physics.save();
    this.#before = [];
    this.#game = (this.#game + 1) & 0xffff;
    this.#turn = 0;
  }

  undo() {
    this.#state = this.#before.pop() ?? this.#state;
    this.#turn += 1;
  }

  /** @returns {import("./protocol.js").Table} */
  table() {
    return {
      rules: EIGHT_BALL, opponent: OPPONENT.NOBODY, ownChair: 0, last: 0, tableVersion: this.#version, turnSeconds: 0,
      block: this.#block(), state: this.#state,
    };
  }

  /**
   * @param {{ put: import("../../../duel/client/state/protocol.js").Units | null, shot: import("../../../duel/client/state/aim.js").Shot }} stroke
   * @returns {import("./protocol.js").Verdict}
   */
  shoot({ put, shot }) {
    const [game, turn] = [this.#game, this.#turn];
    this.#before.push(this.#state);
    if (this.#before.length > UNDO_MAX) this.#before.shift();
    this.#physics.load(put ? withFirst(this.#state, put) : this.#state);
    const { hash, seconds } = this.#physics.shoot(shot);
    const pocketed = this.#physics.log().filter(({ what }) => what === "pocketed").map(({ one, two }) => ({ ball: one, pocket: two }));
    this.#state = this.#physics.save();
    this.#turn += 1;
    const isCleared = bodiesOf(this.#state).slice(1).every((body) => !body.isOn);
    if (isCleared) this.rack();
    else if (pocketed.some(({ ball }) => ball === 0)) this.#state[2] = OFF;
    return { game, turn, hash, restMs: seconds * 1000, foul: 0, pocketed, block: this.#block(), state: this.#state };
  }

  /** @returns {import("./protocol.js").Block} */
  #block() {
    const [cue] = bodiesOf(this.#state);
    return {
      game: this.#game, turn: this.#turn, phase: PHASE.PLAYING, player: 0, hand: HAND.ANYWHERE,
      isBreak: this.#turn === 0, canRerack: false, isBlackOn: false, mustPut: !cue.isOn,
      groups: [0, 0], timeOuts: [0, 0], fouls: [0, 0], winner: NONE, how: 0, waitMs: 0, leftMs: Infinity,
    };
  }
}
