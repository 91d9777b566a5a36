// Two people on a soccer pitch, each with a browser of their own: the same flick ends in the same places on both pages and
// on the server; somebody watches from a phone, a connection is lost in the middle of a shot, and a bot is beaten to a goal.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Physics, RACKS, TABLES, angleOf } from "../../crates/physics-wasm/physics.js";
import { bodiesOf, placesOf } from "../../games/duel/client/state/bytes.js";
import { Layout } from "../../games/duel/client/state/layout.js";
import { RECEIVE } from "../../games/duel/client/state/protocol.js";
import { MARGINS, chairOf, readPitch } from "../../games/soccer/client/state/pitch.js";
import { decodeTable, decodeVerdict } from "../../games/soccer/client/state/protocol.js";
import { Cable } from "./cable.mjs";
import { DuelPlayer, LOOK_AGAIN_MS, concedeAndPlayAgain, turnOf } from "./duel_player.mjs";
import { startServer } from "./server.mjs";
import { startBrowser } from "./visitor.mjs";

const MODULE = new URL("../../crates/physics-wasm/dist/physics.wasm", import.meta.url);
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
/** A pull for full power is no longer than this. */
const PULL_PX = 200;
/** Angles tried of each disc, and how far from an angle a finger may end. */
const ANGLES = 720;
const MISSED_RADIANS = 0.003;
/** Turns within which somebody has scored against the easy bot. */
const TURNS_MAX = 20;
const GOAL_WORTH = 9;

let server;
let cable;
/** Of the one whose connection is lost. */
let weakCable;
let browser;
let physics;
let pitch;

before(async () => {
  physics = await Physics.create(await WebAssembly.compile(await readFile(MODULE)));
  physics.open(TABLES.soccer);
  physics.rack(RACKS.kickOff, 0n);
  pitch = readPitch(physics);
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
  game = "soccer";
  verdicts = [];
  /** How everything lies, and the own chair, as the server told last. */
  state = null;
  chair = 255;

  static come(name, { address = cable.address, viewport = DESKTOP } = {}) {
    return Player.enter(browser, { server, name, address, viewport });
  }

  hear({ op_code: op, data }) {
    if (op === RECEIVE.VERDICT) this.verdicts.push(decodeVerdict(data));
    if (op === RECEIVE.VERDICT) this.state = this.verdicts.at(-1).state;
    if (op !== RECEIVE.TABLE) return;
    const table = decodeTable(data);
    [this.state, this.chair] = [table.state, table.ownChair];
  }

  /** Pulls a disc back and lets it go, with the mouse or with a finger. */
  async flick({ disc, angle, part = 1 }, picture) {
    const { width, height, hasTouch } = this.page.viewport();
    const layout = new Layout(width, height, pitch, MARGINS, this.chair === 1);
    const { x, y } = bodiesOf(this.state)[disc];
    const from = layout.toScreen(x, y);
    const back = layout.toAngle(angle) + Math.PI;
    const to = { x: from.x + Math.cos(back) * PULL_PX * part, y: from.y + Math.sin(back) * PULL_PX * part };
    const { mouse, touchscreen } = this.page;
    if (hasTouch) {
      const finger = await touchscreen.touchStart(from.x, from.y);
      for (let i = 1; i <= 4; i++) await finger.move(from.x + ((to.x - from.x) * i) / 4, from.y + ((to.y - from.y) * i) / 4);
      if (picture) await this.picture(picture);
      await finger.end();
    } else {
      await mouse.move(from.x, from.y);
      await mouse.down();
      await mouse.move(to.x, to.y, { steps: 4 });
      if (picture) await sleep(3 * LOOK_AGAIN_MS);
      if (picture) await this.picture(picture);
      await mouse.up();
    }
  }
}

/** The disc and the angle that bring the ball nearest to the other's goal, or into it, at full power. */
function bestFlick(state, chair) {
  let best = { disc: 0, angle: 0, worth: -Infinity };
  for (let disc = 1 + chair * 5; disc <= 5 + chair * 5; disc++) {
    for (let i = 0; i < ANGLES; i++) {
      const angle = (i / ANGLES) * 2 * Math.PI;
      let worth = worthOf(state, chair, disc, angle);
      // A goal by a hair is none for a finger.
      if (worth >= GOAL_WORTH) for (const off of [-MISSED_RADIANS, MISSED_RADIANS]) worth += worthOf(state, chair, disc, angle + off);
      if (worth > best.worth) best = { disc, angle, worth };
    }
  }
  return best;
}

/** What a flick at full power is worth: a goal most, and else how far the ball goes. */
function worthOf(state, chair, body, angle) {
  physics.load(state);
  physics.shoot({ table: TABLES.soccer, body, angle: angleOf(angle), power: 65_535, side: 0, height: 0 });
  const goal = physics.log().find(({ what }) => what === "pocketed");
  if (goal) return goal.two === 1 - chair ? GOAL_WORTH : -GOAL_WORTH;
  return physics.places()[0] * (chair === 0 ? 1 : -1);
}

test("two play, one watches from a phone, and a lost connection comes back into the shot", async (t) => {
  const ana = await Player.come("Ana");
  const rui = await Player.come("Rui", { address: weakCable.address });
  const eva = await Player.come("Eva", { viewport: PHONE });
  await ana.start();
  await ana.page.click('#start-formations [data-formation="3"]');
  await ana.picture("soccer-start");
  const code = await ana.open();
  await rui.start();
  await rui.goTo(code);
  for (const player of [ana, rui]) await player.until("the game", ({ phase, screen }) => phase === "1" && screen === "none");
  await eva.goTo(code);
  await eva.until("the pitch", ({ chair, phase }) => chair === "watching" && phase === "1");
  const { player: first } = await turnOf(ana, rui);
  const second = first === ana ? rui : ana;

  await t.test("everybody sees the formation that was chosen", async () => {
    const chosen = ana.chair === 0 ? "3:0" : "0:3";
    for (const player of [ana, rui, eva]) await player.until("it", ({ formations }) => formations === chosen);
  });

  await t.test("a flick ends in the same places everywhere", async () => {
    const [ball] = bodiesOf(first.state);
    const discs = bodiesOf(first.state).flatMap((body, disc) => (chairOf(disc) === first.chair ? [{ ...body, disc }] : []));
    const away = ({ x, y }) => Math.hypot(x - ball.x, y - ball.y);
    const [{ disc, x, y }] = discs.sort((a, b) => away(a) - away(b));
    await first.flick({ disc, angle: Math.atan2(ball.y - y, ball.x - x) + 0.15 }, "soccer-aim");
    await first.until("sliding discs", ({ balls }) => balls === "running");
    await eva.picture("soccer-watching-phone");
    const ends = await Promise.all([first, second, eva].map((player) => player.rest("0.1")));
    const [verdict] = first.verdicts;
    for (const end of ends) {
      assert.equal(end.hash, verdict.hash.toString(16));
      assert.equal(end.compared, "1/1", "its own simulation has the server's hash");
      assert.equal(end.places, placesOf(verdict.state));
    }
    await second.picture("soccer-rest");
  });

  await t.test("whoever comes back in the middle of a shot sees its end", async () => {
    const { player, turn } = await turnOf(second);
    const next = `0.${Number(turn.split(".")[1]) + 1}`;
    // With keys: the disc next to the ball, towards it.
    for (let i = 0; i < 20; i++) await player.page.keyboard.press("ArrowUp");
    const watcher = player === ana ? rui : ana;
    await sleep(4 * LOOK_AGAIN_MS);
    await watcher.picture("soccer-foreign-aim");
    await player.page.keyboard.press(" ");
    await player.until("sliding discs", ({ balls }) => balls === "running");
    await sleep(300);
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

test("one plays against a bot from a phone, to a goal", async () => {
  const ana = await Player.come("Ana", { viewport: PHONE });
  await ana.start();
  await ana.picture("soccer-start-phone");
  await ana.page.click('[data-mode="soccer-bot-1"]');
  await ana.until("the game", ({ phase, screen }) => phase === "1" && screen === "none");
  const goalsOf = ({ goals = "0:0" }) => goals.split(":").reduce((sum, one) => sum + Number(one), 0);
  let isCelebrated = false;
  for (let turns = 0; turns < TURNS_MAX; turns++) {
    const shown = await ana.until("a turn", (now) => now.own === "yes" || now.phase === "2" || goalsOf(now) > 0);
    if (goalsOf(shown) > 0 || shown.phase === "2") break;
    await ana.flick(bestFlick(ana.state, ana.chair), turns === 0 ? "soccer-aim-phone" : "");
    await ana.until("the next turn", async (now) => {
      const isNow = await ana.page.$eval("#goal", (banner) => banner.classList.contains("shown"));
      if (isNow && !isCelebrated) await ana.picture("soccer-goal-phone");
      isCelebrated ||= isNow;
      return now.turn !== shown.turn;
    });
  }
  const end = await ana.shown();
  assert.ok(goalsOf(end) > 0, JSON.stringify(end));
  const [same, all] = end.compared.split("/").map(Number);
  assert.equal(same, all);
  const scores = await ana.page.$$eval(".chair .score", (all) => all.map((score) => Number(score.textContent)));
  assert.equal(scores[0] + scores[1], goalsOf(end), "the score is shown");
  await ana.page.click("#tactics");
  await ana.page.click('#formations [data-formation="2"]');
  await ana.until("the formation", ({ formations }) => formations.split(":")[ana.chair] === "2");
  await ana.picture("soccer-formation-phone");
  assert.deepEqual(ana.complaints, []);
  await ana.context.close();
});

test("a game goes on over days: each finds the pitch as the other left it", async () => {
  const [ana, rui] = [await Player.come("Ana"), await Player.come("Rui", { viewport: PHONE })];
  for (const player of [ana, rui]) await player.start();
  const reads = (player, selector, pattern) =>
    player.until(`${pattern} in ${selector}`, async () => pattern.test(await player.page.$eval(selector, (element) => element.innerText)));
  await rui.page.click("#kept-open");
  await reads(rui, "#kept .offer b", /\w/);
  const name = await rui.page.$eval("#kept .offer b", (element) => element.textContent);
  await rui.page.click("#kept-close");
  await ana.page.click("#kept-open");
  await ana.page.waitForSelector("#kept-name", { visible: true });
  await ana.page.type("#kept-name", name);
  await ana.page.click("#kept-send");
  await reads(ana, "#kept .list", /Rui/);
  await reads(rui, ".badge", /^1$/);
  await rui.page.click("#kept-open");
  await reads(rui, "#kept .list", /New challenge/);
  await rui.picture("soccer-kept-phone");
  const list = await ana.page.$eval("#kept .list", (element) => element.innerText);
  const [first, second] = /You begin/.test(list) ? [ana, rui] : [rui, ana];

  await first.page.click("#kept .acts .main");
  await first.until("the turn", ({ own, screen }) => own === "yes" && screen === "none");
  await first.flick({ disc: 1 + 5 * first.chair, angle: first.chair === 0 ? 0.3 : 3.4, part: 0.6 });
  await reads(first, "#kept-note", /has until/);
  const left = await first.until("rest", ({ balls }) => balls === "still");
  assert.equal(left.compared, "1/1");
  await first.context.close();

  await second.page.click("#kept .acts .main");
  const found = await second.until("the turn", ({ own, screen }) => own === "yes" && screen === "none");
  assert.deepEqual([found.turn, found.places], [left.turn, left.places]);
  for (const player of [first, second]) assert.deepEqual(player.complaints, []);
  await second.context.close();
});
