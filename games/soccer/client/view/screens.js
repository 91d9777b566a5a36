import { byId } from "../../../duel/client/view/dom.js";
import { Screens, press } from "../../../duel/client/view/screens.js";
import { FormationPicker } from "./formation_picker.js";

/** The cards over the pitch: also how the team stands. */
export class SoccerScreens extends Screens {
  #pickers;

  /**
   * @param {string} name The one that was chosen; empty when none was.
   * @param {string} suggested
   * @param {import("../../../duel/client/view/screens.js").Intents & { formation: (formation: number) => void }} intents
   */
  constructor(name, suggested, intents) {
    super(name, suggested, intents);
    this.#pickers = ["start-formations", "formations"].map((id) => new FormationPicker(byId(id), intents.formation));
    press("tactics", () => this.show(this.screen === "formation" ? "none" : "formation"));
    press("formation-close", () => this.show("none"));
  }

  get mode() {
    return "soccer";
  }

  /** @param {number} formation The chosen one. @param {number} chair */
  showFormation(formation, chair) {
    for (const picker of this.#pickers) picker.show(formation, chair);
  }
}
