import { PALETTE } from "../state/color.js";
import { byId } from "./dom.js";

const ROOT = document.documentElement;
const SWATCHES = 24;

/** @typedef {"lobby" | "death" | "watch" | "none"} Screen */

/** The cards over the field: joining, being eaten, watching, help. */
export class Screens {
  /** @type {Screen} */
  screen = "lobby";
  hue = 120;

  /**
   * @param {{ name: string, hue: number }} look What was chosen last.
   * @param {{ play: (name: string, hue: number) => void, watch: () => void }} intents
   */
  constructor(look, intents) {
    this.nameField = /** @type {HTMLInputElement} */ (byId("name"));
    this.nameField.value = look.name;
    this.#makeSwatches(look.hue);
    this.intents = intents;
    byId("lobby").addEventListener("submit", (event) => {
      event.preventDefault();
      this.nameField.blur();
      this.play();
    });
    byId("again").addEventListener("click", () => this.play());
    byId("change").addEventListener("click", () => this.show("lobby"));
    byId("watch-play").addEventListener("click", () => this.show("lobby"));
    for (const id of ["watch", "death-watch"]) {
      byId(id).addEventListener("click", () => {
        intents.watch();
        this.show("watch");
      });
    }
    byId("help-open").addEventListener("click", () => {
      // A focused button would take the space bar, which splits.
      byId("help-open").blur();
      this.toggleHelp();
    });
    byId("help-close").addEventListener("click", () => this.toggleHelp());
  }

  /** @param {Screen} screen */
  show(screen) {
    this.screen = screen;
    ROOT.dataset.screen = screen;
    if (screen === "lobby" && ROOT.dataset.touch !== "yes") this.nameField.focus();
  }

  /** Plays with the name and colour that the form shows. */
  play() {
    this.intents.play(this.nameField.value, this.hue);
  }

  toggleHelp() {
    ROOT.dataset.help = ROOT.dataset.help === "open" ? "closed" : "open";
  }

  /** @param {boolean} can */
  setCanPlay(can) {
    for (const id of ["play", "again"]) /** @type {HTMLButtonElement} */ (byId(id)).disabled = !can;
  }

  /** @param {string} name Empty when nobody is followed. */
  setWatched(name) {
    const wanted = name ? `Watching ${name}` : "Watching";
    if (byId("watch-text").textContent !== wanted) byId("watch-text").textContent = wanted;
  }

  /**
   * @param {import("../state/protocol.js").Died} died
   * @param {string} eaterName
   * @param {number} tickRateHz
   */
  showDeath(died, eaterName, tickRateHz) {
    const seconds = Math.round(died.ticksAlive / tickRateHz);
    byId("death-by").textContent = eaterName ? `by ${eaterName}` : "The arena took you back.";
    byId("death-score").textContent = died.bestScore.toLocaleString("en");
    byId("death-rank").textContent = died.bestRank > 0 ? `#${died.bestRank}` : "–";
    byId("death-time").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.show("death");
  }

  /** @param {number} hue */
  #makeSwatches(hue) {
    const buttons = Array.from({ length: SWATCHES }, (_, i) => {
      const own = Math.round((i * 256) / SWATCHES);
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("role", "radio");
      button.setAttribute("aria-label", `Colour ${i + 1}`);
      button.style.background = PALETTE[own].fill;
      button.dataset.hue = String(own);
      button.addEventListener("click", () => choose(own));
      return button;
    });
    const choose = (/** @type {number} */ chosen) => {
      this.hue = chosen;
      for (const button of buttons) button.setAttribute("aria-checked", String(Number(button.dataset.hue) === chosen));
      byId("play").style.background = PALETTE[chosen].fill;
    };
    byId("swatches").replaceChildren(...buttons);
    choose(Math.round((Math.round((hue * SWATCHES) / 256) % SWATCHES) * (256 / SWATCHES)));
  }
}
