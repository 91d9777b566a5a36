import { element, make } from "../page.js";

/** From the end of the log, in pixels: whoever is this near wants to see the newest line. */
const NEAR_END_PX = 40;

/** What members of a party say to each other. Lines are added one by one, so that each is read out once. */
export class Chat {
  #lines = element("chat-lines");
  #driver;
  /** The one that is shown; a party that one joins again is another. @type {import("./party-view.js").PartyView | null} */
  #party = null;
  /** @type {Map<number, HTMLElement>} */
  #rows = new Map();

  /** @param {import("./driver.js").Driver} driver */
  constructor(driver) {
    this.#driver = driver;
    const text = /** @type {HTMLInputElement} */ (element("chat-text"));
    element("chat-form").addEventListener("submit", (event) => {
      event.preventDefault();
      driver.do((lobby) => lobby.say(text.value));
      text.value = "";
    });
  }

  /** @param {import("./party-view.js").PartyView} party */
  show(party) {
    if (party !== this.#party) {
      this.#party = party;
      this.#rows.clear();
      this.#lines.replaceChildren(make("li", "event", "Only who is in the party reads this."));
    }
    const log = this.#lines;
    const isNearEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PX;
    for (const line of party.lines) {
      const row = this.#rows.get(line.number) ?? this.#add(line);
      row.dataset.state = line.state;
      const name = this.#driver.names.get(line.from.userId) ?? line.from.username;
      const who = /** @type {HTMLElement} */ (row.firstElementChild);
      if (who.textContent !== name) who.textContent = name;
    }
    const oldest = party.lines[0]?.number ?? 0;
    for (const [number, row] of this.#rows) {
      if (number >= oldest) break;
      row.remove();
      this.#rows.delete(number);
    }
    if (isNearEnd) log.scrollTop = log.scrollHeight;
  }

  /** @param {import("./party-view.js").Line} line */
  #add(line) {
    const row = make("li", line.kind === "event" ? "event" : line.isOwn ? "said own" : "said", "");
    row.append(make("b", "", ""), " ", make("span", "", line.text));
    this.#rows.set(line.number, row);
    this.#lines.append(row);
    return row;
  }
}
