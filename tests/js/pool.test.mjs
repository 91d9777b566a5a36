// Two people at a pool table, each with a browser of their own: the same shot ends in the same places on both pages and
// on the server; somebody watches from a phone, and a connection is lost in the middle of a shot.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { placesOf } from "../../games/duel/client/state/bytes.js";
import { RECEIVE } from "../../games/duel/client/state/protocol.js";
import { decodeVerdict } from "../../games/pool/client/state/protocol.js";
import { Cable } from "./cable.mjs";
import { DuelPlayer, LOOK_AGAIN_MS, concedeAndPlayAgain, turnOf } from "./duel_player.mjs";
import { startServer } from "./server.mjs";
import { startBrowser } from "./visitor.mjs";

const DESKTOP = { width: 1280, height: 720 };
const PHONE = { width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
/** The pixel that a break aims at from the head spot, and how far the cue is drawn. */
const RACK = { x: 1000, y: 394 };
const PULL_PX = 170;
/** Against the bot, which has its turn among them. */
const STROKES = 3;

let server;
let cable;
/** Of the one whose connection is lost. */
let weakCable;
let browser;

before(async () => {
  server = await startServer("tagus");
  cable = await Cable.to(server.host, server.port);
  weakCable = await Cable.to(server.host, server.port);
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await cable?.close();
  await weakCable?.close();
  await server?.stop();
});

class Player extends DuelPlayer {
  game = "pool";
  verdicts = [];

  static come(name, { address = cable.address, viewport = DESKTOP } = {}) {
    return Player.enter(browser, { server, name, address, viewport });
  }

  hear({ op_code: op, data }) {
    if (op === RECEIVE.VERDICT) this.verdicts.push(decodeVerdict(data));
  }

  /** Points at the rack, draws the cue and lets go. */
  async breakRack() {
    const { mouse } = this.page;
    await mouse.move(RACK.x, RACK.y);
    await mouse.down();
    await mouse.move(RACK.x - PULL_PX, RACK.y, { steps: 4 });
    await sleep(2 * LOOK_AGAIN_MS);
    await this.picture("pool-aim");
    await mouse.up();
    await this.until("running balls", ({ balls }) => balls === "running");
  }
}

test("two play, one watches from a phone, and a lost connection comes back into the shot", async (t) => {
  const ana = await Player.come("Ana");
  const rui = await Player.come("Rui", { address: weakCable.address });
  const eva = await Player.come("Eva", { viewport: PHONE });
  await ana.start();
  await ana.picture("pool-start");
  const code = await ana.open();
  await rui.start();
  await rui.goTo(code);
  for (const player of [ana, rui]) await player.until("the game", ({ phase, screen }) => phase === "1" && screen === "none");
  await eva.goTo(code);
  await eva.until("the table", ({ chair, phase }) => chair === "watching" && phase === "1");
  const { player: first } = await turnOf(ana, rui);
  const second = first === ana ? rui : ana;

  await t.test("a break ends in the same places everywhere", async () => {
    await first.breakRack();
    await sleep(700);
    await first.picture("pool-running");
    await eva.picture("pool-watching-phone");
    const ends = await Promise.all([first, second, eva].map((player) => player.rest("0.1")));
    const [verdict] = first.verdicts;
    const places = placesOf(verdict.state);
    for (const end of ends) {
      assert.equal(end.hash, verdict.hash.toString(16));
      assert.equal(end.compared, "1/1", "its own simulation has the server's hash");
      assert.equal(end.places, places);
    }
    await first.picture("pool-broken");
  });

  await t.test("whoever comes back in the middle of a shot sees its end", async () => {
    // Whose turn it is depends on the break; the connection that is lost is Rui's in any case.
    const { player, turn } = await turnOf(ana, rui);
    const next = `0.${Number(turn.split(".")[1]) + 1}`;
    for (let i = 0; i < 40; i++) await player.page.keyboard.press("ArrowUp");
    await player.picture("pool-second");
    await player.page.keyboard.press(" ");
    await player.until("running balls", ({ balls }) => balls === "running");
    await sleep(400);
    weakCable.pull();
    const ends = await Promise.all([ana, rui, eva].map((one) => one.rest(next)));
    assert.equal(new Set(ends.map(({ places }) => places)).size, 1);
    assert.equal(new Set(ends.map(({ hash }) => hash)).size, 1);
    await rui.until("the connection", ({ state }) => state === "playing");
  });

  await t.test("somebody concedes, and both want to play again", () => concedeAndPlayAgain(ana, rui));

  for (const player of [ana, rui, eva]) {
    assert.deepEqual(player.complaints, []);
    await player.context.close();
  }
});

test("one plays against a bot, from a phone", async () => {
  const ana = await Player.come("Ana", { viewport: PHONE });
  await ana.start();
  await ana.picture("pool-start-phone");
  await ana.page.click('[data-mode="pool-bot-1"]');
  await ana.until("the game", ({ phase, screen }) => phase === "1" && screen === "none");
  for (let strokes = 0; strokes < STROKES; ) {
    const { own, turn } = await ana.until("a turn", ({ own: is, phase }) => is === "yes" || phase === "2");
    if (own !== "yes") break;
    const slider = await (await ana.page.$("#power")).boundingBox();
    const finger = await ana.page.touchscreen.touchStart(slider.x + 20, slider.y + 20);
    for (let i = 1; i <= 8; i++) await finger.move(slider.x + 20 + i * 22, slider.y + 20);
    if (strokes === 0) await ana.picture("pool-aim-phone");
    await finger.end();
    strokes += 1;
    await ana.until("the next turn", (shown) => shown.turn !== turn || shown.phase === "2");
  }
  await ana.picture("pool-bot-phone");
  const { compared } = await ana.shown();
  const [same, all] = compared.split("/").map(Number);
  assert.equal(same, all);
  assert.ok(all > 0);
  assert.deepEqual(ana.complaints, []);
  await ana.context.close();
});

test("a table for oneself needs no server", async () => {
  const ana = await Player.come("Ana");
  await ana.start();
  await ana.page.click("#practice");
  await ana.until("the table", ({ state, own }) => state === "practice" && own === "yes");
  await ana.breakRack();
  const end = await ana.rest("1.1");
  assert.equal(end.compared, "1/1");
  await ana.page.click("#undo");
  const before = await ana.until("the rack", ({ turn }) => turn === "1.2");
  assert.notEqual(before.places, end.places);
  assert.deepEqual(ana.complaints, []);
  await ana.context.close();
});
