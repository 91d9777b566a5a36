import { NONE, RECEIVE, decodeShot } from "./protocol.js";

/** The aim is shown for so long before a shot, and where everything came to rest after it. */
export const AIM_MS = 1_000;
const REST_MS = 600;
/** What fell is still seen to fall when the others rest. */
const FALL_MS = 400;
/** How long a turn without a shot is shown. */
const STILL_MS = 1_200;

/**
 * @typedef {import("./protocol.js").Table} Table
 * @typedef {import("./protocol.js").Struck} Struck
 * @typedef {import("./protocol.js").Verdict} Verdict
 *
 * @typedef {object} FilmTurn
 * @property {number} chair Whose turn it was.
 * @property {Table} before
 * @property {Table} after
 * @property {Struck | null} shot Null when the turn passed without one.
 * @property {Verdict | null} verdict
 * @property {number} startMs In the film; the aim is shown from here on.
 * @property {number} actMs When it is struck, or what else happened.
 * @property {number} endMs When the next turn begins.
 *
 * @typedef {{ op: number, data: Uint8Array }} Message
 * @typedef {{ turns: FilmTurn[], first: Table, lengthMs: number }} Film
 */

/**
 * A game that was played, from the messages in which a room would have told it: a table, then for each turn a shot and
 * its verdict, or a table.
 * @param {Message[]} messages
 * @param {{ decodeTable: (bytes: Uint8Array) => any, decodeVerdict: (bytes: Uint8Array) => any }} decoders Of the game.
 * @param {(verdict: Verdict) => number} pauseMs How long what a shot did stays in sight.
 * @returns {Film}
 * @throws {RangeError} When it does not begin with a table, or a message is cut off.
 */
export function readFilm(messages, { decodeTable, decodeVerdict }, pauseMs) {
  const [begin, ...rest] = messages;
  if (begin?.op !== RECEIVE.TABLE) throw new RangeError("a replay begins with a table");
  const first = timeless({ ...decodeTable(begin.data), ownChair: NONE, last: 0 });
  /** @type {FilmTurn[]} */
  const turns = [];
  let before = first;
  /** @type {Struck | null} */
  let shot = null;
  let startMs = 0;
  for (const { op, data } of rest) {
    if (op === RECEIVE.SHOT) {
      shot = decodeShot(data);
      continue;
    }
    const verdict = op === RECEIVE.VERDICT && shot ? decodeVerdict(data) : null;
    if (!verdict && op !== RECEIVE.TABLE) continue;
    const after = timeless(verdict ? { ...before, block: verdict.block, state: verdict.state, last: 0 } : { ...decodeTable(data), ownChair: NONE });
    const actMs = startMs + (verdict ? AIM_MS : STILL_MS / 2);
    const endMs = actMs + (verdict ? verdict.restMs + FALL_MS + pauseMs(verdict) + REST_MS : STILL_MS / 2);
    const chair = verdict && shot ? shot.chair : before.block.player;
    turns.push({
      chair, before, after, startMs, actMs, endMs,
      shot: verdict && shot ? { ...shot, ageMs: 0 } : null,
      verdict: verdict && { ...verdict, block: after.block },
    });
    before = after;
    shot = null;
    startMs = endMs;
  }
  return { turns, first, lengthMs: startMs };
}

/** Nobody waits in a replay. @param {Table} table @returns {Table} */
function timeless(table) {
  return { ...table, turnSeconds: 0, block: { ...table.block, waitMs: 0, leftMs: Infinity } };
}

/**
 * Shows a film in a match: it plays, stops, and goes anywhere. Its time is the position in the film, and is what the match
 * is given for the time.
 */
export class Replay {
  isPlaying = true;
  speed = 1;
  /** Whether what the match says of the last step is old: it was jumped to. */
  isQuiet = true;
  #film;
  #match;
  #positionMs = 0;
  /** How many of the film's acts (an aim, or what is done after it) are in the match. */
  #acts = 0;

  /** @param {Film} film @param {import("./match.js").Match} match */
  constructor(film, match) {
    this.#film = film;
    this.#match = match;
    this.seek(0);
  }

  get positionMs() {
    return this.#positionMs;
  }

  get isAtEnd() {
    return this.#positionMs >= this.#film.lengthMs;
  }

  /** The turn that is shown; as many as there are when all are over. */
  get turn() {
    return turnAt(this.#film, this.#positionMs);
  }

  /** Plays or stops; from the end it begins anew. */
  toggle() {
    if (this.isAtEnd && !this.isPlaying) this.seek(0);
    this.isPlaying = !this.isPlaying;
  }

  /**
   * Goes to a time of the film.
   * @param {number} positionMs
   */
  seek(positionMs) {
    const { turns, first, lengthMs } = this.#film;
    this.#positionMs = Math.max(0, Math.min(lengthMs, positionMs));
    const turn = this.turn;
    this.isQuiet = true;
    // Of a match that knows nothing everything is new, and lies there at once.
    this.#match.table = null;
    this.#match.takeTable({ ...(turns[turn]?.before ?? turns.at(-1)?.after ?? first), last: 0 }, this.#positionMs);
    this.#acts = 2 * turn;
    this.#act();
    this.#match.update(this.#positionMs, 0);
  }

  /**
   * Goes to the beginning of a turn; the one behind the last is the end.
   * @param {number} turn
   */
  goTo(turn) {
    this.seek(this.#film.turns[Math.max(0, turn)]?.startMs ?? this.#film.lengthMs);
  }

  /** One turn back: first to the beginning of the present one, when it has been running for a while. */
  back() {
    const { turn } = this;
    const isBegun = this.#positionMs > (this.#film.turns[turn]?.startMs ?? this.#film.lengthMs) + AIM_MS;
    this.goTo(isBegun ? turn : turn - 1);
  }

  forward() {
    this.goTo(this.turn + 1);
  }

  /**
   * Moves on.
   * @param {number} passedMs Of real time.
   * @returns {number} The position, which is the time for the match.
   */
  update(passedMs) {
    if (!this.isPlaying) return this.#positionMs;
    this.isQuiet = false;
    this.#positionMs = Math.min(this.#film.lengthMs, this.#positionMs + passedMs * this.speed);
    this.#act();
    if (this.isAtEnd) this.isPlaying = false;
    return this.#positionMs;
  }

  /** Does what is due. */
  #act() {
    const { turns } = this.#film;
    for (; this.#acts < 2 * turns.length; this.#acts++) {
      const turn = turns[this.#acts >> 1];
      const isAim = this.#acts % 2 === 0;
      const atMs = isAim ? turn.startMs : turn.actMs;
      if (atMs > this.#positionMs) return;
      // The one before is over, also when nobody looked meanwhile.
      if (isAim) this.#match.update(this.#positionMs, 0);
      if (isAim) this.#aim(turn);
      else this.#do(turn, atMs);
    }
  }

  /** @param {FilmTurn} turn */
  #aim({ shot }) {
    if (!shot) return;
    const { game, turn, chair, put, call } = shot;
    const { angle, power, side, height } = shot.shot;
    this.#match.takeAim({ game, turn, chair, put, call, body: shot.shot.body, angle, power, side, height }, this.#positionMs);
  }

  /** @param {FilmTurn} turn @param {number} atMs */
  #do({ shot, verdict, after }, atMs) {
    if (!shot || !verdict) {
      this.#match.takeTable(after, this.#positionMs);
      return;
    }
    this.#match.takeShot({ ...shot, ageMs: this.#positionMs - atMs }, this.#positionMs);
    this.#match.takeVerdict(verdict, this.#positionMs);
  }
}

/** The turn that a film shows at a time. @param {Film} film @param {number} positionMs */
export function turnAt({ turns, lengthMs }, positionMs) {
  if (positionMs >= lengthMs) return turns.length;
  const found = turns.findIndex(({ endMs }) => positionMs < endMs);
  return found < 0 ? turns.length : found;
}
