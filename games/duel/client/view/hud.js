import { NONE, PHASE } from "../state/protocol.js";
import { byId, write } from "./dom.js";

const ROOT = document.documentElement;
const HURRY = 0.25;
const TOAST_MS = 2_700;

/** @typedef {import("../state/match.js").Match} Match */

/** The panels around the table. A game says what it writes beside a name, and shows what else it has there. */
export class Hud {
  #toastTimer = 0;
  /** Which chair is shown at the left: one's own. */
  #left = 0;

  /** @param {Match} _match @param {number} _chair @returns {string} What is written beside a player's name. */
  note(_match, _chair) {
    return "";
  }

  /** @param {HTMLElement} _panel @param {number} _side @param {number} _chair @param {Match} _match */
  fill(_panel, _side, _chair, _match) {}

  /**
   * What changes with the game.
   * @param {Match} match
   * @param {string} status
   */
  show(match, status) {
    const { table, people } = match;
    if (!table) return;
    const { block } = table;
    this.#left = table.ownChair === 1 ? 1 : 0;
    for (const side of [0, 1]) {
      const chair = side === 0 ? this.#left : 1 - this.#left;
      const panel = byId(`chair-${side}`);
      const { kind, name } = people.chairs[chair];
      panel.classList.toggle("own", chair === table.ownChair && kind !== "free");
      write(part(panel, ".name"), kind === "free" ? "Nobody yet" : name || "Nameless");
      write(part(panel, ".initial"), kind === "free" ? "?" : kind === "bot" ? "⚙" : (name || "N").slice(0, 1).toUpperCase());
      panel.classList.toggle("turn", block.phase === PHASE.PLAYING && block.player === chair);
      panel.classList.toggle("away", kind === "away");
      write(part(panel, ".group"), this.note(match, chair));
      this.fill(panel, side, chair, match);
    }
    write(byId("status"), status);
    const watching = people.watching === 0 ? "" : people.watching === 1 ? "1 watching" : `${people.watching} watching`;
    write(byId("watching"), table.ownChair === NONE ? `You watch${people.watching > 1 ? `, with ${people.watching - 1} more` : ""}` : watching);
    byId("sit").hidden = table.ownChair !== NONE || block.phase === PHASE.PLAYING || people.chairs.every(({ kind }) => kind !== "free");
    ROOT.dataset.chair = table.ownChair === NONE ? "watching" : "playing";
  }

  /**
   * What changes all the time.
   * @param {Match} match
   * @param {number} nowMs
   * @param {boolean} mayAim
   */
  tick(match, nowMs, mayAim) {
    const own = mayAim ? "yes" : "no";
    if (ROOT.dataset.own !== own) ROOT.dataset.own = own;
    const { block } = match;
    if (!block) return;
    for (const side of [0, 1]) {
      const chair = side === 0 ? this.#left : 1 - this.#left;
      const isTurn = block.phase === PHASE.PLAYING && block.player === chair;
      const left = isTurn ? match.timeLeft(nowMs) : 1;
      const panel = byId(`chair-${side}`);
      panel.classList.toggle("hurry", isTurn && left < HURRY);
      const ring = /** @type {SVGCircleElement} */ (/** @type {unknown} */ (part(panel, ".ring .left")));
      const gone = (100 * (1 - left)).toFixed(0);
      if (ring.style.strokeDashoffset !== gone) ring.style.strokeDashoffset = gone;
    }
  }

  /** @param {string} text @param {"plain" | "foul" | "good"} tone */
  toast(text, tone) {
    const toast = byId("toast");
    toast.className = tone;
    write(toast, text);
    // Begins the animation anew.
    void toast.offsetWidth;
    toast.classList.add("shown");
    clearTimeout(this.#toastTimer);
    this.#toastTimer = window.setTimeout(() => toast.classList.remove("shown"), TOAST_MS);
  }

  /** @param {string} text Empty hides it. */
  banner(text) {
    write(byId("banner"), text);
  }
}

/** @param {HTMLElement} panel @param {string} selector */
export function part(panel, selector) {
  return /** @type {HTMLElement} */ (panel.querySelector(selector));
}
