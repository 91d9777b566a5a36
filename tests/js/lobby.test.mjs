// Four people, each with a browser of their own: quick play, parties, private games, and what may go wrong.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Cable } from "./cable.mjs";
import { startServer } from "./server.mjs";
import { Visitor, startBrowser } from "./visitor.mjs";

/** Long enough for everybody to press their button before a smaller match will do. */
const MODES = `[{ name = "arena", game = "arena", private = true, gather_ms = 6000 }]`;

let server;
/** To everybody's browsers, and to those whose connection a test cuts. */
let cable;
let weakCable;
let browser;
/** Everybody who came in the present test. */
let visitors = [];

before(async () => {
  server = await startServer("tagus", { TAGUS_MATCHMAKER__MODES: MODES });
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

afterEach(async () => {
  const left = visitors;
  visitors = [];
  for (const visitor of left) await visitor.context.close();
  assert.deepEqual(left.flatMap((visitor) => visitor.complaints), []);
});

test("two by quick play see each other, and get into one room", async () => {
  const [ana, rui] = await come("Ana", "Rui");
  await ana.press("[data-quick]");
  await ana.reads("#dock-title", /^Looking for players$/);
  await ana.reads("#dock-clock", /^0:0[1-9]$/);
  await ana.reads("#dock-text", /^Nobody else is waiting yet/);
  await ana.picture("arcade-waiting");
  await rui.press("[data-quick]");
  for (const visitor of [ana, rui]) {
    await visitor.reads("#dock-title", /^Match found$/);
    await visitor.until("both names", async () => {
      const names = (await visitor.texts("#dock-players li")).sort();
      return names.length === 2 && names.every((name) => /^(Ana|Rui)( \(you\))?$/.test(name));
    });
  }
  assert.match(await rui.text("#dock-text"), /^Waited .* ms away/);
  await rui.picture("arcade-found");
  // One waits to be taken along, the other does not.
  await ana.press("#dock-action");
  const rooms = await Promise.all([ana.plays(), rui.plays()]);
  assert.ok(rooms[0]);
  assert.equal(rooms[0], rooms[1]);
  assert.equal(await seatsTaken(rooms[0]), 2);
  await rui.picture("arcade-arrived");
});

test("a party, joined by code and talking, meets two others in a match of four", async () => {
  const [ana, rui, eva, ivo] = await come("Ana", { name: "Rui", phone: true }, "Eva", "Ivo");
  await gather(ana, rui);
  await say(ana, "Hello <b>Rui</b>");
  await rui.reads("#chat-lines li:last-child", /^Ana\s+Hello <b>Rui<\/b>$/);
  await say(rui, "olá, ".repeat(50));
  await ana.reads("#chat-lines li:last-child", /^Rui\s+olá, olá/);
  assert.deepEqual(await rui.page.$$("#chat-lines li b b"), []);
  assert.equal(await overflow(rui), 0);
  await ana.picture("arcade-party", true);
  await rui.picture("arcade-party-phone", true);
  assert.equal(await rui.page.$eval("#party-games .main", (button) => button.ariaDisabled), "true");
  await ana.press("#party-games .main");
  await rui.reads("#dock-title", /^Looking for a match$/);
  await rui.reads("#dock-clock", /^\d:\d\d$/);
  assert.equal(await rui.text("#dock-action"), "");
  await rui.picture("arcade-party-waiting-phone");
  await Promise.all([eva.press("[data-quick]"), ivo.press("[data-quick]")]);
  await rui.reads("#dock-title", /^Match found$/);
  await rui.until("four names", async () => (await rui.texts("#dock-players li")).length === 4);
  await rui.picture("arcade-found-phone");
  const rooms = await Promise.all([ana, rui, eva, ivo].map((visitor) => visitor.plays()));
  assert.equal(new Set(rooms).size, 1, rooms.join());
  assert.equal(await seatsTaken(rooms[0]), 4);
});

test("a private game is joined by its code and by its link, and no list shows it", async () => {
  const [ana, rui, eva] = await come("Ana", { name: "Rui", phone: true }, "Eva");
  await ana.press("#private-new button");
  await ana.reads("#private-invite .code", /^[0-9A-Z]{4,}$/);
  const code = await ana.text("#private-invite .code");
  await ana.picture("arcade-private");
  await ana.press("#private-enter");
  const room = await ana.plays();
  await rui.type("#code", code.toLowerCase());
  await rui.press("#code-join");
  assert.equal(await rui.plays(), room);
  await eva.page.goto(`${cable.address}/?code=${code}`);
  assert.equal(await eva.plays(), room);
  const { rooms } = await (await fetch(`${cable.address}/v2/x/arcade`)).json();
  assert.ok(!rooms.some(({ match_id: id }) => id === room));
});

test("a party plays a private game, with everybody brought along", async () => {
  const [ana, rui] = await come("Ana", "Rui");
  await gather(ana, rui);
  await ana.press("#party-games button:not(.main)");
  await ana.reads("#private-enter", /^Go in with the party$/);
  await ana.press("#private-enter");
  assert.equal(await rui.plays(), await ana.plays());
});

test("a search is cancelled by button and by key", async () => {
  const [ana, rui] = await come("Ana", { name: "Rui", phone: true });
  for (const [visitor, cancel] of [
    [ana, () => ana.page.keyboard.press("Escape")],
    [rui, () => rui.press("#dock-action")],
  ]) {
    await visitor.press("[data-quick]");
    await visitor.reads("#dock-text", /waiting yet/);
    if (visitor === rui) await rui.picture("arcade-waiting-phone");
    await cancel();
    await visitor.until("the end of it", async () => (await visitor.shown()).lobby === "idle");
    assert.equal(await visitor.text("#dock"), "");
  }
});

test("a wrong code says what to do, and another one may be typed", async () => {
  const [ana] = await come({ name: "Ana", phone: true });
  await ana.press("#code-join");
  await ana.reads("#code-notice", /Type the code/);
  await ana.type("#code", "nope");
  await ana.press("#code-join");
  await ana.reads("#code-notice", /^Nothing has this code/);
  assert.equal(await ana.page.$eval("#code", (field) => field.getAttribute("aria-invalid")), "true");
  await ana.picture("arcade-wrong-code-phone", true);
  await ana.press("#party-new");
  await ana.reads("#party-title", /Your party/);
});

test("a link to a game that is over leads to the open one, and says so", async () => {
  const [ana] = await come("Ana");
  await ana.page.goto(`${cable.address}/games/arena/?room=4574cd36-25a4-40da-b892-2edf33c024f6.&play=1`);
  await ana.reads("#banner", /^That game is over/);
  await ana.press("#play");
  await ana.plays();
});

test("a leader hands over, removes and leaves, and a lost connection is mended", async () => {
  const [ana, rui, eva] = await come("Ana", "Rui", { name: "Eva", address: weakCable.address });
  const code = await gather(ana, rui, eva);
  await ana.press('[aria-label="Make leader: Rui"]');
  await leads(eva, "Rui");
  await rui.press('[aria-label="Make leader: Ana"]');
  await leads(eva, "Ana");
  await ana.press('[aria-label="Remove: Eva"]');
  await eva.reads("#friends-notice", /removed you/);
  await join(eva, code);
  await ana.press("#party-games .main");
  await eva.reads("#dock-title", /Looking for a match/);
  await ana.press("#party-leave");
  await leads(eva, "Rui");
  await eva.reads("#friends-notice", /party changed, so the search has stopped/);
  await chats(eva, /Ana left/);
  await eva.picture("arcade-leader-left");

  weakCable.pull();
  await say(eva, "still here");
  // She was removed before, and came back then too.
  await chats(rui, /(Eva left.*Eva joined.*){2}/);
  await chats(rui, /Eva still here$/);
  await say(rui, "good");
  await chats(eva, /Rui good$/);
  // A reloaded page finds its party by its address.
  await eva.page.reload();
  await eva.until("the party", async () => (await eva.texts(".member-name")).sort().join() === "Eva,Rui");
});

async function come(...people) {
  const all = people.map((person) => (typeof person === "string" ? { name: person } : person));
  visitors = await Promise.all(all.map((person) => Visitor.come(browser, { address: cable.address, ...person })));
  return visitors;
}

/** The first starts a party, the others join it by its code. */
async function gather(leader, ...others) {
  await leader.press("#party-new");
  await leader.reads("#party-invite .code", /^[0-9A-Z]{4,}$/);
  const code = await leader.text("#party-invite .code");
  for (const other of others) await join(other, code);
  const names = [leader, ...others].map(({ name }) => name).sort().join();
  for (const visitor of [leader, ...others]) {
    await visitor.until("all members", async () => (await visitor.texts(".member-name")).sort().join() === names);
  }
  return code;
}

async function join(visitor, code) {
  await visitor.page.$eval("#code", (field) => (field.value = ""));
  await visitor.type("#code", code);
  await visitor.press("#code-join");
  await visitor.reads("#party-title", /Your party/);
}

async function say(visitor, text) {
  await visitor.type("#chat-text", text);
  await visitor.page.keyboard.press("Enter");
}

/** Waits until what the chat shows suits. */
async function chats(visitor, expected) {
  let last = "";
  const holds = async () => expected.test((last = (await visitor.texts("#chat-lines li")).join("; ")));
  await visitor.until(`chat like ${expected}`, holds, () => last);
}

async function leads(visitor, name) {
  const row = new RegExp(`\\b${name}\\b.*\\bleader\\b`);
  await visitor.until(`${name} as leader`, async () => (await visitor.texts(".member")).some((text) => row.test(text)));
}

/** By how many pixels the page is wider than the window. */
function overflow(visitor) {
  return visitor.page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth));
}

/** Who sits in a room, by what the server says. */
async function seatsTaken(room) {
  const { rooms } = await (await fetch(`${cable.address}/v2/x/arcade`)).json();
  return rooms.find(({ match_id: id }) => id === room)?.size;
}
