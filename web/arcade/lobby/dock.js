import { element, make, write } from "../page.js";
import { clock, describeQuality, describeWait } from "./words.js";

/** @typedef {import("./driver.js").Driver} Driver */

/** The bar at the foot of the page: who waits sees for how long, and then whom they play with. */
export class Dock {
  #dock = element("dock");
  #title = element("dock-title");
  #text = element("dock-text");
  #players = element("dock-players");
  #clock = element("dock-clock");
  #action = /** @type {HTMLButtonElement} */ (element("dock-action"));
  #driver;
  #shownPlayers = "";

  /** @param {Driver} driver */
  constructor(driver) {
    this.#driver = driver;
    this.#action.addEventListener("click", () => this.#act());
    document.addEventListener("keydown", (event) => {
      const isTyping = event.target instanceof HTMLInputElement;
      if (event.key === "Escape" && !isTyping && driver.lobby.search) driver.do((lobby) => lobby.cancel());
    });
  }

  /** @param {number} nowMs */
  show(nowMs) {
    const { search, found, notice } = this.#driver.lobby;
    const isNotice = notice?.place === "search";
    const state = found ? "found" : search ? "searching" : isNotice ? "notice" : "";
    this.#dock.hidden = state === "";
    document.body.classList.toggle("docked", state !== "");
    if (!state) return;
    this.#dock.dataset.state = state;
    if (found) this.#showFound(found);
    else if (search) this.#showSearch(search, nowMs);
    else if (notice) this.#showNotice(notice);
    if (!found) this.#shownPlayers = "";
    this.#players.hidden = !found;
    this.#clock.hidden = !search;
  }

  /**
   * @param {import("./desk.js").Search} search
   * @param {number} nowMs
   */
  #showSearch(search, nowMs) {
    const { lobby, stats } = this.#driver;
    const whom = search.isParty ? "Looking for a match" : "Looking for players";
    write(this.#title, search.phase === "stopping" ? "Stopping …" : whom);
    const isLost = lobby.link === "lost";
    write(this.#text, isLost ? "Connection lost, trying again …" : describeWait(stats));
    write(this.#clock, clock(nowMs - search.sinceMs));
    const isMine = !search.isParty || (lobby.party?.isLeader ?? false);
    this.#setAction(isMine ? "Cancel" : "", search.phase === "stopping");
  }

  /** @param {import("./desk.js").Found} found */
  #showFound(found) {
    const { names, pingMs } = this.#driver;
    write(this.#title, "Match found");
    write(this.#text, describeQuality(found.quality, pingMs).join("  ·  "));
    const labels = found.players.map((player) => {
      const name = names.get(player.userId) ?? player.username;
      return player.sessionId === found.ownSession ? `${name} (you)` : name;
    });
    const key = labels.join("\n");
    if (key !== this.#shownPlayers) {
      this.#shownPlayers = key;
      this.#players.replaceChildren(...labels.map((label) => make("li", "", label)));
    }
    this.#setAction("Go in", false);
  }

  /** @param {import("./desk.js").Notice} notice */
  #showNotice(notice) {
    write(this.#title, notice.text);
    write(this.#text, "");
    this.#setAction("Close", false);
  }

  /**
   * @param {string} label Empty for none.
   * @param {boolean} isOff
   */
  #setAction(label, isOff) {
    write(this.#action, label);
    this.#action.hidden = !label;
    this.#action.disabled = isOff;
  }

  #act() {
    this.#driver.do((lobby) => {
      if (lobby.found) lobby.enterFound();
      else if (lobby.search) lobby.cancel();
      else lobby.dismiss();
    });
  }
}
