// The snapshots of slots that the server's tests freeze in a file, with what bad lines made of them, through this decoder.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FormatError, Interpolator, Replica, Schema, SlotReplica } from "../replication.js";

const GOLDEN = JSON.parse(readFileSync(new URL("../../../crates/replication/golden/slots-v1.json", import.meta.url), "utf8"));
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (array) => Buffer.from(array).toString("hex");
const fresh = () => new SlotReplica(new Schema(bytes(GOLDEN.schema)));

function state(replica, snapshot, newer) {
  const { tick, isWaiting, own, came, went, schema } = replica;
  const entities = [...replica.entities()].map(({ id, kind, tick, axes }) => ({
    id, kind, tick, levels: schema.kinds[kind].fields.map((field, index) => field.level(axes[index])),
  }));
  const told = { id: own.id, last_input: own.lastInput, state: hex(own.state) };
  return { snapshot, newer, tick, waiting: isWaiting, own: told, came, went, ack: hex(replica.ack()), entities };
}

test("golden snapshots are decoded, whatever became of those between", () => {
  const replica = fresh();
  assert.equal(replica.ack(), null);
  for (const expected of GOLDEN.snapshots) {
    const newer = replica.apply(bytes(expected.snapshot));
    assert.deepEqual(state(replica, expected.snapshot, newer), expected);
    assert.equal(replica.size, expected.entities.length);
    for (const { id } of expected.entities) assert.equal(replica.entity(id).id, id);
  }
  assert.equal(replica.entity(12_345), undefined);
});

test("values are those of the levels", () => {
  const replica = fresh();
  replica.apply(bytes(GOLDEN.snapshots[0].snapshot));
  const flag = replica.entity(4_000_000_000);
  assert.deepEqual(replica.values(flag), [-500, 250, flag.axes[2].at]);
});

test("what stands where it was told is drawn there until it sets out", () => {
  const interpolator = new Interpolator(new Schema(bytes(GOLDEN.schema)));
  const push = (tick, told, velocity, x) => {
    const entity = { id: 1, kind: 1, tick: told, axes: [{ at: 0, velocity, gain: 0 }], x };
    interpolator.push({ tick, went: [], entities: () => [entity], values: () => [entity.x, 0] }, tick);
  };
  push(2, 2, 0, 10);
  push(20, 2, 0, 10);
  push(22, 22, 64, 12);
  push(24, 22, 64, 12);
  push(26, 26, 64, 16);
  const drawn = (tick) => [...interpolator.at(tick)][0].values[0];
  assert.deepEqual([3, 20, 21, 22, 24].map(drawn), [10, 10, 11, 12, 14]);
});

test("what is no snapshot is refused, and so is what rests on others", () => {
  const last = GOLDEN.snapshots.at(-1);
  for (const [why, refused] of Object.entries(GOLDEN.refused)) {
    const replica = fresh();
    for (const { snapshot } of GOLDEN.snapshots) replica.apply(bytes(snapshot));
    assert.throws(() => replica.apply(bytes(refused)), FormatError, why);
    assert.equal(replica.size, 0);
    assert.equal(replica.ack(), null);
    assert.throws(() => replica.apply(bytes(last.snapshot)), FormatError, why);
    const [first] = GOLDEN.snapshots;
    assert.equal(replica.apply(bytes(first.snapshot)), true);
    assert.deepEqual(state(replica, first.snapshot, true).entities, first.entities, why);
  }
  assert.throws(() => new Replica(new Schema(bytes(GOLDEN.schema))).apply(bytes(last.snapshot)), FormatError);
});

test("turned bits are refused or something else, and nothing worse", () => {
  let seed = 1;
  const random = (below) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (let round = 0; round < 500; round += 1) {
    const replica = fresh();
    for (const { snapshot } of GOLDEN.snapshots) {
      const turned = bytes(snapshot);
      if (random(3) === 0) turned[random(turned.length)] ^= 1 << random(8);
      try {
        replica.apply(turned);
      } catch (error) {
        assert.ok(error instanceof FormatError, error);
      }
      assert.equal([...replica.entities()].length, replica.size);
      for (const { axes, kind } of replica.entities()) {
        const { fields } = replica.schema.kinds[kind];
        fields.forEach((field, index) => assert.ok(field.level(axes[index]) <= field.levelMax));
      }
    }
  }
});
