// Listings of matches by query through the published SDK.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { clientOf, unique } from "./player.mjs";
import { startServer } from "./server.mjs";

let server;
before(async () => {
  server = await startServer("examples/clientrpc");
});
after(async () => {
  await server?.stop();
});

test("authoritative matches are found by the members of their labels", async () => {
  const client = clientOf(server);
  const session = await client.authenticateDevice(unique("device"), true);
  const ids = {};
  for (const [name, label] of Object.entries({
    slow: { mode: "race", speed: 3, tags: ["night"] },
    fast: { mode: "race", speed: 9 },
    duel: { mode: "duel", speed: 9 },
  })) {
    const request = { label: JSON.stringify(label) };
    const made = await client.rpc(session, "clientrpc.create_authoritative_match", request);
    ids[made.payload.match_id] = name;
  }
  const found = async (query) => {
    const args = [session, 10, true, undefined, undefined, undefined, query];
    const { matches } = await client.listMatches(...args);
    return (matches ?? []).map((match) => ids[match.match_id]);
  };
  assert.deepEqual(await found("+label.mode:race +label.speed:>=5"), ["fast"]);
  assert.deepEqual(await found("label.tags:night^2 label.mode:/ra.e/"), ["slow", "fast"]);
  assert.deepEqual(await found("-label.mode:race +label.speed:9"), ["duel"]);
  assert.deepEqual(await found("label.mode:none"), []);
  assert.equal((await found("*")).length, 3);

  const refusal = await found('label.mode:"race').then(
    () => assert.fail("it was not refused"),
    (response) => response,
  );
  const { code, message } = await refusal.json();
  const expected = "Invalid query: the quotation mark is never closed at byte 11.";
  assert.deepEqual([refusal.status, code, message], [400, 3, expected]);
});
