import { DONE, FAILED } from "./answers.js";
import { Desk } from "./desk.js";
import { OP } from "./op.js";
import { PartyView } from "./party-view.js";
import { cleanCode, sayRefusal } from "./words.js";

/** Players of a match, unless its game takes fewer: less do not begin, more do not fit. */
export const MATCH_SIZE = Object.freeze({ min: 2, max: 4 });
/** Characters of a chat message, at most. */
export const CHAT_CHARS_MAX = 300;
/** How long a found match is shown before the page goes there. */
const SHOW_FOUND_MS = 2_800;
const REJOIN_EVERY_MS = 1_000;
/** The server notices a dead connection by itself within this time, and frees its place in the party. */
const REJOIN_MS_MAX = 30_000;

/**
 * @typedef {import("./party-view.js").Member} Member
 * @typedef {import("./party-view.js").Snapshot} Snapshot
 * @typedef {import("./desk.js").Refusal} Refusal
 * @typedef {import("./desk.js").Quality} Quality
 */

/**
 * What one player of the arcade is about: waiting for a match, being in a party, holding the code of a private room.
 * It owns no socket, page, clock or timer: call a method with the time, then drain {@link Lobby.pollEffect} to
 * `undefined`, then wake it at {@link Lobby.pollTimeout}. Each `call` effect is answered by {@link Lobby.handleDone} or
 * {@link Lobby.handleFailed}. Times are milliseconds of any clock that never goes back.
 */
export class Lobby extends Desk {
  /** Players of a match of each game, at most. @type {Map<string, number>} */
  playersMax = new Map();
  /** @type {Quality | null} */
  #quality = null;
  #rejoinUntilMs = 0;

  /**
   * Looks for players: for oneself, or for the party that one leads.
   * @param {string} game
   * @param {number} nowMs
   */
  play(game, nowMs) {
    if (this.search || this.found || this.busy) return;
    this.notice = null;
    if (!this.party) {
      this.search = { game, isParty: false, ticket: "", sinceMs: nowMs, phase: "asking" };
      if (this.link !== "lost") this.ask("addTicket", { game, ...this.#sizeOf(game) });
      return;
    }
    if (this.party.isAway) {
      this.tell("search", "The connection is lost. Try again when the party is back.", true);
      return;
    }
    if (!this.party.isLeader) {
      this.tell("search", "Only the leader starts the search. Ask them to, or leave the party to play alone.", true);
      return;
    }
    // A party wants to meet somebody else, if a match has room for more.
    const size = this.#sizeOf(game);
    const min = Math.min(size.max, Math.max(size.min, this.party.members.length + 1));
    this.search = { game, isParty: true, ticket: "", sinceMs: nowMs, phase: "asking" };
    this.ask("addPartyTicket", { game, min, max: size.max });
  }

  /** @param {string} game */
  #sizeOf(game) {
    return { min: MATCH_SIZE.min, max: this.playersMax.get(game) ?? MATCH_SIZE.max };
  }

  /** Stops looking; of a party's members its leader can. */
  cancel() {
    const search = this.search;
    if (!search || search.phase === "stopping" || (search.isParty && !this.party?.isLeader)) return;
    if (search.phase === "asking") {
      // The ticket that may still come is taken back when it does.
      this.search = null;
      return;
    }
    search.phase = "stopping";
    this.ask(search.isParty ? "removePartyTicket" : "removeTicket", { ticket: search.ticket });
  }

  createParty() {
    if (this.party || this.busy || this.search) return;
    this.busy = "party";
    this.notice = null;
    this.ask("createParty", { max: MATCH_SIZE.max });
  }

  leaveParty() {
    if (!this.party) return;
    this.endParty();
    this.notice = null;
    this.ask("leaveParty", {});
  }

  /** @param {string} sessionId Of the member who is to lead. */
  promote(sessionId) {
    this.ask("promote", { sessionId });
  }

  /** @param {string} sessionId Of the member who is to go. */
  kick(sessionId) {
    this.ask("kick", { sessionId });
  }

  /** @param {string} text Something for the other members to read. */
  say(text) {
    const line = text.trim().slice(0, CHAT_CHARS_MAX);
    if (line && this.party) this.party.sayOwn(line, this.ask("send", { op: OP.CHAT, text: line }));
  }

  /** @param {string} text What somebody typed or pasted: a code, or a link with one. */
  joinCode(text) {
    if (this.party || this.busy || this.search) return;
    const code = cleanCode(text);
    if (!code) {
      this.tell("code", "Type the code that a friend gave you.", true);
      return;
    }
    this.busy = "code";
    this.notice = null;
    this.ask("joinParty", { code });
  }

  /** @param {string} game Opens a private room of it. */
  openRoom(game) {
    if (this.room || this.busy || this.search || this.found) return;
    if (this.party && !this.party.isLeader) {
      this.tell("search", "Only the leader opens a game for the party.", true);
      return;
    }
    this.busy = "room";
    this.notice = null;
    this.ask("openRoom", { game });
  }

  closeRoom() {
    this.room = null;
  }

  /** Goes into the private room; a party comes along with its leader. */
  enterRoom() {
    if (!this.room || this.busy) return;
    const { game, matchId } = this.room;
    if (!this.party?.isLeader) {
      this.effects.push({ kind: "go", game, matchId });
      return;
    }
    this.busy = "room";
    this.ask("bring", { op: OP.COME, text: JSON.stringify({ game, matchId }) });
  }

  /** Goes into the found match without looking at it longer. */
  enterFound() {
    if (this.found) this.due.set("go", 0);
  }

  /** The notice was read. */
  dismiss() {
    this.notice = null;
  }

  /** The own name is another one. */
  renamed() {
    if (this.party) this.ask("send", { op: OP.RENAMED, text: "" });
  }

  /**
   * The connection changed.
   * @param {"idle" | "connecting" | "waiting" | "open" | "closed"} state
   */
  handleLink(state) {
    if (state === "closed") return;
    const isLost = state === "waiting" || (state === "connecting" && this.link === "lost");
    this.link = isLost ? "lost" : state;
    if (isLost) {
      if (this.search?.isParty) {
        this.search = null;
        this.tell("friends", "The connection was lost, so the search has stopped.", true);
      } else if (this.search?.phase === "stopping") {
        // A ticket ends with its connection.
        this.search = null;
      } else if (this.search) {
        Object.assign(this.search, { ticket: "", phase: "asking" });
      }
      if (this.party) this.party.isAway = true;
    } else if (state === "open" && this.search?.phase === "asking" && !this.search.isParty && !this.isAsking("addTicket")) {
      this.ask("addTicket", { game: this.search.game, ...this.#sizeOf(this.search.game) });
    }
  }

  /**
   * The party as the server shows it, whenever anything about it changed.
   * @param {Snapshot} snapshot
   */
  handleParty(snapshot) {
    if (this.busy === "party" || this.busy === "code") this.busy = "";
    this.due.delete("rejoin");
    this.due.delete("asked");
    if (!this.party || this.party.id !== snapshot.id) {
      this.party = new PartyView(snapshot);
      if (this.notice?.place === "code") this.notice = null;
      this.ask("partyCode", { partyId: snapshot.id });
    } else {
      const wasAway = this.party.isAway;
      const isChanged = this.party.update(snapshot);
      if (wasAway) this.party.resend((text) => this.ask("send", { op: OP.CHAT, text }));
      if (isChanged && this.search?.isParty && !this.found) {
        this.search = null;
        this.tell("friends", "The party changed, so the search has stopped.", false);
      }
    }
    this.effects.push({ kind: "names", userIds: this.party.members.map((member) => member.userId), isFresh: false });
  }

  /**
   * The party is over for this player, who did not leave it.
   * @param {Refusal | null} refusal Why it could not be joined again after a lost connection.
   * @param {number} nowMs
   */
  handlePartyOver(refusal, nowMs) {
    if (!this.party || this.found) return;
    if (refusal && (refusal.code < 0 || /already/i.test(refusal.message))) {
      // The connection is lost once more, or the server has not noticed yet that the old one is.
      if (!this.due.has("rejoin")) this.#rejoinUntilMs = nowMs + REJOIN_MS_MAX;
      this.due.set("rejoin", nowMs + REJOIN_EVERY_MS);
      return;
    }
    const { isRemoved, members } = this.party;
    this.endParty();
    if (refusal && members.length === 1 && /not found/i.test(refusal.message)) {
      this.createParty();
      this.tell("friends", "Connected again. The party was gone, so here is a new one, with a new code.", false);
    } else if (refusal) {
      this.tell("friends", `${sayRefusal("rejoin", refusal)} Start a party again, or ask for a new code.`, true);
    } else {
      this.tell("friends", isRemoved ? "The leader removed you from the party." : "The party was closed.", false);
    }
  }

  /**
   * Data of another member.
   * @param {number} op
   * @param {string} text
   * @param {Member} from
   */
  handleData(op, text, from) {
    if (!this.party || this.found) return;
    const isFromLeader = this.party.leader === from.sessionId;
    if (op === OP.CHAT && text) {
      this.party.hear(text.slice(0, CHAT_CHARS_MAX), from);
    } else if (op === OP.RENAMED) {
      this.effects.push({ kind: "names", userIds: [from.userId], isFresh: true });
    } else if (op === OP.STOPPED && isFromLeader && this.search?.isParty) {
      this.search = null;
      this.tell("friends", "The leader stopped the search.", false);
    } else if (op === OP.COME && isFromLeader) {
      const { game, matchId } = parseObject(text);
      if (typeof game === "string" && typeof matchId === "string") this.effects.push({ kind: "go", game, matchId });
    }
  }

  /**
   * The leader put the party into the matchmaker.
   * @param {string} ticket
   * @param {number} nowMs
   */
  handleTicket(ticket, nowMs) {
    if (!this.party || this.found) return;
    this.notice = null;
    this.search = { game: "", isParty: true, ticket, sinceMs: nowMs, phase: "waiting" };
  }

  /** @param {Quality} quality Of the match that is told next. */
  handleQuality(quality) {
    this.#quality = quality;
  }

  /**
   * @param {{ matchId: string, mode: string, players: Member[], ownSession: string }} match
   * @param {number} nowMs
   */
  handleMatched({ matchId, mode, players, ownSession }, nowMs) {
    const quality = this.#quality;
    this.#quality = null;
    // Whoever stopped looking is not dragged along.
    if (!this.search || this.found) return;
    const game = this.search.game || mode;
    this.search = null;
    this.due.delete("stopped");
    if (!matchId) {
      this.tell("search", "Players were found, but this server opens no rooms for that. Pick a live room below.", true);
      return;
    }
    this.found = { game, matchId, players, quality, ownSession };
    this.due.set("go", nowMs + SHOW_FOUND_MS);
    this.effects.push({ kind: "names", userIds: players.map((player) => player.userId), isFresh: false });
  }

  /**
   * A call was answered.
   * @param {number} id
   * @param {any} result
   * @param {number} nowMs
   */
  handleDone(id, result, nowMs) {
    const call = this.calls.get(id);
    this.calls.delete(id);
    if (call) DONE[call.name]?.(this, { ...call, id, nowMs }, result);
  }

  /**
   * A call was refused, or got no answer.
   * @param {number} id
   * @param {Refusal} refusal
   * @param {number} nowMs
   */
  handleFailed(id, refusal, nowMs) {
    const call = this.calls.get(id);
    this.calls.delete(id);
    if (call) FAILED[call.name]?.(this, { ...call, id, nowMs }, refusal);
  }

  /**
   * Does what is due.
   * @param {number} nowMs
   */
  handleTimeout(nowMs) {
    for (const [what, dueMs] of [...this.due]) {
      if (dueMs > nowMs) continue;
      if (what !== "rejoin") this.due.delete(what);
      if (what === "go" && this.found) this.effects.push({ kind: "go", game: this.found.game, matchId: this.found.matchId });
      else if (what === "stopped" && this.search?.phase === "stopping") this.search = null;
      else if (what === "rejoin") this.#rejoin(nowMs);
      else if (what === "asked" && this.busy === "code") {
        this.busy = "";
        this.tell("code", "This party is closed. Its leader was asked to let you in; stay on this page.", false);
      }
    }
  }

  /** @param {number} nowMs */
  #rejoin(nowMs) {
    if (this.party && nowMs < this.#rejoinUntilMs) {
      // Asked again only after the answer; the time until then counts.
      this.due.set("rejoin", Infinity);
      this.ask("rejoin", { code: this.party.id });
      return;
    }
    this.due.delete("rejoin");
    this.handlePartyOver({ code: 0, message: "" }, nowMs);
  }

  /**
   * @param {boolean} isParty
   * @param {string} ticket
   */
  ticketCame(isParty, ticket) {
    const search = this.search;
    if (search && search.isParty === isParty && search.phase === "asking") Object.assign(search, { ticket, phase: "waiting" });
    else this.ask(isParty ? "removePartyTicket" : "removeTicket", { ticket });
  }

  endParty() {
    this.party = null;
    if (this.search?.isParty) this.search = null;
    this.due.delete("rejoin");
    this.effects.push({ kind: "address", code: "" });
  }

}

/** @param {string} text */
function parseObject(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
