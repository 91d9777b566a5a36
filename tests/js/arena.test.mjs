// The arena's page over a bad line: 100 ms late, 30 ms more or less, 2 % of the segments lost.
// What is drawn moves on evenly all the same: no jumps, no stops.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { binaryPath, startServer } from "./server.mjs";
import { startBrowser } from "./visitor.mjs";

const PICTURES = fileURLToPath(new URL("../../artefacts/", import.meta.url));
/** Nobody and nothing in the way, and room to go straight on for a minute. */
const ROOMS = `[{ name = "arena", game = "arena", params = '${JSON.stringify({
  world_size: 50_000, bots_fill: 0, viruses: 0, pellets: 3_000, mass_start: 40,
})}' }]`;
const NAME = "Straight";
const WAIT_MS_MAX = 30_000;
/** Until the page knows how late the line sometimes is. */
const SETTLE_MS = 8_000;
const WATCH_MS = 20_000;
const WATCHES_MAX = 3;
/** Time without movement, in milliseconds: what is drawn at 60 Hz moves every 17. */
const STOP_MS_MAX = 150;
/** Of the time that it is watched. */
const STOPPED_SHARE_MAX = 0.02;
/** How much further than at its mean speed something gets in a frame, in units: it is 40 of them in radius. */
const JUMP_UNITS_MAX = 8;

let server;
let line;
let browser;
let page;
const complaints = [];

before(async () => {
  server = await startServer("tagus", { TAGUS_ROOMS: ROOMS });
  line = await badLine(server.http);
  browser = await startBrowser();
  page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 720 });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.evaluateOnNewDocument(watchLabels, NAME);
});

after(async () => {
  await browser?.close();
  line?.kill();
  await server?.stop();
});

test("what is drawn moves evenly over a bad line", async (t) => {
  await page.goto(`http://${line.address}/games/arena/`);
  await page.waitForSelector("#play:not([disabled])", { visible: true, timeout: WAIT_MS_MAX });
  await page.type("#name", NAME);
  await page.click("#play");
  await until("a label of the own cell", () => page.evaluate(() => globalThis.drawn.length > 0));
  const { x, y } = await page.evaluate(() => globalThis.drawn.at(-1));
  // Towards the farther side, so that no border stops it.
  await page.mouse.move(x < 25_000 ? 1240 : 40, y < 25_000 ? 700 : 20);
  await sleep(SETTLE_MS);
  // A busy machine is a bad line of its own: one quiet while is enough, and uneven drawing would show in each.
  let motion = await watch(t);
  for (let more = 1; more < WATCHES_MAX && !isEven(motion); more += 1) motion = await watch(t);
  await page.screenshot({ path: `${PICTURES}bad-line.png` });
  const quality = await page.$eval("#quality", (panel) => panel.innerText);
  t.diagnostic(`the page says: ${quality.replace(/\s+/g, " ")}`);
  assert.match(quality, /ping \d+ ms/);
  assert.match(quality, /data \d+ ms old/);
  assert.match(quality, /\d\.\d kB\/s/);

  const { speed, jump, stopMs, stoppedShare } = motion;
  assert.ok(speed > 0.25, `${speed} units a millisecond`);
  assert.ok(jump <= JUMP_UNITS_MAX, `it jumped by ${jump} units`);
  assert.ok(stopMs <= STOP_MS_MAX, `it stopped for ${stopMs} ms`);
  assert.ok(stoppedShare <= STOPPED_SHARE_MAX, `it stood for ${stoppedShare} of the time`);
  assert.deepEqual(complaints, []);
});

/** What is drawn for a while, and how evenly. */
async function watch(t) {
  await page.evaluate(() => (globalThis.drawn.length = 0));
  await sleep(WATCH_MS);
  const motion = judge(await page.evaluate(() => globalThis.drawn));
  const { speed, jump, stopMs, stoppedShare, framesPerSecond } = motion;
  t.diagnostic(
    `${framesPerSecond.toFixed(1)} frames a second, ${(speed * 1000).toFixed(0)} units a second; ${jump.toFixed(1)} ` +
      `units too far in a frame at most, longest stop ${stopMs.toFixed(0)} ms, ${(stoppedShare * 100).toFixed(1)} % stopped`,
  );
  return motion;
}

function isEven({ jump, stopMs, stoppedShare }) {
  return jump <= JUMP_UNITS_MAX && stopMs <= STOP_MS_MAX && stoppedShare <= STOPPED_SHARE_MAX;
}

/**
 * In the page, before its scripts: notes where in the world, and when, the label of a cell is drawn.
 * The page itself offers nothing of the kind.
 */
function watchLabels(name) {
  globalThis.drawn = [];
  const { prototype } = CanvasRenderingContext2D;
  const { setTransform, fillText } = prototype;
  const { requestAnimationFrame } = globalThis;
  let camera = [1, 0, 0, 1, 0, 0];
  let ms = 0;
  globalThis.requestAnimationFrame = (draw) =>
    requestAnimationFrame((at) => {
      ms = performance.now();
      draw(at);
    });
  prototype.setTransform = function (...matrix) {
    camera = matrix;
    return setTransform.apply(this, matrix);
  };
  prototype.fillText = function (text, ...rest) {
    if (text === name) {
      const { e, f } = this.getTransform();
      const [zoom, , , , left, top] = camera;
      globalThis.drawn.push({ ms, x: (e - left) / zoom, y: (f - top) / zoom });
    }
    return fillText.call(this, text, ...rest);
  };
}

/** How evenly a list of places was passed. */
function judge(drawn) {
  const steps = drawn.slice(1).map((to, i) => {
    const from = drawn[i];
    return { ms: to.ms - from.ms, way: Math.hypot(to.x - from.x, to.y - from.y) };
  });
  const wholeMs = drawn.at(-1).ms - drawn[0].ms;
  const speed = steps.reduce((sum, { way }) => sum + way, 0) / wholeMs;
  // A slow machine leaves frames out: what counts is the way for the time.
  const jump = Math.max(...steps.map(({ ms, way }) => way - speed * ms));
  let stopMs = 0;
  let stoppedMs = 0;
  let current = 0;
  for (const { ms, way } of steps) {
    current = way < speed * ms * 0.1 ? current + ms : 0;
    if (current > 0) stoppedMs += ms;
    stopMs = Math.max(stopMs, current);
  }
  return { speed, jump, stopMs, stoppedShare: stoppedMs / wholeMs, framesPerSecond: (steps.length * 1000) / wholeMs };
}

/** `tagus bench proxy` with its defaults, before a server. */
async function badLine(to) {
  const child = spawn(binaryPath("tagus"), ["bench", "proxy", "--listen", "127.0.0.1:0", "--to", to], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await once(createInterface({ input: child.stdout }), "line");
  return { address: said.split(" ")[0], kill: () => child.kill("SIGTERM") };
}

async function until(what, holds) {
  const deadline = Date.now() + WAIT_MS_MAX;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `no ${what}\n${complaints.join("\n")}\n${server.output()}`);
    await sleep(40);
  }
}
