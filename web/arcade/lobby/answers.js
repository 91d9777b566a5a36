import { OP } from "./op.js";
import { sayRefusal } from "./words.js";

/** A ticket that could not be taken back has its match on the way, or none. */
const STOPPING_MS_MAX = 1_500;
/** Whoever joined a party and was not shown it within this time waits for its leader. */
const ASKED_AFTER_MS = 1_500;

/**
 * @typedef {import("./lobby.js").Lobby} Lobby
 * @typedef {import("./desk.js").Refusal} Refusal
 * @typedef {{ name: string, args: any, id: number, nowMs: number }} Call
 */

/** What follows when a call was answered. @type {Record<string, (lobby: Lobby, call: Call, result: any) => void>} */
export const DONE = {
  addTicket: (lobby, _call, ticket) => lobby.ticketCame(false, ticket),
  addPartyTicket: (lobby, _call, ticket) => lobby.ticketCame(true, ticket),
  removeTicket: stopped,
  removePartyTicket(lobby) {
    stopped(lobby);
    lobby.ask("send", { op: OP.STOPPED, text: "" });
  },
  partyCode(lobby, call, code) {
    if (lobby.party?.id !== call.args.partyId) return;
    lobby.party.code = code;
    lobby.effects.push({ kind: "address", code });
  },
  joinParty(lobby, call) {
    // The party follows at once, unless its leader is asked first.
    if (lobby.busy === "code") lobby.due.set("asked", call.nowMs + ASKED_AFTER_MS);
  },
  openRoom(lobby, call, opened) {
    lobby.busy = "";
    lobby.room = { game: call.args.game, ...opened };
  },
  findRoom(lobby, _call, { game, matchId }) {
    lobby.busy = "";
    lobby.effects.push({ kind: "go", game, matchId });
  },
  bring(lobby) {
    lobby.busy = "";
    if (lobby.room) lobby.effects.push({ kind: "go", game: lobby.room.game, matchId: lobby.room.matchId });
  },
  send: (lobby, call) => lobby.party?.sent(call.id),
};

/**
 * What follows when a call was refused, or got no answer.
 * @type {Record<string, (lobby: Lobby, call: Call, refusal: Refusal) => void>}
 */
export const FAILED = {
  addTicket(lobby, _call, refusal) {
    // A lost connection is mended, and then it is asked again.
    if (!lobby.search || lobby.link === "lost") return;
    lobby.search = null;
    lobby.tell("search", sayRefusal("search", refusal), true);
  },
  addPartyTicket(lobby, _call, refusal) {
    if (!lobby.search) return;
    lobby.search = null;
    lobby.tell("friends", sayRefusal("search", refusal), true);
  },
  removeTicket: notStopped,
  removePartyTicket: notStopped,
  createParty: (lobby, _call, refusal) => notGiven(lobby, "friends", "party", refusal),
  joinParty(lobby, call, refusal) {
    const isUnanswered = refusal.code < 0;
    if (!isUnanswered && /not found|invalid/i.test(refusal.message)) lobby.ask("findRoom", call.args);
    else notGiven(lobby, "code", "code", refusal);
  },
  rejoin: (lobby, call, refusal) => lobby.handlePartyOver(refusal, call.nowMs),
  findRoom: (lobby, _call, refusal) => notGiven(lobby, "code", "code", refusal),
  openRoom: (lobby, call, refusal) => notGiven(lobby, "friends", call.name, refusal),
  bring: (lobby, call, refusal) => notGiven(lobby, "friends", call.name, refusal),
  send: (lobby, call) => lobby.party?.notSent(call.id),
  partyCode: tellParty,
  promote: tellParty,
  kick: tellParty,
};

/** @param {Lobby} lobby */
function stopped(lobby) {
  if (lobby.search?.phase === "stopping") lobby.search = null;
}

/**
 * @param {Lobby} lobby
 * @param {Call} call
 */
function notStopped(lobby, call) {
  if (lobby.search?.phase === "stopping") lobby.due.set("stopped", call.nowMs + STOPPING_MS_MAX);
}

/**
 * What the lobby was busy with failed.
 * @param {Lobby} lobby
 * @param {import("./desk.js").NoticePlace} place
 * @param {string} what
 * @param {Refusal} refusal
 */
function notGiven(lobby, place, what, refusal) {
  lobby.busy = "";
  lobby.tell(place, sayRefusal(what, refusal), true);
}

/**
 * @param {Lobby} lobby
 * @param {Call} call
 * @param {Refusal} refusal
 */
function tellParty(lobby, call, refusal) {
  if (lobby.party) lobby.tell("friends", sayRefusal(call.name, refusal), true);
}
