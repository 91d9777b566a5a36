import { bodiesOf } from "../../../duel/client/state/bytes.js";
import { OPPONENT } from "../../../duel/client/state/protocol.js";
import { byId, write } from "../../../duel/client/view/dom.js";
import { Hud, part } from "../../../duel/client/view/hud.js";
import { groupOf } from "../state/balls.js";
import { GROUPS } from "../state/words.js";

const BLACK = 8;
const NINE_BALL = 1;

/** @typedef {import("../../../duel/client/state/match.js").Match} Match */

/** The panels around the table: balls of each player, cue controls. */
export class PoolHud extends Hud {
  #scene;
  #trays = ["", ""];
  /** What the controls show. */
  #aim = "";

  /** @param {import("./scene.js").Scene} scene Which paints the small balls. */
  constructor(scene) {
    super();
    this.#scene = scene;
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

  /** The trays are painted anew, as after the page changed its size. */
  refit() {
    this.#trays = ["", ""];
  }

  /** @param {Match} match @param {number} chair */
  note({ table, people }, chair) {
    const { block, rules, opponent } = /** @type {import("../state/protocol.js").Table} */ (table);
    if (people.chairs[chair].kind === "away") return "away";
    if (opponent === OPPONENT.NOBODY) return "practice";
    const words = [GROUPS[block.groups[chair]]];
    if (rules === NINE_BALL && block.fouls[chair] > 0) words.push(`${block.fouls[chair]} of 3 fouls`);
    if (block.timeOuts[chair] > 0) words.push(`${block.timeOuts[chair]} of 3 time-outs`);
    return words.filter(Boolean).join(", ");
  }

  /** @param {HTMLElement} panel @param {number} side @param {number} chair @param {Match} match */
  fill(panel, side, chair, match) {
    const { balls, gone } = trayOf(match, chair);
    const key = `${balls} ${gone}`;
    if (key === this.#trays[side]) return;
    const isSame = this.#trays[side].startsWith(`${balls} `);
    this.#trays[side] = key;
    const tray = part(panel, ".tray");
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
