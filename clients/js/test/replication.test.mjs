// The snapshots that the server's tests freeze in a file, through this decoder; and what is drawn between them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FormatError, Interpolator, Predictor, Replica, Schema } from "../replication.js";

const GOLDEN = JSON.parse(readFileSync(new URL("../../../crates/replication/golden/v1.json", import.meta.url), "utf8"));
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (array) => Buffer.from(array).toString("hex");

function state(replica, snapshot) {
  const { tick, isWaiting, own, came, went, schema } = replica;
  const entities = [...replica.entities()].map((entity) => ({
    id: entity.id,
    kind: entity.kind,
    levels: schema.kinds[entity.kind].fields.map((field, index) => field.level(entity.axes[index])),
    values: replica.values(entity),
  }));
  const told = { id: own.id, last_input: own.lastInput, state: hex(own.state) };
  return { snapshot, tick, waiting: isWaiting, own: told, came, went, entities };
}

/** A replica that has seen the whole conversation. */
function replicaAtEnd() {
  const replica = new Replica(new Schema(bytes(GOLDEN.schema)));
  for (const { snapshot } of GOLDEN.snapshots) replica.apply(bytes(snapshot));
  return replica;
}

test("golden snapshots are decoded", () => {
  const replica = new Replica(new Schema(bytes(GOLDEN.schema)));
  for (const expected of GOLDEN.snapshots) {
    replica.apply(bytes(expected.snapshot));
    assert.deepEqual(state(replica, expected.snapshot), expected);
    assert.equal(replica.size, expected.entities.length);
  }
});

test("the schema says what there is", () => {
  const schema = new Schema(bytes(GOLDEN.schema));
  assert.deepEqual(schema.kinds.map(({ name }) => name), ["walker", "stone", "flag"]);
  assert.deepEqual([...schema.kinds[0].index.keys()], ["x", "y", "radius", "heading", "hue"]);
  assert.equal(schema.frameTicks, 2);
  for (let length = 0; length < GOLDEN.schema.length / 2; length += 1) {
    assert.throws(() => new Schema(bytes(GOLDEN.schema).subarray(0, length)), FormatError);
  }
});

test("what is no snapshot is refused, and so is what follows", () => {
  for (const [why, refused] of Object.entries(GOLDEN.refused)) {
    const replica = replicaAtEnd();
    assert.throws(() => replica.apply(bytes(refused)), FormatError, why);
    assert.equal(replica.size, 0);
    assert.throws(() => replica.apply(bytes(GOLDEN.snapshots[1].snapshot)), FormatError, why);
    replica.apply(bytes(GOLDEN.snapshots[0].snapshot));
    assert.deepEqual(state(replica, GOLDEN.snapshots[0].snapshot).entities, GOLDEN.snapshots[0].entities, why);
  }
});

test("turned bits are refused or something else, and nothing worse", () => {
  let seed = 1;
  const random = (below) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (let round = 0; round < 2_000; round += 1) {
    const replica = new Replica(new Schema(bytes(GOLDEN.schema)));
    for (const { snapshot } of GOLDEN.snapshots) {
      const turned = bytes(snapshot);
      if (random(3) === 0) turned[random(turned.length)] ^= 1 << random(8);
      try {
        replica.apply(turned);
      } catch (error) {
        assert.ok(error instanceof FormatError, error);
      }
      assert.equal([...replica.entities()].length, replica.size);
    }
  }
});

test("between two snapshots is the value between", () => {
  const schema = new Schema(bytes(GOLDEN.schema));
  const interpolator = new Interpolator(schema, { delayTicks: 3 });
  const turn = schema.kinds[0].fields[3].turn;
  const samples = {
    10: [{ id: 1, kind: 0, values: [0, 8, 4, turn - 0.1, 5] }, { id: 2, kind: 1, values: [1, 1] }],
    12: [{ id: 1, kind: 0, values: [10, 4, 4, 0.1, 6] }],
  };
  const push = (tick, nowTicks, went) => {
    const entities = samples[tick];
    interpolator.push({ tick, went, entities: () => entities, values: ({ values }) => values }, nowTicks);
  };
  push(10, 110, []);
  push(12, 112.5, [2]);
  assert.ok(Math.abs(interpolator.renderTick(113) - 10) < 0.01, "the least delayed arrival counts");
  const [half, ...others] = interpolator.at(11);
  assert.equal(others.length, 0);
  assert.deepEqual(half.values.map((value) => Math.round(value * 1e9) / 1e9), [5, 6, 4, Math.round(turn * 1e9) / 1e9, 5]);
  assert.deepEqual([...interpolator.at(9)][0].values, samples[10][0].values, "nothing is made up before");
  assert.deepEqual([...interpolator.at(15)][0].values[0], 10, "nor behind");
});

test("what is not answered is applied again", () => {
  const predictor = new Predictor(1, (state, input) => state * 2 + input);
  assert.deepEqual([1, 0, 1].map((input) => predictor.predict(input)), [1, 2, 3]);
  assert.equal(predictor.state, 13);
  predictor.reconcile(1, 3);
  assert.equal(predictor.state, 13, "as predicted");
  predictor.reconcile(2, 100);
  assert.equal(predictor.state, 201, "the server knows better");
  assert.deepEqual(predictor.pending, [{ number: 3, input: 1 }]);
  for (let count = 0; count < 300; count += 1) predictor.predict(0);
  assert.equal(predictor.pending.length, 256);
});
