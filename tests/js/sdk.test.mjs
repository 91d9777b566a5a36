// The published SDK, unmodified, against a running server: what its users rely on.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { Session } from "@heroiclabs/nakama-js";
import { FORMATS, Player, clientOf, unique } from "./player.mjs";
import { startServer } from "./server.mjs";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DAY_S = 86_400;

let server;
before(async () => {
  server = await startServer("examples/clientrpc");
});
after(async () => {
  await server?.stop();
});

describe("login", () => {
  test("a device makes an account, and finds it again", async () => {
    const client = clientOf(server);
    const [device, username] = [unique("device"), unique("player")];
    const session = await client.authenticateDevice(device, true, username, { team: "red" });
    assert.equal(session.created, true);
    assert.equal(session.username, username);
    assert.match(session.user_id, UUID);
    assert.deepEqual(session.vars, { team: "red" });
    assert.equal(session.isexpired(Date.now() / 1000), false);
    near(session.expires_at - session.created_at, 3_600);
    near(session.refresh_expires_at - session.created_at, 30 * DAY_S);

    const again = await client.authenticateDevice(device, false);
    assert.equal(again.created, false);
    assert.equal(again.user_id, session.user_id);
    assert.equal(again.username, username);
  });

  test("refusals have the protocol's status and code", async () => {
    const client = clientOf(server);
    const taken = unique("player");
    await client.authenticateDevice(unique("device"), true, taken);
    await refused(client.authenticateDevice(unique("device"), false), 404, 5);
    await refused(client.authenticateDevice(unique("device"), true, taken), 409, 6);
    await refused(client.authenticateDevice("short", true), 400, 3);
    const stranger = clientOf(server, "not the key");
    await assert.rejects(stranger.authenticateDevice(unique("device")), { status: 401 });
  });

  test("a custom id and an email with its password", async () => {
    const client = clientOf(server);
    const custom = unique("custom");
    const first = await client.authenticateCustom(custom, true);
    const second = await client.authenticateCustom(custom, false);
    assert.equal(first.user_id, second.user_id);

    const email = `${randomUUID()}@example.org`;
    const made = await client.authenticateEmail(email, "a long password", true);
    const found = await client.authenticateEmail(email, "a long password", false);
    assert.equal(made.user_id, found.user_id);
    await refused(client.authenticateEmail(email, "another password", false), 401, 16);
  });

  test("a refresh keeps the player logged in", async () => {
    const client = clientOf(server);
    const session = await client.authenticateDevice(unique("device"));
    const user = session.user_id;
    const refreshed = await client.sessionRefresh(session);
    assert.equal(refreshed.user_id, user);
    near(refreshed.expires_at - Date.now() / 1000, 3_600);
    const account = await client.getAccount(refreshed);
    assert.equal(account.user.id, user);

    session.refresh_token = session.token;
    await assert.rejects(client.sessionRefresh(session), { status: 401 });
  });
});

describe("a session", () => {
  test("refreshed with new variables, it has them", async () => {
    const client = clientOf(server);
    const session = await client.authenticateDevice(unique("device"), true, undefined, { a: "1" });
    const kept = await client.sessionRefresh(session);
    assert.deepEqual(kept.vars, { a: "1" });
    const changed = await client.sessionRefresh(kept, { b: "2" });
    assert.equal(changed.vars.b, "2");
  });

  test("kept by the player's device, it still logs in", async () => {
    const client = clientOf(server);
    const made = await client.authenticateDevice(unique("device"), true);
    const session = Session.restore(made.token, made.refresh_token);
    assert.equal(session.user_id, made.user_id);
    assert.equal((await client.getAccount(session)).user.id, made.user_id);
    const player = await Player.connect(client, session, "json");
    player.leave();
  });
});

describe("account", () => {
  test("get, update, delete", async () => {
    const client = clientOf(server);
    const device = unique("device");
    const session = await client.authenticateDevice(device, true);
    const fields = {
      display_name: "Ana Ó",
      avatar_url: "https://example.org/a.png",
      lang_tag: "pt",
      location: "Lisboa",
      timezone: "Europe/Lisbon",
    };
    assert.equal(await client.updateAccount(session, fields), true);
    const account = await client.getAccount(session);
    assert.equal(account.user.id, session.user_id);
    assert.equal(account.user.username, session.username);
    assert.deepEqual(account.devices, [{ id: device }]);
    for (const [name, value] of Object.entries(fields)) assert.equal(account.user[name], value);

    await client.deleteAccount(session);
    await refused(client.authenticateDevice(device, false), 404, 5);
  });

  test("users by id and by name; strangers are left out", async () => {
    const client = clientOf(server);
    const [ana, rui] = await Promise.all([
      client.authenticateDevice(unique("device"), true, unique("ana")),
      client.authenticateDevice(unique("device"), true, unique("rui")),
    ]);
    const { users } = await client.getUsers(ana, [ana.user_id, randomUUID()], [rui.username]);
    const names = users.map((user) => user.username).sort();
    assert.deepEqual(names, [ana.username, rui.username].sort());
  });
});

describe("rpc over HTTP", () => {
  test("a function of the server echoes its payload", async () => {
    const client = clientOf(server);
    const session = await client.authenticateDevice(unique("device"));
    const answer = await client.rpc(session, "clientrpc.rpc", { text: "olá", list: [1, 2] });
    assert.deepEqual(answer.payload, { text: "olá", list: [1, 2] });
    await refused(client.rpc(session, "clientrpc.absent", {}), 404, 5);
  });

  test("with the http key, without a player", async () => {
    const client = clientOf(server);
    const answer = await client.rpcHttpKey("defaulthttpkey", "clientrpc.rpc_get");
    assert.deepEqual(answer.payload, { message: "PONG" });
    await assert.rejects(client.rpcHttpKey("not the key", "clientrpc.rpc_get"), { status: 401 });
  });
});

for (const format of Object.keys(FORMATS)) {
  describe(`socket, ${format}`, () => {
    test("logout closes the login's sockets and refuses its tokens", async () => {
      const player = await Player.join(server, format);
      const { client, session } = player;
      const other = await Player.join(server, format);
      await client.sessionLogout(session, session.token, session.refresh_token);
      await player.closed;
      await assert.rejects(client.getAccount(session), { status: 401 });
      await assert.rejects(Player.connect(client, session, format), { message: /401/ });
      await assert.rejects(client.sessionRefresh(session), { status: 401 });

      // Somebody else's login is untouched.
      assert.equal((await other.client.getAccount(other.session)).user.id, other.session.user_id);
      assert.equal((await other.socket.rpc("clientrpc.rpc", "{}")).payload, "{}");
      other.leave();
    });

    test("a token of nobody opens no socket", async () => {
      const client = clientOf(server);
      const session = await client.authenticateDevice(unique("device"));
      session.token = `${session.token.slice(0, -6)}AAAAAA`;
      await assert.rejects(Player.connect(client, session, format), { message: /401/ });
    });

    test("rpc", async () => {
      const player = await Player.join(server, format);
      const payload = JSON.stringify({ text: "olá" });
      assert.equal((await player.socket.rpc("clientrpc.rpc", payload)).payload, payload);
      const get = await player.socket.rpc("clientrpc.rpc_get");
      assert.deepEqual(JSON.parse(get.payload), { message: "PONG" });
      await assert.rejects(player.socket.rpc("clientrpc.absent", ""), { code: 6 });
      player.leave();
    });

    test("two players in a relayed match", async () => {
      const [ana, rui] = await pair(format);
      const match = await ana.socket.createMatch();
      assert.match(match.match_id.slice(0, -1), UUID);
      assert.equal(match.match_id.at(-1), ".");
      assert.equal(match.authoritative ?? false, false);
      assert.equal(match.size, 1);
      assert.equal(match.self.user_id, ana.session.user_id);
      await ana.presence(match.match_id, "joins", ana);
      assert.deepEqual(ana.kinds(), ["match", "match_presence_event"]);

      const joined = await rui.socket.joinMatch(match.match_id);
      assert.equal(joined.size, 2);
      assert.deepEqual(ids(joined.presences), [ana.session.user_id]);
      assert.equal(joined.self.user_id, rui.session.user_id);
      await rui.presence(match.match_id, "joins", rui);
      assert.deepEqual(rui.kinds(), ["match", "match_presence_event"]);
      await ana.presence(match.match_id, "joins", rui);

      await relays(ana, rui, match);

      await rui.socket.leaveMatch(match.match_id);
      await ana.presence(match.match_id, "leaves", rui);
      // Who left may come back, and a lost connection is a leave.
      await rui.socket.joinMatch(match.match_id);
      await ana.until("second join", () => joins(ana, rui) === 2);
      ana.leave();
      await rui.presence(match.match_id, "leaves", ana);
      rui.leave();
    });

    // The published protobuf adapter does not send the name.
    const byName = format === "json";
    test(byName ? "a match by name is the same for both" : "a match without a name is new", async () => {
      const [ana, rui] = await pair(format);
      const name = unique("name");
      const first = await ana.socket.createMatch(name);
      const second = await rui.socket.createMatch(name);
      assert.equal(second.match_id === first.match_id, byName);
      assert.equal(second.size, byName ? 2 : 1);
      assert.deepEqual(ids(second.presences), byName ? [ana.session.user_id] : []);
      ana.leave();
      rui.leave();
    });

    test("a match that is not there", async () => {
      const player = await Player.join(server, format);
      await assert.rejects(player.socket.joinMatch(`${randomUUID()}.`), { code: 4 });
      await assert.rejects(player.socket.joinMatch("no match id"), { code: 3 });
      player.leave();
    });

    test("an authoritative match, made by the server", async () => {
      const [ana, rui] = await pair(format);
      const label = unique("label");
      const request = JSON.stringify({ label });
      const made = await ana.socket.rpc("clientrpc.create_authoritative_match", request);
      const { match_id: matchId } = JSON.parse(made.payload);
      assert.match(matchId, /^[0-9a-f-]{36}\..+/);
      const match = await ana.socket.joinMatch(matchId);
      assert.equal(match.authoritative, true);
      assert.equal(match.label, label);
      await rui.socket.joinMatch(matchId, undefined, { from: "the test" });
      await ana.presence(matchId, "joins", rui);

      // The game of the example sends what it gets back to everybody, in its sender's name.
      await ana.socket.sendMatchState(matchId, 6, "to the game");
      const expected = { from: ana.session.user_id, text: "to the game" };
      assert.deepEqual(await ana.data(matchId, 6), expected);
      assert.deepEqual(await rui.data(matchId, 6), expected);

      await listed(ana, { authoritative: true, label, size: 2 }, matchId);
      await rui.socket.leaveMatch(matchId);
      await ana.presence(matchId, "leaves", rui);
      ana.leave();
      rui.leave();
    });

    test("relayed matches are listed", async () => {
      const [ana, rui] = await pair(format);
      const { match_id: matchId } = await ana.socket.createMatch();
      await rui.socket.joinMatch(matchId);
      await listed(rui, { authoritative: false, size: 2 }, matchId);
      ana.leave();
      rui.leave();
    });
  });
}

test("both formats meet in one match", async () => {
  const ana = await Player.join(server, "json");
  const rui = await Player.join(server, "protobuf");
  const { match_id: matchId } = await ana.socket.createMatch();
  const joined = await rui.socket.joinMatch(matchId);
  assert.deepEqual(ids(joined.presences), [ana.session.user_id]);
  await ana.presence(matchId, "joins", rui);
  const bytes = new Uint8Array([0, 255, 128, 10]);
  const received = async (player, op) => {
    await player.data(matchId, op);
    const [{ match_data: data }] = player.all("match_data");
    return [...data.data];
  };
  await ana.socket.sendMatchState(matchId, 1, bytes);
  assert.deepEqual(await received(rui, 1), [...bytes]);
  await rui.socket.sendMatchState(matchId, 2, bytes);
  assert.deepEqual(await received(ana, 2), [...bytes]);
  await rui.socket.leaveMatch(matchId);
  await ana.presence(matchId, "leaves", rui);
  ana.leave();
  rui.leave();
});

/** Data goes to all others, or to exactly those who are listed, in the order it was sent. */
async function relays(ana, rui, match) {
  const id = match.match_id;
  await ana.socket.sendMatchState(id, 1, "to all");
  await ana.socket.sendMatchState(id, 2, "to oneself", [match.self]);
  const [other] = ana.all("match_presence_event").flatMap(({ match_presence_event: event }) =>
    (event.joins ?? []).filter((one) => one.user_id === rui.session.user_id),
  );
  await ana.socket.sendMatchState(id, 3, new TextEncoder().encode("to one"), [other]);
  await ana.socket.sendMatchState(id, 4, "to both", [match.self, other]);
  await ana.socket.sendMatchState(id, 5, "");

  const from = ana.session.user_id;
  assert.deepEqual(await rui.data(id, 1), { from, text: "to all" });
  assert.deepEqual(await rui.data(id, 3), { from, text: "to one" });
  assert.deepEqual(await rui.data(id, 5), { from, text: "" });
  assert.deepEqual(await ana.data(id, 2), { from, text: "to oneself" });
  assert.deepEqual(await ana.data(id, 4), { from, text: "to both" });
  assert.deepEqual(ops(rui), [1, 3, 4, 5]);
  // An answer after all of it proves that nothing else is on its way to the sender.
  await ana.socket.rpc("clientrpc.rpc", "{}");
  assert.deepEqual(ops(ana), [2, 4]);
}

/** The match appears in the listing, once its size is known there, and not in one for another size. */
async function listed(player, { authoritative, label, size }, matchId) {
  const list = async (min, max) => {
    const { client, session } = player;
    const { matches } = await client.listMatches(session, 100, authoritative, label, min, max);
    return (matches ?? []).find((match) => match.match_id === matchId);
  };
  const found = await eventually("the match in the listing", () => list(size, size));
  assert.equal(found.size, size);
  assert.equal(found.authoritative ?? false, authoritative);
  if (label !== undefined) assert.equal(found.label, label);
  assert.equal(await list(size + 1, size + 8), undefined);
}

/** A listing may lag behind a join: the id of a match is known before everybody counts its players. */
async function eventually(what, find) {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const found = await find();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`no ${what}`);
}

function pair(format) {
  return Promise.all([Player.join(server, format), Player.join(server, format)]);
}

function joins(player, other) {
  const named = ({ match_presence_event: event }) =>
    (event.joins ?? []).some((one) => one.user_id === other.session.user_id);
  return player.all("match_presence_event").filter(named).length;
}

function ops(player) {
  return player.all("match_data").map(({ match_data: data }) => Number(data.op_code));
}

function ids(presences) {
  return (presences ?? []).map((presence) => presence.user_id);
}

function near(actual, expected) {
  assert.ok(Math.abs(actual - expected) <= 5, `${actual} is not about ${expected}`);
}

/** The SDK rejects with the response itself; its body has the protocol's code and a message. */
async function refused(promise, status, code) {
  const response = await promise.then(
    () => assert.fail(`expected status ${status}`),
    (error) => error,
  );
  assert.equal(response.status, status);
  const body = await response.json();
  assert.equal(body.code, code);
  assert.ok(body.message.length > 0);
}
