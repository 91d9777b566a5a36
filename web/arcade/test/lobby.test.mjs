import assert from "node:assert/strict";
import { test } from "node:test";
import { OP } from "../lobby/op.js";
import { ANA, inParty, LOST, MATCH, online, party, RUI } from "./stage.mjs";

test("quick play: a ticket, a match, a look at it, the room", () => {
  const { lobby, answer, effects } = online();
  lobby.play("arena", 1_000);
  assert.deepEqual(answer("addTicket", "t1"), { game: "arena", min: 2, max: 4 });
  assert.deepEqual(lobby.search, { game: "arena", isParty: false, ticket: "t1", sinceMs: 1_000, phase: "waiting" });
  const quality = { waitMs: 10, favouriteWins: null, region: "", rttMinMs: 0, rttMaxMs: 0 };
  lobby.handleQuality(quality);
  lobby.handleMatched(MATCH, 5_000);
  assert.equal(lobby.search, null);
  assert.deepEqual(lobby.found.quality, quality);
  effects();
  lobby.handleTimeout(lobby.pollTimeout() - 1);
  assert.deepEqual(effects(), []);
  lobby.handleTimeout(lobby.pollTimeout());
  assert.deepEqual(effects(), [{ kind: "go", game: "arena", matchId: "m1.t" }]);
  assert.equal(lobby.pollTimeout(), Infinity);
});

test("who does not want to look goes in at once", () => {
  const { lobby, answer, effects } = online();
  lobby.play("arena", 0);
  answer("addTicket", "t1");
  lobby.handleMatched(MATCH, 5_000);
  lobby.enterFound();
  effects();
  lobby.handleTimeout(5_001);
  assert.equal(effects()[0].kind, "go");
});

test("nobody looks for players while a party is on its way, or lost", () => {
  const { lobby, calls } = online();
  lobby.joinCode("ABC");
  calls();
  lobby.play("arena", 0);
  assert.deepEqual(calls(), []);
  const away = inParty(ANA);
  away.lobby.handleLink("waiting");
  away.lobby.play("arena", 0);
  assert.deepEqual(away.calls(), []);
  assert.match(away.lobby.notice.text, /connection is lost/);
});

test("a second press does nothing while one waits", () => {
  const { lobby, calls } = online();
  lobby.play("arena", 0);
  lobby.play("arena", 1);
  assert.equal(calls().length, 1);
});

test("cancel takes the ticket back, and a match that comes then is not followed", () => {
  const { lobby, answer } = online();
  lobby.play("arena", 0);
  answer("addTicket", "t1");
  lobby.cancel();
  assert.equal(lobby.search.phase, "stopping");
  assert.deepEqual(answer("removeTicket"), { ticket: "t1" });
  assert.equal(lobby.search, null);
  lobby.handleMatched(MATCH, 10);
  assert.equal(lobby.found, null);
});

test("cancel before the ticket is there takes it back when it comes", () => {
  const { lobby, calls, answer } = online();
  lobby.play("arena", 0);
  lobby.cancel();
  assert.equal(lobby.search, null);
  const [add] = calls();
  lobby.handleDone(add.id, "t1", 0);
  assert.deepEqual(answer("removeTicket"), { ticket: "t1" });
});

test("a ticket that is matched while it is taken back leads into the match, or to nothing", () => {
  for (const isMatched of [true, false]) {
    const { lobby, answer, refuse } = online();
    lobby.play("arena", 0);
    answer("addTicket", "t1");
    lobby.cancel();
    refuse("removeTicket", { code: 3, message: "Ticket not found" }, 100);
    assert.equal(lobby.search.phase, "stopping");
    if (isMatched) lobby.handleMatched(MATCH, 110);
    lobby.handleTimeout(1_600);
    assert.equal(lobby.search, null);
    assert.equal(lobby.found !== null, isMatched);
  }
});

test("a lost connection is mended: the search goes on with another ticket, and the time too", () => {
  const { lobby, answer, calls } = online();
  lobby.play("arena", 1_000);
  answer("addTicket", "t1");
  lobby.handleLink("waiting");
  assert.equal(lobby.link, "lost");
  lobby.handleLink("connecting");
  assert.equal(lobby.link, "lost", "an attempt is not yet a connection");
  assert.deepEqual(calls(), []);
  lobby.handleLink("open");
  answer("addTicket", "t2");
  assert.deepEqual([lobby.search.ticket, lobby.search.sinceMs], ["t2", 1_000]);
});

test("a ticket whose answer was lost is asked for once more, not twice", () => {
  const { lobby, calls } = online();
  lobby.play("arena", 0);
  const [first] = calls();
  lobby.handleLink("waiting");
  lobby.handleFailed(first.id, LOST, 0);
  assert.ok(lobby.search);
  lobby.handleLink("open");
  lobby.handleLink("open");
  assert.equal(calls().length, 1);
});

test("a refused ticket says so and ends the search", () => {
  const { lobby, refuse } = online();
  lobby.play("arena", 0);
  refuse("addTicket", { code: 3, message: "Too many tickets" });
  assert.equal(lobby.search, null);
  assert.match(lobby.notice.text, /could not start.*Too many tickets/);
  lobby.dismiss();
  assert.equal(lobby.notice, null);
});

test("a match without a room is said, not followed", () => {
  const { lobby, answer } = online();
  lobby.play("arena", 0);
  answer("addTicket", "t1");
  lobby.handleMatched({ ...MATCH, matchId: "" }, 10);
  assert.deepEqual([lobby.found, lobby.notice.place], [null, "search"]);
});

test("a code is tried as a party's, then as a game's", () => {
  const { lobby, refuse, answer, effects } = online();
  lobby.joinCode("  http://x/?code=abc-1 ");
  assert.equal(lobby.busy, "code");
  const failed = { code: 3, message: "Party not found" };
  refuse("joinParty", failed);
  const args = answer("findRoom", { matchId: "m9", game: "arena" });
  assert.deepEqual(args, { code: "ABC1" });
  assert.deepEqual(effects(), [{ kind: "go", game: "arena", matchId: "m9" }]);
  assert.equal(lobby.busy, "");
});

test("a wrong code, a full party and an empty field each say what to do", () => {
  for (const [refusals, says] of [
    [[{ code: 3, message: "Party not found" }, { code: 4, message: "Match not found" }], /Nothing has this code/],
    [[{ code: 3, message: "Party full" }], /full/],
    [[LOST], /did not answer/],
  ]) {
    const { lobby, refuse } = online();
    lobby.joinCode("X");
    for (const [at, refusal] of refusals.entries()) refuse(at === 0 ? "joinParty" : "findRoom", refusal);
    assert.match(lobby.notice.text, says);
    assert.deepEqual([lobby.busy, lobby.notice.place, lobby.notice.isError], ["", "code", true]);
  }
  const { lobby, calls } = online();
  lobby.joinCode(" - ");
  assert.equal(lobby.notice.place, "code");
  assert.deepEqual(calls(), []);
});

test("a closed party is said to be asked, and may still let one in", () => {
  const { lobby, answer } = online();
  lobby.joinCode("ABC");
  answer("joinParty", undefined, 100);
  assert.equal(lobby.busy, "code");
  lobby.handleTimeout(lobby.pollTimeout());
  assert.equal(lobby.busy, "");
  assert.match(lobby.notice.text, /leader was asked/);
  lobby.handleParty({ ...party(ANA), leader: ANA.sessionId });
  assert.equal(lobby.party.isLeader, false);
  assert.equal(lobby.notice, null);
});

test("a party's address carries its code, and loses it with the party", () => {
  const { lobby, calls, effects } = online();
  lobby.createParty();
  const [create] = calls();
  lobby.handleDone(create.id, undefined, 0);
  lobby.handleParty(party());
  const [code] = calls();
  lobby.handleDone(code.id, "ABC123", 0);
  assert.deepEqual(effects(), [{ kind: "address", code: "ABC123" }]);
  lobby.leaveParty();
  assert.deepEqual(effects().map((effect) => effect.name ?? effect.kind), ["address", "leaveParty"]);
  assert.equal(lobby.party, null);
});

test("a party looks for somebody else, and a full one plays alone", () => {
  for (const [others, min] of [[[], 2], [[ANA], 3], [[ANA, RUI], 4], [[ANA, RUI, { ...RUI, sessionId: "s4", userId: "u4" }], 4]]) {
    const { lobby, answer } = inParty(...others);
    lobby.play("arena", 0);
    assert.deepEqual(answer("addPartyTicket", "t1"), { game: "arena", min, max: 4 });
    assert.equal(lobby.search.isParty, true);
  }
});

test("members hear of the search and of its end, and only from their leader", () => {
  const { lobby, calls } = inParty(ANA, RUI);
  lobby.handleParty({ ...party(ANA, RUI), leader: ANA.sessionId });
  lobby.play("arena", 0);
  assert.deepEqual(calls(), [], "a member starts nothing");
  assert.match(lobby.notice.text, /Only the leader/);
  lobby.handleTicket("t1", 500);
  assert.deepEqual([lobby.search.phase, lobby.search.sinceMs], ["waiting", 500]);
  lobby.cancel();
  lobby.handleData(OP.STOPPED, "", RUI);
  assert.ok(lobby.search);
  lobby.handleData(OP.STOPPED, "", ANA);
  assert.equal(lobby.search, null);
  lobby.handleTicket("t2", 600);
  lobby.handleMatched(MATCH, 700);
  assert.equal(lobby.found.game, "arena");
});

test("a leader who stops the search tells the members", () => {
  const { lobby, answer } = inParty(ANA);
  lobby.play("arena", 0);
  answer("addPartyTicket", "t1");
  lobby.cancel();
  answer("removePartyTicket");
  assert.equal(lobby.search, null);
  assert.equal(answer("send").op, OP.STOPPED);
});

test("whoever comes or goes ends the party's search", () => {
  for (const members of [[ANA, RUI], []]) {
    const { lobby, answer } = inParty(ANA);
    lobby.play("arena", 0);
    answer("addPartyTicket", "t1");
    lobby.handleParty(party(ANA));
    assert.ok(lobby.search, "nothing changed");
    lobby.handleParty(party(...members));
    assert.equal(lobby.search, null);
    assert.match(lobby.notice.text, /party changed/);
  }
});

test("a private game has a code, and a leader brings the party along", () => {
  const { lobby, answer, effects } = inParty(ANA);
  lobby.openRoom("arena");
  lobby.openRoom("arena");
  assert.deepEqual(answer("openRoom", { matchId: "m5", code: "XYZ" }), { game: "arena" });
  assert.deepEqual(lobby.room, { game: "arena", matchId: "m5", code: "XYZ" });
  lobby.enterRoom();
  lobby.enterRoom();
  const told = answer("bring");
  assert.deepEqual([told.op, JSON.parse(told.text)], [OP.COME, { game: "arena", matchId: "m5" }]);
  assert.deepEqual(effects(), [{ kind: "go", game: "arena", matchId: "m5" }]);

  const member = inParty(ANA);
  member.lobby.handleParty({ ...party(ANA), leader: ANA.sessionId });
  member.lobby.openRoom("arena");
  assert.match(member.lobby.notice.text, /Only the leader/);
  assert.deepEqual(member.calls(), []);
  for (const bad of ["", "null", "3", "{}", '{"game":3,"matchId":"m"}']) member.lobby.handleData(OP.COME, bad, ANA);
  member.lobby.handleData(OP.COME, told.text, RUI);
  assert.deepEqual(member.effects(), []);
  member.lobby.handleData(OP.COME, told.text, ANA);
  assert.deepEqual(member.effects(), [{ kind: "go", game: "arena", matchId: "m5" }]);
});

test("whoever is in no party goes into the private game at once", () => {
  const { lobby, answer, effects } = online();
  lobby.openRoom("arena");
  answer("openRoom", { matchId: "m5", code: "XYZ" });
  lobby.enterRoom();
  assert.deepEqual(effects(), [{ kind: "go", game: "arena", matchId: "m5" }]);
});

test("a refused private game says why", () => {
  const { lobby, refuse } = online();
  lobby.openRoom("arena");
  refuse("openRoom", { code: 9, message: "At most 4 private rooms" });
  assert.match(lobby.notice.text, /could not be opened.*At most 4/);
  assert.equal(lobby.busy, "");
});

test("a late answer to something given up changes nothing", () => {
  const { lobby, calls } = inParty();
  lobby.promote("s-x");
  const [promote] = calls();
  lobby.leaveParty();
  calls();
  lobby.handleFailed(promote.id, LOST, 0);
  lobby.handleFailed(promote.id, LOST, 0);
  lobby.handleDone(999, {}, 0);
  assert.equal(lobby.notice, null);
});
