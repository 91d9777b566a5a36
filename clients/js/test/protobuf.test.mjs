// The protobuf format against the server's own encoder, whose lines are in files, against the JSON format, and against
// bytes that are no messages.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { jsonCodec, protobufCodec } from "../codec.js";
import { decodeMessage, encodeMessage } from "../protobuf.js";
import { Socket } from "../socket.js";

const lines = (name) => readFileSync(new URL(`../../../crates/wire/golden/v1/${name}`, import.meta.url), "utf8").split("\n");
const bytesOf = (hex) => Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (pair) => parseInt(pair, 16));
const hexOf = (bytes) => Buffer.from(bytes).toString("hex");
const decode = (hex) => protobufCodec.decode(bytesOf(hex).buffer);

/** Every message of the socket: its JSON, and the bytes that the server makes of it. */
const CORPUS = lines("envelopes.jsonl")
  .map((json, i) => ({ json, hex: lines("envelopes.hex")[i] }))
  .filter(({ json }) => json);

/** Fields that no message has, of every kind, groups within a group among them. */
const UNKNOWN = "b8fa0405" + "b9fa040102030405060708" + "bafa0403616263" + "bdfa0401020304" + "bbfa04" + "0801" + "1314" + "bcfa04";

function* chance(seed) {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state >>> 8;
  }
}

test("both formats make the same of every message", () => {
  assert.ok(CORPUS.length > 100);
  for (const { json, hex } of CORPUS) {
    const envelope = jsonCodec.decode(json);
    assert.deepEqual(decode(hex), envelope, json);
    assert.equal(hexOf(protobufCodec.encode(envelope)), hex, json);
    assert.deepEqual(jsonCodec.decode(jsonCodec.encode(envelope)), envelope, json);
  }
});

test("unknown fields are passed over, at the top and within", () => {
  for (const { json, hex } of CORPUS) assert.deepEqual(decode(UNKNOWN + hex + UNKNOWN), jsonCodec.decode(json), json);
  const delimited = (tag, hex) => tag + (hex.length / 2).toString(16).padStart(2, "0") + hex;
  const within = delimited("62", delimited("32", `0a027531${UNKNOWN}`) + UNKNOWN);
  assert.deepEqual(decode(within), { match: { self: { user_id: "u1" } } });
});

test("fields at their default are as if they were absent", () => {
  assert.deepEqual(decodeMessage("Party", bytesOf("0a00" + "1000" + "2000" + "4200")), {});
  assert.deepEqual(decodeMessage("Party", bytesOf("0a0161" + "0a00" + "1001" + "1000")), {});
  const empty = { op_code: 0, data: new Uint8Array(0) };
  for (const carrier of ["match_data", "room_data", "party_data"]) {
    assert.deepEqual(protobufCodec.decode(protobufCodec.encode({ [carrier]: {} }).buffer), { [carrier]: empty });
    assert.deepEqual(jsonCodec.decode(`{"${carrier}":{}}`), { [carrier]: empty });
  }
  const defaults = { match_create: { name: "" }, cid: "", error: undefined, ping: null };
  assert.equal(hexOf(protobufCodec.encode(defaults)), hexOf(protobufCodec.encode({ match_create: {} })));
});

test("a message in two parts is one, and the last member of a oneof counts", () => {
  const parts = [{ match: { match_id: "m", presences: [{}] } }, { match: { size: 2, presences: [{ user_id: "u" }] } }];
  const joined = parts.map((part) => hexOf(protobufCodec.encode(part))).join("");
  assert.deepEqual(decode(joined).match, { match_id: "m", size: 2, presences: [{}, { user_id: "u" }] });
  const both = [{ cid: "1", ping: {} }, { pong: {} }].map((part) => hexOf(protobufCodec.encode(part))).join("");
  assert.deepEqual(decode(both), { cid: "1", pong: {} });
  assert.deepEqual(decodeMessage("MatchJoin", bytesOf("0a016d" + "1200")), { token: "" });
});

test("64-bit integers are the nearest numbers in both formats", () => {
  const number = (/** @type {bigint} */ value) => {
    let hex = "18";
    let rest = BigInt.asUintN(64, value);
    for (; rest > 127n; rest >>= 7n) hex += Number((rest & 127n) | 128n).toString(16).padStart(2, "0");
    return hex + Number(rest).toString(16).padStart(2, "0");
  };
  for (const value of [0n, 1n, -1n, 2n ** 31n, -(2n ** 32n) - 1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
    const expected = jsonCodec.decode(`{"match_data":{"op_code":"${value}"}}`).match_data.op_code;
    assert.equal(decodeMessage("MatchData", bytesOf(number(value))).op_code, expected, String(value));
  }
});

test("lengths at the edges of what their bytes hold", () => {
  for (const length of [0, 1, 63, 127, 128, 1023, 1024, 16_383, 16_384, 2_097_151, 2_097_152]) {
    const data = new Uint8Array(length).map((_, i) => i);
    const message = { match_id: "x".repeat(1 + (length % 300)), presence: { username: "é" }, op_code: length, data };
    assert.deepEqual(protobufCodec.decode(protobufCodec.encode({ match_data: message }).buffer), { match_data: message });
  }
});

test("a map's key may be any text", () => {
  const context = JSON.parse('{"__proto__":"x","constructor":"y","":""}');
  const { error } = protobufCodec.decode(protobufCodec.encode({ error: { context } }).buffer);
  assert.deepEqual(Object.entries(error.context), Object.entries(context));
  assert.equal(Object.getPrototypeOf(error.context), Object.prototype);
});

test("what is no message is refused, by a word that says where", () => {
  const refused = (hex, why) => assert.throws(() => decode(hex), { name: "TypeError", message: why }, hex);
  refused("0a", "malformed message at byte 1: it ends too early");
  refused("0a0261", "malformed message at byte 2: it ends too early");
  refused("0affffffff0f61", "malformed message at byte 6: it ends too early");
  refused("0affffffffffffffff7f61", "malformed message at byte 10: it ends too early");
  refused("0a01ff", "malformed message at byte 3: text is not UTF-8");
  refused("0801", "malformed message at byte 1: cid of Envelope is of another kind");
  refused("0201", "malformed message at byte 1: no field's number");
  refused("ffffffffffffffffff02", "malformed message at byte 10: a number is too long");
  refused("ffffffffffffffffff8001", "malformed message at byte 10: a number is too long");
  refused("bbfa04", "malformed message at byte 3: it ends too early");
  refused("bbfa0414", "malformed message at byte 4: a group ends that did not begin");
  refused("bcfa04", "malformed message at byte 3: unknown kind 4");
  refused("befa04", "malformed message at byte 3: unknown kind 6");
  refused("bbfa04".repeat(100_000), "malformed message at byte 303: unknown kind 3");
  // The pong within says that it is longer than what it is in.
  refused("8a02020a05616263", "malformed message at byte 5: it ends too early");
  assert.throws(() => protobufCodec.decode("{}"), TypeError);
});

test("no prefix and no noise does anything but decode or be refused", () => {
  const random = chance(7);
  const attempt = (/** @type {Uint8Array} */ bytes) => {
    try {
      return protobufCodec.decode(bytes.slice().buffer);
    } catch (thrown) {
      assert.ok(thrown instanceof TypeError && thrown.message.startsWith("malformed message at byte "), String(thrown));
      return null;
    }
  };
  for (const { json, hex } of CORPUS) {
    const bytes = bytesOf(hex);
    const whole = jsonCodec.decode(json);
    for (let end = 0; end < bytes.length; end += 1) assert.notDeepEqual(attempt(bytes.subarray(0, end)), whole);
    for (let i = 0; i < 100; i += 1) {
      const noisy = bytes.slice();
      for (let n = 0; n < 3 && noisy.length > 0; n += 1) noisy[random.next().value % noisy.length] = random.next().value;
      attempt(noisy);
    }
  }
});

test("what the protocol has no word for is not sent", () => {
  const refused = (envelope, message) => assert.throws(() => protobufCodec.encode(envelope), { name: "TypeError", message });
  refused({ telepathy: {} }, "Envelope has no field telepathy");
  refused({ match_join: { matchId: "m" } }, "MatchJoin has no field matchId");
  refused({ cid: 7 }, "cid of Envelope: text expected");
  refused({ ping: 1 }, "ping of Envelope: an object expected");
  refused({ status_follow: { user_ids: "u" } }, "user_ids of StatusFollow: a list expected");
  refused({ room_data: { room: -1 } }, "room of RoomData: a whole number from 0 to 4294967295 expected");
  refused({ room_data: { op_code: 0.5 } }, /^op_code of RoomData: a whole number from /);
  refused({ room_data: { data: [1] } }, "data of RoomData: a Uint8Array expected");
  refused({ party_create: { open: 1 } }, "open of PartyCreate: true or false expected");
  refused({ matchmaker_add: { numeric_properties: { a: "1" } } }, "value of double: a number expected");
  refused({ notifications: { notifications: [{ create_time: "now" }] } }, "create_time of Notification: a time expected");
});

test("a socket speaks protobuf unless it is told otherwise", async () => {
  const asked = [];
  for (const options of [{}, { format: "protobuf" }, { format: "json" }]) {
    const address = async ({ format }) => {
      asked.push(format);
      return "ws://x";
    };
    const sent = [];
    const transport = { send: (frame) => sent.push(frame), close() {} };
    const socket = new Socket(address, { ...options, open: () => transport });
    const errors = [];
    socket.on("error", (error) => errors.push(error));
    const connected = socket.connect();
    await new Promise((resolve) => setImmediate(resolve));
    transport.onopen();
    await connected;
    assert.equal(typeof sent[0], options.format === "json" ? "string" : "object");
    // A frame that is not understood is told, and the connection lives.
    transport.onmessage({ data: options.format === "json" ? "{" : Uint8Array.of(10).buffer });
    assert.equal(errors.length, 1);
    assert.equal(socket.state, "open");
    socket.close();
  }
  assert.deepEqual(asked, ["protobuf", "protobuf", "json"]);
});
