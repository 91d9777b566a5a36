import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeBoard, decodeDied, decodeMinimap, decodeOwn, decodePlayers, decodeWorld, encodeSpawn, encodeSteer,
} from "../state/protocol.js";

/** Bytes of a list of `[kind, value]`, written independently of the decoder. */
function bytes(...fields) {
  const out = [];
  for (const [kind, value] of fields) {
    const buffer = Buffer.alloc(kind === "u8" ? 1 : kind === "u16" ? 2 : 4);
    if (kind === "u8") buffer.writeUInt8(value);
    else if (kind === "u16") buffer.writeUInt16LE(value);
    else if (kind === "u32") buffer.writeUInt32LE(value);
    else buffer.writeFloatLE(value);
    out.push(...(kind === "text" ? Buffer.from(value) : buffer));
  }
  return Uint8Array.from(out);
}

const STILL = bytes(
  ["u8", 0], ["u16", 65535], ["u16", 0], ["u32", 0], ["u16", 65535], ["u16", 0], ["u16", 540],
);
const FOLLOWING = bytes(["u8", 2], ["u16", 7], ["u16", 3], ["u32", 1234]);

test("the own state has all its parts", () => {
  assert.deepEqual(decodeOwn(FOLLOWING), {
    alive: false, following: true, followed: 7, rank: 3, score: 1234, still: null,
  });
  assert.deepEqual(decodeOwn(STILL).still, { x: 1, y: 0, halfHeight: 540 });
});

test("an own state that ends early at any byte is refused", () => {
  for (const state of [STILL, FOLLOWING]) {
    for (let length = 0; length < state.length; length++) {
      assert.throws(() => decodeOwn(state.subarray(0, length)), RangeError, `at ${length}`);
    }
  }
});

test("an own state is read from the middle of a larger buffer", () => {
  const larger = new Uint8Array(STILL.length + 10).fill(255);
  larger.set(STILL, 5);
  assert.deepEqual(decodeOwn(larger.subarray(5, 5 + STILL.length)), decodeOwn(STILL));
});

test("world, board, minimap and died", () => {
  const world = bytes(
    ["f32", 6000], ["u8", 25], ["u16", 3], ["u16", 150], ["u16", 540], ["u16", 1600], ["u8", 1], ["u8", 2],
  );
  assert.deepEqual(decodeWorld(world), {
    size: 6000, tickRateHz: 25, ownSeat: 3, playersMax: 150, halfHeightMin: 540, halfHeightMax: 1600,
    schema: Uint8Array.of(1, 2),
  });
  assert.deepEqual(decodeBoard(bytes(["u8", 1], ["u16", 5], ["u32", 99], ["u16", 30])), {
    rows: [{ owner: 5, score: 99 }], playersAlive: 30,
  });
  assert.deepEqual(decodeMinimap(Uint8Array.of(1, 255, 0, 7, 255)), [{ x: 1, y: 0, hue: 7, size: 1 }]);
  assert.deepEqual(decodeDied(bytes(["u16", 65535], ["u32", 1], ["u32", 2], ["u16", 3])), {
    eater: 65535, bestScore: 1, ticksAlive: 2, bestRank: 3,
  });
});

test("players come and go; a name past the end is refused", () => {
  const name = Buffer.from("Zêzere");
  const head = [["u8", 1], ["u16", 1], ["u16", 4], ["u8", 1], ["u8", 9], ["u8", name.length]];
  const whole = Uint8Array.from([...bytes(...head), ...name, ...bytes(["u16", 1], ["u16", 8])]);
  assert.deepEqual(decodePlayers(whole), {
    whole: true, players: [{ owner: 4, bot: true, hue: 9, name: "Zêzere" }], gone: [8],
  });
  assert.throws(() => decodePlayers(bytes(...head)), RangeError);
});

test("steer is brought to the border", () => {
  assert.deepEqual([...encodeSteer(-3, 0)], [0, 0, 0, 0]);
  assert.deepEqual([...encodeSteer(1, 9)], [255, 255, 255, 255]);
});

test("a name is cut at whole characters at 24 bytes", () => {
  assert.equal(encodeSpawn(7, "a".repeat(24)).length, 25);
  assert.equal(encodeSpawn(7, "a".repeat(25)).length, 25);
  assert.equal(encodeSpawn(7, "a".repeat(23) + "ê").length, 24);
  assert.deepEqual([...encodeSpawn(7, "  ")], [7]);
});
