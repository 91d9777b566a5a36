// What a shot costs in WebAssembly: `node crates/physics-wasm/bench.mjs`.
// Budget: twice the native time, which `cargo bench -p tagus-physics` prints for the same games in the same way.

import { readFile } from "node:fs/promises";

import { Game } from "../../tests/js/physics_games.mjs";
import { Physics } from "./physics.js";

const GAMES = 200;
const ROUNDS = 7;

const path = process.argv[2] ?? new URL("dist/physics.wasm", import.meta.url);
const physics = await Physics.create(await WebAssembly.compile(await readFile(path)));
let events = 0;
const best = [];
for (let round = 0; round < ROUNDS; round += 1) {
  let shot = 0;
  const timed = Object.assign(Object.create(physics), {
    open: (version) => physics.open(version),
    rack: (rack, seed) => physics.rack(rack, seed),
    places: () => physics.places(),
    shoot: (what) => {
      const begin = process.hrtime.bigint();
      const outcome = physics.shoot(what);
      const time = Number(process.hrtime.bigint() - begin);
      best[shot] = Math.min(best[shot] ?? Infinity, time);
      shot += 1;
      if (round === 0) events += outcome.eventCount;
      return outcome;
    },
  });
  for (let number = 0; number < GAMES; number += 1) new Game(timed, number).play();
}
const sum = best.reduce((all, time) => all + time, 0);
const mean = (sum / best.length / 1000).toFixed(1);
console.log(`${best.length} shots of ${GAMES} golden games, each its best of ${ROUNDS}:`);
console.log(`  mean ${mean} µs, ${(sum / events).toFixed(0)} ns an event`);
