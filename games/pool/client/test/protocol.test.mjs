import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeShot } from "../../../../crates/physics-wasm/physics.js";
import { bodiesOf } from "../../../duel/client/state/bytes.js";
import {
  RECEIVE, TRACE_BYTES_MAX, decodeAim, decodePeople, decodeRefused, decodeShot, encodeAim, encodeDiffers, encodeNumbers, encodeShoot,
} from "../../../duel/client/state/protocol.js";
import { bytes, hex, readGolden } from "../../../duel/client/test/wire.mjs";
import { SEND, decodeTable, decodeVerdict } from "../state/protocol.js";
import { sayEnd, sayFoul, sayRefusal, sayTurn } from "../state/words.js";

/** As PROTOCOL.md lays it out: game 2, turn 3, playing, chair 1, in hand anywhere, break and black, stripes and solids. */
const BLOCK = "0200 0300 01 01 02 05 02 01 01 00 00 02 ff 00 d0070000 ffffffff";

const sent = await readGolden(new URL("../../golden/v1.json", import.meta.url));

test("what the server reads and sends, as its own tests keep it", () => {
  const block = { game: 0, turn: 0 };
  const told = decodeAim(sent.aimed.bytes);
  assert.equal(hex(encodeAim(block, told)), hex(sent.aim.bytes));
  assert.deepEqual(told.put, { x: 500_000, y: 600_000 });
  assert.deepEqual([told.angle, told.power, told.side, told.height], [0x0102_0304, 0x0506, -2, 0x0708]);
  const struck = decodeShot(sent.shot.bytes);
  const stroke = { put: struck.put, call: struck.call, shot: encodeShot(struck.shot) };
  assert.equal(hex(encodeShoot(block, stroke)), hex(sent.shoot.bytes));
  assert.equal(hex(encodeDiffers(block, 0x0102_0304_0506_0708n, Uint8Array.of(9))), hex(sent.differs.bytes));
  assert.equal(hex(encodeNumbers(0, 0)), hex(sent.rerack.bytes));
  assert.equal(hex(encodeNumbers(0)), hex(sent.rematch.bytes));
  const table = decodeTable(sent.table.bytes);
  assert.deepEqual([table.tableVersion, table.turnSeconds, table.ownChair, table.block.leftMs], [2, 10, 0, Infinity]);
  const verdict = decodeVerdict(sent.verdict.bytes);
  assert.deepEqual([verdict.turn, verdict.block.turn, verdict.block.leftMs], [0, 1, 10_000]);
  assert.ok(verdict.block.waitMs > 0 && verdict.block.waitMs <= verdict.restMs, "until the balls rest");
  assert.equal(bodiesOf(verdict.state).length, 16);
  assert.deepEqual(decodePeople(sent.people.bytes).chairs.map(({ name }) => name), ["person 1", "person 2"]);
  assert.deepEqual(decodeRefused(sent.refused.bytes), { op: 4, reason: 5, game: 0, turn: 1 });
  const ops = { shoot: SEND.SHOOT, aim: SEND.AIM, sit: SEND.SIT, table: RECEIVE.TABLE, verdict: RECEIVE.VERDICT, record: RECEIVE.RECORD };
  for (const [what, op] of Object.entries(ops)) assert.equal(sent[what].op, op);
});

test("a turn's block and the table around it", () => {
  const table = decodeTable(bytes(`01 02 ff 01 0200 2d00 ${BLOCK} 0100ff0000000000000000`));
  assert.deepEqual(
    { ...table, block: null, state: hex(table.state) },
    { rules: 1, opponent: 2, ownChair: 255, last: 1, tableVersion: 2, turnSeconds: 45, block: null, state: "0100ff0000000000000000" },
  );
  assert.deepEqual(table.block, {
    game: 2, turn: 3, phase: 1, player: 1, hand: 2, isBreak: true, canRerack: false, isBlackOn: true, mustPut: false,
    groups: [2, 1], timeOuts: [1, 0], fouls: [0, 2], winner: 255, how: 0, waitMs: 2_000, leftMs: Infinity,
  });
});

test("a shot, with and without a cue ball in hand", () => {
  const shot = { table: 2, body: 0, angle: 0x8000_0001, power: 65_535, side: -32_767, height: 5 };
  const text = `0200 0300 01 01 04 00 01000000 ffffffff ${hex(encodeShot(shot))} e8030000`;
  assert.deepEqual(decodeShot(bytes(text)), { game: 2, turn: 3, chair: 1, put: { x: 1, y: -1 }, call: 4, shot, ageMs: 1_000 });
  assert.equal(decodeShot(bytes(text.replace("01 01 04", "01 00 04"))).put, null);
});

test("a verdict", () => {
  const verdict = decodeVerdict(bytes(`0200 0200 efcdab8967452301 88130000 03 02 0105 0802 ${BLOCK} 00`));
  assert.equal(verdict.hash, 0x0123_4567_89ab_cdefn);
  assert.deepEqual(verdict.pocketed, [{ ball: 1, pocket: 5 }, { ball: 8, pocket: 2 }]);
  assert.deepEqual([verdict.game, verdict.turn, verdict.restMs, verdict.foul, verdict.block.turn], [2, 2, 5_000, 3, 3]);
});

test("people and refusals", () => {
  assert.deepEqual(decodePeople(bytes("0300 02 01 03 416e61 03 00")), {
    watching: 3,
    wantsRematch: [false, true],
    chairs: [{ kind: "person", name: "Ana" }, { kind: "bot", name: "" }],
  });
  assert.deepEqual(decodeRefused(bytes("01 09 0200 0300")), { op: 1, reason: 9, game: 2, turn: 3 });
  assert.throws(() => decodePeople(bytes("0300 02 01 09 416e61")), RangeError);
});

test("what is cut off is no message", () => {
  const whole = bytes(`01 02 ff 01 0200 2d00 ${BLOCK}`);
  for (let length = 0; length < whole.length; length++) assert.throws(() => decodeTable(whole.subarray(0, length)), RangeError);
});

test("what is sent has the lengths and places of PROTOCOL.md", () => {
  const block = { game: 2, turn: 3 };
  const shot = encodeShot({ table: 2, body: 0, angle: 1, power: 2, side: 3, height: -4 });
  assert.equal(hex(encodeShoot(block, { put: { x: 7, y: 8 }, call: 255, shot })), `0200030001ff0700000008000000${hex(shot)}`);
  assert.equal(encodeShoot(block, { put: null, call: 1, shot }).length, 27);
  const aiming = { put: null, call: 2, angle: 1, power: 2, side: -3, height: 4 };
  const aimed = encodeAim(block, aiming);
  assert.equal(hex(aimed), "0200030000020000000000000000010000000200fdff0400");
  assert.deepEqual(decodeAim(Uint8Array.of(1, ...aimed)), { chair: 1, game: 2, turn: 3, ...aiming });
  assert.equal(hex(encodeNumbers(2, 300)), "02002c01");
  const report = encodeDiffers(block, 0x0123_4567_89ab_cdefn, new Uint8Array(TRACE_BYTES_MAX + 9).fill(7));
  assert.equal(report.length, 12 + TRACE_BYTES_MAX);
  assert.equal(hex(report.subarray(0, 13)), "02000300efcdab896745230107");
});

test("words for every foul, refusal and end", () => {
  for (let foul = 1; foul <= 5; foul++) assert.match(sayFoul(foul), /^Foul: .+\.$/);
  assert.equal(sayFoul(0), "");
  for (let reason = 1; reason <= 24; reason++) assert.match(sayRefusal(reason), /\.$/);
  const names = ["Ana", "Rui"];
  for (let how = 1; how <= 8; how++) {
    for (const winner of [0, 1]) {
      for (const own of [0, 1, 255]) {
        const { title, text } = sayEnd({ winner, how }, own, names);
        assert.match(title, own === winner ? /^You win$/ : /^(Ana|Rui) wins$/);
        assert.ok(text.length > 5 && !/undefined/.test(text), text);
      }
    }
  }
  assert.equal(sayEnd({ winner: 255, how: 9 }, 0, names).title, "Drawn");
});

test("the line above the table says whose turn it is, and what is wanted", () => {
  const block = { phase: 1, player: 0, hand: 0, isBreak: false, isBlackOn: false };
  const say = (more, rest = {}) =>
    sayTurn({ block: { ...block, ...more }, ownChair: 0, names: ["Ana", "Rui"], isRunning: false, opponent: 0, call: 255, ...rest });
  assert.match(say({}), /^Your turn$/);
  assert.match(say({ player: 1 }), /^Rui/);
  assert.match(say({ isBlackOn: true }), /pocket/);
  assert.match(say({ isBlackOn: true }, { call: 3 }), /^Your turn$/);
  assert.match(say({ hand: 2 }), /anywhere/);
  assert.match(say({ hand: 1 }), /behind the line/);
  assert.equal(say({}, { isRunning: true }), "");
  assert.match(say({ phase: 0 }), /Waiting/);
});
