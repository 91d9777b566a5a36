import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBase64, encodeBase64, encodeBase64Text } from "../base64.js";
import { Client, queryString } from "../client.js";
import { jsonCodec } from "../codec.js";
import { TagusError } from "../error.js";
import { Session } from "../session.js";

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const token = (claims) => `${part({ alg: "HS256" })}.${part(claims)}.signature`;
const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

/** A fetch that answers from a list and keeps what was asked. */
function scripted(...answers) {
  const asked = [];
  const fetch = async (url, { method, headers, body }) => {
    asked.push({ url, method, authorization: headers.Authorization, body });
    const [status, value] = answers.shift();
    return new Response(typeof value === "string" ? value : JSON.stringify(value), { status });
  };
  return { asked, client: new Client({ origin: "http://host:1/", fetch }) };
}

test("base64 of every length agrees with the platform's", () => {
  for (const length of [0, 1, 2, 3, 255, 8191, 8192, 8193, 20000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 31) & 255);
    assert.equal(encodeBase64(bytes), Buffer.from(bytes).toString("base64"));
    assert.deepEqual(decodeBase64(encodeBase64(bytes)), bytes);
  }
  assert.throws(() => decodeBase64("a"));
  assert.equal(encodeBase64Text("ê:"), Buffer.from("ê:").toString("base64"));
});

test("a session reads its token, names beyond ASCII included", () => {
  const session = new Session(token({ uid: "u", usn: "Zêzere?>", exp: 100 }));
  assert.deepEqual([session.userId, session.username, session.expiresUnixMs], ["u", "Zêzere?>", 100_000]);
  assert.deepEqual([session.isExpired(99_999), session.isExpired(100_000), session.isExpired(90_000, 10_000)], [false, true, true]);
  assert.throws(() => new Session("a.b"), TypeError);
});

test("data crosses the JSON codec as bytes", () => {
  const sent = { match_data_send: { match_id: "m", op_code: 4, data: Uint8Array.of(0, 255) } };
  assert.equal(jsonCodec.encode(sent), '{"match_data_send":{"match_id":"m","op_code":"4","data":"AP8="}}');
  const got = jsonCodec.decode('{"match_data":{"match_id":"m","op_code":"17","data":"AP8="}}');
  assert.deepEqual(got.match_data, { match_id: "m", op_code: 17, data: Uint8Array.of(0, 255) });
  assert.deepEqual(jsonCodec.decode('{"match_data":{"match_id":"m"}}').match_data.data, new Uint8Array(0));
  const party = { party_data_send: { party_id: "p", op_code: 1, data: Uint8Array.of(255) } };
  assert.equal(jsonCodec.encode(party), '{"party_data_send":{"party_id":"p","op_code":"1","data":"/w=="}}');
  const short = jsonCodec.decode('{"room_data":{"room":1,"op_code":"-1"}}').room_data;
  assert.deepEqual(short, { room: 1, op_code: -1, data: new Uint8Array(0) });
  for (const bad of ["", "null", "3", new ArrayBuffer(1)]) assert.throws(() => jsonCodec.decode(bad));
});

test("query parameters repeat and undefined ones are left out", () => {
  assert.equal(queryString({ ids: ["a", "b"], create: true, username: undefined }), "?ids=a&ids=b&create=true");
  assert.equal(queryString({}), "");
});

test("logging in uses the server key and fills the session", async () => {
  const { asked, client } = scripted([200, { token: token({ uid: "u", exp: inSeconds(3600) }), created: true }]);
  const session = await client.authenticateDevice("device-id-1", { username: "n" });
  assert.equal(session.created, true);
  assert.deepEqual(asked, [{
    url: "http://host:1/v2/account/authenticate/device?create=true&username=n",
    method: "POST",
    authorization: `Basic ${Buffer.from("defaultkey:").toString("base64")}`,
    body: '{"id":"device-id-1"}',
  }]);
});

test("an old token is renewed once for all who wait", async () => {
  const fresh = token({ uid: "u", exp: inSeconds(3600) });
  const { asked, client } = scripted([200, { token: fresh }], [200, { user: {} }], [200, { user: {} }]);
  client.resume(new Session(token({ exp: inSeconds(5) }), token({ exp: inSeconds(9999) })));
  await Promise.all([client.getAccount(), client.getAccount()]);
  assert.deepEqual(asked.map((a) => a.url.split("/v2")[1]), ["/account/session/refresh", "/account", "/account"]);
  assert.equal(asked[1].authorization, `Bearer ${fresh}`);
});

test("a refused renewal repeats the login", async () => {
  const soon = { token: token({ exp: inSeconds(5) }), refresh_token: token({ exp: inSeconds(9999) }) };
  const { asked, client } = scripted([200, soon], [401, { code: 16, message: "no" }], [200, { token: token({ exp: inSeconds(3600) }) }]);
  await client.authenticateCustom("custom-id");
  await client.validSession();
  assert.deepEqual(asked.map((a) => a.url.match(/custom|refresh/)[0]), ["custom", "refresh", "custom"]);
});

test("codes, private matches, parties and what was said are asked for", async () => {
  const { asked, client } = scripted(
    [200, { code: "B7KMQ2" }], [200, {}], [200, { code: "M" }], [200, { match_id: "m", code: "C" }],
    [200, {}], [200, { messages: [{ message_id: "1", content: '{"text":"hi"}' }], next_cursor: "n" }],
  );
  client.resume(new Session(token({ exp: inSeconds(3600) })));
  assert.equal(await client.partyCode("p.n/1"), "B7KMQ2");
  await client.revokePartyCode("p");
  assert.equal(await client.matchCode("m."), "M");
  assert.deepEqual(await client.openPrivateMatch("arena"), { match_id: "m", code: "C" });
  assert.deepEqual(await client.listParties({ open: true, query: "label.mode:duel" }), { parties: [], cursor: "" });
  const said = await client.listChannelMessages("2...room", { forward: false });
  assert.deepEqual(said, {
    messages: [{ message_id: "1", code: 0, content: { text: "hi" } }],
    next_cursor: "n", prev_cursor: "", cacheable_cursor: "",
  });
  assert.deepEqual(asked.map(({ method, url }) => `${method} ${url.split("/v2/")[1]}`), [
    "GET x/party/p.n%2F1/code", "DELETE x/party/p/code", "GET x/match/m./code", "POST x/match/arena",
    "GET party?open=true&query=label.mode%3Aduel", "GET channel/2...room?forward=false",
  ]);
});

test("friends, stored objects and ratings are asked for", async () => {
  const friend = { user: { id: "f" }, state: 0 };
  const { asked, client } = scripted(
    [200, { friends: [friend] }], [200, {}], [200, { objects: [{ key: "k", value: '{"a":[1]}' }] }], [200, {}], [200, { ordinal: 3 }],
  );
  client.resume(new Session(token({ exp: inSeconds(3600) })));
  assert.deepEqual(await client.listFriends({ state: 0, limit: 20 }), { friends: [friend], cursor: "" });
  assert.deepEqual(await client.listFriends(), { friends: [], cursor: "" });
  const id = { collection: "c", key: "k", user_id: "u" };
  assert.deepEqual(await client.readStorageObjects([id]), [{ key: "k", value: { a: [1] } }]);
  assert.deepEqual(await client.readStorageObjects([]), []);
  assert.deepEqual(await client.getRating("a b"), { ordinal: 3 });
  assert.deepEqual(asked.map(({ method, url }) => `${method} ${url.split("/v2/")[1]}`), [
    "GET friend?state=0&limit=20", "GET friend", "POST storage", "POST storage", "GET x/rating/a%20b",
  ]);
  assert.equal(asked[2].body, JSON.stringify({ object_ids: [id] }));
});

test("the matchmaker's figures are asked for", async () => {
  const { asked, client } = scripted([200, { ticket_count: 2 }]);
  client.resume(new Session(token({ exp: inSeconds(3600) })));
  assert.deepEqual(await client.getMatchmakerStats(), { ticket_count: 2 });
  assert.equal(asked[0].url, "http://host:1/v2/matchmaker/stats");
});

test("the server's error is told; an answer that is not the API's is an error too", async () => {
  const { client } = scripted([404, { code: 5, message: "not found" }], [502, "<html>"]);
  client.resume(new Session(token({ exp: inSeconds(3600) })));
  await assert.rejects(client.rpc("x"), (e) => e instanceof TagusError && e.code === 5 && e.status === 404);
  await assert.rejects(client.rpc("x"), (e) => e instanceof TagusError && e.code < 0 && e.status === 502);
});
