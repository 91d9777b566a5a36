import assert from "node:assert/strict";
import { test } from "node:test";
import { Camera } from "../state/camera.js";
import { PALETTE } from "../state/color.js";
import { RateMeter, qualityBars } from "../state/quality.js";
import { Roster } from "../state/roster.js";
import { Scene } from "../state/scene.js";
import { SteerGate } from "../state/steer.js";
import { Timeline } from "../state/timeline.js";

const view = (tick, more = {}) => ({
  tick, alive: true, following: false, followed: 1, rank: 0, x: 0, y: 0, halfHeight: 500, score: 0,
  own: 1, cells: [], specks: [], pellets: new Map(), ...more,
});

test("with even arrivals the moment drawn is one and a half ticks old", () => {
  const timeline = new Timeline();
  timeline.setTickRate(25);
  for (let tick = 0; tick < 20; tick++) timeline.push(view(tick), 1000 + tick * 40);
  const { from, to, fraction } = timeline.advance(1000 + 19 * 40);
  assert.deepEqual([from.tick, to.tick], [17, 18]);
  assert.ok(Math.abs(fraction - 0.5) < 1e-9);
});

test("jitter makes the delay longer, within its bound", () => {
  const even = new Timeline();
  const uneven = new Timeline();
  const awful = new Timeline();
  for (let tick = 0; tick < 40; tick++) {
    even.push(view(tick), tick * 40);
    uneven.push(view(tick), tick * 40 + (tick % 4) * 12);
    awful.push(view(tick), tick * 40 + (tick % 2) * 5000);
  }
  assert.equal(even.targetDelayMs(), 60);
  assert.equal(uneven.targetDelayMs(), 96);
  assert.equal(awful.targetDelayMs(), 400);
});

test("each snapshot is crossed once and the moment never goes back", () => {
  const timeline = new Timeline();
  const seen = [];
  let last = -1;
  for (let ms = 0; ms < 4000; ms += 5) {
    if (ms % 40 === 0) timeline.push(view(ms / 40), ms);
    const moment = timeline.advance(ms);
    seen.push(...moment.crossed.map((v) => v.tick));
    const at = moment.from.tick + moment.fraction * (moment.to.tick - moment.from.tick);
    assert.ok(at >= last - 1e-9, `${at} after ${last}`);
    last = at;
  }
  assert.deepEqual(seen, seen.map((_, i) => i));
  assert.ok(seen.length > 95);
});

test("while nothing comes the picture stands still, and then it does not jump", () => {
  const timeline = new Timeline();
  const drawn = [];
  for (let ms = 0; ms < 8000; ms += 8) {
    // Everything that is sent between the fourth second and 280 ms later arrives then.
    const arrivals = (from, to) => {
      for (let tick = Math.ceil(from / 40); tick * 40 < to; tick++) timeline.push(view(tick), ms);
    };
    if (ms === 4280) arrivals(4000, 4288);
    else if (ms < 4000 || ms > 4280) arrivals(ms, ms + 8);
    const { from, to, fraction } = timeline.advance(ms);
    drawn.push(from.tick + fraction * (to.tick - from.tick));
  }
  const steps = drawn.slice(1).map((at, i) => at - drawn[i]).slice(20);
  assert.ok(Math.max(...steps) < 0.2 * 1.09, `${Math.max(...steps)} ticks in a frame`);
  assert.ok(steps.some((step) => step === 0));
});

test("a room that started anew is followed from its first tick", () => {
  const timeline = new Timeline();
  timeline.push(view(5000), 0);
  timeline.advance(10);
  timeline.push(view(1), 40);
  assert.equal(timeline.advance(50).to.tick, 1);
});

test("cells glide, and what is eaten moves into its eater", () => {
  const scene = new Scene();
  const big = { id: 1, x: 100, y: 0, radius: 50, hue: 1, owner: 1 };
  const small = { id: 2, x: 200, y: 0, radius: 10, hue: 2, owner: 2 };
  const far = { id: 3, x: 900, y: 0, radius: 10, hue: 2, owner: 3 };
  const first = view(1, { cells: [big, small, far] });
  const second = view(2, { cells: [{ ...big, x: 180 }] });
  scene.update({ from: first, to: first, fraction: 0, crossed: [first] }, 0);
  assert.deepEqual(scene.cells.map((c) => [c.id, c.own]), [[2, false], [3, false], [1, true]]);
  scene.update({ from: first, to: second, fraction: 0.5, crossed: [second] }, 10);
  assert.deepEqual(scene.cells.map((c) => c.x), [140]);
  assert.equal(scene.ghosts.length, 1, "one was eaten, the other only went out of sight");
  scene.update({ from: second, to: second, fraction: 0, crossed: [] }, 150);
  assert.ok(scene.ghosts[0].x < 200 && scene.ghosts[0].x > 180);
  scene.update({ from: second, to: second, fraction: 0, crossed: [] }, 400);
  assert.equal(scene.ghosts.length, 0);
});

test("a new half starts at the cell it splits from, a stranger where it is", () => {
  const scene = new Scene();
  const whole = { id: 1, x: 1000, y: 0, radius: 60, hue: 1, owner: 1 };
  const half = { id: 2, x: 1100, y: 0, radius: 40, hue: 1, owner: 1 };
  const stranger = { id: 3, x: 1200, y: 0, radius: 41, hue: 1, owner: 9 };
  const from = view(1, { cells: [whole] });
  scene.update({ from, to: view(2, { cells: [whole, half, stranger] }), fraction: 0, crossed: [] }, 0);
  assert.deepEqual(scene.cells.map((c) => [c.id, c.x]), [[2, 1000], [3, 1200], [1, 1000]]);
});

test("an eaten pellet leaves a ghost, one out of view does not", () => {
  const scene = new Scene();
  const cell = { id: 1, x: 500, y: 500, radius: 50, hue: 1, owner: 1 };
  const near = { x: 520, y: 500, hue: 3 };
  const far = { x: 5000, y: 500, hue: 3 };
  const first = view(1, { cells: [cell], pellets: new Map([[8, near], [9, far]]) });
  const second = view(2, { cells: [cell], pellets: new Map() });
  scene.update({ from: first, to: first, fraction: 0, crossed: [first] }, 0);
  assert.equal(scene.pellets.size, 2);
  scene.update({ from: first, to: second, fraction: 0, crossed: [second] }, 40);
  assert.equal(scene.pellets.size, 0);
  assert.equal(scene.ghosts.length, 1);
});

test("the picture lies inside what the server shows, on any screen", () => {
  for (const [width, height] of [[1280, 720], [390, 844], [2000, 500]]) {
    const camera = new Camera();
    camera.resize(width, height);
    camera.follow({ x: 1000, y: 1000, halfHeight: 450 }, 16);
    const corner = camera.toWorld(0, 0);
    assert.ok(corner.x >= 1000 - 800 - 1e-6 && corner.y >= 1000 - 450 - 1e-6);
  }
});

test("steering is sent on change and at most every 40 ms", () => {
  const gate = new SteerGate();
  const a = Uint8Array.of(1, 0, 0, 0);
  const b = Uint8Array.of(2, 0, 0, 0);
  assert.deepEqual([gate.admit(a, 0), gate.admit(b, 39), gate.admit(b, 40), gate.admit(b, 500)], [true, false, true, false]);
  gate.reset();
  assert.equal(gate.admit(b, 600), true);
});

test("bytes are counted by the second", () => {
  const meter = new RateMeter();
  for (let ms = 0; ms <= 3000; ms += 50) {
    meter.tick(ms);
    meter.add(100);
  }
  assert.equal(meter.bytesPerSecond, 2000);
});

test("colours, bars and names", () => {
  assert.equal(PALETTE.length, 256);
  for (const { fill } of PALETTE) assert.match(fill, /^#[0-9a-f]{6}$/);
  assert.deepEqual([qualityBars(20, 30, true), qualityBars(71, 30, true), qualityBars(20, 700, true), qualityBars(20, 30, false)], [4, 3, 1, 0]);
  const roster = new Roster();
  roster.apply({ whole: false, players: [{ owner: 1, bot: false, hue: 1, name: "a" }], gone: [] });
  roster.apply({ whole: true, players: [{ owner: 2, bot: false, hue: 1, name: "b" }], gone: [] });
  assert.deepEqual([roster.name(1), roster.name(2)], ["", "b"]);
});
