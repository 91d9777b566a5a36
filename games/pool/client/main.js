import { deviceId, loadName, saveName, suggestName, takePlayer } from "/arcade/lobby/player.js";
import { Physics, RACKS, TABLES, encodeShot } from "/physics/physics.js";
import { Room } from "../../duel/client/net/room.js";
import { Layout } from "../../duel/client/state/layout.js";
import { Match } from "../../duel/client/state/match.js";
import { NONE, PHASE, encodeNumbers } from "../../duel/client/state/protocol.js";
import { Stage } from "../../duel/client/state/stage.js";
import { Frames } from "../../duel/client/frames.js";
import { Shelf } from "../../duel/client/shelf.js";
import { byId } from "../../duel/client/view/dom.js";
import { Visit } from "../../duel/client/visit.js";
import { HOLES } from "./state/holes.js";
import { Practice } from "./state/practice.js";
import { HAND, SEND, decodeTable, decodeVerdict } from "./state/protocol.js";
import { MARGINS, readTable } from "./state/table.js";
import { Turn } from "./state/turn.js";
import { tellTurn } from "./state/tale.js";
import { SAYINGS, sayEnd, sayTurn } from "./state/words.js";
import { PoolHud } from "./view/hud.js";
import { Input } from "./view/input.js";
import { Scene } from "./view/scene.js";
import { PoolScreens } from "./view/screens.js";
import { Sound } from "./view/sound.js";

const MODULE = "/physics/dist/physics.wasm";
const STRIKE_SHOWN_MS = 220;
const POCKET_REACH_PX = 30;

takePlayer();
const shown = document.documentElement.dataset;
const module = await WebAssembly.compileStreaming(fetch(MODULE));
const [showing, trying, judging] = await Promise.all([module, module, module].map((one) => Physics.create(one)));
const stage = new Stage(showing, HOLES);
const match = new Match(stage, SAYINGS);
const turn = new Turn(trying);
const sound = new Sound();
const scene = new Scene(/** @type {HTMLCanvasElement} */ (byId("table")), /** @type {HTMLCanvasElement} */ (byId("play")));
const hud = new PoolHud(scene);
/** @type {Practice | null} */
let practice = null;
/** @type {{ at: import("../../duel/client/state/layout.js").Point, angle: number, atMs: number } | null} */
let strike = null;

judging.open(TABLES.eightFoot);
judging.rack(RACKS.eightBall, BigInt(Math.floor(Math.random() * 2 ** 32)));
let outline = readTable(judging);
let layout = new Layout(window.innerWidth, window.innerHeight, outline, MARGINS);
stage.open(TABLES.eightFoot);
stage.place(judging.save());

const room = new Room({ decodeTable, decodeVerdict }, {
  table: (table) => {
    takeOutline(table.tableVersion);
    match.takeTable(table, performance.now());
  },
  shot: (shot) => match.takeShot(shot, performance.now()),
  verdict: (verdict) => match.takeVerdict(verdict, performance.now()),
  aim: (aim) => match.takeAim(aim, performance.now()),
  people: (people) => {
    match.takePeople(people);
    visit.showOver();
  },
  refused: (refused) => match.takeRefused(refused, performance.now()),
  record: () => shelf.finished(),
  link: (what, detail) => visit.linkChanged(what, detail),
  pushed: (envelope) => shelf.pushed(envelope),
});

const screens = new PoolScreens(loadName(), suggestName(deviceId()), {
  quick: (mode) => visit.begin("Looking for a player", "Whoever presses the same plays with you.", () => room.quick(mode)),
  friend: (mode) => visit.begin("Opening a table", "", () => room.open(mode), "Give this code to a friend. The game begins when they are here."),
  bot: (mode) => visit.begin("Setting the table", "", () => room.open(mode)),
  practice: startPractice,
  cancel: () => visit.leave(),
  leave: () => visit.leave(),
  concede: () => {
    screens.show("none");
    if (match.block) room.concede(match.block);
  },
  rematch: () => match.block && room.rematch(match.block),
  rerack() {
    screens.show("none");
    if (match.block) room.send(SEND.RERACK, encodeNumbers(match.block.game, match.block.turn));
  },
  sit: () => room.sit(),
  undo() {
    practice?.undo();
    showPractice();
  },
  rack() {
    practice?.rack();
    showPractice();
  },
  mute() {
    sound.toggle();
    screens.setMuted(sound.isMuted);
  },
  rename(chosen) {
    saveName(chosen);
    void room.rename(screens.name);
  },
});

const input = new Input(
  byId("play"),
  {
    mayAim,
    turn: () => turn,
    layout: () => layout,
    radius: () => outline.radius * layout.scale,
    pockets: () => outline.pockets.map(({ x, y }) => layout.toScreen(x, y)),
    pocketRadius: () => Math.max(POCKET_REACH_PX, outline.pockets[0].radius * layout.scale * 1.3),
  },
  { strike: shoot, changed: () => (frames.hasChanged = true), touched: () => sound.wake() },
);

const visit = new Visit({
  match, room, screens, hud, sayEnd, opening: "Setting the table", left: () => (practice = null), isAlone: () => practice !== null,
});

const shelf = new Shelf(
  { name: "pool", modes: { pool: "8-ball", "pool-nine": "9-ball" }, decodeTable, decodeVerdict, tellTurn, sayEnd },
  { match, room, screens, hud, leave: () => visit.leave(), opened: (table) => takeOutline(table.tableVersion), refit: fit },
);
visit.shelf = shelf;

const frames = new Frames({ match, room, hud, visit, shelf }, {
  mayAim,
  heard(noise) {
    sound.play(noise, ((layout.toScreen(noise.x, noise.y).x - layout.middle.x) / layout.frame.width) * 2);
  },
  begin: beginTurn,
  draw,
  aim: (block) => !practice && room.aim(block, turn.aiming()),
  status,
});

function mayAim() {
  return screens.screen === "none" && match.canPlay(performance.now());
}

/** Strikes as it is aimed; what the rules do not take is said at once. */
function shoot() {
  const { block } = match;
  if (!block || !turn.isReady) {
    hud.toast(turn.needsCall && turn.call === NONE ? "Tap the pocket for the black first." : "Put the cue ball down first.", "foul");
    return;
  }
  const stroke = turn.strike();
  const nowMs = performance.now();
  strike = { at: turn.cueBall ?? { x: 0, y: 0 }, angle: turn.aim.angle, atMs: nowMs };
  sound.strike(turn.aim.power);
  delete shown.english;
  if (practice) {
    match.strike(stroke, nowMs);
    match.takeVerdict(practice.shoot(stroke), nowMs);
  } else if (room.shoot(block, { ...stroke, shot: encodeShot(stroke.shot) })) {
    match.strike(stroke, nowMs);
  } else {
    hud.toast("Not connected. Try again in a moment.", "foul");
  }
}

function startPractice() {
  practice = new Practice(judging, TABLES.eightFoot, BigInt(Math.floor(Math.random() * 2 ** 32)));
  shown.state = "practice";
  takeOutline(TABLES.eightFoot);
  match.takePeople({ watching: 0, wantsRematch: [false, false], chairs: [{ kind: "person", name: screens.name }, { kind: "free", name: "" }] });
  screens.show("none");
  showPractice();
}

function showPractice() {
  if (practice) match.takeTable(practice.table(), performance.now());
}

/** @param {number} version */
function takeOutline(version) {
  judging.open(version);
  judging.rack(RACKS.eightBall, 0n);
  outline = readTable(judging);
  fit();
}

function beginTurn() {
  const { table } = match;
  if (!table) return;
  strike = null;
  frames.hurryPanels();
  input.isHeld = false;
  turn.begin(table.block, table.state, table.tableVersion, outline);
  screens.setUndo(practice?.canUndo ?? false);
  const isSeated = table.ownChair !== NONE && table.block.phase === PHASE.PLAYING && !practice;
  screens.setMenu({ mayConcede: isSeated, mayRerack: match.isOwnTurn && table.block.canRerack });
  if (match.isOwnTurn && !practice) sound.chime();
}

/** @param {number} nowMs @returns {import("./view/scene.js").Aimed | null} */
function aimed(nowMs) {
  if (match.isRunning || !match.block || match.block.phase !== PHASE.PLAYING) return null;
  if (match.foreign && !match.isOwnTurn) {
    const { aim, put } = match.foreign;
    const line = turn.foreignLine(aim, put);
    return { line, cueBall: line?.path[0] ?? null, angle: aim.angle, power: aim.power, isForeign: true, hasCue: line !== null };
  }
  if (!match.canPlay(nowMs)) return null;
  const { line, cueBall, aim } = turn;
  return { line, cueBall, angle: aim.angle, power: aim.power, isForeign: false, hasCue: line !== null };
}

/** @param {number} nowMs */
function draw(nowMs) {
  const may = match.canPlay(nowMs);
  const part = strike ? (nowMs - strike.atMs) / STRIKE_SHOWN_MS : 1;
  const isLent = may || (match.foreign !== null && !match.isOwnTurn);
  const place = may ? turn.cueBall : match.foreign?.put ? aimed(nowMs)?.cueBall : null;
  const [cue] = stage.balls;
  // Where the cue ball is held or was put; the stage knows where it lay.
  const cueBall = !match.isRunning && isLent && place ? { ...cue, x: place.x, y: place.y, isShown: true, depth: 0 } : cue;
  scene.draw({
    balls: [cueBall, ...stage.balls.slice(1)],
    aimed: aimed(nowMs),
    held: may ? turn.held : null,
    mayPut: may && turn.mayPut,
    isKitchen: match.block?.hand === HAND.KITCHEN,
    needsCall: match.block?.isBlackOn === true && (match.isRunning ? match.called !== NONE : isLent),
    call: match.isRunning ? match.called : may ? turn.call : (match.foreign?.call ?? NONE),
    strike: strike && part < 1 ? { at: strike.at, angle: strike.angle, part } : null,
    nowMs,
  });
  hud.showAim(turn, input.shift);
}

function status() {
  const { block, ownChair, opponent } = /** @type {import("./state/protocol.js").Table} */ (match.table);
  const names = match.people.chairs.map(({ name }) => name);
  return sayTurn({ block, ownChair, names, isRunning: match.isRunning, opponent, call: turn.call });
}

function fit() {
  const { right, bottom } = shelf.taken(MARGINS.tall.bottom);
  layout = new Layout(window.innerWidth - right, window.innerHeight - bottom, outline, MARGINS);
  shown.form = layout.form;
  scene.fit(layout, outline);
  hud.refit();
}

window.addEventListener("resize", fit);
window.addEventListener("online", () => room.retry());
screens.setMuted(sound.isMuted);
fit();
void visit.arrive();
frames.run();
