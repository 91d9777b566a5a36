import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Physics, RACKS, TABLES } from "../../../../crates/physics-wasm/physics.js";
import { bodiesOf } from "../../../duel/client/state/bytes.js";
import { Layout } from "../../../duel/client/state/layout.js";
import { Match } from "../../../duel/client/state/match.js";
import { NONE, PHASE } from "../../../duel/client/state/protocol.js";
import { Stage } from "../../../duel/client/state/stage.js";
import { Flick } from "../state/flick.js";
import { FORMATIONS, formationOf } from "../state/formations.js";
import { netOf } from "../state/net.js";
import { MARGINS, chairOf, readPitch, shirtOf } from "../state/pitch.js";
import { GOAL } from "../state/protocol.js";
import { SAYINGS } from "../state/words.js";

const module = await WebAssembly.compile(
  await readFile(new URL("../../../../crates/physics-wasm/dist/physics.wasm", import.meta.url)),
);
const VERSION = TABLES.soccer;

async function kickedOff() {
  const physics = await Physics.create(module);
  physics.open(VERSION);
  physics.rack(RACKS.kickOff, 0n);
  return { physics, state: physics.save(), pitch: readPitch(physics) };
}

/** The state with the ball before the high goal and everybody else off, but for disc 4 behind the ball. */
function freeKick(state) {
  const bytes = state.slice();
  const view = new DataView(bytes.buffer);
  const put = (body, x, y) => {
    const at = 1 + body * 10;
    view.setUint8(at + 1, x === undefined ? 254 : 255);
    view.setInt32(at + 2, Math.round((x ?? 0) * 2 ** 20), true);
    view.setInt32(at + 6, Math.round((y ?? 0) * 2 ** 20), true);
  };
  for (let body = 0; body < bytes[0]; body++) put(body);
  put(0, 1.9, 0.7);
  put(4, 1.6, 0.7);
  return bytes;
}
const SHOT = { table: VERSION, body: 4, angle: 0, power: 30_000, side: 0, height: 0 };

function block(more = {}) {
  return {
    game: 0, turn: 0, phase: PHASE.PLAYING, player: 0, formations: [0, 0], goals: [0, 0], goalsToWin: 2, isKickOff: false,
    timeOuts: [0, 0], winner: NONE, how: 0, waitMs: 0, leftMs: 20_000, ...more,
  };
}

const tableOf = (state, more = {}) => ({
  rules: 2, opponent: 0, ownChair: 0, last: 0, tableVersion: VERSION, turnSeconds: 20, block: block(more), state,
});

test("the pitch is that of the physics, and fits every page, seen from either end", async () => {
  const { pitch } = await kickedOff();
  assert.deepEqual([pitch.length, pitch.width, pitch.ball, pitch.disc, pitch.corner], [2.2, 1.32, 0.033, 0.055, 0.14]);
  assert.ok(Math.abs(pitch.goal.low - 0.44) < 1e-9 && Math.abs(pitch.goal.high - 0.88) < 1e-9);
  assert.equal(pitch.goal.depth, 0.17);
  assert.ok(pitch.rail.along > pitch.goal.depth, "the goals are on the screen");
  for (const [width, height, form] of [[1280, 800, "wide"], [844, 390, "low"], [390, 844, "tall"]]) {
    for (const isTurned of [false, true]) {
      const layout = new Layout(width, height, pitch, MARGINS, isTurned);
      assert.equal(layout.form, form);
      const { x, y, width: w, height: h } = layout.frame;
      assert.ok(x >= 0 && y >= 0 && x + w <= width && y + h <= height, form);
      const [low, high] = [layout.toScreen(0, 0.66), layout.toScreen(2.2, 0.66)];
      const isFirst = form === "tall" ? low.y > high.y : low.x < high.x;
      assert.equal(isFirst, !isTurned, "one's own goal is at the left, or at the bottom");
      const back = layout.toTable(...Object.values(layout.toScreen(0.7, 0.3)));
      assert.ok(Math.abs(back.x - 0.7) < 1e-9 && Math.abs(back.y - 0.3) < 1e-9);
      const [from, to] = [layout.toScreen(1, 0.5), layout.toScreen(1 + Math.cos(0.4), 0.5 + Math.sin(0.4))];
      assert.ok(Math.abs(Math.atan2(to.y - from.y, to.x - from.x) - layout.toAngle(0.4)) < 1e-9);
    }
  }
});

test("teams and shirts", () => {
  assert.deepEqual([0, 1, 5, 6, 10].map(chairOf), [-1, 0, 0, 1, 1]);
  assert.deepEqual([1, 5, 6, 10].map(shirtOf), [1, 5, 1, 5]);
});

test("formations are legal places of five discs in the own half", async () => {
  const { pitch } = await kickedOff();
  for (const { name, spots } of FORMATIONS) {
    assert.equal(spots.length, 5, name);
    spots.forEach(([x, y], i) => {
      assert.ok(x >= pitch.disc && x <= pitch.length / 2 - pitch.disc - pitch.ball, name);
      for (const [otherX, otherY] of spots.slice(i + 1)) assert.ok(Math.hypot(x - otherX, y - otherY) > 2 * pitch.disc, name);
    });
  }
  assert.deepEqual(["3", null, "7", "x", -1, 1.5].map(formationOf), [3, 0, 0, 0, 0, 0]);
});

test("only own discs are chosen, with keys and with fingers", async () => {
  const { physics, state } = await kickedOff();
  const flick = new Flick(physics);
  flick.begin(1, state, VERSION);
  flick.choose(2);
  assert.equal(flick.disc, NONE);
  flick.chooseShirt(4);
  assert.equal(flick.disc, 9);
  flick.chooseNext(1);
  assert.equal(flick.disc, 10);
  flick.chooseNext(1);
  assert.equal(flick.disc, 6);
  flick.chooseNext(-1);
  assert.equal(flick.disc, 10);
  const [, ...discs] = bodiesOf(state);
  assert.deepEqual(flick.nearest(discs[6]), { disc: 7, metres: 0 });
  flick.begin(NONE, state, VERSION);
  assert.equal(flick.nearest(discs[6]).disc, NONE, "who watches has none");
});

test("a flick is what is sent, and its line ends at what it meets", async () => {
  const { physics, state, pitch } = await kickedOff();
  const flick = new Flick(physics);
  flick.begin(0, state, VERSION);
  flick.choose(4);
  assert.equal(flick.line, null, "nothing is drawn back");
  flick.aim.setPower(0.8);
  const { line } = flick;
  assert.equal(line.ball, 0, "it faces the ball to begin with");
  const ball = flick.placeOf(0);
  assert.ok(Math.abs(Math.hypot(line.ghost.x - ball.x, line.ghost.y - ball.y) - pitch.disc - pitch.ball) < 1e-5);
  assert.ok(line.objectLine.length > 2);
  const { put, call, shot } = flick.strike();
  assert.deepEqual([put, call, shot.body, shot.table, shot.side, shot.height], [null, NONE, 4, VERSION, 0, 0]);
  assert.equal(shot.power, Math.round(0.8 * 65_535));
  assert.equal(flick.aiming().call, 4);
  flick.choose(5);
  assert.equal(flick.hasPower, false, "another disc is drawn back anew");
});

test("a goal: the ball rests in the net, seen for a while, and then comes the kick-off", async () => {
  const { physics, state, pitch } = await kickedOff();
  const before = freeKick(state);
  const stage = new Stage(await Physics.create(module), netOf(pitch));
  const match = new Match(stage, SAYINGS);
  match.takeTable(tableOf(before), 0);
  match.strike({ put: null, call: NONE, shot: SHOT }, 0);
  physics.load(before);
  const { hash, seconds } = physics.shoot(SHOT);
  const told = { game: 0, turn: 0, hash, restMs: seconds * 1000, foul: GOAL.GOAL, pocketed: [{ ball: 0, pocket: 1 }] };
  match.takeVerdict({ ...told, state, block: block({ turn: 1, player: 1, goals: [1, 0], isKickOff: true, waitMs: seconds * 1000 + 2_000 }) }, 50);
  const noises = [];
  let ms = 0;
  for (; stage.isPlaying && ms < 20_000; ms += 16) noises.push(...match.update(ms, 16));
  assert.deepEqual(noises.filter(({ what }) => what === "pocketed").map(({ one, two }) => [one, two]), [[0, 1]]);
  const [ball] = stage.balls;
  assert.ok(ball.isShown && ball.x > pitch.length && ball.x <= pitch.length + pitch.goal.depth - pitch.ball + 1e-9, `${ball.x}`);
  assert.ok(ball.y >= pitch.goal.low + pitch.ball && ball.y <= pitch.goal.high - pitch.ball);
  assert.equal(match.block.turn, 0, "it is still celebrated");
  const restedMs = ms;
  for (; match.isRunning && ms < 20_000; ms += 16) match.update(ms, 16);
  assert.ok(ms > seconds * 1000 + 1_300 && ms - restedMs > 100, "it is seen in the net");
  assert.ok(ms < seconds * 1000 + 2_000 - 500, "everybody stands at the kick-off when it begins");
  assert.deepEqual([match.block.goals, match.compared, match.differed], [[1, 0], 1, 0]);
  for (const end = ms + 1_000; ms < end; ms += 16) match.update(ms, 16);
  assert.ok(Math.hypot(ball.x - 1.1, ball.y - 0.66) < 1e-5, "in the middle again");
});

test("the ball rolls as far as it goes, and a badge stands upright", async () => {
  const { state, pitch } = await kickedOff();
  const stage = new Stage(await Physics.create(module), netOf(pitch));
  stage.open(VERSION);
  stage.place(freeKick(state));
  assert.deepEqual([...stage.balls[4].turn], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
  const turn = stage.balls[0].turn.slice();
  stage.play(freeKick(state), null, SHOT, 0, 0);
  for (let ms = 0; ms < 400; ms += 16) stage.update(ms);
  assert.notDeepEqual([...stage.balls[0].turn], [...turn]);
});
