import { NONE, PHASE } from "../../../duel/client/state/protocol.js";
import { write } from "../../../duel/client/view/dom.js";
import { Hud, part } from "../../../duel/client/view/hud.js";

/** @typedef {import("../../../duel/client/state/match.js").Match} Match */

/** The panels above the pitch: the score beside each name. */
export class SoccerHud extends Hud {
  /** Whose goal is celebrated and not in the score yet. */
  scored = NONE;

  /** @param {Match} match @param {number} chair */
  note({ table, people }, chair) {
    const { block } = /** @type {import("../state/protocol.js").Table} */ (table);
    if (people.chairs[chair].kind === "away") return "away";
    const outs = block.timeOuts[chair];
    return outs > 0 ? `${outs} of 3 time-outs` : "";
  }

  /** @param {HTMLElement} panel @param {number} _side @param {number} chair @param {Match} match */
  fill(panel, _side, chair, match) {
    const { block } = /** @type {import("../state/protocol.js").Table} */ (match.table);
    const goals = this.goals(block, chair);
    panel.dataset.team = String(chair);
    const score = part(panel, ".score");
    const isWaiting = block.phase === PHASE.WAITING;
    write(score, isWaiting ? "" : String(goals));
    score.classList.toggle("bump", this.scored === chair);
    const tray = part(panel, ".tray");
    const pips = isWaiting ? 0 : block.goalsToWin;
    if (tray.childElementCount !== pips) tray.replaceChildren(...Array.from({ length: pips }, () => document.createElement("i")));
    [...tray.children].forEach((pip, i) => pip.classList.toggle("full", i < goals));
  }

  /** The goals as they are to be seen. @param {import("../state/protocol.js").Block} block @param {number} chair */
  goals(block, chair) {
    return block.goals[chair] + (this.scored === chair ? 1 : 0);
  }
}
