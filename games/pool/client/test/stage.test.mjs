import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Physics, RACKS, TABLES, encodeShot } from "../../../../crates/physics-wasm/physics.js";
import { Aim } from "../../../duel/client/state/aim.js";
import { bodiesOf, toUnits, withFirst } from "../../../duel/client/state/bytes.js";
import { Layout } from "../../../duel/client/state/layout.js";
import { Match } from "../../../duel/client/state/match.js";
import { predict } from "../../../duel/client/state/predict.js";
import { NONE, PHASE } from "../../../duel/client/state/protocol.js";
import { roll } from "../../../duel/client/state/rolling.js";
import { Stage } from "../../../duel/client/state/stage.js";
import { HOLES } from "../state/holes.js";
import { Practice } from "../state/practice.js";
import { MARGINS, readTable } from "../state/table.js";
import { Turn } from "../state/turn.js";
import { SAYINGS } from "../state/words.js";

const module = await WebAssembly.compile(
  await readFile(new URL("../../../../crates/physics-wasm/dist/physics.wasm", import.meta.url)),
);
const create = () => Physics.create(module);
const VERSION = TABLES.eightFoot;
const BREAK = { table: VERSION, body: 0, angle: 0, power: 60_000, side: 0, height: 0 };

async function racked(seed = 5n) {
  const physics = await create();
  physics.open(VERSION);
  physics.rack(RACKS.eightBall, seed);
  return { physics, state: physics.save(), outline: readTable(physics) };
}

/** A state with the cue ball and one other ball at places in metres; the others are off. */
function twoBalls(state, cue, number, place) {
  const bytes = state.slice();
  const view = new DataView(bytes.buffer);
  for (let ball = 0; ball < bytes[0]; ball++) {
    const at = 1 + ball * 10;
    const units = ball === 0 ? toUnits(cue) : toUnits(place);
    const isOn = ball === 0 || ball === number;
    view.setUint8(at + 1, isOn ? 255 : 254);
    view.setInt32(at + 2, isOn ? units.x : 0, true);
    view.setInt32(at + 6, isOn ? units.y : 0, true);
  }
  return bytes;
}

function block(more = {}) {
  return {
    game: 0, turn: 0, phase: PHASE.PLAYING, player: 0, hand: 0, isBreak: true, canRerack: false, isBlackOn: false,
    mustPut: false, groups: [0, 0], timeOuts: [0, 0], fouls: [0, 0], winner: NONE, how: 0, waitMs: 0, leftMs: 30_000, ...more,
  };
}

const tableOf = (state, more = {}) => ({
  rules: 0, opponent: 0, ownChair: 0, last: 0, tableVersion: VERSION, turnSeconds: 30, block: block(more), state,
});

test("the table is turned, never mirrored, and fits", async () => {
  const { outline } = await racked();
  for (const [width, height, form] of [[1280, 720, "wide"], [844, 390, "low"], [390, 844, "tall"]]) {
    const layout = new Layout(width, height, outline, MARGINS);
    assert.equal(layout.form, form);
    const { x, y, width: w, height: h } = layout.frame;
    assert.ok(x >= 0 && y >= 0 && x + w <= width && y + h <= height, form);
    const [o, along, left] = [layout.toScreen(0, 0), layout.toScreen(1, 0), layout.toScreen(0, 1)];
    const cross = (along.x - o.x) * (left.y - o.y) - (along.y - o.y) * (left.x - o.x);
    // On a screen, whose y goes down, a turn to the left is negative.
    assert.ok(cross < 0, form);
    const back = layout.toTable(...Object.values(layout.toScreen(0.7, 0.3)));
    assert.ok(Math.abs(back.x - 0.7) < 1e-9 && Math.abs(back.y - 0.3) < 1e-9);
  }
});

test("the outline has six cushions and six pockets", async () => {
  const { outline } = await racked();
  assert.equal(outline.cushions.length, 6);
  assert.equal(outline.pockets.length, 6);
  assert.ok(outline.cushions.every((points) => points.length === 6));
  assert.ok(outline.length > 2.2 && outline.width * 2 === outline.length && outline.radius > 0.028);
});

test("a shot is shown from its start to the end that the state has", async () => {
  const { state } = await racked();
  const physics = await create();
  const stage = new Stage(physics, HOLES);
  stage.open(VERSION);
  stage.play(state, null, BREAK, 1_000, 1_000);
  const heard = [];
  let nowMs = 1_000;
  for (; stage.isPlaying && nowMs < 60_000; nowMs += 16) heard.push(...stage.update(nowMs));
  assert.ok(nowMs < 60_000, "it ends");
  assert.equal(heard.length, physics.log().length, "everything is heard once");
  const end = bodiesOf(physics.save());
  for (const ball of stage.balls) {
    assert.equal(ball.isShown, end[ball.number].isOn, `ball ${ball.number}`);
    if (ball.isShown) assert.ok(Math.hypot(ball.x - end[ball.number].x, ball.y - end[ball.number].y) < 1e-5);
  }
});

test("whoever comes into the middle of a shot sees the moment that the others see, and hears nothing of before", async () => {
  const { state } = await racked();
  const [early, late] = [new Stage(await create(), HOLES), new Stage(await create(), HOLES)];
  for (const stage of [early, late]) stage.open(VERSION);
  early.play(state, null, BREAK, 0, 0);
  let before = 0;
  for (let ms = 0; ms <= 1_500; ms += 20) before += early.update(ms).length;
  late.play(state, null, BREAK, 0, 1_500);
  const heard = late.update(1_500).length;
  assert.ok(before > 20 && heard < before / 2, `${heard} of ${before}`);
  for (const ball of early.balls) {
    const other = late.balls[ball.number];
    assert.deepEqual([other.x, other.y, other.isShown], [ball.x, ball.y, ball.isShown]);
  }
});

test("a rolling ball turns as far as it went, about the axis across its way", async () => {
  const { state } = await racked();
  const alone = twoBalls(state, { x: 0.4, y: 0.5 }, 1, { x: 2.0, y: 1.0 });
  const stage = new Stage(await create(), HOLES);
  stage.open(VERSION);
  stage.play(alone, null, { ...BREAK, power: 9_000, height: 13_000 }, 0, 0);
  for (let ms = 0; ms <= 400; ms += 4) stage.update(ms);
  const ball = stage.balls[0];
  const from = ball.x;
  const turn = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  ball.turn.set(turn);
  for (let ms = 404; ms <= 700; ms += 4) stage.update(ms);
  roll(turn, 0, (ball.x - from) / 0.028575, 0);
  ball.turn.forEach((part, i) => assert.ok(Math.abs(part - turn[i]) < 0.02, `${[...ball.turn]} ${[...turn]}`));
});

test("the aim line ends at the ghost ball, one diameter from the ball it hits", async () => {
  const { physics, state, outline } = await racked();
  const two = twoBalls(state, { x: 0.4, y: 0.5 }, 3, { x: 1.2, y: 0.52 });
  const line = predict(physics, two, { ...BREAK, power: 30_000 });
  assert.equal(line.ball, 3);
  assert.ok(Math.abs(Math.hypot(line.ghost.x - 1.2, line.ghost.y - 0.52) - 2 * outline.radius) < 1e-5);
  assert.ok(line.objectLine.length > 2 && line.cueLine.length > 2);
  const [first, last] = [line.objectLine[0], line.objectLine.at(-1)];
  const cut = Math.atan2(0.52 - line.ghost.y, 1.2 - line.ghost.x);
  assert.ok(Math.abs(Math.atan2(last.y - first.y, last.x - first.x) - cut) < 0.1, "along the line of centres, but for throw");
});

test("the aim line goes over a cushion, and ends in a pocket", async () => {
  const { physics, state, outline } = await racked();
  const lone = twoBalls(state, { x: 0.6, y: 0.3 }, 3, { x: 2.0, y: 0.9 });
  const bank = predict(physics, lone, { ...BREAK, angle: 2 ** 30 * 0.6, power: 20_000 });
  assert.equal(bank.ball, -1);
  assert.ok(Math.max(...bank.path.map(({ y }) => y)) > outline.width - 2 * outline.radius);
  const angle = Math.atan2(-0.3, -0.6);
  const sunk = predict(physics, lone, { ...BREAK, angle: Math.round((angle / (2 * Math.PI)) * 2 ** 32) >>> 0, power: 20_000 });
  const end = sunk.path.at(-1);
  const away = outline.pockets.map((pocket) => Math.hypot(pocket.x - end.x, pocket.y - end.y));
  assert.ok(Math.min(...away) <= outline.pockets[0].radius + 1e-6);
});

test("an aim's integers are within the server's limits", () => {
  const aim = new Aim();
  aim.setSpin(3, 4);
  aim.setPower(7);
  aim.angle = -1e-12;
  aim.turn(0);
  const { angle, power, side, height } = aim.numbers();
  assert.ok(Number.isInteger(angle) && angle >= 0 && angle < 2 ** 32);
  assert.equal(power, 65_535);
  assert.ok(side * side + height * height <= 32_767 ** 2 && Math.hypot(side, height) > 32_760);
  const other = new Aim();
  other.take({ angle, power, side, height });
  assert.deepEqual(other.numbers(), { angle, power, side, height });
  // The short way round, not through the whole turn.
  const [near, far] = [new Aim(), new Aim()];
  near.angle = 0.1;
  far.angle = 2 * Math.PI - 0.1;
  near.approach(far, 0.5);
  assert.ok(near.angle < 0.01 || near.angle > 2 * Math.PI - 0.01);
});

test("ball in hand: shown legal exactly where the server takes it", async () => {
  const { physics, state, outline } = await racked();
  const turn = new Turn(await create());
  turn.begin(block({ hand: 1 }), state, VERSION, outline);
  turn.hold({ x: 1.5, y: 0.5 });
  assert.ok(turn.held.x <= outline.length / 4 && turn.held.isLegal);
  turn.drop();
  assert.ok(turn.put.x <= (outline.length / 4) * 2 ** 20);
  turn.begin(block({ hand: 2 }), state, VERSION, outline);
  const [, ...others] = bodiesOf(state);
  turn.hold(others[0]);
  assert.equal(turn.held.isLegal, false);
  assert.equal(turn.line, null);
  turn.drop();
  assert.equal(turn.put, null, "it goes back");
  turn.hold({ x: 0.001, y: 0.001 });
  const isLegal = turn.held.isLegal;
  let isTaken = true;
  try {
    physics.load(withFirst(state, toUnits(turn.held)));
  } catch {
    isTaken = false;
  }
  assert.equal(isLegal, isTaken);
  turn.drop();
  turn.begin(block({ hand: 0 }), state, VERSION, outline);
  turn.hold({ x: 0.3, y: 0.3 });
  assert.equal(turn.held, null, "not without the rules' leave");
});

test("a cue ball that must be put lies somewhere free to begin with", async () => {
  const { state, outline } = await racked();
  const off = twoBalls(state, { x: 0.3, y: 0.3 }, 3, { x: outline.length / 4, y: outline.width / 2 });
  off[2] = 254;
  new DataView(off.buffer).setInt32(3, 0, true);
  new DataView(off.buffer).setInt32(7, 0, true);
  const turn = new Turn(await create());
  turn.begin(block({ hand: 2, mustPut: true }), off, VERSION, outline);
  assert.ok(turn.put && turn.isReady);
  assert.ok(turn.line !== null);
  assert.deepEqual(turn.strike().put, turn.put);
});

test("the black wants a pocket, which follows the aim until one is chosen", async () => {
  const { state, outline } = await racked();
  const black = twoBalls(state, { x: 1.2, y: 0.55 }, 8, { x: 1.9, y: 0.9 });
  const turn = new Turn(await create());
  turn.begin(block({ isBlackOn: true }), black, VERSION, outline);
  assert.equal(turn.isReady, false);
  assert.ok(turn.line);
  assert.equal(turn.call, 3, "the far corner that it faces");
  turn.chooseCall(1);
  turn.aim.turn(0.01);
  assert.ok(turn.line);
  assert.equal(turn.strike().call, 1);
  turn.begin(block(), black, VERSION, outline);
  turn.chooseCall(2);
  assert.equal(turn.strike().call, NONE, "nothing is called without need");
});

test("a shot is shown at once, judged when the balls rest, and compared", async () => {
  const { physics, state } = await racked();
  const stage = new Stage(await create(), HOLES);
  const match = new Match(stage, SAYINGS);
  match.takeTable(tableOf(state), 0);
  assert.ok(match.canPlay(10));
  match.strike({ put: null, call: NONE, shot: BREAK }, 10);
  assert.equal(match.canPlay(11), false);
  match.takeShot({ game: 0, turn: 0, chair: 0, put: null, call: NONE, shot: BREAK, ageMs: 40 }, 60);
  const { hash, seconds } = physics.shoot(BREAK);
  const verdict = { game: 0, turn: 0, hash, restMs: seconds * 1000, foul: 1, pocketed: [], state: physics.save(), block: block({ turn: 1, player: 1, hand: 2, waitMs: 2_000 }) };
  match.takeVerdict(verdict, 70);
  assert.equal(match.block.turn, 0, "not before the balls rest");
  match.takeHappened();
  for (let ms = 70; match.isRunning && ms < 60_000; ms += 20) match.update(ms, 20);
  assert.equal(match.block.turn, 1);
  assert.equal(match.isOwnTurn, false);
  assert.equal(match.turnFromMs, 2_070);
  assert.deepEqual([match.compared, match.differed], [1, 0]);
  assert.deepEqual(match.takeHappened().map(({ kind }) => kind), ["said", "turn"]);
});

test("a page that slept through two shots has the state after both", async () => {
  const { physics, state } = await racked();
  const match = new Match(new Stage(await create(), HOLES), SAYINGS);
  match.takeTable(tableOf(state, { player: 1 }), 0);
  for (const turn of [0, 1]) {
    const shot = { ...BREAK, angle: turn * 1e9 };
    match.takeShot({ game: 0, turn, chair: 1, put: null, call: NONE, shot, ageMs: 0 }, turn * 9_000);
    const { hash } = physics.shoot(shot);
    match.takeVerdict({ game: 0, turn, hash, restMs: 0, foul: 0, pocketed: [], state: physics.save(), block: block({ turn: turn + 1, player: 1 }) }, turn * 9_000 + 50);
  }
  assert.ok(match.update(60_000, 42_000).length === 0, "what was missed is not heard");
  assert.equal(match.block.turn, 2);
  assert.deepEqual([match.compared, match.differed], [2, 0]);
});

test("another end of the server's is taken, in a glide, and reported", async () => {
  const { physics, state } = await racked();
  const stage = new Stage(await create(), HOLES);
  const match = new Match(stage, SAYINGS);
  match.takeTable(tableOf(state), 0);
  match.takeShot({ game: 0, turn: 0, chair: 1, put: null, call: NONE, shot: BREAK, ageMs: 0 }, 0);
  const own = physics.shoot(BREAK);
  const elsewhere = twoBalls(state, { x: 0.5, y: 0.5 }, 2, { x: 1, y: 0.5 });
  match.takeVerdict({ game: 0, turn: 0, hash: own.hash ^ 1n, restMs: 0, foul: 0, pocketed: [], state: elsewhere, block: block({ turn: 1 }) }, 5);
  let ms = 0;
  for (; match.isRunning && ms < 60_000; ms += 20) match.update(ms, 20);
  const told = match.takeHappened().find(({ kind }) => kind === "differs");
  assert.equal(told.hash, own.hash);
  assert.equal(told.turn, 0);
  assert.equal(stage.balls[3].isShown, false);
  match.update(ms + 100, 20);
  assert.ok(Math.abs(stage.balls[0].x - 0.5) > 1e-4, "on its way");
  match.update(ms + 2_000, 20);
  assert.ok(Math.abs(stage.balls[0].x - 0.5) < 1e-6 && Math.abs(stage.balls[2].x - 1) < 1e-6);
});

test("a refused shot puts the balls back", async () => {
  const { state } = await racked();
  const stage = new Stage(await create(), HOLES);
  const match = new Match(stage, SAYINGS);
  match.takeTable(tableOf(state), 0);
  match.strike({ put: null, call: NONE, shot: BREAK }, 10);
  match.update(800, 20);
  match.takeRefused({ op: 1, reason: 6, game: 0, turn: 0 }, 800);
  assert.equal(match.isRunning, false);
  match.update(2_000, 20);
  const [cue] = bodiesOf(state);
  assert.ok(Math.hypot(stage.balls[0].x - cue.x, stage.balls[0].y - cue.y) < 1e-6);
  assert.ok(match.takeHappened().some((what) => what.kind === "said" && /late/i.test(what.text)));
});

test("practice: strokes are taken back, a lost cue ball may be put anywhere, the end is a new rack", async () => {
  const practice = new Practice(await create(), VERSION, 9n);
  const first = practice.table();
  const { hash } = practice.shoot({ put: null, shot: BREAK });
  assert.ok(practice.canUndo);
  practice.undo();
  assert.deepEqual(practice.table().state, first.state);
  assert.equal(practice.shoot({ put: null, shot: BREAK }).hash, hash);
  const { state, outline } = await racked();
  const into = twoBalls(state, { x: 0.3, y: 0.3 }, 3, { x: 2, y: 1 });
  const aim = new Aim();
  aim.pointAt({ x: 0.3, y: 0.3 }, outline.pockets[0]);
  const scratch = await practiceFrom(into);
  const lost = scratch.shoot({ put: null, shot: aim.shot(VERSION, 0.4) });
  assert.deepEqual(lost.pocketed, [{ ball: 0, pocket: 0 }]);
  assert.equal(lost.block.mustPut, true);
  assert.deepEqual(bodiesOf(lost.state).map(({ isOn }) => isOn).filter(Boolean).length, 1);
  const last = await practiceFrom(twoBalls(state, { x: 0.6, y: 0.6 }, 3, { x: 0.3, y: 0.3 }));
  const end = last.shoot({ put: null, shot: { ...aim.shot(VERSION, 0.3), angle: 2 ** 31 + 2 ** 29 } });
  assert.deepEqual(end.pocketed[0], { ball: 3, pocket: 0 });
  assert.equal(bodiesOf(end.state).filter(({ isOn }) => isOn).length, 16);
});

/** A practice whose first rack is this state. */
async function practiceFrom(state) {
  const physics = await create();
  const save = physics.save.bind(physics);
  const first = [state];
  physics.save = () => first.pop() ?? save();
  return new Practice(physics, VERSION, 1n);
}

test("a shot's bytes are those of the physics", () => {
  assert.equal(encodeShot(BREAK).length, 13);
});
