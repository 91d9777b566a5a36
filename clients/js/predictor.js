/**
 * What the player steers, shown at once and put right when the server's word comes.
 * `step` is the rule by which an input moves the state; room and client must share it. It may change the state it is given.
 * @template S, I
 */
export class Predictor {
  /** Inputs that the server's word does not contain yet, oldest first. @type {{ number: number, input: I }[]} */
  pending = [];
  #lastNumber = 0;

  /** @param {S} state What the server said first. @param {(state: S, input: I) => S} step Answers the state after. */
  constructor(state, step) {
    /** The state with all inputs. */
    this.state = state;
    this.step = step;
  }

  /** Applies an input at once. Answers its number, to be sent with it. @param {I} input */
  predict(input) {
    this.state = this.step(this.state, input);
    this.#lastNumber += 1;
    if (this.pending.length === PENDING_MAX) this.pending.shift();
    this.pending.push({ number: this.#lastNumber, input });
    return this.#lastNumber;
  }

  /**
   * The server's word: this was the state after input `lastInput`. Those after it are applied again.
   * What the difference to the old state is, is best let fade over some frames rather than shown at once.
   * @param {number} lastInput @param {S} state
   */
  reconcile(lastInput, state) {
    this.pending = this.pending.filter(({ number }) => number > lastInput);
    this.state = this.pending.reduce((before, { input }) => this.step(before, input), state);
  }
}

/** Unanswered inputs at most; the oldest is forgotten. */
const PENDING_MAX = 256;
