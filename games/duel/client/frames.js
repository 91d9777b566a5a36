import { FrameMeter } from "/arcade/frame_meter.js";
import { placesOf } from "./state/bytes.js";
import { tell } from "./visit.js";

const AIM_EVERY_MS = 110;
const PANELS_EVERY_MS = 120;

/**
 * @typedef {object} Parts
 * @property {import("./state/match.js").Match} match
 * @property {import("./net/room.js").Room} room
 * @property {import("./view/hud.js").Hud} hud
 * @property {import("./visit.js").Visit} visit
 * @property {import("./shelf.js").Shelf} shelf
 *
 * @typedef {object} Game What the game does in a picture; `nowMs` is the match's time, `pageMs` the page's.
 * @property {() => boolean} mayAim
 * @property {(noise: import("./state/stage.js").Noise, pageMs: number) => void} heard
 * @property {(isOver: boolean) => void} begin Called for another turn, and when everything is new.
 * @property {(nowMs: number, pageMs: number) => void} draw
 * @property {(block: any) => void} aim Tells the others how it is aimed.
 * @property {(nowMs: number) => string} status What is said of the turn.
 * @property {(nowMs: number) => void} [written] Called when the panels were written.
 */

/** What a page does for each picture, the same at every table: time goes on, then it is drawn, told and written. */
export class Frames {
  /** Whether it is aimed otherwise than the others were told. */
  hasChanged = false;
  #meter = new FrameMeter();
  #parts;
  #game;
  #frameMs = performance.now();
  /** The match's time at the last picture: a replay has one of its own. */
  #playedMs = this.#frameMs;
  #panelsMs = 0;
  #aimSentMs = 0;

  /** @param {Parts} parts @param {Game} game */
  constructor(parts, game) {
    this.#parts = parts;
    this.#game = game;
  }

  /** Begins, and goes on by itself. */
  run() {
    requestAnimationFrame(() => {
      this.#next();
      this.run();
    });
  }

  /** The panels do not wait for their time. */
  hurryPanels() {
    this.#panelsMs = -Infinity;
  }

  #next() {
    const { match, shelf, hud } = this.#parts;
    const game = this.#game;
    const pageMs = performance.now();
    this.#meter.frame(pageMs);
    const nowMs = shelf.clock(pageMs, pageMs - this.#frameMs);
    for (const noise of match.update(nowMs, Math.max(0, nowMs - this.#playedMs))) game.heard(noise, pageMs);
    this.#frameMs = pageMs;
    this.#playedMs = nowMs;
    this.#takeHappened();
    game.draw(nowMs, pageMs);
    const may = game.mayAim();
    if (may && this.hasChanged && nowMs - this.#aimSentMs >= AIM_EVERY_MS && match.block) {
      this.#aimSentMs = nowMs;
      this.hasChanged = false;
      game.aim(match.block);
    }
    hud.tick(match, nowMs, may);
    if (pageMs - this.#panelsMs < PANELS_EVERY_MS) return;
    this.#panelsMs = pageMs;
    this.#writePanels(nowMs);
    shelf.tick(nowMs);
  }

  /** What the match tells. */
  #takeHappened() {
    const { match, room, hud, visit, shelf } = this.#parts;
    for (const what of match.takeHappened()) {
      this.hasChanged = true;
      if (what.kind === "said") {
        if (!shelf.replay?.isQuiet) hud.toast(what.text, what.tone);
      } else if (what.kind === "differs") {
        room.differs(what, what.hash, what.trace);
      } else {
        this.#game.begin(what.kind === "over");
        visit.turned(what.kind === "over");
      }
    }
  }

  /** @param {number} nowMs */
  #writePanels(nowMs) {
    const { match, hud } = this.#parts;
    const { table, isRunning } = match;
    tell({ fps: String(this.#meter.fps) });
    if (!table) return;
    const { block, state } = table;
    hud.show(match, match.isLate(nowMs) ? "Waiting for the server …" : this.#game.status(nowMs));
    tell({
      turn: `${block.game}.${block.turn}`,
      phase: String(block.phase),
      balls: isRunning ? "running" : "still",
      hash: match.lastHash.toString(16),
      compared: `${match.compared - match.differed}/${match.compared}`,
      places: isRunning ? "" : placesOf(state),
    });
    this.#game.written?.(nowMs);
  }
}
