// Leaderboards and tournaments through the published SDK.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { clientOf, unique } from "./player.mjs";
import { startServer } from "./server.mjs";

let server;
before(async () => {
  server = await startServer("examples/clientrpc");
});
after(async () => {
  await server?.stop();
});

/** Somebody logged in. */
async function player() {
  const client = clientOf(server);
  const session = await client.authenticateDevice(unique("device"), true, unique("player"));
  return { client, session };
}

async function make(id, payload) {
  const { client, session } = await player();
  const answer = await client.rpc(session, id, payload);
  return answer.payload.leaderboard_id ?? answer.payload.tournament_id;
}

const leaderboard = (operator) => make("clientrpc.create_leaderboard", { operator });

describe("leaderboards", () => {
  for (const [operator, expected] of Object.entries({ best: 8, set: 5, increment: 16, decrement: 0 })) {
    test(`the operator ${operator}`, async () => {
      const board = await leaderboard(operator);
      const { client, session } = await player();
      let record;
      for (const score of ["3", "8", "5"]) {
        record = await client.writeLeaderboardRecord(session, board, { score });
      }
      assert.equal(record.score, expected);
      assert.equal(record.num_score, 3);
      assert.equal(record.owner_id, session.user_id);
      assert.equal(record.username, session.username);
      assert.equal(record.rank, 1);
    });
  }

  test("a write may name its own operator, and bring metadata and a subscore", async () => {
    const board = await leaderboard("best");
    const { client, session } = await player();
    await client.writeLeaderboardRecord(session, board, { score: "10", subscore: "1" });
    const kept = { score: "20", metadata: { car: "red" } };
    const best = await client.writeLeaderboardRecord(session, board, kept);
    assert.deepEqual([best.score, best.subscore, best.metadata], [20, 1, { car: "red" }]);
    // The SDK's own client of the API is what can name an operator.
    const request = { score: "2", subscore: "4", operator: "INCREMENT" };
    const record = await client.apiClient.writeLeaderboardRecord(session.token, board, request);
    assert.deepEqual([record.score, record.subscore], ["22", "5"]);
    assert.deepEqual(JSON.parse(record.metadata), { car: "red" });
  });

  test("pages go both ways, and around somebody", async () => {
    const board = await leaderboard("set");
    const players = [];
    for (const score of [10, 20, 30, 40, 50]) {
      const one = await player();
      await one.client.writeLeaderboardRecord(one.session, board, { score: String(score) });
      players.unshift(one);
    }
    const { client, session } = players[0];
    const scores = (list) => list.records.map((record) => [Number(record.rank), record.score]);
    const first = await client.listLeaderboardRecords(session, board, undefined, 2);
    assert.deepEqual(scores(first), [[1, 50], [2, 40]]);
    assert.equal(Number(first.rank_count), 5);
    assert.ok(!first.prev_cursor);
    const second = await client.listLeaderboardRecords(session, board, undefined, 2, first.next_cursor);
    assert.deepEqual(scores(second), [[3, 30], [4, 20]]);
    const back = await client.listLeaderboardRecords(session, board, undefined, 2, second.prev_cursor);
    assert.deepEqual(scores(back), scores(first));
    const last = await client.listLeaderboardRecords(session, board, undefined, 2, second.next_cursor);
    assert.deepEqual(scores(last), [[5, 10]]);
    assert.ok(!last.next_cursor);
    const middle = players[2].session.user_id;
    const around = await client.listLeaderboardRecordsAroundOwner(session, board, middle, 3);
    assert.deepEqual(scores(around), [[2, 40], [3, 30], [4, 20]]);
    const ids = [players[4].session.user_id, players[1].session.user_id];
    const owned = await client.listLeaderboardRecords(session, board, ids);
    assert.deepEqual(owned.owner_records.map((record) => Number(record.rank)), [5, 2]);
    assert.equal(owned.records?.length ?? 0, 0);
  });

  test("a record is deleted, and a board that is not there is missed", async () => {
    const board = await leaderboard("set");
    const { client, session } = await player();
    await client.writeLeaderboardRecord(session, board, { score: "1" });
    await client.apiClient.deleteLeaderboardRecord(session.token, board);
    const list = await client.listLeaderboardRecords(session, board, undefined, 10);
    assert.equal(list.records?.length ?? 0, 0);
    await refused(client.writeLeaderboardRecord(session, "none", { score: "1" }), 404, 5);
  });
});

describe("tournaments", () => {
  test("joined, played, listed", async () => {
    const rules = { join_required: true, max_size: 2, max_num_score: 2 };
    const cup = await make("clientrpc.create_tournament", rules);
    const [one, two, three] = [await player(), await player(), await player()];
    const write = ({ client, session }, score) =>
      client.writeTournamentRecord(session, cup, { score: String(score) });
    await refused(write(one, 1), 400, 3);
    for (const { client, session } of [one, two]) {
      assert.ok(await client.joinTournament(session, cup));
      assert.ok(await client.joinTournament(session, cup));
    }
    await refused(three.client.joinTournament(three.session, cup), 400, 3);
    assert.equal((await write(one, 5)).rank, 1);
    assert.equal((await write(two, 9)).rank, 1);
    const record = await write(one, 7);
    assert.deepEqual([record.score, record.num_score, Number(record.rank)], [7, 2, 2]);
    assert.equal(record.max_num_score, 2);
    await refused(write(one, 100), 400, 3);

    const { client, session } = three;
    const list = await client.listTournamentRecords(session, cup, undefined, 10);
    assert.deepEqual(list.records.map(({ score }) => score), [9, 7]);
    const around = await client.listTournamentRecordsAroundOwner(session, cup, one.session.user_id, 1);
    assert.deepEqual(around.records.map(({ score }) => score), [7]);
    const found = await tournament(client, session, cup);
    assert.equal(found.title, "A cup");
    assert.deepEqual([found.size, found.max_size, found.max_num_score], [2, 2, 2]);
    assert.ok(!found.can_enter);
    assert.equal(found.duration, 3600);
    assert.equal(found.end_active, found.start_active + 3600);
    assert.ok(await two.client.deleteTournamentRecord(two.session, cup));
    assert.equal((await tournament(client, session, cup)).can_enter, true);
  });
});

async function tournament(client, session, id) {
  const list = await client.listTournaments(session, 0, 127, 100);
  return list.tournaments.find((one) => one.id === id);
}

/** The SDK throws the response of a refused call. */
async function refused(call, status, code) {
  const error = await call.then(
    () => assert.fail("it was not refused"),
    (reason) => reason,
  );
  assert.equal(error.status, status);
  assert.equal((await error.json()).code, code);
}
