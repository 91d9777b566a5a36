import { byId, write } from "./dom.js";

const ROOT = document.documentElement;

/** @typedef {"none" | "start" | "waiting" | "menu" | "over" | "history" | "kept" | "formation"} Screen */

/**
 * @typedef {object} Intents
 * @property {(mode: string) => void} quick Finds another player.
 * @property {(mode: string) => void} friend Opens a room and shows its code.
 * @property {(mode: string) => void} bot
 * @property {() => void} cancel
 * @property {() => void} leave
 * @property {() => void} concede
 * @property {() => void} rematch
 * @property {() => void} sit
 * @property {() => void} mute
 * @property {(name: string) => void} rename
 */

/** The cards over the table, as far as every game has them. */
export class Screens {
  /** @type {Screen} */
  screen = "none";
  #link = "";
  #nameField = /** @type {HTMLInputElement} */ (byId("name"));

  /**
   * @param {string} name The one that was chosen; empty when none was.
   * @param {string} suggested
   * @param {Intents} intents
   */
  constructor(name, suggested, intents) {
    this.#nameField.value = name;
    this.#nameField.placeholder = suggested;
    this.#nameField.addEventListener("change", () => intents.rename(this.#nameField.value.trim()));
    this.#nameField.addEventListener("keydown", (event) => event.key === "Enter" && this.#nameField.blur());
    press("quick", () => intents.quick(this.mode));
    press("friend", () => intents.friend(this.mode));
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (byId("bots").querySelectorAll("[data-mode]"))) {
      button.addEventListener("click", () => intents.bot(button.dataset.mode ?? ""));
    }
    press("waiting-cancel", intents.cancel);
    press("menu-open", () => this.show(this.screen === "menu" ? "none" : "menu"));
    press("menu-close", () => this.show("none"));
    // What cannot be taken back asks once more.
    press("concede", confirmed("concede", "Really concede?", intents.concede));
    press("leave", confirmed("leave", "Really leave?", intents.leave));
    press("over-leave", intents.leave);
    press("rematch", intents.rematch);
    press("sit", intents.sit);
    press("mute", intents.mute);
    press("copy", () => void this.#copy());
    window.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      if (this.screen === "menu" || this.screen === "formation") this.show("none");
      else if (this.screen === "none") this.show("menu");
    });
  }

  /** What two people play who begin now. */
  get mode() {
    return "";
  }

  get name() {
    return this.#nameField.value.trim() || this.#nameField.placeholder;
  }

  /** @param {Screen} screen */
  show(screen) {
    this.screen = screen;
    ROOT.dataset.screen = screen;
    // Keys go to the table again.
    if (screen === "none") byId("play").focus({ preventScroll: true });
  }

  /** @param {boolean} can Whether the server is there. */
  setOnline(can) {
    for (const id of ["quick", "friend"]) disable(id, !can);
    for (const button of byId("bots").querySelectorAll("button")) button.disabled = !can;
  }

  /**
   * @param {string} title
   * @param {string} text
   * @param {string} [code] To give to a friend.
   * @param {string} [back] What the button says that ends it.
   */
  showWaiting(title, text, code = "", back = "Cancel") {
    write(byId("waiting-cancel"), back);
    write(byId("waiting-title"), title);
    write(byId("waiting-text"), text);
    byId("invite").hidden = !code;
    write(byId("code"), code);
    write(byId("copy"), "Copy the link");
    this.#link = code ? `${location.origin}/?code=${encodeURIComponent(code)}` : "";
    this.show("waiting");
  }

  /** @param {{ mayConcede: boolean }} what */
  setMenu({ mayConcede }) {
    byId("concede").hidden = !mayConcede;
  }

  /**
   * @param {{ title: string, text: string }} end
   * @param {{ may: boolean, own: boolean, other: boolean, isAlone: boolean }} rematch Who wants it, and whether nobody
   *   is there to want it.
   */
  setOver({ title, text }, rematch) {
    write(byId("over-title"), title);
    write(byId("over-text"), text);
    byId("rematch").hidden = !rematch.may;
    disable("rematch", rematch.own);
    write(byId("rematch"), rematch.own ? "Waiting for the other player" : "Rematch");
    const hint = rematch.isAlone ? "The other chair is free." : rematch.other && !rematch.own ? "The other player wants to play again." : "";
    write(byId("rematch-text"), hint);
  }

  /** @param {boolean} isMuted */
  setMuted(isMuted) {
    byId("mute").setAttribute("aria-pressed", String(isMuted));
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.#link);
      write(byId("copy"), "Copied");
    } catch {
      // Where pages may not write there, the code is to be read.
      write(byId("copy"), "Tell them the code");
    }
  }
}

/** @param {string} id @param {() => void} intent */
export function press(id, intent) {
  byId(id).addEventListener("click", intent);
}

/** @param {string} id @param {boolean} isDisabled */
export function disable(id, isDisabled) {
  /** @type {HTMLButtonElement} */ (byId(id)).disabled = isDisabled;
}

/** @param {string} id @param {string} question @param {() => void} intent */
function confirmed(id, question, intent) {
  const label = byId(id).textContent ?? "";
  let timer = 0;
  return () => {
    clearTimeout(timer);
    if (byId(id).textContent === question) {
      write(byId(id), label);
      intent();
      return;
    }
    write(byId(id), question);
    timer = window.setTimeout(() => write(byId(id), label), 3_000);
  };
}
