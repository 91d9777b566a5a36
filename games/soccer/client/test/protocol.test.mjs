import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeShot } from "../../../../crates/physics-wasm/physics.js";
import { bodiesOf } from "../../../duel/client/state/bytes.js";
import {
  NONE, PHASE, decodeAim, decodePeople, decodeRefused, decodeShot, encodeAim, encodeDiffers, encodeNumbers, encodeShoot,
} from "../../../duel/client/state/protocol.js";
import { bytes, hex, readGolden } from "../../../duel/client/test/wire.mjs";
import { RECEIVE, SEND, decodeFormations, decodeTable, decodeVerdict, encodeFormation } from "../state/protocol.js";
import { tellTurn } from "../state/tale.js";
import { SAYINGS, sayEnd, sayRefusal, sayTurn } from "../state/words.js";

/** As PROTOCOL.md lays it out: game 2, turn 3, chair 1 kicks off; formations 4 and 1, goals 1 and 0, of 2. */
const BLOCK = "0200 0300 01 01 04 01 01 00 00 02 02 01 ff 00 d0070000 204e0000";

const sent = await readGolden(new URL("../../golden/v1.json", import.meta.url));

test("what the server reads and sends, as its own tests keep it", () => {
  const block = { game: 0, turn: 0 };
  const told = decodeAim(sent.aimed.bytes);
  assert.equal(hex(encodeAim(block, told)), hex(sent.aim.bytes));
  assert.deepEqual([told.put, told.call, told.side, told.height], [null, 4, 0, 0]);
  const struck = decodeShot(sent.shot.bytes);
  assert.equal(hex(encodeShoot(block, { put: struck.put, call: struck.call, shot: encodeShot(struck.shot) })), hex(sent.shoot.bytes));
  assert.equal(hex(encodeDiffers(block, 0x0102_0304_0506_0708n, Uint8Array.of(9))), hex(sent.differs.bytes));
  assert.equal(hex(encodeNumbers(0)), hex(sent.rematch.bytes));
  assert.equal(hex(encodeFormation(block, 3)), hex(sent.choose.bytes));
  const table = decodeTable(sent.table.bytes);
  assert.deepEqual([table.tableVersion, table.ownChair, table.block.leftMs], [101, 0, Infinity]);
  const verdict = decodeVerdict(sent.verdict.bytes);
  assert.deepEqual([verdict.turn, verdict.block.turn, verdict.block.goalsToWin], [0, 1, 2]);
  assert.equal(bodiesOf(verdict.state).length, 11);
  assert.deepEqual(decodePeople(sent.people.bytes).chairs.map(({ name }) => name), ["person 1", "person 2"]);
  assert.equal(decodeRefused(sent.refused.bytes).op, 4);
  assert.deepEqual(decodeFormations(sent.formations.bytes), { game: 0, formations: [3, 0] });
  const ops = { shoot: SEND.SHOOT, choose: SEND.FORMATION, table: RECEIVE.TABLE, verdict: RECEIVE.VERDICT, formations: RECEIVE.FORMATIONS };
  for (const [what, op] of Object.entries(ops)) assert.equal(sent[what].op, op);
});

test("a turn's block and the table around it", () => {
  const table = decodeTable(bytes(`02 00 01 02 6500 1400 ${BLOCK} 0100ff0000000000000000`));
  assert.deepEqual([table.opponent, table.ownChair, table.last, table.tableVersion, table.turnSeconds], [0, 1, 2, 101, 20]);
  assert.deepEqual(table.block, {
    game: 2, turn: 3, phase: 1, player: 1, formations: [4, 1], goals: [1, 0], goalsToWin: 2, isKickOff: true,
    timeOuts: [0, 2], winner: 255, how: 0, waitMs: 2_000, leftMs: 20_000,
  });
});

test("a verdict with a goal", () => {
  const verdict = decodeVerdict(bytes(`0200 0200 0807060504030201 e8030000 01 01 00 01 ${BLOCK} 00`));
  assert.equal(verdict.hash, 0x0102_0304_0506_0708n);
  assert.deepEqual([verdict.foul, verdict.pocketed, verdict.block.goals], [1, [{ ball: 0, pocket: 1 }], [1, 0]]);
});

test("what is sent has the lengths and places of PROTOCOL.md", () => {
  const block = { game: 2, turn: 3 };
  const shot = { table: 101, body: 4, angle: 1, power: 2, side: 0, height: 0 };
  const shoot = encodeShoot(block, { put: null, call: NONE, shot: encodeShot(shot) });
  assert.equal(hex(shoot), `0200030000ff${"00".repeat(8)}6500040100000002000000${"00".repeat(2)}`);
  const aim = encodeAim(block, { put: null, call: 4, angle: 1, power: 2, side: 0, height: 0 });
  assert.equal(hex(aim), `020003000004${"00".repeat(8)}010000000200${"00".repeat(4)}`);
  const told = decodeAim(Uint8Array.of(1, ...aim));
  assert.deepEqual([told.chair, told.call, told.put], [1, 4, null]);
  assert.equal(hex(encodeFormation(block, 3)), "020003");
  assert.deepEqual(decodeFormations(bytes("0200 04 01")), { game: 2, formations: [4, 1] });
  assert.deepEqual([SEND.FORMATION, SEND.SIT, RECEIVE.FORMATIONS, RECEIVE.RECORD], [8, 7, 23, 22]);
});

test("what is cut off is no message", () => {
  const whole = bytes(`02 00 01 02 6500 1400 ${BLOCK}`);
  assert.ok(decodeTable(whole));
  for (let length = 0; length < whole.length; length++) assert.throws(() => decodeTable(whole.slice(0, length)), RangeError);
  assert.throws(() => decodeFormations(bytes("0200 04")), RangeError);
});

test("words for every end, turn and refusal", () => {
  const names = ["Ana", "Rui"];
  const block = (more) => ({ phase: PHASE.OVER, goals: [2, 1], winner: 0, how: 1, player: NONE, ...more });
  assert.deepEqual(sayEnd(block(), 0, names), { title: "You win", text: "2 : 1." });
  assert.deepEqual(sayEnd(block(), 1, names), { title: "Ana wins", text: "2 : 1." });
  assert.match(sayEnd(block({ how: 2 }), 0, names).text, /time was over/);
  for (const how of [1, 2, 9]) assert.doesNotMatch(sayEnd(block({ how, goals: undefined }), 0, names).text, /\d|undefined/);
  assert.equal(sayEnd(block({ how: 9, winner: NONE, goals: [1, 1] }), 0, names).title, "Drawn");
  assert.equal(sayEnd(block({ how: 6 }), 1, names).text, "You let the time run out.");
  assert.equal(sayEnd(block({ how: 7 }), 0, names).text, "Rui conceded.");
  assert.equal(sayEnd(block({ how: 8 }), NONE, names).text, "Rui left the game.");
  for (const reason of Array.from({ length: 24 }, (_, i) => i + 1)) assert.ok(sayRefusal(reason).length > 8);
  assert.match(sayRefusal(11), /disc of your own/);
  const turn = (more) => ({ block: { phase: PHASE.PLAYING, player: 0, isKickOff: false }, ownChair: 0, names, isRunning: false, isReady: true, ...more });
  assert.equal(sayTurn(turn()), "Your turn");
  assert.equal(sayTurn(turn({ isReady: false })), "Get ready");
  assert.equal(sayTurn(turn({ ownChair: 1 })), "Ana is on the ball");
  assert.equal(sayTurn(turn({ isRunning: true })), "");
  const late = { last: 1, block: { player: 1, timeOuts: [2, 0] } };
  assert.deepEqual(SAYINGS.table(late), [{ text: "Time is up, for the second of three times.", tone: "foul" }]);
  assert.deepEqual(SAYINGS.table({ ...late, last: 2 }), []);
});

test("the turns of a game that is over, in words", () => {
  const names = ["Ana", "Rui"];
  const block = (more = {}) => ({ formations: [0, 0], goals: [0, 0], isKickOff: false, winner: NONE, how: 0, ...more });
  const table = (more, last = 0) => ({ block: block(more), last });
  const shot = { shot: { body: 9 } };
  const tell = (before, after, verdict, chair = 1) => tellTurn({ chair, before, after, shot: verdict ? shot : null, verdict }, names);
  assert.deepEqual(tell(table({ isKickOff: true }), table(), { foul: 0, block: block() }), { who: "Rui", chair: 1, text: "kicks off with the 4.", mark: "" });
  const goal = { foul: 1, block: block({ goals: [0, 1] }) };
  assert.deepEqual(tell(table(), table(), goal), { who: "Rui", chair: 1, text: "flicks the 4 and scores: 0 : 1.", mark: "good" });
  const own = { foul: 2, block: block({ goals: [2, 0], winner: 0, how: 1 }) };
  assert.deepEqual(tell(table(), table(), own), { who: "Rui", chair: 1, text: "flicks the 4 into the own goal: 2 : 0. That loses.", mark: "end" });
  assert.equal(tell(table(), table({ formations: [0, 2] }, 2), null, 0).text, "stands as “Wall”.");
  assert.equal(tell(table(), table({ formations: [0, 2] }, 2), null, 0).who, "Rui");
  assert.deepEqual(tell(table(), table({}, 1), null), { who: "Rui", chair: 1, text: "lets the time run out.", mark: "foul" });
  assert.deepEqual(tell(table(), table({ winner: 1, how: 7 }), null), { who: "Ana", chair: 0, text: "concedes.", mark: "end" });
});
