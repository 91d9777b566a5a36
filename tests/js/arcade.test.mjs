// A person with a mouse, in a real browser: from the arcade's page into the arena, eating, and back after a cut cable.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { protobufCodec } from "../../clients/js/codec.js";
import { Replica, Schema } from "../../clients/js/replication.js";
import { RECEIVE, decodeWorld } from "../../games/arena/client/state/protocol.js";
import { Sight } from "../../games/arena/client/state/sight.js";
import { Cable } from "./cable.mjs";
import { startServer } from "./server.mjs";
import { startBrowser } from "./visitor.mjs";

const PICTURES = fileURLToPath(new URL("../../artefacts/", import.meta.url));
const WAIT_MS_MAX = 30_000;
const GROW_MS_MAX = 60_000;
const LOOK_AGAIN_MS = 40;
/** More bots than there are without settings, so that some are soon in view. */
const ROOMS = `[{ name = "arena", game = "arena", params = '{"bots_fill":50}' }]`;
const WIDTH = 1280;
const HEIGHT = 720;

let server;
let cable;
let browser;
let page;
/** What the server last told the page, and what the page complained of. */
const told = { views: [], worlds: [], complaints: [] };

before(async () => {
  server = await startServer("tagus", { TAGUS_ROOMS: ROOMS });
  cable = await Cable.to(server.host, server.port);
  browser = await startBrowser();
  page = await browser.newPage();
  await page.setViewport({ width: WIDTH, height: HEIGHT });
  await listen();
});

after(async () => {
  await browser?.close();
  await cable?.close();
  await server?.stop();
});

test("from the arcade into the arena, and back after a lost connection", async (t) => {
  // Each step stands on the one before it.
  let held = true;
  const step = (name, body) =>
    t.test(name, { skip: !held }, async () => {
      held = false;
      await body();
      held = true;
    });

  await step("the arcade lists the game", async () => {
    await page.goto(cable.address);
    await page.waitForSelector("#games a.game", { visible: true, timeout: WAIT_MS_MAX });
    await becomes("online");
    await page.waitForSelector("#rooms li", { visible: true, timeout: WAIT_MS_MAX });
    await picture("arcade");
  });

  await step("two clicks and one plays", async () => {
    const card = await page.waitForSelector('#games a.game:has(canvas[data-game="arena"])');
    await Promise.all([page.waitForNavigation({ timeout: WAIT_MS_MAX }), card.click()]);
    await becomes("lobby");
    await picture("lobby");
    await page.type("#name", "Mouse");
    await play("#play");
    assert.ok(Number((await shown()).score) > 0, "a living player has mass");
    await picture("playing");
  });

  await step("other cells are seen, and they move", async () => {
    await until("other cells", async () => Number((await shown()).cells) > 0);
    await until("a cell of somebody else that moves", () => othersMoved());
  });

  await step("eating makes the score grow", async () => {
    const { from, to } = await eatUntilGrown();
    assert.ok(to > from, `${from} -> ${to}`);
    await picture("grown");
    // Both are measured over a second or so, which a quick eater does not need.
    await until("frames and a ping", async () => {
      const { fps, ping } = await shown();
      return Number(fps) > 0 && Number(ping) > 0;
    });
    const { fps, ping } = await shown();
    t.diagnostic(`${fps} frames a second, ping ${ping} ms, mass ${from} -> ${to}`);
  });

  await step("a lost connection comes back to the same seat", async () => {
    const [{ ownSeat }] = told.worlds;
    const worlds = told.worlds.length;
    cable.pull();
    await until("another welcome", () => told.worlds.length > worlds);
    assert.equal(told.worlds.at(-1).ownSeat, ownSeat);
    // Whoever is eaten while away comes back to the card that says so, without losing the seat.
    await until("the game", async () => ["playing", "dead"].includes((await shown()).state));
    if ((await shown()).state === "dead") await play("#again");
    const tick = told.views.at(-1).tick;
    await until("views after it", () => told.views.at(-1).tick > tick);
    await picture("reconnected");
  });

  await step("the page had nothing to complain of", () => {
    assert.deepEqual(told.complaints, []);
  });
});

/** Reads along on the page's socket, and notes every error of its scripts. */
async function listen() {
  const session = await page.createCDPSession();
  await session.send("Network.enable");
  let sight;
  session.on("Network.webSocketFrameReceived", ({ response }) => {
    const { match_data: named, room_data: numbered } = protobufCodec.decode(Buffer.from(response.payloadData, "base64"));
    const data = named ?? numbered;
    if (data?.op_code === RECEIVE.WORLD) {
      const world = decodeWorld(data.data);
      sight = new Sight(new Replica(new Schema(world.schema)), world);
      told.worlds.push(world);
    }
    if (data?.op_code === RECEIVE.VIEW) told.views = [...told.views.slice(-50), sight.see(data.data)];
  });
  page.on("pageerror", (error) => told.complaints.push(String(error)));
}

/** What the page shows to whoever looks: its state, score, cells, fps and ping. */
function shown() {
  return page.evaluate(() => ({ ...document.documentElement.dataset }));
}

function becomes(state) {
  return until(`state ${state}`, async () => (await shown()).state === state);
}

/** Presses the button and waits until the page shows a living player. */
async function play(button) {
  await page.waitForSelector(`${button}:not([disabled])`, { visible: true, timeout: WAIT_MS_MAX });
  await page.click(button);
  await becomes("playing");
  await until("a score", async () => Number((await shown()).score) > 0);
}

function picture(name) {
  return page.screenshot({ path: `${PICTURES}${name}.png` });
}

/** Whether a cell that is not the player's own is at two places in the views kept. */
function othersMoved() {
  const seen = new Map();
  for (const { cells, own } of told.views) {
    for (const { id, x, y } of cells.filter((cell) => cell.owner !== own)) {
      const first = seen.get(id);
      if (first && (first.x !== x || first.y !== y)) return true;
      seen.set(id, first ?? { x, y });
    }
  }
  return false;
}

/** Steers to the nearest pellet until the mass of this life has grown; whoever is eaten starts again. */
async function eatUntilGrown() {
  const deadline = Date.now() + GROW_MS_MAX;
  let from;
  while (Date.now() < deadline) {
    const { state, score } = await shown();
    if (state === "dead") {
      await play("#again");
      from = undefined;
      continue;
    }
    from ??= Number(score);
    if (Number(score) > from) return { from, to: Number(score) };
    await steer(told.views.at(-1));
    await sleep(LOOK_AGAIN_MS);
  }
  assert.fail(`nothing eaten in ${GROW_MS_MAX} ms`);
}

/** Moves the mouse from the middle of the screen towards the nearest pellet, far enough for full speed. */
async function steer(view) {
  const away = ({ x, y }) => Math.hypot(x - view.x, y - view.y);
  const [pellet] = [...view.pellets.values()].toSorted((a, b) => away(a) - away(b));
  if (!pellet) return;
  const reach = (HEIGHT / 3) / (away(pellet) || 1);
  const x = WIDTH / 2 + (pellet.x - view.x) * reach;
  const y = HEIGHT / 2 + (pellet.y - view.y) * reach;
  await page.mouse.move(x, y);
}

async function until(what, holds) {
  const deadline = Date.now() + WAIT_MS_MAX;
  while (Date.now() < deadline) {
    if (await holds()) return;
    await sleep(LOOK_AGAIN_MS);
  }
  const page = JSON.stringify(await shown());
  assert.fail(`no ${what} after ${WAIT_MS_MAX} ms; the page shows ${page}\n${told.complaints.join("\n")}\n${server.output()}`);
}
