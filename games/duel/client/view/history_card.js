import { capital, nameOf, sayAgo, sayRating, sayResult } from "../state/history.js";
import { button, make } from "./dom.js";

/**
 * @typedef {import("../state/history.js").Entry} Entry
 *
 * @typedef {object} Intents
 * @property {(entry: Entry) => void} watch
 * @property {() => void} close
 */

/** The card with a player's last games. */
export class HistoryCard {
  #ratings = make("ul", { class: "ratings" });
  #list = make("ul", { class: "list" });
  #hint = make("p", { class: "hint" });
  #words;
  #intents;

  /**
   * @param {HTMLElement} into
   * @param {{ modes: Record<string, string>, sayEnd: (block: any, ownChair: number, names: string[]) => { title: string, text: string } }} words
   * @param {Intents} intents
   */
  constructor(into, words, intents) {
    this.#words = words;
    this.#intents = intents;
    const card = make(
      "section",
      { id: "history", class: "card shelf" },
      make("h1", { text: "Your games" }),
      this.#ratings,
      this.#hint,
      this.#list,
      make("div", { class: "row one" }, button({ id: "history-close", text: "Back" }, intents.close)),
    );
    card.setAttribute("aria-label", "Your games");
    into.append(card);
  }

  /** @param {string} text Instead of the list, such as while it is asked for. */
  say(text) {
    this.#ratings.replaceChildren();
    this.#list.replaceChildren();
    this.#hint.textContent = text;
  }

  /**
   * @param {Entry[]} games
   * @param {Record<string, { games: number, ordinal: number }>} ratings By mode.
   * @param {number} nowMs Calendar time.
   */
  show(games, ratings, nowMs) {
    const { modes } = this.#words;
    this.#ratings.replaceChildren(...Object.entries(ratings).map(([mode, rating]) =>
      make("li", {}, make("span", { text: `${modes[mode] ?? mode} rating` }), make("b", { text: sayRating(rating) }))));
    this.#hint.textContent = games.length > 0 ? "" : "No games yet. Play one, against somebody or a bot, and it can be watched again from here.";
    this.#list.replaceChildren(...games.map((game) => this.#row(game, nowMs)));
  }

  /** @param {Entry} game @param {number} nowMs */
  #row(game, nowMs) {
    const { title, text } = sayResult(game, this.#words.sayEnd);
    const result = make("i", { class: title.toLowerCase(), text: title });
    const watch = button({ text: "Watch" }, () => this.#intents.watch(game));
    const opponent = capital(nameOf(game.opponent));
    watch.setAttribute("aria-label", `Watch the game against ${opponent}`);
    const when = `${this.#words.modes[game.mode] ?? game.mode} · ${sayAgo(game.time, nowMs)}`;
    const told = make("span", { class: "about" }, make("b", { text: opponent }), make("small", { text }), make("small", { text: when }));
    return make("li", {}, result, told, watch);
  }
}
