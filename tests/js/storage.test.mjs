// Storage through the published SDK.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { clientOf, unique } from "./player.mjs";
import { startServer } from "./server.mjs";

const SERVER_OWNER = "00000000-0000-0000-0000-000000000000";

let server;
before(async () => {
  server = await startServer("examples/clientrpc");
});
after(async () => {
  await server?.stop();
});

async function player() {
  const client = clientOf(server);
  const session = await client.authenticateDevice(unique("device"), true);
  return { client, session, id: session.user_id };
}

async function refused(promise, message) {
  const response = await promise.then(
    () => assert.fail("it was not refused"),
    (refusal) => refusal,
  );
  const { code, message: found } = await response.json();
  assert.deepEqual([response.status, code, found], [400, 3, message]);
}

const STALE = "Storage write rejected - version check failed.";

describe("storage", () => {
  test("an object is written, read as it was, and deleted", async () => {
    const { client, session, id } = await player();
    const value = { level: 37, name: "Zoë", list: [1, 2.5, null], deep: { a: true } };
    const object = { collection: "saves", key: "slot 1/a", value };
    const { acks } = await client.writeStorageObjects(session, [object]);
    assert.equal(acks.length, 1);
    assert.equal(acks[0].user_id, id);
    assert.match(acks[0].version, /^[0-9a-f]{32}$/);
    const name = { collection: "saves", key: "slot 1/a" };
    const read = { object_ids: [{ ...name, user_id: id }] };
    const { objects } = await client.readStorageObjects(session, read);
    assert.deepEqual(objects[0].value, value);
    assert.equal(objects[0].version, acks[0].version);
    assert.equal(objects[0].permission_read, 1);
    assert.equal(objects[0].permission_write, 1);
    assert.ok(!Number.isNaN(Date.parse(objects[0].create_time)));

    await client.deleteStorageObjects(session, { object_ids: [name] });
    assert.deepEqual((await client.readStorageObjects(session, read)).objects, []);
    await refused(
      client.deleteStorageObjects(session, { object_ids: [name] }),
      "Storage delete rejected - not found, version check failed, or permission denied.",
    );
  });

  test("a version that is not there any more is refused", async () => {
    const { client, session } = await player();
    const write = async (n, version) => {
      const object = { collection: "saves", key: "k", value: { n }, version };
      return (await client.writeStorageObjects(session, [object])).acks[0].version;
    };
    const first = await write(1, "*");
    await refused(write(2, "*"), STALE);
    const second = await write(2, first);
    await refused(write(3, first), STALE);
    const stale = { collection: "saves", key: "k", version: first };
    await assert.rejects(client.deleteStorageObjects(session, { object_ids: [stale] }));
    const exact = { ...stale, version: second };
    assert.equal(await client.deleteStorageObjects(session, { object_ids: [exact] }), true);
  });

  test("of many writers of one version one wins", async () => {
    const { client, session, id } = await player();
    const write = (n, version) =>
      client.writeStorageObjects(session, [
        { collection: "saves", key: "k", value: { n }, version },
      ]);
    const { acks } = await write(-1, "*");
    const writers = Array.from({ length: 64 }, (_, n) => write(n, acks[0].version));
    const results = await Promise.allSettled(writers);
    const winners = results.flatMap(({ status }, n) => (status === "fulfilled" ? [n] : []));
    assert.equal(winners.length, 1);
    const ids = { object_ids: [{ collection: "saves", key: "k", user_id: id }] };
    const { objects } = await client.readStorageObjects(session, ids);
    assert.deepEqual(objects[0].value, { n: winners[0] });
  });

  test("lists go on behind their cursor; others see what is public", async () => {
    const [ana, rui] = [await player(), await player()];
    const collection = unique("list");
    const objects = Array.from({ length: 7 }, (_, n) => ({
      collection,
      key: `k${n}`,
      value: { n },
      permission_read: n % 3,
    }));
    await ana.client.writeStorageObjects(ana.session, objects);
    const list = async (who, user, limit) => {
      const keys = [];
      let cursor;
      do {
        const page = await who.client.listStorageObjects(
          who.session,
          collection,
          user,
          limit,
          cursor,
        );
        keys.push(...page.objects.map(({ key }) => key));
        cursor = page.cursor;
      } while (cursor);
      return keys.join(" ");
    };
    assert.equal(await list(ana, ana.id, 2), "k1 k2 k4 k5");
    assert.equal(await list(rui, ana.id, 1), "k2 k5");
    assert.equal(await list(rui, undefined, 100), "k2 k5");
    assert.equal(await list(rui, SERVER_OWNER, 100), "");
    await refused(list(rui, undefined, 101), "Invalid limit - limit must be between 1 and 100.");
  });

  test("an account has a wallet", async () => {
    const { client, session } = await player();
    const account = await client.getAccount(session);
    assert.equal(account.wallet, "{}");
  });
});
