import { keepDevice, playerLink } from "/arcade/lobby/player.js";
import { TagusError } from "/sdk/tagus.js";
import { Duels, notesOf } from "./net/duels.js";
import { sayKept, waiting } from "./state/kept.js";
import { NONE, PHASE } from "./state/protocol.js";
import { Replay, readFilm } from "./state/replay.js";
import { button, byId, make, write } from "./view/dom.js";
import { HistoryCard } from "./view/history_card.js";
import { KeptCard } from "./view/kept_card.js";
import { ReplayBar } from "./view/replay_bar.js";
import { disable } from "./view/screens.js";

const SHOWN = document.documentElement.dataset;
const NOTED_TOGETHER_MS = 300;
const CODE_INVALID_ARGUMENT = 3;
const CODE_NOT_FOUND = 5;

const GONE = /** @type {Record<number, string>} */ ({
  [CODE_INVALID_ARGUMENT]: "This link names no game. Perhaps a part of it is missing.",
  [CODE_NOT_FOUND]: "This game is not kept any more. The last 100 of each player are.",
});

/**
 * @typedef {object} Game What the games have of their own.
 * @property {string} name Under which the server keeps it.
 * @property {Record<string, string>} modes The modes that are rated and may be played over days, and their names.
 * @property {(bytes: Uint8Array) => any} decodeTable
 * @property {(bytes: Uint8Array) => any} decodeVerdict
 * @property {(turn: import("./state/replay.js").FilmTurn, names: string[]) => import("./view/replay_bar.js").Told} tellTurn
 * @property {(block: any, ownChair: number, names: string[]) => { title: string, text: string }} sayEnd
 *
 * @typedef {object} Parts
 * @property {import("./state/match.js").Match} match
 * @property {import("./net/room.js").Room} room
 * @property {import("./view/screens.js").Screens} screens
 * @property {import("./view/hud.js").Hud} hud
 * @property {() => void} leave Leaves the table for the start.
 * @property {(table: import("./state/protocol.js").Table) => void} opened The table of a replay, before it is shown.
 * @property {() => void} refit The room for the table is another one.
 */

/**
 * The games that are not played right now: those that are over, which are shown again, and those that are kept, which go
 * on over days.
 */
export class Shelf {
  /** What is shown again. @type {Replay | null} */
  replay = null;
  #game;
  #parts;
  #duels;
  #bar;
  #history;
  #kept;
  #note = make("p", { id: "kept-note" });
  #badge = make("i", { class: "badge" });
  /** Where a replay goes back to. @type {"start" | "history"} */
  #from = "start";
  /** The kept game that one is in, or goes into. @type {{ id: string, matchId: string, isOpening: boolean } | null} */
  #current = null;
  /** Whether it was this player's turn in it. */
  #wasOwn = false;
  /** Counts what was left, so that a replay that was given up is not shown. */
  #leavings = 0;
  /** @type {import("./state/kept.js").KeptGame[]} */
  #games = [];
  #watch = button({ id: "over-watch", text: "Watch it again" }, () => void this.#watchLast());
  #title = document.title;
  #notedTimer = 0;

  /** @param {Game} game @param {Parts} parts */
  constructor(game, parts) {
    this.#game = game;
    this.#parts = parts;
    this.#duels = new Duels(parts.room.client, game.name);
    const { body } = document;
    this.#bar = new ReplayBar(body, {
      toggle: () => this.replay?.toggle(),
      back: () => this.replay?.back(),
      forward: () => this.replay?.forward(),
      seek: (positionMs) => this.replay?.seek(positionMs),
      goTo: (turn) => this.replay?.goTo(turn),
      setSpeed: (speed) => this.replay && (this.replay.speed = speed),
      close: () => this.#closeReplay(),
      resized: () => parts.refit(),
    });
    this.#history = new HistoryCard(body, game, {
      watch: ({ id }) => void this.#openReplay(this.#duels.ownId, id, "history"),
      close: () => parts.screens.show("start"),
    });
    this.#kept = new KeptCard(body, game.modes, {
      open: ({ id }) => void this.#openKept(id),
      decline: ({ id }) => void this.#decline(id),
      challenge: (wish) => void this.#challenge(wish),
      invite: () => this.#invite(),
      lend: () => {
        keepDevice();
        return playerLink(parts.screens.name);
      },
      close: () => parts.screens.show("start"),
    });
    this.#setOnline(false);
    byId("centre").append(this.#note);
    byId("kept-open").append(this.#badge);
    byId("over-leave").parentElement?.before(make("div", { class: "row one" }, this.#watch));
    this.#watch.hidden = true;
    byId("kept-open").addEventListener("click", () => void this.showKept());
    byId("history-open").addEventListener("click", () => void this.showHistory());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void this.refresh());
  }

  /**
   * What the replay takes of the page, in CSS pixels.
   * @param {number} below What a page that stands has below its table anyway.
   */
  taken(below) {
    return this.#bar.taken(below);
  }

  /** Whether an address asks for something from here. @param {URLSearchParams} asked */
  isAsked(asked) {
    return ["replay", "kept", "challenge"].some((name) => asked.has(name));
  }

  /** Shows what the address asks for. @param {URLSearchParams} asked */
  async open(asked) {
    const [replay, kept, challenge] = [asked.get("replay"), asked.get("kept"), asked.get("challenge")];
    if (replay) {
      const [userId, id = ""] = replay.split(":");
      await this.#openReplay(userId, id, "start");
    } else if (kept) {
      await this.#openKept(kept);
    } else if (challenge) {
      await this.showKept();
      this.#kept.fillIn(challenge);
    }
  }

  /**
   * The time for the match: that of the replay while one is shown.
   * @param {number} nowMs
   * @param {number} passedMs
   */
  clock(nowMs, passedMs) {
    return this.replay ? this.replay.update(passedMs) : nowMs;
  }

  /** What changes a few times a second. @param {number} nowMs The page's time. */
  tick(nowMs) {
    if (this.replay) this.#bar.show(this.replay);
    // Of the game before, when another one is played.
    if (this.#parts.match.block?.phase === PHASE.PLAYING) this.#watch.hidden = true;
    write(this.#note, this.isKept ? this.#sayKept(nowMs) : "");
    const isOwn = this.isKept && this.#parts.match.isOwnTurn;
    if (isOwn === this.#wasOwn) return;
    this.#wasOwn = isOwn;
    void this.refresh();
  }

  /** Whether one is in a kept game. */
  get isKept() {
    return this.#current !== null && this.#current.matchId !== "" && this.#parts.room.matchId === this.#current.matchId;
  }

  /**
   * A change of the connection or of the room.
   * @param {import("./net/room.js").LinkChange} what
   * @returns {boolean} Whether the room is cared for here: it is that of a kept game, and is opened again.
   */
  linkChanged(what) {
    if (what === "online" || what === "unreachable") this.#setOnline(what === "online");
    if (what === "online") void this.refresh();
    const current = this.#current;
    if ((what !== "over" && what !== "gone") || !current) return false;
    if (this.#parts.match.block?.phase === PHASE.OVER || current.isOpening) return false;
    void this.#openKept(current.id);
    return true;
  }

  /** A room was joined; the address is to lead back to a kept game and not to its present room. */
  joined() {
    if (!this.isKept || !this.#current) return;
    this.#current.isOpening = false;
    history.replaceState(null, "", `?kept=${encodeURIComponent(this.#current.id)}`);
  }

  /** The page has no table any more. */
  left() {
    this.#watch.hidden = true;
    this.#leavings += 1;
    this.#current = null;
    void this.refresh();
  }

  /** A game was played to its end. */
  finished() {
    const { table } = this.#parts.match;
    const isOwn = table !== null && table.ownChair !== NONE;
    if (isOwn) keepDevice();
    this.#watch.hidden = !isOwn;
    void this.refresh();
  }

  /** What the socket pushes and nobody else wants. @param {any} envelope */
  pushed(envelope) {
    const notes = notesOf(envelope);
    if (notes.length === 0) return;
    // The list of games says it itself.
    const isSeen = this.isKept || this.#parts.screens.screen === "kept";
    if (!isSeen) void this.#duels.sayNote(notes[notes.length - 1]).then((text) => this.#parts.hud.toast(text, "good"));
    clearTimeout(this.#notedTimer);
    this.#notedTimer = window.setTimeout(() => void this.refresh(), NOTED_TOGETHER_MS);
  }

  /** Asks for the kept games again, for the badge and for the card if it is shown. */
  async refresh() {
    try {
      const games = await this.#duels.list();
      this.#games = games.filter(({ mode }) => mode in this.#game.modes);
    } catch {
      // The last ones known stay; the next notification asks again.
      return;
    }
    const number = waiting(this.#games);
    write(this.#badge, number > 0 ? String(number) : "");
    byId("kept-open").setAttribute("aria-label", number > 0 ? `Play over days: ${number} wait for you` : "Play over days");
    document.title = number > 0 ? `(${number}) ${this.#title}` : this.#title;
    if (this.#parts.screens.screen === "kept") this.#kept.show(this.#games, Date.now());
  }

  async showHistory() {
    const { screens } = this.#parts;
    screens.show("history");
    this.#history.say("A moment …");
    try {
      const modes = Object.keys(this.#game.modes);
      const [games, ...ratings] = await Promise.all([this.#duels.history(), ...modes.map((mode) => this.#duels.rating(mode))]);
      this.#history.show(games, Object.fromEntries(modes.map((mode, i) => [mode, ratings[i]])), Date.now());
    } catch (thrown) {
      this.#history.say(messageOf(thrown));
    }
  }

  async showKept() {
    this.#parts.screens.show("kept");
    this.#kept.notice("");
    this.#kept.show(this.#games, Date.now());
    this.#kept.showOwn(this.#duels.ownUsername);
    await Promise.all([this.refresh(), this.#duels.people().then((people) => this.#kept.showPeople(people), () => {})]);
  }

  /** @param {import("./view/kept_card.js").Wish} wish */
  async #challenge(wish) {
    this.#kept.setBusy(true);
    this.#kept.notice("Asking …");
    try {
      await this.#duels.challenge(wish);
      keepDevice();
      this.#kept.clear();
      this.#kept.notice("The challenge is sent. The game is in the list above.");
      await this.refresh();
    } catch (thrown) {
      this.#kept.notice(messageOf(thrown), true);
    }
    this.#kept.setBusy(false);
  }

  /** Shows the game again that has just ended. */
  async #watchLast() {
    this.#parts.leave();
    try {
      const [last] = await this.#duels.history();
      if (last) await this.#openReplay(this.#duels.ownId, last.id, "start");
    } catch (thrown) {
      this.#parts.hud.toast(messageOf(thrown), "foul");
    }
  }

  /** @param {string} id */
  async #decline(id) {
    try {
      await this.#duels.decline(id);
      this.#kept.notice("Declined.");
    } catch (thrown) {
      this.#kept.notice(messageOf(thrown), true);
    }
    await this.refresh();
  }

  /** @param {boolean} isOnline Whether the server is there to be asked. */
  #setOnline(isOnline) {
    for (const id of ["kept-open", "history-open"]) disable(id, !isOnline);
  }

  #invite() {
    keepDevice();
    return `${location.origin}${location.pathname}?challenge=${encodeURIComponent(this.#duels.ownUsername)}`;
  }

  /** @param {string} id */
  async #openKept(id) {
    const { screens, room, hud, leave } = this.#parts;
    const current = (this.#current = { id, matchId: "", isOpening: true });
    const isCurrent = () => this.#current === current;
    screens.showWaiting("Opening the game", "");
    try {
      current.matchId = await this.#duels.open(id);
      if (!isCurrent()) return;
      keepDevice();
      await room.join(current.matchId);
      // A game that goes on is shown by its first table, one that waits as well.
      if (isCurrent() && screens.screen === "waiting") screens.show("none");
    } catch (thrown) {
      if (!isCurrent()) return;
      leave();
      hud.toast(messageOf(thrown, { [CODE_NOT_FOUND]: "That game is over, or was declined." }), "plain");
    }
  }

  /** @param {number} nowMs */
  #sayKept(nowMs) {
    const { match } = this.#parts;
    const { table, people } = match;
    if (!table || table.block.phase !== PHASE.PLAYING || match.isRunning) return "";
    const isOwnTurn = match.isOwnTurn;
    const untilS = match.turnUntilMs === Infinity ? 0 : (Date.now() + match.turnUntilMs - nowMs) / 1000;
    const other = people.chairs[table.ownChair === NONE ? table.block.player : 1 - table.ownChair]?.name || "the other player";
    return sayKept({ isOwnTurn, other, untilS, nowMs: Date.now() });
  }

  /**
   * @param {string} userId
   * @param {string} id
   * @param {"start" | "history"} from
   */
  async #openReplay(userId, id, from) {
    const { match, screens, leave, opened } = this.#parts;
    this.#from = from;
    const leavings = this.#leavings;
    screens.showWaiting("Opening the game", "");
    try {
      const { names, isBot, messages } = await this.#duels.replay(userId, id);
      if (leavings !== this.#leavings) return;
      const film = readFilm(messages, this.#game, (verdict) => match.pauseMs(verdict));
      const chairs = names.map((name, i) => ({ kind: /** @type {"bot" | "person"} */ (isBot[i] ? "bot" : "person"), name: name || "Somebody" }));
      opened(film.first);
      match.takePeople({ watching: 0, wantsRematch: [false, false], chairs });
      SHOWN.state = "replay";
      screens.show("none");
      const search = `?replay=${encodeURIComponent(userId)}:${encodeURIComponent(id)}`;
      history.replaceState(null, "", search);
      const shownNames = chairs.map(({ name }) => name);
      this.#bar.open(film, film.turns.map((turn) => this.#game.tellTurn(turn, shownNames)), location.origin + location.pathname + search);
      this.replay = new Replay(film, match);
      this.#parts.refit();
    } catch (thrown) {
      if (leavings !== this.#leavings) return;
      leave();
      screens.showWaiting("It cannot be shown", messageOf(thrown, GONE), "", "Back");
    }
  }

  #closeReplay() {
    this.replay = null;
    this.#bar.close();
    this.#parts.leave();
    this.#parts.refit();
    if (this.#from === "history") void this.showHistory();
  }
}

/**
 * @param {unknown} thrown
 * @param {Record<number, string>} [known] What is said in place of the server's words, by their code.
 */
function messageOf(thrown, known = {}) {
  if (thrown instanceof TagusError && known[thrown.code]) return known[thrown.code];
  return thrown instanceof Error ? thrown.message : "That did not work.";
}
