import { NONE, OPPONENT, PHASE } from "./state/protocol.js";

/**
 * @typedef {object} Parts
 * @property {import("./state/match.js").Match} match
 * @property {import("./net/room.js").Room} room
 * @property {import("./view/screens.js").Screens} screens
 * @property {import("./view/hud.js").Hud} hud
 * @property {(block: any, ownChair: number, names: string[]) => { title: string, text: string }} sayEnd
 * @property {string} opening What is said while a room is opened that the page's address asked for.
 * @property {() => void} left Called when the page has no table any more.
 * @property {() => boolean} isAlone Whether the page plays without a server: then no room is missed.
 */

const SHOWN = document.documentElement.dataset;

/** How a page comes to a table and leaves it: waiting, joining, lost and found connections, the end of a game. */
export class Visit {
  /** Games that are over or kept; set by a page that shows them. @type {import("./shelf.js").Shelf | null} */
  shelf = null;
  #parts;
  #isOver = false;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * Opens what was asked for, with a card that says so meanwhile.
   * @param {string} title
   * @param {string} text
   * @param {() => Promise<string | void>} open Gives the code of a room for a friend.
   * @param {string} [codeText]
   */
  async begin(title, text, open, codeText = "") {
    const { screens, match, hud } = this.#parts;
    screens.showWaiting(title, text);
    try {
      const code = await open();
      if (code && codeText && screens.screen !== "start" && match.block?.phase !== PHASE.PLAYING) {
        screens.showWaiting("Play a friend", codeText, code);
      }
    } catch (thrown) {
      screens.show("start");
      hud.toast(thrown instanceof Error ? thrown.message : "That did not work.", "foul");
    }
  }

  /** Goes to the room, the mode or the game of the shelf that the page's address names; else to the start. */
  async arrive() {
    const { screens, room, isAlone, opening } = this.#parts;
    const asked = new URLSearchParams(location.search);
    const [wanted, mode] = [asked.get("room"), asked.get("mode")];
    const isElsewhere = Boolean(wanted || mode || this.shelf?.isAsked(asked));
    SHOWN.state = isElsewhere ? "connecting" : "start";
    screens.show(isElsewhere ? "none" : "start");
    screens.setOnline(false);
    await room.connect(screens.name);
    if (this.shelf?.isAsked(asked)) await this.shelf.open(asked);
    else if (wanted && !isAlone()) await room.join(wanted);
    else if (mode && !isAlone()) await this.begin(opening, "", () => room.open(mode));
  }

  leave() {
    const { match, screens, room, left } = this.#parts;
    left();
    match.table = null;
    SHOWN.state = "start";
    history.replaceState(null, "", location.pathname);
    screens.show("start");
    void room.leave();
    this.shelf?.left();
  }

  /**
   * @param {import("./net/room.js").LinkChange} what
   * @param {string} detail
   */
  linkChanged(what, detail) {
    const { screens, hud, left, isAlone } = this.#parts;
    screens.setOnline(what !== "unreachable");
    if (this.shelf?.linkChanged(what)) return;
    if (what === "unreachable") {
      hud.banner("Server not reachable, retrying …");
    } else if (what === "lost") {
      SHOWN.state = "reconnecting";
      hud.banner("Connection lost. Your chair is kept; reconnecting …");
    } else if (what === "online" || what === "resumed") {
      hud.banner("");
      if (what === "resumed") SHOWN.state = "playing";
    } else if (what === "joined") {
      hud.banner("");
      left();
      SHOWN.state = "playing";
      history.replaceState(null, "", `?room=${encodeURIComponent(detail)}`);
      this.shelf?.joined();
      if (screens.screen === "start") screens.show("none");
    } else if (!isAlone()) {
      this.leave();
      hud.toast(detail || "That game is over.", "plain");
    }
  }

  /** Another turn, or everything is new. @param {boolean} isOver */
  turned(isOver) {
    if (this.shelf?.replay) return;
    const { screens, match } = this.#parts;
    this.#isOver = isOver;
    const begins = screens.screen === "waiting" && match.block?.phase === PHASE.PLAYING;
    if (isOver) screens.show("over");
    else if (screens.screen === "over" || begins) screens.show("none");
    this.showOver();
  }

  /** Says how the game ended, and who wants another one. */
  showOver() {
    const { match, screens, sayEnd } = this.#parts;
    const { table, people } = match;
    if (!this.#isOver || !table) return;
    const isAlone = people.chairs.some(({ kind }) => kind === "free");
    const isPerson = table.opponent === OPPONENT.PERSON;
    const may = table.ownChair !== NONE && !isAlone && !this.shelf?.isKept;
    const wants = (/** @type {number} */ chair) => may && people.wantsRematch[chair];
    const end = sayEnd(table.block, table.ownChair, people.chairs.map(({ name }) => name));
    screens.setOver(end, { may, own: wants(table.ownChair), other: isPerson && wants(1 - table.ownChair), isAlone });
  }
}

/** Shows the page's state to whoever looks at its elements. @param {Record<string, string>} words */
export function tell(words) {
  for (const [name, word] of Object.entries(words)) if (SHOWN[name] !== word) SHOWN[name] = word;
}
