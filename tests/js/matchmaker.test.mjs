// The matchmaker through the published SDK.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FORMATS, Player, unique } from "./player.mjs";
import { startServer } from "./server.mjs";

let server;
before(async () => {
  server = await startServer("examples/clientrpc", {
    TAGUS_MATCHMAKER__GATHER_MS: "300",
    TAGUS_MATCHMAKER__REGIONS: "east, west",
    TAGUS_MATCHMAKER__MODES:
      '[{ name = "room", game = "echo" }, { name = "teams", team_count = 2, rated = true }]',
  });
});
after(async () => {
  await server?.stop();
});

for (const format of Object.keys(FORMATS)) {
  describe(`over ${format}`, () => {
    for (const size of [2, 4]) {
      test(`${size} players find each other and play`, async () => {
        const all = await players(format, size);
        const only = unique("room");
        const tickets = await Promise.all(all.map((player) => add(player, only, size, size)));
        const matches = await Promise.all(all.map((player) => player.next("matchmaker_matched")));
        const wanted = all.map(({ session }) => session.user_id).sort();
        for (const [at, matched] of matches.entries()) {
          assert.equal(matched.ticket, tickets[at].ticket);
          assert.equal(matched.token, matches[0].token);
          assert.ok(!matched.match_id);
          assert.deepEqual(matched.users.map(userId).sort(), wanted);
          assert.equal(userId(matched.self), all[at].session.user_id);
          assert.equal(matched.self.string_properties.only, only);
          assert.equal(matched.self.numeric_properties.rank, 5);
        }
        const { exp, mid } = claims(matches[0].token);
        assert.ok(Math.abs(exp - Date.now() / 1_000 - 30) < 10);
        let last;
        for (const player of all) last = await player.socket.joinMatch(null, matches[0].token);
        assert.equal(last.match_id, mid);
        assert.match(mid, /^[0-9a-f-]{36}\.$/);
        assert.equal(last.size, size);
        await all[0].socket.sendMatchState(mid, 7, "hello");
        assert.equal((await all[1].data(mid, 7)).text, "hello");
        leave(all);
      });
    }

    test("a range is not full, so that its players gather", async () => {
      const all = await players(format, 3);
      const only = unique("room");
      for (const player of all) await add(player, only, 2, 8);
      const matched = await all[0].next("matchmaker_matched");
      assert.ok(matched.users.length >= 2 && matched.users.length <= 3);
      leave(all);
    });

    test("an odd one waits where teams are to be even", async () => {
      const all = await players(format, 3);
      const only = unique("room");
      const query = `+properties.only:${only}`;
      for (const { socket } of all) await socket.addMatchmaker(query, 2, 6, { only, mode: "teams" });
      const matched = await Promise.any(all.map((player) => player.next("matchmaker_matched")));
      assert.equal(matched.users.length, 2);
      leave(all);
    });

    test("a mode's room is joined by its id", async () => {
      const all = await players(format, 4);
      const only = unique("room");
      const query = `+properties.only:${only} +properties.mode:room`;
      const properties = { only, mode: "room" };
      for (const { socket } of all) await socket.addMatchmaker(query, 4, 4, properties);
      const matches = await Promise.all(all.map((player) => player.next("matchmaker_matched")));
      const id = matches[0].match_id;
      assert.match(id, /^[0-9a-f-]{36}\.tagus$/);
      let last;
      for (const [at, { socket }] of all.entries()) {
        assert.equal(matches[at].match_id, id);
        assert.ok(!matches[at].token);
        last = await socket.joinMatch(id);
      }
      assert.equal(last.size, 4);
      assert.ok(last.authoritative);
      // This SDK has not asked for extensions, and would not know what to do with them.
      assert.deepEqual(all[0].kinds().filter((name) => name === "match_quality"), []);
      leave(all);
    });

    test("teams and regions need nothing of an old client", async () => {
      const all = await players(format, 4);
      const only = unique("room");
      const query = `+properties.only:${only}`;
      const properties = { only, mode: "teams" };
      for (const { socket } of all)
        await socket.addMatchmaker(query, 4, 4, properties, { "rtt_ms.east": 30 });
      const matched = await all[0].next("matchmaker_matched");
      assert.equal(matched.users.length, 4);
      assert.equal(matched.self.numeric_properties["rtt_ms.east"], 30);
      await assert.rejects(
        all[0].socket.addMatchmaker(query, 2, 2, properties, { "rtt_ms.east": -1 }),
        { code: 3, message: "Invalid property rtt_ms.east, must be from 0 to 60000" },
      );
      leave(all);
    });

    test("players of other ranks, and of tickets taken back, are not met", async () => {
      const [one, other, third, fourth] = await players(format, 4);
      const only = unique("room");
      const high = `+properties.only:${only} +properties.rank:>=8`;
      const { ticket } = await add(one, only, 2, 2, 9, high);
      await add(other, only, 2, 2, 5);
      await add(third, only, 2, 2, 9, high);
      const matched = await third.next("matchmaker_matched");
      assert.deepEqual(
        matched.users.map(userId).sort(),
        [one, third].map(({ session }) => session.user_id).sort(),
      );
      await assert.rejects(one.socket.removeMatchmaker(ticket), { code: 3 });
      const own = other.all("matchmaker_ticket")[0].matchmaker_ticket.ticket;
      await other.socket.removeMatchmaker(own);
      await add(fourth, only, 2, 2, 5);
      await add(one, only, 2, 2, 5);
      const last = await fourth.next("matchmaker_matched");
      assert.ok(!last.users.map(userId).includes(other.session.user_id));
      assert.deepEqual(other.all("matchmaker_matched"), []);
      leave([one, other, third, fourth]);
    });

    test("a hook makes the match", async () => {
      const all = await players(format, 2);
      const query = `+properties.only:${unique("room")}`;
      const only = query.split(":")[1];
      for (const { socket } of all)
        await socket.addMatchmaker(query, 2, 2, { only, mode: "authoritative" });
      const matched = await all[0].next("matchmaker_matched");
      assert.ok(!matched.token);
      assert.match(matched.match_id, /^[0-9a-f-]{36}\.tagus$/);
      for (const { socket } of all) await socket.joinMatch(matched.match_id);
      await all[0].socket.sendMatchState(matched.match_id, 3, "echo");
      assert.equal((await all[1].data(matched.match_id, 3)).text, "echo");
      leave(all);
    });

    test("a party is matched as a whole", async () => {
      const [leader, member, third] = await players(format, 3);
      const only = unique("room");
      const { party_id: id } = await leader.socket.createParty(true, 2);
      await member.socket.joinParty(id);
      const came = () => leader.all("party_presence_event").length === 2;
      await leader.until("the member", came);
      const query = `+properties.only:${only}`;
      const add = () => leader.socket.addMatchmakerParty(id, query, 3, 3, { only });
      const first = await add();
      assert.equal((await member.next("party_matchmaker_ticket")).ticket, first.ticket);
      await leader.socket.removeMatchmakerParty(id, first.ticket);
      const { ticket } = await add();
      assert.notEqual(ticket, first.ticket);
      await third.socket.addMatchmaker(query, 3, 3, { only });
      for (const player of [leader, member]) {
        const matched = await player.next("matchmaker_matched");
        assert.equal(matched.ticket, ticket);
        assert.equal(matched.self.party_id, id);
        assert.equal(matched.users.length, 3);
      }
      const { token } = await third.next("matchmaker_matched");
      await member.socket.joinMatch(null, token);
      await assert.rejects(member.socket.addMatchmakerParty(id, "*", 3, 3), { code: 3 });
      leave([leader, member, third]);
    });

    test("a wrong ticket is refused", async () => {
      const [one] = await players(format, 1);
      await assert.rejects(one.socket.addMatchmaker("*", 1, 2), {
        code: 3,
        message: "Invalid minimum count, must be >= 2",
      });
      await assert.rejects(one.socket.addMatchmaker("+a:>=x", 2, 2), {
        code: 3,
        message: /^Invalid query: /,
      });
      leave([one]);
    });
  });
}

function add({ socket }, only, min, max, rank = 5, query = `+properties.only:${only}`) {
  return socket.addMatchmaker(query, min, max, { only }, { rank });
}

function players(format, count) {
  return Promise.all(Array.from({ length: count }, () => Player.join(server, format)));
}

function leave(all) {
  for (const player of all) player.leave();
}

function userId({ presence }) {
  return presence.user_id;
}

function claims(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
}
