import { DAYS, inOrder, sayState } from "../state/kept.js";
import { button, make, write } from "./dom.js";

const ASKED_AGAIN_MS = 3_000;

/**
 * @typedef {import("../state/kept.js").KeptGame} KeptGame
 * @typedef {import("../state/kept.js").Person} Person
 * @typedef {{ mode: string, days: number } & ({ user_id: string } | { username: string })} Wish
 *
 * @typedef {object} Intents
 * @property {(game: KeptGame) => void} open
 * @property {(game: KeptGame) => void} decline
 * @property {(wish: Wish) => void} challenge
 * @property {() => string} invite Gives the link by which others challenge this player.
 * @property {() => string} lend Gives the link by which another device becomes this player.
 * @property {() => void} close
 */

/** The card with the games that go on over days, and the form of a challenge. */
export class KeptCard {
  #hint = make("p", { class: "hint" });
  #list = make("ul", { class: "list" });
  #notice = make("p", { class: "notice" });
  #name = make("input", { id: "kept-name" });
  #people = make("div", { class: "people" });
  #mode = make("fieldset", { class: "choice" });
  #days = make("fieldset", { class: "choice" });
  #send = button({ id: "kept-send", class: "main", text: "Challenge" }, () => this.#challenge());
  #own = make("span");
  #link = make("input", { class: "link" });
  #modes;
  #intents;
  /** @type {Person[]} */
  #known = [];
  /** What the list shows: the same is not written again, under somebody's finger. */
  #key = "";

  /** @param {HTMLElement} into @param {Record<string, string>} modes Their names. @param {Intents} intents */
  constructor(into, modes, intents) {
    this.#modes = modes;
    this.#intents = intents;
    this.#notice.setAttribute("role", "status");
    this.#name.maxLength = 128;
    this.#name.spellcheck = false;
    this.#name.autocomplete = "off";
    this.#name.setAttribute("autocapitalize", "none");
    this.#name.enterKeyHint = "send";
    this.#name.placeholder = "User name";
    this.#name.addEventListener("keydown", (event) => event.key === "Enter" && this.#challenge());
    this.#name.addEventListener("input", () => this.#choose(null));
    this.#link.readOnly = true;
    this.#link.hidden = true;
    this.#link.setAttribute("aria-label", "The link");
    const label = make("label", { text: "Whom?" });
    label.htmlFor = this.#name.id;
    choice(this.#mode, "Game", "kept-mode", Object.entries(modes));
    this.#mode.hidden = Object.keys(modes).length < 2;
    choice(this.#days, "Time for a turn", "kept-days", DAYS.map((days) => [String(days), days === 1 ? "1 day" : `${days} days`]), 1);
    const card = make(
      "section",
      { id: "kept", class: "card shelf" },
      make("h1", { text: "Play over days" }),
      make("p", { text: "A turn now, the next one tomorrow: the table waits for both of you." }),
      this.#hint,
      this.#list,
      make("h2", { text: "Challenge somebody" }),
      label,
      this.#people,
      this.#name,
      this.#mode,
      make("p", { class: "label", text: "Time for a turn" }),
      this.#days,
      this.#notice,
      this.#send,
      make("p", { class: "offer" }, this.#own, this.#copier("kept-invite", "Copy my link", intents.invite)),
      make(
        "p",
        { class: "offer" },
        "To go on from another device, open a link there that signs in as you. Keep it to yourself.",
        this.#copier("kept-lend", "Copy device link", intents.lend),
      ),
      this.#link,
      make("div", { class: "row one" }, button({ id: "kept-close", text: "Back" }, intents.close)),
    );
    card.setAttribute("aria-label", "Play over days");
    into.append(card);
  }

  /** @param {KeptGame[]} games @param {number} nowMs Calendar time. */
  show(games, nowMs) {
    const key = JSON.stringify(games.map((game) => [game, sayState(game, nowMs)]));
    if (key === this.#key) return;
    this.#key = key;
    write(this.#hint, games.length > 0 ? "" : "No game goes on yet. Challenge somebody below.");
    this.#list.replaceChildren(...inOrder(games).map((game) => this.#row(game, nowMs)));
  }

  /** Whom one may want to challenge. @param {Person[]} people */
  showPeople(people) {
    this.#known = people;
    this.#people.replaceChildren(...people.map((person) => {
      const made = button({ text: person.name }, () => this.#choose(person));
      made.setAttribute("aria-pressed", "false");
      return made;
    }));
  }

  /** @param {string} username One's own. */
  showOwn(username) {
    this.#own.replaceChildren("Your user name is ", make("b", { text: username }), ". Whoever opens your link can challenge you.");
  }

  /** @param {string} username Of whom to challenge. */
  fillIn(username) {
    this.#name.value = username;
    this.#choose(null);
    this.#send.focus();
  }

  /** @param {string} text @param {boolean} [isBad] */
  notice(text, isBad = false) {
    write(this.#notice, text);
    this.#notice.classList.toggle("bad", isBad);
    if (text) this.#notice.scrollIntoView({ block: "nearest" });
  }

  /** @param {boolean} isBusy */
  setBusy(isBusy) {
    this.#send.disabled = isBusy;
  }

  /** Somebody was challenged: the form is for another one. */
  clear() {
    this.#name.value = "";
    this.#choose(null);
  }

  /** A button that copies a link. @param {string} id @param {string} text @param {() => string} linkOf */
  #copier(id, text, linkOf) {
    const made = button({ id, text }, async () => {
      const link = linkOf();
      const isCopied = (await navigator.clipboard?.writeText(link).then(() => true, () => false)) ?? false;
      write(made, isCopied ? "Copied" : "Copy it below");
      setTimeout(() => write(made, text), ASKED_AGAIN_MS);
      this.#link.hidden = isCopied;
      if (isCopied) return;
      // Where pages may not write there, the link is shown to be copied.
      this.#link.value = link;
      this.#link.focus({ preventScroll: true });
      this.#link.select();
      this.#link.scrollIntoView({ block: "center" });
    });
    return made;
  }

  /** @param {Person | null} person */
  #choose(person) {
    if (person) this.#name.value = "";
    [...this.#people.children].forEach((child, i) => child.setAttribute("aria-pressed", String(this.#known[i] === person)));
  }

  #challenge() {
    const chosen = [...this.#people.children].findIndex((child) => child.getAttribute("aria-pressed") === "true");
    const username = this.#name.value.trim();
    if (chosen < 0 && !username) {
      this.notice("Choose somebody, or write a user name.", true);
      this.#name.focus();
      return;
    }
    const whom = chosen < 0 ? { username } : { user_id: this.#known[chosen].id };
    this.#intents.challenge({ mode: valueOf(this.#mode), days: Number(valueOf(this.#days)), ...whom });
  }

  /** @param {KeptGame} game @param {number} nowMs */
  #row(game, nowMs) {
    const { opponent, is_own_turn: isOwn, is_new: isNew } = game;
    const title = make("b", { text: opponent.name });
    const badge = isNew ? "New challenge" : isOwn ? "Your turn" : "";
    const about = make("span", { class: "about" }, title, make("small", { text: sayState(game, nowMs) }));
    if (Object.keys(this.#modes).length > 1) about.append(make("small", { text: this.#modes[game.mode] ?? game.mode }));
    if (badge) title.after(make("em", { class: isNew ? "new" : "", text: badge }));
    const open = button({ class: isOwn || isNew ? "main" : "", text: isNew ? "Accept" : isOwn ? "Play" : "Look" }, () => this.#intents.open(game));
    const acts = make("span", { class: "acts" }, open);
    if (isNew) acts.append(askedAgain("Decline", "Really?", () => this.#intents.decline(game)));
    for (const one of acts.querySelectorAll("button")) one.setAttribute("aria-label", `${one.textContent}: ${opponent.name}`);
    return make("li", { class: isNew || isOwn ? "waits" : "" }, about, acts);
  }
}

/**
 * A choice of one out of a few.
 * @param {HTMLFieldSetElement} into
 * @param {string} legend
 * @param {string} name
 * @param {string[][]} options Value and text.
 * @param {number} [checked]
 */
function choice(into, legend, name, options, checked = 0) {
  const made = options.map(([value, text], i) => {
    const input = make("input");
    Object.assign(input, { type: "radio", name, value, checked: i === checked });
    return make("label", {}, input, make("span", { text }));
  });
  into.replaceChildren(make("legend", { text: legend }), ...made);
}

/** @param {HTMLFieldSetElement} fieldset */
function valueOf(fieldset) {
  return /** @type {HTMLInputElement} */ (fieldset.querySelector("input:checked")).value;
}

/** A button that asks once more. @param {string} text @param {string} question @param {() => void} act */
function askedAgain(text, question, act) {
  let timer = 0;
  const made = button({ text }, () => {
    clearTimeout(timer);
    if (made.textContent === question) {
      act();
      return;
    }
    made.textContent = question;
    timer = window.setTimeout(() => (made.textContent = text), ASKED_AGAIN_MS);
  });
  return made;
}
