import { byId } from "../../../duel/client/view/dom.js";
import { Screens, disable, press } from "../../../duel/client/view/screens.js";

/**
 * @typedef {object} PoolIntents
 * @property {() => void} practice
 * @property {() => void} rerack
 * @property {() => void} undo
 * @property {() => void} rack
 */

/** The cards over the table: also which rules, practice, and racking again. */
export class PoolScreens extends Screens {
  /**
   * @param {string} name The one that was chosen; empty when none was.
   * @param {string} suggested
   * @param {import("../../../duel/client/view/screens.js").Intents & PoolIntents} intents
   */
  constructor(name, suggested, intents) {
    super(name, suggested, intents);
    press("practice", intents.practice);
    press("rerack", intents.rerack);
    press("undo", intents.undo);
    press("rack", intents.rack);
    window.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") delete document.documentElement.dataset.english;
    });
  }

  get mode() {
    return /** @type {HTMLInputElement} */ (document.querySelector('input[name="rules"]:checked')).value;
  }

  /**
   * @param {{ mayConcede: boolean, mayRerack: boolean }} what
   */
  setMenu({ mayConcede, mayRerack }) {
    super.setMenu({ mayConcede });
    byId("rerack").hidden = !mayRerack;
  }

  /** @param {boolean} can */
  setUndo(can) {
    disable("undo", !can);
  }
}
