// Games of two players after they are over and between their turns: the history shows them again, a link opens them for
// anybody, and a game that is kept goes on over days, from whatever device.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startServer } from "./server.mjs";
import { Visitor, startBrowser } from "./visitor.mjs";

/** So gently that no ball goes into a pocket. */
const POWER_KEYS = 11;
/** Turns of one player in a row that are waited for. */
const STROKES_MAX = 12;

let server;
let browser;
let address;

before(async () => {
  server = await startServer("tagus");
  address = `http://${server.http}`;
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Somebody at the pool page, with a browser of their own. */
async function come(name, { search = "", phone = false } = {}) {
  const visitor = await Visitor.come(browser, { name, address, phone });
  // The name is taken when its field is left.
  await visitor.page.keyboard.press("Tab");
  await go(visitor, search);
  return visitor;
}

/** The same person on another device, who opens the link that was made for it. */
async function comeBy(link, { name, phone = false }) {
  const visitor = await Visitor.come(browser, { name: "", address, phone });
  visitor.name = name;
  await visitor.page.goto(link);
  await visitor.page.waitForSelector("#quick:not([disabled])", { visible: true });
  assert.equal(new URL(visitor.page.url()).hash, "", "nothing of it is left in sight");
  return visitor;
}

/** Goes to an address of the pool page. */
async function go(visitor, search = "") {
  await visitor.page.goto(`${address}/games/pool/${search}`);
  await visitor.until("the page", async () => (await visitor.shown()).state !== undefined);
  if (!search) await visitor.page.waitForSelector("#quick:not([disabled])", { visible: true });
}

/** The link that signs another device in. */
async function linkOf(visitor) {
  await visitor.context.overridePermissions(address, ["clipboard-read", "clipboard-sanitized-write"]);
  await visitor.page.bringToFront();
  await visitor.press("#kept-open");
  await visitor.press("#kept-lend");
  await visitor.reads("#kept-lend", /^Copied$/);
  const link = await visitor.page.evaluate(() => navigator.clipboard.readText());
  await visitor.press("#kept-close");
  return link;
}

/** Waits until what the page says of itself suits, and returns it. */
async function shows(visitor, what, holds) {
  let shown = {};
  await visitor.until(what, async () => holds((shown = await visitor.shown())));
  return shown;
}

/** Strikes, as it is aimed by itself, and waits for the end. */
async function strike(visitor) {
  const { turn } = await shows(visitor, "the turn", ({ own }) => own === "yes");
  for (let i = 0; i < POWER_KEYS; i++) await visitor.page.keyboard.press("ArrowUp");
  await visitor.page.keyboard.press(" ");
  return shows(visitor, "the next turn", (now) => now.turn !== turn && now.balls === "still" && now.places !== "");
}

/** Which of two has the turn. */
async function playerOf(...visitors) {
  let found;
  await visitors[0].until("anybody's turn", async () => {
    for (const visitor of visitors) if ((await visitor.shown()).own === "yes") found = visitor;
    return found !== undefined;
  });
  return found;
}

async function concede(visitor) {
  await visitor.press("#menu-open");
  await visitor.press("#concede");
  await visitor.press("#concede");
}

async function key(visitor, name) {
  await visitor.page.keyboard.press(name);
}

function assertWell(...visitors) {
  for (const { complaints } of visitors) assert.deepEqual(complaints, []);
}

test("a game that is over is in the history, is shown again, and opens by a link", async (t) => {
  const ana = await come("Ana");
  const rui = await come("Rui", { phone: true });
  await ana.press("#history-open");
  await ana.reads("#history .hint", /No games yet/);
  await ana.reads("#history .ratings", /8-ball rating\s+new/);
  await ana.press("#history-close");
  await ana.press("#friend");
  await ana.reads("#code", /^[0-9A-Z]{4,}$/);
  await go(rui, `?room=${await ana.text("#code")}`);
  const lives = [];
  for (let turn = 0; turn < 3; turn++) {
    const live = await strike(await playerOf(ana, rui));
    lives.push({ turn: live.turn, places: live.places });
  }
  await concede(ana);
  for (const visitor of [ana, rui]) await shows(visitor, "the end", ({ screen }) => screen === "over");
  let link = "";

  await t.test("the history names it and shows it again", async () => {
    await rui.press("#over-leave");
    await rui.press("#history-open");
    await rui.reads("#history .list", /^Won\s+Ana\s+Ana conceded\.\s+8-ball · just now\s+Watch$/);
    await rui.picture("duels-history-phone");
    await rui.press("#history .list button");
    await shows(rui, "the replay", ({ state, turn }) => state === "replay" && turn === "0.0");
    await key(rui, " ");
    await key(rui, "Home");
    for (const { turn, places } of lives) {
      await key(rui, "ArrowRight");
      const shown = await shows(rui, `turn ${turn}`, (now) => now.turn === turn && now.balls === "still");
      assert.equal(shown.places, places, `the places at turn ${turn}`);
    }
    await key(rui, "ArrowRight");
    await shows(rui, "the end", ({ phase }) => phase === "2");
    await key(rui, "ArrowLeft");
    await key(rui, "ArrowLeft");
    await shows(rui, "a turn back", ({ turn, phase }) => turn === lives[1].turn && phase === "1");
    link = new URL(rui.page.url()).search;
  });

  await t.test("it can be watched again at once", async () => {
    await ana.press("#over-watch");
    await shows(ana, "the replay", ({ state, turn }) => state === "replay" && turn === "0.0");
    assert.equal(new URL(ana.page.url()).search.split(":")[1], link.split(":")[1]);
    await key(ana, "Escape");
    await shows(ana, "the start", ({ screen }) => screen === "start");
  });

  await t.test("whoever has played something is the same in a new tab", async () => {
    const tab = await ana.context.newPage();
    await tab.goto(`${address}/games/pool/`);
    await tab.waitForSelector("#quick:not([disabled])", { visible: true });
    const device = (page) => page.evaluate(() => sessionStorage.getItem("tagus.device"));
    assert.equal(await device(tab), await device(ana.page));
    await tab.close();
    await ana.page.bringToFront();
  });

  await t.test("it plays by itself, with the outcome that the server had", async () => {
    await key(rui, "Home");
    const speed = await rui.page.$("#replay .speed");
    await speed.click();
    await speed.click();
    assert.equal(await rui.text("#replay .speed"), "4×");
    const before = await rui.shown();
    await rui.press("#replay [aria-label=Play]");
    const end = await shows(rui, "the end", ({ phase, balls }) => phase === "2" && balls === "still");
    const of = (shown) => shown.compared.split("/").map(Number);
    assert.equal(of(end)[1] - of(before)[1], lives.length, "every stroke was seen");
    assert.equal(of(end)[0], of(end)[1], "and ended as the server said");
    await rui.picture("duels-replay-phone");
    await rui.press("#replay [aria-label=Close]");
    await shows(rui, "the history", ({ screen }) => screen === "history");
  });

  await t.test("whoever has the link sees it, at any place", async () => {
    const eva = await come("Eva", { search: link });
    await shows(eva, "the replay", ({ state }) => state === "replay");
    const rows = await eva.texts("#replay-turns li");
    assert.equal(rows.length, lives.length + 1);
    assert.match(rows[0], /^1 (Ana|Rui) breaks/);
    assert.match(rows.at(-1), /Ana concedes/);
    await key(eva, " ");
    await eva.page.click(`#replay-turns li:nth-child(${lives.length}) button`);
    const last = lives[lives.length - 2];
    const shown = await shows(eva, "the chosen turn", ({ turn, balls }) => turn === last.turn && balls === "still");
    assert.equal(shown.places, last.places);
    await eva.picture("duels-replay");
    // Into the middle of the stroke.
    const slider = await (await eva.page.$("#replay input[type=range]")).boundingBox();
    await eva.page.mouse.click(slider.x + slider.width * 0.12, slider.y + slider.height / 2);
    await shows(eva, "the break", ({ balls }) => balls === "running");
    await eva.page.keyboard.press("Escape");
    await shows(eva, "the start", ({ screen }) => screen === "start");
    await go(eva, link.replace(/:.*/, ":00000000-0000-4000-8000-000000000000"));
    await eva.reads("#waiting-text", /not kept any more/);
    await eva.press("#waiting-cancel");
    assertWell(eva);
    await eva.context.close();
  });

  assertWell(ana, rui);
  for (const { context } of [ana, rui]) await context.close();
});

test("a game is kept over days, and goes on from any device", async (t) => {
  const ana = await come("Ana");
  const rui = await come("Rui");
  const [anaLink, ruiLink] = [await linkOf(ana), await linkOf(rui)];
  await rui.press("#kept-open");
  await rui.reads("#kept .hint", /No game goes on/);
  const ruiName = await rui.text("#kept .offer b");
  await rui.press("#kept-close");
  let seats;

  await t.test("somebody is challenged by name, and hears of it", async () => {
    await ana.press("#kept-open");
    await ana.press("#kept-send");
    await ana.reads("#kept .notice", /Choose somebody/);
    await ana.type("#kept-name", "nobody of this name");
    await ana.press("#kept-send");
    await ana.reads("#kept .notice", /not found/i);
    await ana.page.$eval("#kept-name", (field) => (field.value = ""));
    await ana.type("#kept-name", ruiName);
    await ana.page.click('[name="kept-days"][value="1"] + span');
    await ana.press("#kept-send");
    await ana.reads("#kept .notice", /sent/);
    await ana.reads("#kept .list", /^Rui\s[\s\S]*tomorrow/);
    await rui.reads(".badge", /^1$/);
    await rui.press("#kept-open");
    await rui.reads("#kept .list", /^Ana\s+New challenge\s[\s\S]*Accept\s+Decline$/);
    await rui.picture("duels-kept");
    const isAna = /You begin/.test(await ana.text("#kept .list"));
    assert.match(await rui.text("#kept .list"), isAna ? /They begin/ : /You begin/);
    const [one, two] = [{ visitor: ana, name: "Ana", link: anaLink }, { visitor: rui, name: "Rui", link: ruiLink }];
    seats = isAna ? [one, two] : [two, one];
  });

  /** Plays until the turn is the other's, and goes away. Returns what was on the table. */
  async function playAndLeave(seat) {
    const { visitor } = seat;
    let shown;
    for (let strokes = 0; strokes < STROKES_MAX; strokes++) {
      shown = await strike(visitor);
      await visitor.until("whose turn it is", async () => /has until|Your turn is kept/.test(await visitor.text("#kept-note")));
      if (/has until tomorrow.*may leave/.test(await visitor.text("#kept-note"))) break;
    }
    await visitor.until("no waiting game", async () => (await visitor.page.title()) === "Pool");
    if (seat === seats[0]) await visitor.picture("duels-kept-away");
    assertWell(visitor);
    await visitor.context.close();
    return shown;
  }

  await t.test("the first plays while the other is away, and leaves", async () => {
    const [first, second] = seats;
    await first.visitor.press("#kept .acts .main");
    await shows(first.visitor, "the turn", ({ own, screen }) => own === "yes" && screen === "none");
    await first.visitor.reads("#kept-note", /^Your turn is kept until tomorrow, \d\d:\d\d\.$/);
    assert.match(first.visitor.page.url(), /\?kept=/);
    await second.visitor.context.close();
    first.left = await playAndLeave(first);
  });

  await t.test("the other goes on from another device", async () => {
    const [first, second] = seats;
    second.visitor = await comeBy(second.link, { name: second.name, phone: true });
    await second.visitor.reads(".badge", /^1$/);
    await second.visitor.press("#kept-open");
    await second.visitor.reads("#kept .list", /Your turn|New challenge/);
    await second.visitor.picture("duels-kept-phone");
    await second.visitor.press("#kept .acts .main");
    const shown = await shows(second.visitor, "the turn", ({ own }) => own === "yes");
    assert.equal(shown.turn, first.left.turn);
    assert.equal(shown.places, first.left.places, "everything lies where the other left it");
    await second.visitor.reads("#kept-note", /^Your turn is kept until/);
    await second.visitor.picture("duels-kept-turn-phone");
    second.left = await playAndLeave(second);
  });

  await t.test("the first comes back from elsewhere, and the game ends for both", async () => {
    const [first, second] = seats;
    first.visitor = await comeBy(first.link, first);
    await first.visitor.press("#kept-open");
    await first.visitor.press("#kept .acts .main");
    const shown = await shows(first.visitor, "the turn", ({ own }) => own === "yes");
    assert.equal(shown.turn, second.left.turn);
    assert.equal(shown.places, second.left.places);
    // The address of a kept game leads back to it.
    await first.visitor.page.reload();
    await shows(first.visitor, "the turn again", ({ own, turn }) => own === "yes" && turn === second.left.turn);
    await concede(first.visitor);
    await shows(first.visitor, "the end", ({ screen }) => screen === "over");
    await first.visitor.press("#over-leave");
    await first.visitor.press("#history-open");
    await first.visitor.reads("#history .list", new RegExp(`^Lost\\s+${second.name}\\s+You conceded`));
    second.visitor = await comeBy(second.link, second);
    await second.visitor.press("#kept-open");
    await second.visitor.reads("#kept .hint", /No game goes on/);
    // Whom one played can be challenged again.
    await second.visitor.reads("#kept .people", new RegExp(`^${first.name}$`));
  });

  await t.test("a challenge can be declined", async () => {
    const [first, second] = seats;
    await second.visitor.press("#kept .people button");
    await second.visitor.press("#kept-send");
    await second.visitor.reads("#kept .notice", /sent/);
    await first.visitor.press("#history-close");
    await first.visitor.reads(".badge", /^1$/);
    await first.visitor.press("#kept-open");
    await first.visitor.press("#kept .acts button:last-child");
    await first.visitor.press("#kept .acts button:last-child");
    await first.visitor.reads("#kept .hint", /No game goes on/);
    await second.visitor.reads("#kept .hint", /No game goes on/);
  });

  for (const { visitor } of seats) {
    assertWell(visitor);
    await visitor.context.close();
  }
});
