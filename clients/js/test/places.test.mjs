// Rooms, parties and channels over a transport that stands in the place of a WebSocket.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LOCAL } from "../error.js";
import { Socket } from "../socket.js";

const ANA = { user_id: "u1", session_id: "s1", username: "ana" };
const BEA = { user_id: "u2", session_id: "s2", username: "bea" };
const CAI = { user_id: "u3", session_id: "s3", username: "cai" };
const PARTY = { party_id: "p.n", open: true, max_size: 4, self: ANA, leader: ANA, presences: [ANA] };

/** A server that answers each request by `answer`, in one go with what it pushes after it. */
class Server {
  asked = [];
  transports = [];

  constructor(answer) {
    this.answer = answer;
    const open = () => {
      const transport = { send: (frame) => this.#take(transport, frame), close() {} };
      queueMicrotask(() => transport.onopen());
      this.transports.push(transport);
      return transport;
    };
    this.socket = new Socket(async () => "ws://x", { format: "json", open, backoffMinMs: 0, backoffMaxMs: 0 });
  }

  #take(transport, frame) {
    const { cid, ...message } = JSON.parse(frame);
    if (message.ping) return;
    this.asked.push(message);
    if (!cid) return;
    const [answer, ...pushed] = this.answer(message) ?? [{}];
    queueMicrotask(() => {
      for (const one of [{ cid, ...answer }, ...pushed]) transport.onmessage({ data: JSON.stringify(one) });
    });
  }

  push(...envelopes) {
    for (const one of envelopes) this.transports.at(-1).onmessage({ data: JSON.stringify(one) });
  }

  lose() {
    this.transports.at(-1).onclose();
  }

  last() {
    return this.asked.at(-1);
  }
}

async function connected(answer) {
  const server = new Server(answer);
  await server.socket.connect();
  return server;
}

/** What a place tells, in order. */
function hears(place, ...events) {
  const heard = [];
  for (const event of events) place.on(event, (...args) => heard.push([event, ...args]));
  return heard;
}

const once = (place, event) => new Promise((resolve) => place.on(event, resolve));

test("what comes right behind the answer to a join is the room's", async () => {
  const server = await connected(() => [
    { match: { match_id: "real", self: ANA } },
    { room_number: { match_id: "real", room: 3 } },
    { match_presence_event: { match_id: "real", joins: [BEA] } },
  ]);
  server.socket.on("push", (envelope) => assert.fail(JSON.stringify(envelope)));
  const room = await server.socket.join("CODE");
  assert.deepEqual([...room.presences.keys()], ["s1", "s2"]);
  const heard = hears(room, "data", "closed");
  server.push({ room_data: { room: 3, op_code: "9", data: "AQ==" } });
  server.push({ match_presence_event: { match_id: "real", leaves: [BEA] } });
  assert.deepEqual(heard.splice(0), [["data", 9, Uint8Array.of(1), undefined]]);
  // A kick is one's own leave.
  server.push({ match_presence_event: { match_id: "real", leaves: [ANA] } });
  assert.deepEqual([heard, room.isOver], [[["closed", null]], true]);
  server.socket.close();
});

test("what a room is sent says what was applied, once that is known and can be said", async () => {
  const server = await connected(() => [{ match: { match_id: "real", self: ANA } }]);
  const room = await server.socket.join("CODE");
  const sent = () => (room.send(9, Uint8Array.of(1)), server.last());
  const long = { match_data_send: { match_id: "real", op_code: "9", data: "AQ==" } };
  assert.deepEqual(sent(), long);
  room.applied(1_000);
  assert.deepEqual(sent(), long);
  server.push({ room_number: { match_id: "real", room: 3 } });
  assert.deepEqual(sent(), { room_data: { room: 3, op_code: "9", data: "AQ==", applied_tick: 1_000 } });
  room.applied(2 ** 32 + 5);
  assert.equal(sent().room_data.applied_tick, 5);
  server.socket.close();
});

test("a match of the matchmaker is asked for, told of and joined", async () => {
  const server = await connected((message) =>
    message.matchmaker_add ? [{ matchmaker_ticket: { ticket: "t1" } }]
      : message.match_join ? [{ match: { match_id: "relayed.", self: ANA } }] : [{}]);
  const heard = hears(server.socket, "quality", "matched", "push");
  const wish = { min_count: 2, max_count: 4, string_properties: { mode: "arena" } };
  assert.equal(await server.socket.addMatchmaker(wish), "t1");
  assert.deepEqual(server.last(), { matchmaker_add: wish });
  const matched = { ticket: "t1", token: "jwt", users: [{ presence: ANA }], self: { presence: ANA } };
  server.push({ match_quality: { ticket: "t1", wait_ms: 12 } }, { matchmaker_matched: matched });
  assert.deepEqual(heard, [["quality", { ticket: "t1", wait_ms: 12 }], ["matched", matched]]);
  const room = await server.socket.joinMatched(matched);
  assert.deepEqual(server.last(), { match_join: { token: "jwt" } });
  assert.equal(room.matchId, "relayed.");
  // The token is used once: after a loss the room has its id.
  server.lose();
  await once(room, "resumed");
  assert.deepEqual(server.last(), { match_join: { match_id: "relayed." } });
  await server.socket.joinMatched({ ...matched, token: undefined, match_id: "m2" });
  assert.deepEqual(server.last(), { match_join: { match_id: "m2" } });
  await server.socket.removeMatchmaker("t1");
  assert.deepEqual(server.last(), { matchmaker_remove: { ticket: "t1" } });
  server.socket.close();
});

test("a party is made, led and ended", async () => {
  const requests = { party_join_request: { party_id: "p.n", presences: [CAI] } };
  const server = await connected((message) =>
    message.party_create ? [{ party: PARTY }, { party: PARTY }]
      : message.party_join_request_list ? [requests]
        : message.party_matchmaker_add ? [{ party_matchmaker_ticket: { party_id: "p.n", ticket: "t" } }] : [{}]);
  const party = await server.socket.createParty({ maxSize: 4, label: "x" });
  assert.deepEqual(server.last(), { party_create: { open: true, max_size: 4, label: "x", hidden: false } });
  assert.deepEqual([party.partyId, party.maxSize, party.isMember, party.isLeader], ["p.n", 4, true, true]);

  const heard = hears(party, "joined", "data", "presence", "leader", "update", "request", "ticket", "closed");
  server.push(
    { party_presence_event: { party_id: "p.n", joins: [BEA] } },
    { party_presence_event: { party_id: "other", joins: [CAI] } },
    { party_data: { party_id: "p.n", presence: BEA, op_code: "3", data: "AP8=" } },
    requests,
    { party_matchmaker_ticket: { party_id: "p.n", ticket: "t" } },
    { party_update: { party_id: "p.n", hidden: true } },
    { party_leader: { party_id: "p.n", presence: BEA } },
  );
  assert.deepEqual(heard.splice(0), [
    ["presence", [BEA], []], ["data", 3, Uint8Array.of(0, 255), BEA], ["request", [CAI]], ["ticket", "t"],
    ["update"], ["leader", BEA],
  ]);
  assert.deepEqual([party.open, party.hidden, party.label, party.isLeader], [false, true, "", false]);
  assert.deepEqual([...party.presences.keys()], ["s1", "s2"]);

  assert.equal(party.send(7, Uint8Array.of(1)), true);
  assert.deepEqual(server.last(), { party_data_send: { party_id: "p.n", op_code: "7", data: "AQ==" } });
  assert.deepEqual(await party.requests(), [CAI]);
  const wish = { min_count: 2, max_count: 2, query: "*" };
  assert.equal(await party.addMatchmaker(wish), "t");
  assert.deepEqual(server.last(), { party_matchmaker_add: { party_id: "p.n", ...wish } });
  const about = { party_id: "p.n", presence: CAI };
  for (const [ask, message] of [
    [() => party.accept(CAI), { party_accept: about }],
    [() => party.remove(CAI), { party_remove: about }],
    [() => party.promote(CAI), { party_promote: about }],
    [() => party.update({ label: "y" }), { party_update: { party_id: "p.n", open: false, label: "y", hidden: true } }],
    [() => party.removeMatchmaker("t"), { party_matchmaker_remove: { party_id: "p.n", ticket: "t" } }],
    [() => party.close(), { party_close: { party_id: "p.n" } }],
  ]) {
    await ask();
    assert.deepEqual(server.last(), message);
  }
  server.push({ party_close: { party_id: "p.n" } });
  assert.deepEqual(heard, [["closed", null]]);
  assert.equal(party.send(7), false);
  server.socket.close();
});

test("a closed party is joined by its code when the leader says so, and left by removal", async () => {
  const server = await connected(({ party_join: join }) =>
    join.party_id === "NONE" ? [{ error: { code: 3, message: "Party not found" } }] : [{ party_join: { party_id: "p.n" } }]);
  await assert.rejects(server.socket.joinParty("NONE"), { code: 3, message: "Party not found" });
  const party = await server.socket.joinParty("b7kmq2");
  assert.deepEqual([party.partyId, party.isMember], ["p.n", false]);
  const heard = hears(party, "joined", "presence", "closed");
  const shown = { ...PARTY, open: false, self: BEA, presences: [ANA, BEA] };
  server.push({ party: shown }, { party_presence_event: { party_id: "p.n", joins: [BEA] } });
  assert.deepEqual([party.isMember, party.isLeader, party.leader], [true, false, ANA]);
  server.push({ party_presence_event: { party_id: "p.n", leaves: [BEA] } });
  assert.deepEqual(heard, [["joined"], ["presence", [BEA], []], ["presence", [], [BEA]], ["closed", null]]);
  server.socket.close();
});

test("a lost party is joined again; one that is gone is over", async () => {
  let isThere = true;
  const server = await connected(() =>
    isThere ? [{}, { party: PARTY }] : [{ error: { code: 3, message: "Party not found" } }]);
  const party = await server.socket.joinParty("p.n");
  assert.equal(party.isMember, true);
  const heard = hears(party, "joined", "lost", "resumed", "closed");
  const resumed = once(party, "resumed");
  server.lose();
  assert.equal(party.isMember, false);
  await resumed;
  assert.equal(party.isMember, true);
  isThere = false;
  const closed = once(party, "closed");
  server.lose();
  const error = await closed;
  assert.deepEqual(heard, [["lost"], ["resumed"], ["lost"], ["closed", error]]);
  assert.deepEqual([error.code, error.message], [3, "Party not found"]);
  server.socket.close();
});

test("a channel is joined, talked in, taken back and left", async () => {
  const server = await connected((message) =>
    message.channel_join ? [
      { channel: { id: "2...lobby", self: ANA, presences: [BEA] } },
      { channel_presence_event: { channel_id: "2...lobby", joins: [ANA] } },
    ] : message.channel_message_send ? [{ channel_message_ack: { message_id: "m1" } }] : [{}]);
  const channel = await server.socket.joinChannel({ room: "lobby" }, { persistence: false });
  const join = { channel_join: { target: "lobby", type: 1, persistence: false, hidden: false } };
  assert.deepEqual(server.last(), join);
  assert.deepEqual([...channel.presences.keys()].sort(), ["s1", "s2"]);
  const heard = hears(channel, "message", "presence", "lost", "closed");
  assert.equal(await channel.send({ text: "hi" }), "m1");
  assert.deepEqual(server.last(), { channel_message_send: { channel_id: "2...lobby", content: '{"text":"hi"}' } });
  server.push(
    { channel_message: { channel_id: "2...lobby", message_id: "m1", username: "bea", content: '{"text":"hi"}' } },
    { channel_presence_event: { channel_id: "2...lobby", leaves: [BEA] } },
  );
  const said = { channel_id: "2...lobby", message_id: "m1", username: "bea", code: 0, content: { text: "hi" } };
  assert.deepEqual(heard.splice(0), [["message", said], ["presence", [], [BEA]]]);
  server.lose();
  await once(channel, "resumed");
  assert.deepEqual(server.last(), join);
  await channel.update("m1", { text: "ho" });
  assert.deepEqual(server.last(), {
    channel_message_update: { channel_id: "2...lobby", message_id: "m1", content: '{"text":"ho"}' },
  });
  await channel.remove("m1");
  assert.deepEqual(server.last(), { channel_message_remove: { channel_id: "2...lobby", message_id: "m1" } });
  await channel.leave();
  assert.deepEqual(server.last(), { channel_leave: { channel_id: "2...lobby" } });
  assert.deepEqual(heard, [["lost"], ["presence", [ANA], []], ["closed", null]]);
  for (const [target, type] of [["user", 2], ["group", 3]]) {
    await server.socket.joinChannel({ [target]: "id" });
    assert.deepEqual(server.last().channel_join, { target: "id", type, persistence: true, hidden: false });
  }
  server.socket.close();
});

test("a closed socket ends all places, and what is read wrong is the asker's failure", async () => {
  const server = await connected(() => [{}, { party: PARTY }]);
  const party = await server.socket.joinParty("p.n");
  const read = server.socket.request({ rpc: {} }, () => {
    throw new TypeError("unreadable");
  });
  await assert.rejects(read, TypeError);
  const closed = once(party, "closed");
  server.socket.close();
  assert.equal((await closed).code, LOCAL.DISCONNECTED);
});
