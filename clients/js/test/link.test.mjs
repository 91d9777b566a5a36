import assert from "node:assert/strict";
import { test } from "node:test";
import { LOCAL } from "../error.js";
import { Link } from "../link.js";
import { Socket } from "../socket.js";

function drain(link) {
  const effects = [];
  for (let effect = link.pollEffect(); effect; effect = link.pollEffect()) effects.push(effect);
  return effects;
}

/** A link that is open and has sent its first ping, with cid 1, at 0 ms. */
function opened(options) {
  const link = new Link({ random: () => 1, ...options });
  link.connect(0);
  link.handleOpen(0);
  drain(link);
  return link;
}

test("it dials, opens and measures a ping", () => {
  const link = new Link();
  link.connect(0);
  link.connect(0);
  assert.deepEqual(drain(link).map((e) => e.kind), ["state", "dial"]);
  link.handleOpen(5);
  assert.deepEqual(drain(link).at(-1), { kind: "transmit", envelope: { cid: "1", ping: {} } });
  link.handleEnvelope({ cid: "1", pong: {} }, 45);
  assert.deepEqual(drain(link), [{ kind: "ping", ms: 40 }]);
  assert.equal(link.pollTimeout(), 2045);
});

test("answers find their requests in any order; what nobody asked for is pushed", () => {
  const link = opened();
  const a = link.request({ rpc: { id: "a" } }, 1);
  const b = link.request({ rpc: { id: "b" } }, 1);
  drain(link);
  link.handleEnvelope({ cid: b, rpc: {} }, 2);
  link.handleEnvelope({ cid: a, error: { code: 3, message: "bad" } }, 2);
  link.handleEnvelope({ match_data: {} }, 2);
  link.handleEnvelope({ cid: "77", match: {} }, 2);
  const effects = drain(link);
  assert.deepEqual(effects.map((e) => [e.kind, e.cid]), [["answer", b], ["failure", a], ["push", undefined], ["push", undefined]]);
  assert.equal(effects[1].error.code, 3);
});

test("a request without an answer fails at its time, not before", () => {
  const link = opened({ answerTimeoutMs: 100, pingEveryMs: 1e9, pingTimeoutMs: 1e9 });
  const cid = link.request({ rpc: {} }, 10);
  drain(link);
  assert.equal(link.pollTimeout(), 110);
  link.handleTimeout(109);
  assert.deepEqual(drain(link), []);
  link.handleTimeout(110);
  assert.deepEqual(drain(link).map((e) => [e.kind, e.cid, e.error.code]), [["failure", cid, LOCAL.TIMEOUT]]);
});

test("one request more than the limit is refused", () => {
  const link = opened({ requestsMax: 2 });
  for (let i = 0; i < 3; i++) link.request({ rpc: {} }, 0);
  assert.deepEqual(drain(link).map((e) => e.error?.code ?? e.kind), ["transmit", "transmit", LOCAL.BUSY]);
});

test("a lost connection fails what waits and tries again later and later", () => {
  const link = opened({ backoffMinMs: 100, backoffMaxMs: 350 });
  link.request({ rpc: {} }, 0);
  drain(link);
  let now = 0;
  const pauses = [];
  for (let i = 0; i < 4; i++) {
    link.handleLost(now);
    if (i === 0) assert.deepEqual(drain(link).map((e) => e.kind), ["failure", "state"]);
    pauses.push(link.pollTimeout() - now);
    now = link.pollTimeout();
    link.handleTimeout(now);
    assert.equal(link.state, "connecting");
  }
  assert.deepEqual(pauses, [100, 200, 350, 350]);
  link.handleOpen(now);
  assert.equal(link.failures, 0);
});

test("jitter takes at most half of the pause", () => {
  const link = opened({ backoffMinMs: 100, random: () => 0 });
  link.handleLost(0);
  assert.equal(link.pollTimeout(), 50);
});

test("an unanswered ping and an endless opening both hang up", () => {
  const link = opened({ pingTimeoutMs: 500, connectTimeoutMs: 700, backoffMinMs: 100 });
  link.handleTimeout(500);
  assert.deepEqual(drain(link).map((e) => e.kind), ["hangup", "state"]);
  link.handleTimeout(600);
  link.handleTimeout(1300);
  assert.deepEqual(drain(link).map((e) => e.kind), ["state", "dial", "hangup", "state"]);
});

test("closed is final", () => {
  const link = opened();
  link.close();
  link.close();
  link.handleLost(1);
  link.retry(1);
  link.connect(1);
  assert.deepEqual(drain(link).map((e) => e.kind), ["hangup", "state"]);
  assert.equal(link.pollTimeout(), Infinity);
  assert.equal(link.send({ ping: {} }), false);
});

/** A transport in the place of a WebSocket, answering joins and nothing else. */
class FakeTransport {
  joins = [];
  closed = false;
  constructor(answer) {
    this.answer = answer;
    queueMicrotask(() => this.onopen());
  }
  send(frame) {
    const { cid, match_join } = JSON.parse(frame);
    if (!match_join) return;
    this.joins.push(match_join.match_id);
    queueMicrotask(() => this.onmessage({ data: JSON.stringify({ cid, ...this.answer(match_join.match_id) }) }));
  }
  close() {
    this.closed = true;
  }
}

test("a room is taken back by its id, and by its name after the server forgot the id", async () => {
  const transports = [];
  const answers = [
    () => ({ match: { match_id: "real-1" } }),
    () => ({ match: { match_id: "real-1" } }),
    (id) => (id === "arena" ? { match: { match_id: "real-2" } } : { error: { code: 4, message: "Match not found" } }),
  ];
  const forced = [];
  const address = async ({ force }) => {
    forced.push(force);
    return "ws://x";
  };
  const open = () => transports[transports.push(new FakeTransport(answers[transports.length])) - 1];
  const socket = new Socket(address, { format: "json", open, backoffMinMs: 0, backoffMaxMs: 0 });
  await socket.connect();
  const room = await socket.join("arena");
  const heard = [];
  room.on("lost", () => heard.push("lost"));
  room.on("data", (op, bytes) => heard.push([op, ...bytes]));
  for (let i = 0; i < 2; i++) {
    const resumed = new Promise((resolve) => room.on("resumed", resolve));
    transports.at(-1).onclose();
    await resumed;
  }
  transports.at(-1).onmessage({ data: '{"match_data":{"match_id":"real-2","op_code":"17","data":"AQ=="}}' });
  transports.at(0).onmessage({ data: '{"match_data":{"match_id":"real-2","op_code":"18","data":"AQ=="}}' });
  assert.deepEqual(transports.map((t) => t.joins), [["arena"], ["real-1"], ["real-1", "arena"]]);
  assert.deepEqual(heard, ["lost", "lost", [17, 1]]);
  assert.deepEqual(forced, [false, true, true]);
  socket.close();
  assert.equal(transports.at(-1).closed, true);
  await assert.rejects(socket.connect(), { code: LOCAL.DISCONNECTED });
});
