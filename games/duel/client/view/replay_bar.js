import { button, make, write } from "./dom.js";

const SPEEDS = [1, 2, 4];
const LINK_SHOWN_MS = 2_000;
/** Below it the list of turns lies over the table. */
/** Around the bar of a page that stands. */
const TALL_GAP_PX = 22;
const LIST_BESIDE_PX = 1_000;
const ICONS = Object.freeze({
  back: "M18 6l-8 6 8 6zM7 6v12",
  forward: "M6 6l8 6-8 6zM17 6v12",
  play: "M8 5.5l11 6.5-11 6.5z",
  pause: "M8.5 6v12M15.5 6v12",
  list: "M9 7h11M9 12h11M9 17h11M4.5 7h.01M4.5 12h.01M4.5 17h.01",
  link: "M10 13.5a4 4 0 0 0 6 .4l2.6-2.6a4 4 0 0 0-5.7-5.7l-1.2 1.2M14 10.5a4 4 0 0 0-6-.4l-2.6 2.6a4 4 0 0 0 5.7 5.7l1.2-1.2",
  close: "M6.5 6.5l11 11m0-11l-11 11",
});

/**
 * @typedef {"" | "foul" | "good" | "end"} Mark
 * @typedef {{ who: string, chair: number, text: string, mark: Mark }} Told A turn in words.
 *
 * @typedef {object} Intents
 * @property {() => void} toggle
 * @property {() => void} back
 * @property {() => void} forward
 * @property {(positionMs: number) => void} seek
 * @property {(turn: number) => void} goTo
 * @property {(speed: number) => void} setSpeed
 * @property {() => void} close
 * @property {() => void} resized The room for the table is another one.
 */

/** What is below and beside the table while a game is shown again. */
export class ReplayBar {
  #intents;
  #words = make("p", { class: "words" });
  #count = make("span", { class: "count" });
  #marks = make("div", { class: "marks" });
  #slider = make("input");
  #link = make("input", { class: "link" });
  #turns = make("ol");
  #toggle = iconButton("play", "Play", () => this.#intents.toggle());
  #speed = button({ class: "speed", text: "1×" }, () => this.#faster());
  #copy = iconButton("link", "Copy link", () => void this.#copyLink());
  #list = iconButton("list", "Turns", () => this.setList(!this.isListShown));
  #bar;
  #side;
  #timer = 0;
  #address = "";
  /** @type {Told[]} */
  #told = [];
  #shownTurn = -1;
  isShown = false;
  isListShown = false;

  /** @param {HTMLElement} into @param {Intents} intents */
  constructor(into, intents) {
    this.#intents = intents;
    this.#slider.type = "range";
    this.#slider.min = "0";
    this.#slider.step = "any";
    this.#slider.setAttribute("aria-label", "Place in the game");
    this.#slider.addEventListener("input", () => intents.seek(Number(this.#slider.value)));
    this.#link.readOnly = true;
    this.#link.hidden = true;
    this.#link.setAttribute("aria-label", "The link");
    const back = iconButton("back", "One turn back", () => intents.back());
    const forward = iconButton("forward", "One turn on", () => intents.forward());
    const close = iconButton("close", "Close", () => intents.close());
    for (const one of [this.#list, this.#copy, close]) one.append(make("span", { text: one.title }));
    this.#speed.setAttribute("aria-label", "Speed 1");
    this.#bar = make(
      "section",
      { id: "replay" },
      make("div", { class: "told" }, this.#words, this.#count),
      make("div", { class: "track" }, this.#marks, this.#slider),
      make("div", { class: "run" }, back, this.#toggle, forward, this.#speed),
      make("div", { class: "more" }, this.#list, this.#copy, close),
      this.#link,
    );
    this.#bar.setAttribute("aria-label", "Replay");
    this.#side = make("aside", { id: "replay-turns" }, this.#turns);
    this.#side.setAttribute("aria-label", "Turns");
    into.append(this.#bar, this.#side);
    for (const part of [this.#bar, this.#side]) part.addEventListener("click", ({ detail, target }) => {
      // What a pointer pressed does not keep the space bar for itself.
      if (detail > 0 && target !== this.#link) /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
    });
    window.addEventListener("keydown", (event) => this.isShown && this.#key(event), { capture: true });
  }

  /**
   * @param {import("../state/replay.js").Film} film
   * @param {Told[]} told Each turn in words.
   * @param {string} address Of this replay, to be given to others.
   */
  open(film, told, address) {
    this.#told = told;
    this.#address = address;
    this.#shownTurn = -1;
    this.isShown = true;
    this.#slider.max = String(film.lengthMs);
    this.#link.hidden = true;
    this.#speed.textContent = "1×";
    this.#marks.replaceChildren(...film.turns.flatMap(({ actMs }, turn) => {
      const { mark } = told[turn];
      if (!mark) return [];
      const made = make("i", { class: mark });
      made.style.setProperty("--at", String(actMs / film.lengthMs));
      return [made];
    }));
    this.#turns.replaceChildren(...told.map((turn, index) => this.#row(turn, index)));
    this.setList(window.innerWidth >= LIST_BESIDE_PX);
  }

  close() {
    this.isShown = false;
    delete document.documentElement.dataset.turns;
  }

  /** @param {boolean} isShown */
  setList(isShown) {
    this.isListShown = isShown;
    this.#list.setAttribute("aria-pressed", String(isShown));
    if (isShown) document.documentElement.dataset.turns = "shown";
    else delete document.documentElement.dataset.turns;
    document.documentElement.style.setProperty("--replay-height", `${this.#bar.offsetHeight}px`);
    if (isShown) this.#showRow();
    this.#intents.resized();
  }

  /**
   * What the bar and the list take of the page, in CSS pixels.
   * @param {number} below What a page that stands has below its table anyway.
   */
  taken(below) {
    if (!this.isShown) return { right: 0, bottom: 0 };
    const isBeside = this.isListShown && window.innerWidth >= LIST_BESIDE_PX;
    const isTall = window.innerHeight > window.innerWidth;
    const bottom = this.#bar.offsetHeight + (isTall ? TALL_GAP_PX - below : 4);
    return { right: isBeside ? this.#side.offsetWidth : 0, bottom: Math.max(0, bottom) };
  }

  /** @param {import("../state/replay.js").Replay} replay */
  show(replay) {
    const { turn, isPlaying, positionMs } = replay;
    if (document.activeElement !== this.#slider || isPlaying || Number(this.#slider.value) !== positionMs) this.#slider.value = String(positionMs);
    const [icon, name] = isPlaying ? /** @type {const} */ (["pause", "Pause"]) : /** @type {const} */ (["play", "Play"]);
    if (this.#toggle.title !== name) setIcon(this.#toggle, icon, name);
    if (turn === this.#shownTurn) return;
    this.#shownTurn = turn;
    const told = this.#told[turn];
    const place = told ? `Turn ${turn + 1} of ${this.#told.length}` : "The end";
    write(this.#count, place);
    this.#words.replaceChildren(...(told ? [make("b", { text: told.who }), ` ${told.text}`] : [lastWords(this.#told)]));
    this.#slider.setAttribute("aria-valuetext", told ? `${place}: ${told.who} ${told.text}` : place);
    this.#showRow();
  }

  /** @param {Told} told @param {number} turn */
  #row({ who, chair, text, mark }, turn) {
    const row = button({ class: mark }, () => {
      this.#intents.goTo(turn);
      if (window.innerWidth < LIST_BESIDE_PX) this.setList(false);
    });
    row.append(make("span", { class: "number", text: String(turn + 1) }), make("span", {}, make("b", { text: who }), ` ${text}`));
    row.dataset.chair = String(chair);
    return make("li", {}, row);
  }

  #showRow() {
    for (const row of this.#turns.querySelectorAll("[aria-current]")) row.removeAttribute("aria-current");
    const row = this.#turns.children[this.#shownTurn]?.firstElementChild;
    row?.setAttribute("aria-current", "step");
    if (this.isListShown) row?.scrollIntoView({ block: "nearest" });
  }

  #faster() {
    const at = SPEEDS.indexOf(Number.parseInt(this.#speed.textContent ?? "", 10));
    const speed = SPEEDS[(at + 1) % SPEEDS.length];
    write(this.#speed, `${speed}×`);
    this.#speed.setAttribute("aria-label", `Speed ${speed}`);
    this.#intents.setSpeed(speed);
  }

  async #copyLink() {
    const label = /** @type {HTMLElement} */ (this.#copy.lastElementChild);
    try {
      await navigator.clipboard.writeText(this.#address);
      write(label, "Copied");
    } catch {
      // Where pages may not write there, the link is shown to be copied.
      this.#link.value = this.#address;
      this.#link.hidden = false;
      this.#link.focus();
      this.#link.select();
      this.#intents.resized();
    }
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => write(label, "Copy link"), LINK_SHOWN_MS);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {HTMLElement} */ (event.target);
    // A button that has the focus is pressed by the space bar; the link is there to be copied.
    if (target === this.#link && event.key !== "Escape") return;
    if (event.key === " " && target.closest("button")) return;
    const acts = /** @type {Record<string, () => void>} */ ({
      " ": this.#intents.toggle,
      ArrowLeft: this.#intents.back,
      ArrowRight: this.#intents.forward,
      Home: () => this.#intents.goTo(0),
      End: () => this.#intents.goTo(this.#told.length),
      Escape: this.#intents.close,
    });
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }
}

/** @param {Told[]} told */
function lastWords(told) {
  const last = told.at(-1);
  return last ? `${last.who} ${last.text}` : "Nobody played a turn.";
}

/** @param {keyof typeof ICONS} icon @param {string} name @param {() => void} pressed */
function iconButton(icon, name, pressed) {
  const made = button({}, pressed);
  setIcon(made, icon, name);
  return made;
}

/** @param {HTMLButtonElement} made @param {keyof typeof ICONS} icon @param {string} name */
function setIcon(made, icon, name) {
  made.title = name;
  made.setAttribute("aria-label", name);
  const svg = made.querySelector("svg") ?? document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  const path = svg.querySelector("path") ?? document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[icon]);
  svg.append(path);
  if (!svg.isConnected) made.prepend(svg);
}
