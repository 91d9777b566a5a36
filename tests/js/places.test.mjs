// Parties, chat and the matchmaker through our own SDK, whose page is the arcade's.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { Client, TagusError } from "../../clients/js/tagus.js";
import { startServer } from "./server.mjs";

let server;
before(async () => {
  server = await startServer("examples/clientrpc");
});
after(async () => {
  await server?.stop();
});

let players = 0;

/** A player whose connection can be cut. Every other one speaks JSON. */
async function player() {
  const format = players++ % 2 === 0 ? "protobuf" : "json";
  const client = new Client({ origin: `http://${server.http}` });
  await client.authenticateDevice(randomUUID());
  const sockets = [];
  const open = (url) => sockets[sockets.push(new WebSocket(url)) - 1];
  const socket = client.createSocket({ format, open, backoffMinMs: 1, backoffMaxMs: 1 });
  await socket.connect();
  return { client, socket, cut: () => sockets.at(-1).terminate() };
}

/** The next event, its arguments as an array. */
function heard(place, event) {
  return new Promise((resolve) => {
    const end = place.on(event, (...args) => {
      end();
      resolve(args);
    });
  });
}

/** Waits for a party that is joined. */
async function member(party) {
  if (!party.isMember) await heard(party, "joined");
  return party;
}

test("friends meet in a party by its code, talk, and are matched", async () => {
  const [ann, bob] = [await player(), await player()];
  const lobby = await ann.socket.createParty({ open: false, maxSize: 2, label: '{"mode":"duel"}' });
  assert.deepEqual([lobby.isLeader, lobby.maxSize, lobby.open], [true, 2, false]);
  const listed = await bob.client.listParties({ query: "label.mode:duel" });
  assert.deepEqual(listed.parties.map((row) => row.party_id), [lobby.partyId]);

  const asking = heard(lobby, "request");
  const guest = await bob.socket.joinParty((await ann.client.partyCode(lobby.partyId)).toLowerCase());
  assert.deepEqual([guest.partyId, guest.isMember], [lobby.partyId, false]);
  const [[asker]] = await asking;
  assert.deepEqual((await lobby.requests()).map((one) => one.user_id), [asker.user_id]);
  const joined = member(guest);
  await lobby.accept(asker);
  await joined;
  assert.deepEqual([guest.isLeader, guest.label, guest.presences.size], [false, '{"mode":"duel"}', 2]);

  const data = heard(lobby, "data");
  guest.send(5, Uint8Array.of(0, 255));
  const [op, bytes, from] = await data;
  assert.deepEqual([op, bytes, from.user_id], [5, Uint8Array.of(0, 255), asker.user_id]);
  const updated = heard(guest, "update");
  await lobby.update({ hidden: true });
  await updated;
  assert.deepEqual([guest.hidden, guest.label], [true, '{"mode":"duel"}']);
  const led = heard(guest, "leader");
  await lobby.promote(asker);
  await led;
  assert.deepEqual([guest.isLeader, lobby.isLeader], [true, false]);

  const cid = await player();
  const told = [ann, bob, cid].map(({ socket }) => heard(socket, "matched"));
  const ticketed = heard(lobby, "ticket");
  const only = randomUUID();
  const wish = {
    min_count: 3, max_count: 3, query: `+properties.only:"${only}"`, string_properties: { only },
  };
  const ticket = await guest.addMatchmaker(wish);
  assert.deepEqual(await ticketed, [ticket]);
  await cid.socket.addMatchmaker(wish);
  const matches = (await Promise.all(told)).map(([matched]) => matched);
  assert.equal(matches[0].self.party_id, lobby.partyId);
  const rooms = [];
  for (const [index, { socket }] of [ann, bob, cid].entries()) rooms.push(await socket.joinMatched(matches[index]));
  assert.equal(new Set(rooms.map((room) => room.matchId)).size, 1);
  const said = heard(rooms[2], "data");
  rooms[0].send(1, Uint8Array.of(7));
  assert.deepEqual((await said).slice(0, 2), [1, Uint8Array.of(7)]);

  const closed = heard(lobby, "closed");
  await guest.close();
  assert.deepEqual(await closed, [null]);
  await assert.rejects(ann.client.partyCode(lobby.partyId), (error) => error instanceof TagusError && error.code === 7);
  for (const { socket } of [ann, bob, cid]) socket.close();
});

test("a cut connection takes its party and channel back", async () => {
  const [ann, bob] = [await player(), await player()];
  const lobby = await ann.socket.createParty();
  const guest = await member(await bob.socket.joinParty(lobby.partyId));
  const name = `room-${randomUUID()}`;
  const [own, other] = [await ann.socket.joinChannel({ room: name }), await bob.socket.joinChannel({ room: name })];
  const first = heard(own, "message");
  const id = await other.send({ text: "hello" });
  assert.deepEqual([(await first)[0].message_id, (await first)[0].content], [id, { text: "hello" }]);

  const resumed = [heard(guest, "resumed"), heard(other, "resumed")];
  bob.cut();
  await Promise.all(resumed);
  assert.deepEqual([guest.isMember, guest.isLeader, guest.presences.size], [true, false, 2]);
  const said = heard(other, "message");
  await own.send({ text: "welcome back" });
  assert.equal((await said)[0].content.text, "welcome back");
  const changed = heard(other, "message");
  await own.remove((await said)[0].message_id);
  assert.equal((await changed)[0].code, 2);
  const { messages } = await bob.client.listChannelMessages(own.id);
  assert.deepEqual(messages.map((message) => message.content.text), ["hello"]);

  // Alone in it, the leader loses the party with the connection.
  await guest.leave();
  const closed = heard(lobby, "closed");
  ann.cut();
  assert.equal((await closed)[0].message, "Party not found");
  for (const { socket } of [ann, bob]) socket.close();
});

test("a room is joined by its code, and private ones only of modes that allow it", async () => {
  const [ann, bob] = [await player(), await player()];
  const { match } = await ann.socket.request({ match_create: {} });
  const room = await bob.socket.join(await ann.client.matchCode(match.match_id));
  assert.equal(room.matchId, match.match_id);
  await assert.rejects(ann.client.openPrivateMatch("none"), { status: 404, code: 5 });
  for (const { socket } of [ann, bob]) socket.close();
});
