// Parties through the published SDK. It has no call for listings, and its protobuf format no word for updates and labels.
// The format has the numbers that a party's fields had before there were hidden ones: it reads the id and `open` of a party,
// and all of the other messages.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FORMATS, Player } from "./player.mjs";
import { startServer } from "./server.mjs";

let server;
before(async () => {
  server = await startServer("examples/clientrpc");
});
after(async () => {
  await server?.stop();
});

for (const format of Object.keys(FORMATS)) {
  describe(`over ${format}`, () => {
    test("an open party is made, joined and left", async () => {
      const [one, other] = await players(format, 2);
      const party = await one.socket.createParty(true, 3);
      assert.match(party.party_id, /^[0-9a-f-]{36}\.tagus$/);
      assert.equal(party.open, true);
      // The party comes once more, then the own presence.
      const [self] = (await one.next("party_presence_event")).joins;
      assert.equal(self.user_id, one.session.user_id);
      if (format === "json") {
        assert.equal(party.max_size, 3);
        assert.deepEqual([party.self, party.leader, ...party.presences], [self, self, self]);
      }
      assert.deepEqual(one.kinds(), ["party", "party", "party_presence_event"]);
      const [answer, again] = one.all("party");
      assert.ok(answer.cid);
      assert.ok(!again.cid);

      await other.socket.joinParty(party.party_id);
      const joined = await other.next("party");
      const came = await other.next("party_presence_event");
      assert.deepEqual(other.kinds(), ["empty", "party", "party_presence_event"]);
      assert.equal(joined.party_id, party.party_id);
      assert.deepEqual(came.joins.map(userId), [other.session.user_id]);
      if (format === "json") {
        assert.deepEqual(joined.self, came.joins[0]);
        assert.deepEqual(joined.presences, [self, joined.self]);
        assert.deepEqual(joined.leader, self);
      }
      assert.deepEqual(await one.next("party_presence_event"), came);

      await other.socket.leaveParty(party.party_id);
      const left = await one.next("party_presence_event");
      assert.deepEqual(left.leaves, came.joins);
      assert.equal(left.party_id, party.party_id);
      leave(one, other);
    });

    test("a closed party is joined by acceptance", async () => {
      const [one, other, third] = await players(format, 3);
      const { party_id: id } = await one.socket.createParty(false, 3);
      const asked = new Promise((resolve) => (one.socket.onpartyjoinrequest = resolve));
      await other.socket.joinParty(id);
      const request = await asked;
      assert.equal(request.party_id, id);
      assert.deepEqual(request.presences.map(userId), [other.session.user_id]);
      await third.socket.joinParty(id);
      const isAsked = (count) => () => one.all("party_join_request").length === count;
      await one.until("the second request", isAsked(2));
      const { presences } = await one.socket.listPartyJoinRequests(id);
      const wanted = [other, third].map((player) => player.session.user_id);
      assert.deepEqual(presences.map(userId), wanted);

      await one.socket.acceptPartyMember(id, presences[0]);
      assert.equal((await other.next("party")).party_id, id);
      await one.next("party_presence_event");
      assert.deepEqual((await one.next("party_presence_event")).joins, [presences[0]]);
      // The third is turned down, and is told nothing.
      await one.socket.removePartyMember(id, presences[1]);
      const after = await one.socket.listPartyJoinRequests(id);
      assert.deepEqual(after.presences ?? [], []);
      assert.deepEqual(third.kinds(), ["empty"]);
      await assert.rejects(third.socket.listPartyJoinRequests(id), {
        code: 3,
        message: "Party leader only",
      });
      leave(one, other, third);
    });

    test("members talk, lead, go and end", async () => {
      const [one, other, third] = await players(format, 3);
      const { party_id: id } = await one.socket.createParty(true, 0);
      const [leader] = (await one.next("party_presence_event")).joins;
      const [member] = await joins(other, id);
      await joins(third, id);
      const heard = [one, third].map(
        (player) => new Promise((resolve) => (player.socket.onpartydata = resolve)),
      );
      const bytes = Uint8Array.from([0, 255, 7]);
      await other.socket.sendPartyData(id, 7, bytes);
      for (const data of await Promise.all(heard)) {
        assert.equal(data.op_code, 7);
        assert.equal(data.presence.user_id, other.session.user_id);
        assert.deepEqual(Uint8Array.from(data.data), bytes);
      }
      assert.equal(other.all("party_data").length, 0);

      await one.socket.promotePartyMember(id, member);
      for (const player of [one, other, third]) {
        assert.deepEqual((await player.next("party_leader")).presence, member);
      }
      await other.socket.removePartyMember(id, leader);
      await one.until("the own leave", () => hearsLeaveOf(one, one));
      await assert.rejects(one.socket.leaveParty("bad"), { code: 3, message: "Invalid party ID" });

      // The leader's connection is lost.
      leave(other);
      const follower = await third.next("party_leader");
      assert.equal(follower.presence.user_id, third.session.user_id);
      const closed = new Promise((resolve) => (third.socket.onpartyclose = resolve));
      await third.socket.closeParty(id);
      assert.equal((await closed).party_id, id);
      await assert.rejects(third.socket.closeParty(id), { code: 3, message: "Party not found" });
      leave(one, third);
    });

    test("who is removed hears their own leave, and nothing after it", async () => {
      const [one, other, third] = await players(format, 3);
      const { party_id: id } = await one.socket.createParty(true, 3);
      const [member] = await joins(other, id);
      await joins(third, id);
      await one.socket.removePartyMember(id, member);
      await other.until("the own leave", () => hearsLeaveOf(other, other));
      await third.until("the leave", () => hearsLeaveOf(third, other));
      await one.socket.sendPartyData(id, 1, "among us");
      await third.next("party_data");
      await assert.rejects(other.socket.promotePartyMember(id, member), { code: 3 });
      assert.equal(other.all("party_data").length, 0);
      // They may come back, the party is open.
      await other.socket.joinParty(id);
      await other.until("the party again", () => other.all("party").length === 2);
      leave(one, other, third);
    });

    test("a code stands for the party, and asks the leader of a closed one", async () => {
      for (const open of [true, false]) {
        const [one, other] = await players(format, 2);
        const { party_id: id } = await one.socket.createParty(open, 2);
        const { code } = await call(one, `party/${id}/code`);
        await other.socket.joinParty(code.toLowerCase());
        if (!open) {
          const [wanted] = (await one.next("party_join_request")).presences;
          assert.equal(wanted.user_id, other.session.user_id);
          await one.socket.acceptPartyMember(id, wanted);
        }
        assert.equal((await other.next("party")).party_id, id);
        assert.equal((await call(other, `party/${id}/code`)).code, code);
        await one.socket.closeParty(id);
        await other.next("party_close");
        const gone = { code: 3, message: "Party not found" };
        await assert.rejects(other.socket.joinParty(code), gone);
        await assert.rejects(other.socket.joinParty("bad"), { code: 3, message: "Invalid party ID" });
        leave(one, other);
      }
    });

    test("a code stands for the match", async () => {
      const [one, other] = await players(format, 2);
      const match = await one.socket.createMatch();
      const { code } = await call(one, `match/${match.match_id}/code`);
      const joined = await other.socket.joinMatch(code.toLowerCase());
      assert.equal(joined.match_id, match.match_id);
      await one.socket.leaveMatch(match.match_id);
      await other.socket.leaveMatch(match.match_id);
      await assert.rejects(other.socket.joinMatch(code), { code: 4, message: "Match not found" });
      leave(one, other);
    });
  });
}

test("a party is listed by its label, which its leader changes", async () => {
  const [one] = await players("json", 1);
  const [other] = await players("protobuf", 1);
  const label = JSON.stringify({ mode: "duel" });
  const { party } = await one.socket.send({ party_create: { open: true, max_size: 2, label } });
  await other.socket.joinParty(party.party_id);
  await other.next("party");
  assert.deepEqual(await listed(one, "label.mode:duel"), [
    { party_id: party.party_id, open: true, max_size: 2, label },
  ]);
  const changed = { party_id: party.party_id, label: JSON.stringify({ mode: "race" }) };
  await one.socket.send({ party_update: { ...changed, open: true } });
  assert.deepEqual((await one.next("party_update")).label, changed.label);
  assert.deepEqual(await listed(one, "label.mode:duel"), []);
  assert.equal((await listed(one, "label.mode:race")).length, 1);
  await one.socket.send({ party_update: { ...changed, hidden: true } });
  assert.deepEqual(await listed(one, "label.mode:race"), []);
  // Whose format has no such message passes it over, and lives.
  await other.socket.sendPartyData(party.party_id, 1, "alive");
  await one.next("party_data");
  leave(one, other);
});

async function listed(player, query) {
  const url = `http://${server.http}/v2/party?query=${encodeURIComponent(query)}`;
  const headers = { authorization: `Bearer ${player.session.token}` };
  const response = await fetch(url, { headers });
  assert.equal(response.status, 200);
  return (await response.json()).parties ?? [];
}

function players(format, count) {
  return Promise.all(Array.from({ length: count }, () => Player.join(server, format)));
}

function userId(presence) {
  return presence.user_id;
}

async function joins(player, id) {
  await player.socket.joinParty(id);
  return (await player.next("party_presence_event")).joins;
}

/** Whether this player was told that the other one left a party. */
function hearsLeaveOf(player, other) {
  const isOther = (presence) => presence.user_id === other.session.user_id;
  const events = player.all("party_presence_event");
  return events.some(({ party_presence_event: event }) => event.leaves?.some(isOther));
}

/** One of the calls that the SDK does not have. */
async function call(player, path) {
  const headers = { authorization: `Bearer ${player.session.token}` };
  const response = await fetch(`http://${server.http}/v2/x/${path}`, { headers });
  assert.equal(response.status, 200, path);
  return response.json();
}

function leave(...all) {
  for (const player of all) player.leave();
}
