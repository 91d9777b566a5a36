// Joins a running server with the official SDK and fails unless everybody is shown exactly who is near.
// `node check.mjs PORT`

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@colyseus/sdk";
import { LOOK_MS, SIZE, WALK, near } from "./world.mjs";

const PEOPLE = 100;
/** Long enough for a last look, and the patch after it, on a loaded machine. */
const SETTLE_MS = LOOK_MS * 5;

const client = new Client(`http://127.0.0.1:${process.argv[2]}`);
const rooms = [];
for (let number = 0; number < PEOPLE; number++) {
  rooms.push(await client.joinOrCreate("world"));
}
await sleep(SETTLE_MS);
const start = compare();
for (const room of rooms) {
  room.send(WALK, [Math.round(Math.random() * 254) - 127, 1]);
}
await sleep(3_000);
for (const room of rooms) {
  room.send(WALK, [0, 0]);
}
await sleep(SETTLE_MS);
const end = compare();
for (const [id, from] of start) {
  const [x, y] = [end.get(id).x - from.x, end.get(id).y - from.y].map(short);
  const way = Math.hypot(x, y);
  assert(way > 300 && way < 1_200, `somebody walked ${way} units in about three seconds`);
}
await Promise.all(rooms.map((room) => room.leave()));
console.log(`${PEOPLE} people of the official SDK saw exactly who was near, standing and after a walk`);
process.exit(0);

/** Compares what everybody sees with where all are, as each knows of themself; answers the latter. */
function compare() {
  const all = new Map();
  for (const room of rooms) {
    const { x, y } = room.state.walkers.get(room.sessionId);
    all.set(room.sessionId, { x, y });
  }
  let pairs = 0;
  for (const room of rooms) {
    const own = all.get(room.sessionId);
    const expected = [...all].filter(([, other]) => near(own, other));
    const seen = [...room.state.walkers.entries()].map(([id, { x, y }]) => [id, { x, y }]);
    assert.deepEqual(new Map(seen), new Map(expected));
    pairs += expected.length - 1;
  }
  assert(pairs > PEOPLE, "hardly anybody saw another, so nothing was checked");
  return all;
}

/** The short way around the square. */
function short(way) {
  return way - SIZE * Math.round(way / SIZE);
}
