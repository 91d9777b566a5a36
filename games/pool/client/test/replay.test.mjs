// A game of four strokes and a concession, as a server told it (`played.json`), shown again.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Physics } from "../../../../crates/physics-wasm/physics.js";
import { placesOf } from "../../../duel/client/state/bytes.js";
import { Match } from "../../../duel/client/state/match.js";
import { NONE, PHASE } from "../../../duel/client/state/protocol.js";
import { AIM_MS, Replay, readFilm, turnAt } from "../../../duel/client/state/replay.js";
import { Stage } from "../../../duel/client/state/stage.js";
import { HOLES } from "../state/holes.js";
import { decodeTable, decodeVerdict } from "../state/protocol.js";
import { tellTurn } from "../state/tale.js";
import { SAYINGS } from "../state/words.js";

const STROKES = 4;
const FRAME_MS = 16;
const module = await WebAssembly.compile(
  await readFile(new URL("../../../../crates/physics-wasm/dist/physics.wasm", import.meta.url)),
);
const played = JSON.parse(await readFile(new URL("played.json", import.meta.url), "utf8"));
const messages = played.map(([op, data]) => ({ op, data: Uint8Array.from(Buffer.from(data, "base64")) }));
const read = (some = messages) => readFilm(some, { decodeTable, decodeVerdict }, () => 0);

async function shown() {
  const match = new Match(new Stage(await Physics.create(module), HOLES), SAYINGS);
  const film = read();
  return { match, film, replay: new Replay(film, match) };
}

test("messages become turns without waiting, one after the other", () => {
  const film = read();
  assert.equal(film.turns.length, STROKES + 1);
  assert.deepEqual(film.turns.map(({ shot }) => shot !== null), [true, true, true, true, false]);
  let atMs = 0;
  for (const { startMs, actMs, endMs, before, after } of film.turns) {
    assert.equal(startMs, atMs);
    assert.ok(actMs > startMs && endMs > actMs);
    for (const { block, turnSeconds, ownChair } of [before, after]) {
      assert.deepEqual([block.waitMs, block.leftMs, turnSeconds, ownChair], [0, Infinity, 0, NONE]);
    }
    atMs = endMs;
  }
  assert.equal(film.lengthMs, atMs);
  assert.deepEqual([turnAt(film, 0), turnAt(film, film.turns[2].startMs), turnAt(film, atMs - 1), turnAt(film, atMs)], [0, 2, 4, 5]);
});

test("what is no game is refused, and one without a turn is short", () => {
  assert.throws(() => read([]), RangeError);
  assert.throws(() => read(messages.slice(1)), RangeError);
  assert.throws(() => read([messages[0], { ...messages[1], data: messages[1].data.subarray(0, 20) }]), RangeError);
  const { turns, lengthMs } = read(messages.slice(0, 1));
  assert.deepEqual([turns, lengthMs], [[], 0]);
});

test("played to its end every stroke ends as the server said", async () => {
  const { match, film, replay } = await shown();
  for (let ms = 0; ms < film.lengthMs + 1_000; ms += FRAME_MS) match.update(replay.update(FRAME_MS), FRAME_MS);
  assert.deepEqual([match.compared, match.differed], [STROKES, 0]);
  assert.ok(replay.isAtEnd && !replay.isPlaying);
  assert.equal(replay.turn, STROKES + 1);
  assert.equal(match.block.phase, PHASE.OVER);
  replay.toggle();
  assert.deepEqual([replay.isPlaying, replay.turn], [true, 0]);
});

test("four times as fast takes a quarter of the time", async () => {
  const { match, film, replay } = await shown();
  replay.speed = 4;
  let ms = 0;
  for (; !replay.isAtEnd; ms += FRAME_MS) match.update(replay.update(FRAME_MS), FRAME_MS);
  assert.ok(Math.abs(ms - film.lengthMs / 4) < 2 * FRAME_MS, `${ms} of ${film.lengthMs}`);
  assert.deepEqual([match.compared, match.differed], [STROKES, 0]);
});

test("any turn can be gone to, from any other", async () => {
  const { match, film, replay } = await shown();
  replay.toggle();
  for (const turn of [3, 0, 4, 1, 2, 5, 0]) {
    replay.goTo(turn);
    assert.equal(replay.turn, turn);
    assert.equal(placesOf(match.table.state), placesOf((film.turns[turn]?.before ?? film.turns[4].after).state), `turn ${turn}`);
    assert.equal(match.foreign !== null, turn < STROKES, "the aim of the stroke is shown");
    assert.ok(!match.isRunning);
  }
  replay.back();
  assert.equal(replay.turn, 0);
  replay.forward();
  assert.equal(replay.turn, 1);
  replay.seek(film.turns[1].actMs + AIM_MS);
  replay.back();
  assert.equal(replay.positionMs, film.turns[1].startMs, "to the beginning of the turn that is under way");
  replay.back();
  assert.equal(replay.turn, 0);
  replay.goTo(99);
  assert.ok(replay.isAtEnd);
});

test("within a stroke the balls are where they were at that time, however it was come to", async () => {
  const { match, film, replay } = await shown();
  const atMs = film.turns[0].actMs + 400;
  const balls = () => match.stage.balls.map(({ x, y }) => [x, y]);
  while (replay.positionMs < atMs) match.update(replay.update(4), 4);
  const moving = balls();
  const seen = replay.positionMs;
  replay.toggle();
  replay.goTo(3);
  replay.seek(seen);
  assert.ok(match.isRunning && replay.isQuiet);
  balls().forEach(([x, y], i) => assert.ok(Math.hypot(x - moving[i][0], y - moving[i][1]) < 1e-9, `ball ${i}`));
  // Behind the last ball's rest it is judged, though nothing moves on.
  replay.seek(film.turns[0].endMs - 1);
  assert.ok(!match.isRunning);
  assert.equal(match.block.turn, 1);
});

test("each turn in words", () => {
  const film = read();
  const told = film.turns.map((turn) => tellTurn(turn, ["Ana", "Rui"]));
  assert.deepEqual(told.map(({ who, text, mark }) => `${who} ${text} ${mark}`), [
    "Rui breaks. ",
    "Ana pots nothing. Foul: the cue ball was pocketed. foul",
    "Rui pots nothing. Foul: the cue ball was pocketed. foul",
    "Ana pots nothing. Foul: the cue ball was pocketed. foul",
    "Ana concedes. end",
  ]);
  const [, second, , , last] = film.turns;
  const verdict = (more, block) => ({ ...second, verdict: { ...second.verdict, foul: 0, ...more, block: { ...second.after.block, ...block } } });
  const say = (turn) => tellTurn(turn, ["Ana", "Rui"]);
  const potted = [{ ball: 3, pocket: 1 }, { ball: 0, pocket: 2 }, { ball: 5, pocket: 2 }, { ball: 8, pocket: 0 }];
  assert.equal(say(verdict({ pocketed: potted })).text, "pots the 3, the 5 and the black.");
  assert.deepEqual(say(verdict({ pocketed: potted.slice(0, 1) }, { groups: [1, 2] })), {
    who: "Ana", chair: 0, text: "pots the 3, and has the solids.", mark: "good",
  });
  assert.equal(say(verdict({ pocketed: [{ ball: 8, pocket: 0 }] }, { how: 1, winner: 0 })).text, "pots the black. That wins.");
  assert.equal(say(verdict({ pocketed: [{ ball: 8, pocket: 0 }] }, { how: 2, winner: 1 })).text, "pots the black. That loses.");
  const other = (more, block) => ({ ...last, after: { ...last.after, ...more, block: { ...last.after.block, ...block } } });
  assert.deepEqual(say(other({ last: 1 }, { how: 6, winner: 0 })), { who: "Rui", chair: 1, text: "lets the time run out, and loses.", mark: "end" });
  assert.equal(say(other({ last: 1 }, { how: 0 })).mark, "foul");
  assert.equal(say(other({ last: 2 }, { how: 0 })).text, "has the balls racked again.");
  assert.equal(say(other({}, { how: 8, winner: 1 })).who, "Ana");
});
