import assert from "node:assert/strict";
import { test } from "node:test";
import { describePeople, parseListing, roomAddress } from "../listing.js";

test("rows that cannot be shown are left out, the rest is put in order", () => {
  const listing = parseListing({
    games: [{ id: "arena", title: "Arena", path: "/games/arena/", quick_play: true, private: "x", players_max: 4 }, { id: "bad", path: "javascript:alert(1)" }, null],
    rooms: [{ match_id: "a", size: 1 }, { match_id: "left", size: 0 }, { name: "no id" }, { match_id: "b", name: "B", size: 4, bots: "x", seats_max: -1 }],
  });
  assert.deepEqual(listing.games, [{ id: "arena", title: "Arena", path: "/games/arena/", quickPlay: true, isPrivate: false, playersMax: 4 }]);
  assert.deepEqual(listing.rooms, [
    { matchId: "b", name: "B", game: "", people: 4, bots: 0, seatsMax: 0 },
    { matchId: "a", name: "Match a", game: "", people: 1, bots: 0, seatsMax: 0 },
  ]);
});

test("anything else is an empty listing", () => {
  for (const answer of [null, undefined, 3, {}, { games: {}, rooms: "x" }]) {
    assert.deepEqual(parseListing(answer), { games: [], rooms: [] });
  }
});

test("words and addresses", () => {
  assert.equal(describePeople({ people: 1, bots: 0 }), "1 player");
  assert.equal(describePeople({ people: 0, bots: 1 }), "0 players, 1 bot");
  assert.equal(roomAddress({ id: "g", title: "G", path: "/g/" }, { matchId: "a b" }), "/g/?room=a%20b");
});
