import { Aim } from "./aim.js";
import { NONE, PHASE, SEND } from "./protocol.js";

/** How long somebody else's aim is shown after its last word. */
const AIM_SHOWN_MS = 5_000;
/** A gap between the physics' time and the server's word on it before the page says that it waits. */
const LATE_MS = 1_500;

/**
 * @typedef {import("./protocol.js").Table} Table
 * @typedef {import("./protocol.js").Struck} Struck
 * @typedef {import("./protocol.js").Verdict} Verdict
 * @typedef {import("./protocol.js").Block} Block
 * @typedef {import("./protocol.js").People} People
 *
 * @typedef {{ kind: "said", text: string, tone: "plain" | "foul" | "good" }
 *   | { kind: "turn" } | { kind: "over" } | { kind: "table" }
 *   | { kind: "differs", game: number, turn: number, hash: bigint, trace: unknown }} Happened
 *   `turn`: another turn begins, `table`: everything is new.
 *
 * @typedef {{ text: string, tone: "plain" | "foul" | "good" }} Said
 * @typedef {object} Sayings What the game says of what happens.
 * @property {(reason: number) => string} refusal
 * @property {(table: any) => Said[]} table Of what the last turn was, when it was no shot.
 * @property {(before: any, verdict: any, ownChair: number) => Said[]} verdict
 * @property {(verdict: any) => number} pauseMs How long what a shot did stays in sight when everything rests.
 */

/** What the server told of the room, and the shot that is shown. It owns no clock and sends nothing. */
export class Match {
  /** @type {Table | null} */
  table = null;
  /** @type {People} */
  people = { watching: 0, wantsRematch: [false, false], chairs: [{ kind: "free", name: "" }, { kind: "free", name: "" }] };
  /** When the present turn begins and ends. */
  turnFromMs = 0;
  turnUntilMs = Infinity;
  /** What somebody else is about to do. @type {{ aim: Aim, put: { x: number, y: number } | null, call: number, body: number, untilMs: number } | null} */
  foreign = null;
  /** What was called with the shot that runs. */
  called = NONE;
  /** For the summary: turns, and how often the ends were compared. */
  compared = 0;
  differed = 0;
  /** The hash of the last verdict, as the server gave it. */
  lastHash = 0n;

  /** @type {Happened[]} */
  #happened = [];
  /** The shot that runs or that ran and has no verdict yet. @type {{ game: number, turn: number, chair: number } | null} */
  #struck = null;
  #endedMs = 0;
  /** When what runs lies still, by the physics; what falls may be seen for longer. */
  #restsMs = 0;
  /** @type {{ verdict: Verdict, atMs: number } | null} */
  #pending = null;

  #sayings;

  /** @param {import("./stage.js").Stage} stage @param {Sayings} sayings */
  constructor(stage, sayings) {
    this.stage = stage;
    this.#sayings = sayings;
  }

  /** What happened since it was asked last, in order. */
  takeHappened() {
    return this.#happened.splice(0);
  }

  get block() {
    return this.table?.block ?? null;
  }

  /** Whether balls run, or ran and the server has not said yet what it means. */
  get isRunning() {
    return this.#struck !== null;
  }

  /** @param {number} nowMs Whether the verdict keeps this page waiting. */
  isLate(nowMs) {
    return this.#struck !== null && !this.#pending && !this.stage.isPlaying && nowMs - this.#endedMs > LATE_MS;
  }

  /** @param {number} nowMs Whether this player may strike now. */
  canPlay(nowMs) {
    return this.isOwnTurn && !this.isRunning && nowMs >= this.turnFromMs && nowMs < this.turnUntilMs;
  }

  get isOwnTurn() {
    const { table } = this;
    return table !== null && table.block.phase === PHASE.PLAYING && table.block.player === table.ownChair;
  }

  /** How long what a shot did stays in sight when everything rests. @param {Verdict} verdict */
  pauseMs(verdict) {
    return this.#sayings.pauseMs(verdict);
  }

  /** The part of the turn's time that is left; 1 without a limit. @param {number} nowMs */
  timeLeft(nowMs) {
    if (!this.table || this.turnUntilMs === Infinity || this.isRunning) return 1;
    const wholeMs = Math.max(this.table.turnSeconds * 1000, 1);
    return Math.max(0, Math.min(1, (this.turnUntilMs - Math.max(nowMs, this.turnFromMs)) / wholeMs));
  }

  /** @param {Table} table @param {number} nowMs */
  takeTable(table, nowMs) {
    const before = this.table;
    if (before?.tableVersion !== table.tableVersion) this.stage.open(table.tableVersion);
    const isOther = !before || before.block.game !== table.block.game || before.block.phase !== table.block.phase;
    this.#struck = null;
    this.#pending = null;
    this.foreign = null;
    this.#settle(table, nowMs);
    this.stage.place(table.state, isOther || this.stage.isPlaying ? null : nowMs);
    for (const said of this.#sayings.table(table)) this.#say(said);
    this.#happened.push({ kind: "table" });
    if (table.block.phase === PHASE.OVER) this.#happened.push({ kind: "over" });
  }

  /** @param {Struck} struck @param {number} nowMs */
  takeShot(struck, nowMs) {
    // One's own is shown since it was struck.
    const isShown = this.#struck?.game === struck.game && this.#struck.turn === struck.turn;
    if (!this.table || isShown) return;
    // A page that nobody looked at has not moved on.
    if (this.#pending) this.#judge(nowMs);
    this.#play(struck, nowMs - struck.ageMs, nowMs);
  }

  /**
   * Shows one's own shot at once, before the server has it.
   * @param {Omit<Struck, "game" | "turn" | "chair" | "ageMs">} what
   * @param {number} nowMs
   */
  strike(what, nowMs) {
    if (!this.table) return;
    const { game, turn } = this.table.block;
    this.#play({ ...what, game, turn, chair: this.table.ownChair, ageMs: 0 }, nowMs, nowMs);
  }

  /** @param {Verdict} verdict @param {number} nowMs */
  takeVerdict(verdict, nowMs) {
    if (!this.table) return;
    if (this.#pending) this.#judge(nowMs);
    this.#pending = { verdict, atMs: nowMs };
    if (!this.#struck) this.#judge(nowMs);
  }

  /** @param {import("./protocol.js").ForeignAim} told @param {number} nowMs */
  takeAim(told, nowMs) {
    const { block } = this.table ?? {};
    if (!block || told.game !== block.game || told.turn !== block.turn || told.chair !== block.player) return;
    const target = new Aim();
    target.take(told);
    const aim = this.foreign?.aim ?? target;
    this.foreign = { aim, put: told.put, call: told.call, body: told.body ?? NONE, untilMs: nowMs + AIM_SHOWN_MS };
    this.#foreignTarget = target;
  }

  /** @param {People} people */
  takePeople(people) {
    this.people = people;
  }

  /** @param {import("./protocol.js").Refused} refused @param {number} nowMs */
  takeRefused({ op, reason }, nowMs) {
    if (op === SEND.AIM) return;
    this.#say({ text: this.#sayings.refusal(reason), tone: "foul" });
    if (op !== SEND.SHOOT || !this.table || this.#pending) return;
    // The shot was none: the balls go back.
    this.#struck = null;
    this.stage.place(this.table.state, nowMs);
    this.#happened.push({ kind: "turn" });
  }

  /**
   * Moves on.
   * @param {number} nowMs
   * @param {number} passedMs Since the last time.
   * @returns {import("./stage.js").Noise[]}
   */
  update(nowMs, passedMs) {
    const wasPlaying = this.stage.isPlaying;
    const noises = this.stage.update(nowMs);
    if (wasPlaying && !this.stage.isPlaying) this.#endedMs = nowMs;
    if (this.#struck && !this.stage.isPlaying && this.#pending) {
      const { verdict } = this.#pending;
      if (nowMs >= this.#restsMs + this.pauseMs(verdict)) this.#judge(nowMs);
    }
    if (this.foreign && this.#foreignTarget) {
      if (nowMs > this.foreign.untilMs) this.foreign = null;
      else this.foreign.aim.approach(this.#foreignTarget, 1 - Math.exp(-passedMs / 60));
    }
    return noises;
  }

  /** @type {Aim | null} */
  #foreignTarget = null;

  /** @param {Struck} struck @param {number} startMs @param {number} nowMs */
  #play(struck, startMs, nowMs) {
    const { game, turn, chair, call } = struck;
    this.#struck = { game, turn, chair };
    this.#pending = null;
    this.foreign = null;
    this.called = call;
    this.stage.play(/** @type {Table} */ (this.table).state, struck.put, struck.shot, startMs, nowMs);
    this.#restsMs = startMs + (this.stage.outcome?.seconds ?? 0) * 1000;
  }

  /** The balls lie still and the server has spoken. @param {number} nowMs */
  #judge(nowMs) {
    const { verdict, atMs } = /** @type {{ verdict: Verdict, atMs: number }} */ (this.#pending);
    const table = /** @type {Table} */ (this.table);
    const before = table.block;
    const { outcome } = this.stage;
    const isOwnShow = this.#struck?.turn === verdict.turn && this.#struck.game === verdict.game && outcome !== null;
    this.#struck = null;
    this.#pending = null;
    this.lastHash = verdict.hash;
    const isSame = isOwnShow && outcome.hash === verdict.hash;
    if (isOwnShow) {
      this.compared += 1;
      if (!isSame) {
        this.differed += 1;
        const trace = { seconds: outcome.seconds, log: this.stage.trace() };
        this.#happened.push({ kind: "differs", game: verdict.game, turn: verdict.turn, hash: outcome.hash, trace });
      }
    }
    this.#settle({ ...table, block: verdict.block, state: verdict.state, last: 0 }, atMs);
    this.stage.place(verdict.state, nowMs);
    for (const said of this.#sayings.verdict(before, verdict, table.ownChair)) this.#say(said);
    this.#happened.push({ kind: verdict.block.phase === PHASE.OVER ? "over" : "turn" });
  }

  /** @param {Table} table @param {number} toldMs When its times were told. */
  #settle(table, toldMs) {
    this.table = table;
    this.called = NONE;
    this.turnFromMs = toldMs + table.block.waitMs;
    this.turnUntilMs = this.turnFromMs + table.block.leftMs;
  }

  /** @param {Said} said */
  #say({ text, tone }) {
    this.#happened.push({ kind: "said", text, tone });
  }
}
