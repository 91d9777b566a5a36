// The committed WebAssembly plays the golden games with the bits that the native build has, and is what its sources say.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { sourcesHash } from "../../crates/physics-wasm/note.mjs";
import { BODY_STRIDE, Physics } from "../../crates/physics-wasm/physics.js";
import { Game } from "./physics_games.mjs";
import { startBrowser } from "./visitor.mjs";

const ROOT = new URL("../../", import.meta.url);
const DIST = new URL("crates/physics-wasm/dist/", ROOT);

const bytes = await readFile(new URL("physics.wasm", DIST));
const module = await WebAssembly.compile(bytes);

test("the module is the one that its note describes, and small", async () => {
  const note = JSON.parse(await readFile(new URL("physics.json", DIST), "utf8"));
  assert.equal(createHash("sha256").update(bytes).digest("hex"), note.sha256);
  assert.equal(note.bytes, bytes.length);
  assert.equal(await sourcesHash(), note.sources_sha256, "the sources changed: run `cargo xtask wasm`");
  assert.ok(bytes.length <= 40 * 1024, `${bytes.length} bytes`);
  assert.deepEqual(WebAssembly.Module.imports(module), []);
});

test("every golden game has its hash", async () => {
  const golden = await readFile(new URL("crates/physics/tests/golden/games.txt", ROOT), "utf8");
  const lines = golden.trim().split(/\s+/);
  const physics = await Physics.create(module);
  let shots = 0;
  for (const [number, line] of lines.entries()) {
    const game = new Game(physics, number);
    assert.equal(game.play(), line, `game ${number}`);
    shots += game.shots;
  }
  assert.ok(shots >= 10_000, `${shots} shots`);
});

test("a shot can be drawn at any time, and ends where the state says", async () => {
  const physics = await Physics.create(module);
  physics.open(2);
  physics.rack(0, 5n);
  const before = physics.save();
  const shot = { table: 2, body: 0, angle: 0, power: 60_000, side: 0, height: 0 };
  const { seconds, hash } = physics.shoot(shot);
  const end = physics.frames(seconds).slice();
  const places = physics.places().slice();
  for (let at = 0; at < end.length; at += BODY_STRIDE) {
    assert.equal(end[at + 5], places[at + 5]);
    if (end[at + 5] === -1) assert.ok(Math.abs(end[at] - places[at]) < 1e-6);
  }
  const log = physics.log();
  assert.deepEqual([log[0].what, log[0].one], ["contact", 0]);
  assert.ok(log.every((entry, index) => index === 0 || log[index - 1].seconds <= entry.seconds));
  physics.load(before);
  assert.equal(physics.shoot(shot).hash, hash);
  assert.throws(() => physics.shoot({ ...shot, table: 1 }), RangeError);
  assert.throws(() => physics.load(before.subarray(1)), RangeError);
  assert.throws(() => physics.open(77), RangeError);
});

test("memory stays bounded over many shots", async () => {
  const physics = await Physics.create(module);
  for (let number = 0; number < 40; number += 1) new Game(physics, number).play();
  const early = physics.memoryBytes;
  for (let number = 40; number < 200; number += 1) new Game(physics, number).play();
  assert.ok(physics.memoryBytes <= 2 * early, `${early} then ${physics.memoryBytes} bytes`);
});

test("a browser plays the golden games with the same bits", { timeout: 120_000 }, async () => {
  const golden = await readFile(new URL("crates/physics/tests/golden/games.txt", ROOT), "utf8");
  const lines = golden.trim().split(/\s+/);
  const inline = async (path) => `data:text/javascript;base64,${(await readFile(new URL(path, ROOT))).toString("base64")}`;
  const browser = await startBrowser();
  try {
    const page = await browser.newPage();
    const found = await page.evaluate(playGames, {
      wasm: bytes.toString("base64"),
      physics: await inline("crates/physics-wasm/physics.js"),
      games: await inline("tests/js/physics_games.mjs"),
      count: lines.length,
    });
    assert.deepEqual(found, lines);
  } finally {
    await browser.close();
  }
});

/** Runs in the page. */
async function playGames({ wasm, physics: library, games, count }) {
  const [{ Physics }, { Game }] = await Promise.all([import(library), import(games)]);
  const module = await WebAssembly.compile(Uint8Array.from(atob(wasm), (letter) => letter.charCodeAt(0)));
  const physics = await Physics.create(module);
  return Array.from({ length: count }, (_, number) => new Game(physics, number).play());
}
