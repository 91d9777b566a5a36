// The frames that the server's tests freeze in files, through this SDK: what it sends is what the files say, and what
// the files say is what it understands.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { CODECS } from "../codec.js";
import { Socket } from "../socket.js";

const FOLDER = new URL("../../../crates/wire/golden/v1/", import.meta.url);
const file = (name) => readFileSync(new URL(name, FOLDER), "utf8").trim();
const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** A frame of a file as it comes from the wire. */
const FRAMES = {
  json: (name) => file(`${name}.json`),
  protobuf: (name) => bytesOf(file(`${name}.hex`)).buffer,
};

const ANA = { user_id: "u1", session_id: "s1", username: "ana" };
const BYTES = Uint8Array.of(0, 255, 97, 98);

/** Frames of the server, and what the SDK makes of them. */
const FROM_SERVER = {
  error: { cid: "9", error: { code: 4, message: "Match not found" } },
  match: { cid: "6", match: { match_id: "m1.", label: "", size: 1, presences: [ANA], self: ANA } },
  match_data: { match_data: { match_id: "m1.", presence: ANA, op_code: 300, data: BYTES, reliable: true } },
  match_quality: {
    match_quality: {
      ticket: "t1", wait_ms: 250, wait_ms_max: 3000, favourite_wins: 0.625, region: "east", rtt_ms_min: 20, rtt_ms_max: 45,
      teams: [{ session_ids: ["s1"] }, { session_ids: ["s2"] }], mode: "duel",
    },
  },
  match_presence_event: { match_presence_event: { match_id: "m1.", joins: [ANA], leaves: [{ ...ANA, session_id: "s0" }] } },
  pong: { cid: "1", pong: {} },
  room_data: { room_data: { room: 7, op_code: -1, data: Uint8Array.of(97, 98, 99), class: 2 } },
};
/** Frames of a client, in the order in which the conversation below sends them. */
const FROM_CLIENT = ["ping", "match_join", "match_data_send", "rpc", "match_leave"];

/** Frames of a client that are more than this SDK says in one go. */
const OF_CLIENT = {
  room_data_applied: { room_data: { room: 7, op_code: -1, data: Uint8Array.of(97, 98, 99), class: 2, applied_tick: 1_000 } },
};

test("every golden frame is known here", () => {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -5));
  assert.deepEqual(names.sort(), [...Object.keys(FROM_SERVER), ...FROM_CLIENT, ...Object.keys(OF_CLIENT)].sort());
});

for (const format of /** @type {const} */ (["json", "protobuf"])) {
  const { encode, decode } = CODECS[format];
  const frame = FRAMES[format];
  /** What was sent, as it would come from the wire. */
  const raw = (sent) => (typeof sent === "string" ? sent : sent.buffer);

  test(`golden frames of the server are decoded from ${format}`, () => {
    for (const [name, envelope] of Object.entries(FROM_SERVER)) assert.deepEqual(decode(frame(name)), envelope, name);
  });

  test(`golden frames of a client are encoded as ${format}`, () => {
    for (const [name, envelope] of Object.entries(OF_CLIENT)) assert.deepEqual(raw(encode(envelope)), frame(name), name);
  });

  test(`a conversation in ${format} is made of golden frames`, async () => {
    const sent = [];
    const transport = { send: (data) => sent.push(raw(data)), close() {} };
    const socket = new Socket(async () => "ws://x", { format, open: () => transport, pingEveryMs: 1e9 });
    const receive = (name, cid) => {
      const envelope = decode(frame(name));
      transport.onmessage({ data: raw(encode(cid ? { ...envelope, cid } : envelope)) });
    };
    const heard = [];
    socket.on("ping", () => heard.push("ping"));
    socket.on("error", (error) => heard.push([error.code, error.message]));
    socket.on("push", (envelope) => heard.push(envelope));

    const connected = socket.connect();
    await new Promise((resolve) => setImmediate(resolve));
    transport.onopen();
    await connected;
    receive("pong");

    const joined = socket.join("m1.", { metadata: { team: "red" } });
    receive("match", decode(sent.at(-1)).cid);
    const room = await joined;
    assert.deepEqual([room.matchId, room.label, room.self, [...room.presences.values()]], ["m1.", "", ANA, [ANA]]);
    room.on("data", (op, bytes, presence) => heard.push([op, bytes, presence]));
    room.on("presence", (joins, leaves) => heard.push([joins.length, leaves[0].session_id]));
    receive("match_data");
    receive("match_presence_event");
    // A room whose number was not told is nobody's.
    receive("room_data");
    transport.onmessage({ data: raw(encode({ room_number: { match_id: "m1.", room: 7 } })) });
    receive("room_data");
    receive("error");
    const short = FROM_SERVER.room_data;
    const expected = [short, [-1, short.room_data.data, undefined], [4, "Match not found"]];
    assert.deepEqual(heard, ["ping", [300, BYTES, ANA], [1, "s0"], ...expected]);

    room.send(300, BYTES);
    for (const asked of [socket.rpc("echo", '{"a":1}'), room.leave()]) asked.catch(() => {});
    socket.close();
    assert.deepEqual(sent.map(decode), FROM_CLIENT.map((name) => decode(frame(name))));
  });
}
