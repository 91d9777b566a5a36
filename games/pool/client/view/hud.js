import { groupOf } from "../state/balls.js";
import { bodiesOf } from "../state/bytes.js";
import { NONE, OPPONENT, PHASE } from "../state/protocol.js";
import { GROUPS } from "../state/words.js";
import { byId, write } from "./dom.js";

const ROOT = document.documentElement;
const HURRY = 0.25;
const BLACK = 8;
const NINE_BALL = 1;
const TOAST_MS = 2_700;

/** @typedef {import("../state/match.js").Match} Match */

/** The panels around the table. */
export class Hud {
  #scene;
  #trays = ["", ""];
  #toastTimer = 0;
  /** Which chair is shown at the left: one's own. */
  #left = 0;
  /** What the controls show. */
  #aim = "";

  /** @param {import("./scene.js").Scene} scene Which paints the small balls. */
  constructor(scene) {
    this.#scene = scene;
  }

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
      const own = chair === table.ownChair ? " (you)" : "";
      const shown = kind === "free" ? "Nobody yet" : (name || "Nameless") + own;
      write(part(panel, ".name"), shown);
      write(part(panel, ".initial"), kind === "free" ? "?" : kind === "bot" ? "⚙" : (name || "N").slice(0, 1).toUpperCase());
      panel.classList.toggle("turn", block.phase === PHASE.PLAYING && block.player === chair);
      panel.classList.toggle("away", kind === "away");
      write(part(panel, ".group"), note(match, chair));
      this.#fillTray(side, chair, match);
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

  /**
   * @param {import("../state/turn.js").Turn} turn
   * @param {number} shift Of the ruler.
   */
  showAim({ aim }, shift) {
    const percent = Math.round(aim.power * 100);
    const key = `${percent} ${shift.toFixed(1)} ${aim.side.toFixed(3)} ${aim.height.toFixed(3)}`;
    if (key === this.#aim) return;
    this.#aim = key;
    const power = byId("power");
    power.style.setProperty("--power", `${percent}%`);
    power.classList.toggle("drawn", percent > 0);
    power.setAttribute("aria-valuenow", String(percent));
    write(part(power, "span"), percent > 0 ? `${percent}` : "Pull");
    byId("fine").style.setProperty("--shift", `${(((shift % 10) + 10) % 10).toFixed(1)}px`);
    for (const id of ["english", "english-large"]) {
      byId(id).style.setProperty("--side", aim.side.toFixed(3));
      byId(id).style.setProperty("--height", aim.height.toFixed(3));
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

  /** The trays are painted anew, as after the page changed its size. */
  refit() {
    this.#trays = ["", ""];
  }

  /** @param {number} side @param {number} chair @param {Match} match */
  #fillTray(side, chair, match) {
    const { balls, gone } = trayOf(match, chair);
    const key = `${balls} ${gone}`;
    if (key === this.#trays[side]) return;
    const isSame = this.#trays[side].startsWith(`${balls} `);
    this.#trays[side] = key;
    const tray = part(byId(`chair-${side}`), ".tray");
    if (!isSame) {
      tray.replaceChildren(...balls.map((ball) => document.createElement(ball < 0 ? "i" : "canvas")));
      tray.querySelectorAll("canvas").forEach((canvas, i) => this.#scene.paintIcon(canvas, balls[i]));
    }
    [...tray.children].forEach((child, i) => child.classList.toggle("gone", gone.includes(balls[i])));
  }
}

/**
 * The balls in a player's tray, and which of them are off the table; −1 is a place for a ball not known yet.
 * @param {Match} match
 * @param {number} chair
 * @returns {{ balls: number[], gone: number[] }}
 */
function trayOf(match, chair) {
  const table = /** @type {import("../state/protocol.js").Table} */ (match.table);
  const { block, state, rules, opponent } = table;
  const bodies = bodiesOf(state);
  const gone = bodies.flatMap((body, ball) => (body.isOn ? [] : [ball]));
  if (rules === NINE_BALL || opponent === OPPONENT.NOBODY) {
    const isShown = opponent === OPPONENT.NOBODY ? chair === 0 : block.player === chair;
    return { balls: isShown ? bodies.map((_, ball) => ball).slice(1) : [], gone };
  }
  const group = GROUPS[block.groups[chair]];
  if (!group) return { balls: Array(7).fill(-1), gone };
  const balls = bodies.map((_, ball) => ball).filter((ball) => groupOf(ball) === group || ball === BLACK);
  // The black comes last.
  return { balls: [...balls.filter((ball) => ball !== BLACK), BLACK], gone };
}

/** @param {Match} match @param {number} chair */
function note({ table, people }, chair) {
  const { block, rules, opponent } = /** @type {import("../state/protocol.js").Table} */ (table);
  if (people.chairs[chair].kind === "away") return "connection lost";
  if (opponent === OPPONENT.NOBODY) return "practice";
  const words = [GROUPS[block.groups[chair]]];
  if (rules === NINE_BALL && block.fouls[chair] > 0) words.push(`${block.fouls[chair]} of 3 fouls`);
  if (block.timeOuts[chair] > 0) words.push(`${block.timeOuts[chair]} of 3 time-outs`);
  return words.filter(Boolean).join(", ");
}

/** @param {HTMLElement} panel @param {string} selector */
function part(panel, selector) {
  return /** @type {HTMLElement} */ (panel.querySelector(selector));
}
