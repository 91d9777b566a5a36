import assert from "node:assert/strict";
import { test } from "node:test";
import { CHAT_CHARS_MAX } from "../lobby/lobby.js";
import { OP } from "../lobby/op.js";
import { LINES_MAX } from "../lobby/party-view.js";
import { ANA, inParty, LOST, ME, party, RUI } from "./stage.mjs";

test("the chat shows what is said, who comes and goes, and who leads since", () => {
  const { lobby, answer } = inParty(ANA);
  lobby.say("  hello ");
  assert.equal(lobby.party.lines[0].state, "sending");
  assert.deepEqual(answer("send"), { op: OP.CHAT, text: "hello" });
  lobby.handleData(OP.CHAT, "<b>hi</b>", ANA);
  lobby.handleParty({ ...party(ANA, RUI) });
  lobby.handleParty({ ...party(RUI), leader: RUI.sessionId });
  const lines = lobby.party.lines.map(({ kind, from, text, state }) => [kind, from.userId, text, state]);
  assert.deepEqual(lines, [
    ["said", "me", "hello", "sent"],
    ["said", "ana", "<b>hi</b>", "sent"],
    ["event", "rui", "joined", "sent"],
    ["event", "ana", "left", "sent"],
    ["event", "rui", "leads the party now", "sent"],
  ]);
});

test("what was said while the connection was lost is sent when it is back", () => {
  const { lobby, refuse, answer } = inParty(ANA);
  lobby.handleLink("waiting");
  lobby.say("one");
  refuse("send", LOST);
  lobby.handleParty(party(ANA));
  assert.deepEqual(answer("send"), { op: OP.CHAT, text: "one" });
  assert.equal(lobby.party.lines[0].state, "sent");
});

test("a message that did not leave is marked; empty ones are none; long ones and many are cut", () => {
  const { lobby, refuse, calls } = inParty(ANA);
  lobby.say("one");
  refuse("send", LOST);
  assert.equal(lobby.party.lines[0].state, "failed");
  lobby.say("   ");
  assert.deepEqual(calls(), []);
  lobby.handleData(OP.CHAT, "x".repeat(CHAT_CHARS_MAX + 1), ANA);
  assert.equal(lobby.party.lines[1].text.length, CHAT_CHARS_MAX);
  for (let i = 0; i <= LINES_MAX; i++) lobby.handleData(OP.CHAT, `${i}`, ANA);
  assert.deepEqual([lobby.party.lines.length, lobby.party.lines.at(-1).text], [LINES_MAX, String(LINES_MAX)]);
});

test("whoever is removed is told so, and a closed party too", () => {
  const { lobby } = inParty(ANA);
  lobby.handleParty({ ...party(ANA), members: [ANA], leader: ANA.sessionId });
  lobby.handlePartyOver(null, 0);
  assert.equal(lobby.party, null);
  assert.match(lobby.notice.text, /removed you/);
  const other = inParty(ANA).lobby;
  other.handlePartyOver(null, 0);
  assert.match(other.notice.text, /closed/);
});

test("a party is joined again after a lost connection, as often as the old one is still in it", () => {
  const { lobby, effects, calls } = inParty(ANA);
  lobby.handleLink("waiting");
  assert.deepEqual([lobby.party.isAway, lobby.party.isLeader], [true, false]);
  lobby.handleLink("open");
  lobby.handlePartyOver({ code: 3, message: "Already a member of the party" }, 0);
  effects();
  lobby.handleTimeout(lobby.pollTimeout());
  const [again] = calls();
  assert.equal(again.name, "rejoin");
  lobby.handleFailed(again.id, { code: 3, message: "Already a member of the party" }, 1_200);
  assert.equal(lobby.pollTimeout(), 2_200);
  const me = { ...ME, sessionId: "s-me2" };
  lobby.handleParty({ id: "p1", leader: ANA.sessionId, self: me.sessionId, members: [ANA, me] });
  assert.equal(lobby.party.isAway, false);
  assert.equal(lobby.pollTimeout(), Infinity);
  assert.deepEqual(lobby.party.lines.map((line) => line.text), ["leads the party now"], "nobody left or joined");
});

test("a connection that is lost once more while the party is joined again does not end it", () => {
  const { lobby, effects, calls } = inParty(ANA);
  lobby.handlePartyOver({ code: 3, message: "Already a member of the party" }, 0);
  effects();
  lobby.handleTimeout(lobby.pollTimeout());
  lobby.handleFailed(calls()[0].id, LOST, 1_200);
  assert.ok(lobby.party);
  assert.equal(lobby.pollTimeout(), 2_200);
});

test("joining again is given up in the end", () => {
  const { lobby, effects } = inParty(ANA);
  lobby.handleLink("waiting");
  lobby.handleLink("open");
  const already = { code: 3, message: "Already a member of the party" };
  lobby.handlePartyOver(already, 0);
  let nowMs = 0;
  for (let tries = 0; lobby.party && tries < 100; tries++) {
    nowMs = lobby.pollTimeout();
    lobby.handleTimeout(nowMs);
    for (const effect of effects()) if (effect.name === "rejoin") lobby.handleFailed(effect.id, already, nowMs);
  }
  assert.equal(lobby.party, null);
  assert.ok(nowMs >= 30_000 && nowMs < 40_000, `${nowMs}`);
  assert.equal(lobby.notice.isError, true);
});

test("who was alone in a party that ended gets a new one, and others are told", () => {
  const gone = { code: 3, message: "Party not found" };
  const alone = inParty();
  alone.lobby.handlePartyOver(gone, 0);
  assert.ok(alone.calls().some((call) => call.name === "createParty"));
  alone.lobby.handleParty({ ...party(), id: "p2" });
  assert.match(alone.lobby.notice.text, /new code/);
  const two = inParty(ANA);
  two.lobby.handlePartyOver(gone, 0);
  assert.deepEqual(two.calls(), []);
  assert.match(two.lobby.notice.text, /your place in the party is gone/);
});

