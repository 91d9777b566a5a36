import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Replica, Schema } from "../../../../clients/js/replication.js";
import { decodeWorld } from "../state/protocol.js";
import { Sight } from "../state/sight.js";

/** What the server's rules wrote, and what they know to be in it. */
const GOLDEN = new URL("../../golden/v1.json", import.meta.url);
const { world, snapshots } = JSON.parse(await readFile(GOLDEN, "utf8"));

const fromHex = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));

test("snapshots of the server become what the server says they hold", () => {
  const told = decodeWorld(fromHex(world));
  const sight = new Sight(new Replica(new Schema(told.schema)), told);
  let pellets;
  for (const { bytes, view } of snapshots) {
    const seen = sight.see(fromHex(bytes));
    assert.equal(seen.tick, view.tick);
    assert.deepEqual([seen.alive, seen.score, seen.rank], [view.alive, view.score, view.rank]);
    assert.deepEqual(byId(seen.cells), view.cells);
    assert.deepEqual(byId(seen.specks).map(({ id, kind }) => [id, kind]), view.specks);
    assert.deepEqual([...seen.pellets.keys()].sort((a, b) => a - b), view.pellets);
    for (const [axis, value] of Object.entries(view.focus)) {
      assert.ok(Math.abs(seen[axis] - value) < 1, `${axis} is ${seen[axis]}, not ${value}`);
    }
    const same = pellets && [...pellets.keys()].every((id) => seen.pellets.has(id)) && pellets.size === seen.pellets.size;
    if (same) assert.equal(seen.pellets, pellets, "what did not change is the same object");
    pellets = seen.pellets;
  }
});

function byId(list) {
  return list.sort((a, b) => a.id - b.id);
}
