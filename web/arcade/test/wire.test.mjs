import assert from "node:assert/strict";
import { test } from "node:test";
import { gameOf, matchedIn, qualityIn, snapshotIn, wish } from "../lobby/wire.js";

const presence = (name) => ({ user_id: name, session_id: `s-${name}`, username: name });

test("a ticket asks for its own mode only", () => {
  assert.deepEqual(wish({ game: "arena", min: 2, max: 4 }), {
    min_count: 2, max_count: 4, query: "+properties.mode:arena", string_properties: { mode: "arena" },
  });
});

test("a match is read, with and without what JSON leaves out", () => {
  const users = ["a", "b"].map((name) => ({ presence: presence(name) }));
  const matched = { ticket: "t", match_id: "m", users, self: { ...users[1], string_properties: { mode: "arena" } } };
  assert.deepEqual(matchedIn(matched), {
    matchId: "m", mode: "arena", ownSession: "s-b",
    players: [{ sessionId: "s-a", userId: "a", username: "a" }, { sessionId: "s-b", userId: "b", username: "b" }],
  });
  assert.deepEqual(matchedIn({ ticket: "t", token: "x", users: [], self: users[0] }), { matchId: "", mode: "", ownSession: "s-a", players: [] });
});

test("a quality is read, with and without what JSON leaves out", () => {
  const full = { ticket: "t", wait_ms: 5, favourite_wins: 0, region: "r", rtt_ms_min: 1, rtt_ms_max: 2 };
  assert.deepEqual(qualityIn(full), { waitMs: 5, favouriteWins: 0, region: "r", rttMinMs: 1, rttMaxMs: 2 });
  assert.deepEqual(qualityIn({ ticket: "t" }), { waitMs: 0, favouriteWins: null, region: "", rttMinMs: 0, rttMaxMs: 0 });
});

test("a party is read in the order of its members", () => {
  const presences = new Map(["a", "b"].map((name) => [`s-${name}`, presence(name)]));
  const { id, leader, self, members } = snapshotIn({ partyId: "p", leader: presence("b"), self: presence("a"), presences });
  assert.deepEqual([id, leader, self, members.map((member) => member.userId)], ["p", "s-b", "s-a", ["a", "b"]]);
});

test("a room's label tells its game, if it is one that does", () => {
  assert.deepEqual(['{"game":"arena","name":"x"}', "{}", "null", "", "text"].map(gameOf), ["arena", "", "", "", ""]);
});
