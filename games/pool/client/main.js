import { FrameMeter } from "/arcade/frame_meter.js";
import { deviceId, loadName, saveName, suggestName } from "/arcade/lobby/player.js";
import { Physics, RACKS, TABLES, encodeShot } from "/physics/physics.js";
import { PoolRoom } from "./net/pool-room.js";
import { bodiesOf } from "./state/bytes.js";
import { Layout } from "./state/layout.js";
import { Match } from "./state/match.js";
import { HAND, NONE, OPPONENT, PHASE } from "./state/protocol.js";
import { Practice } from "./state/practice.js";
import { Stage } from "./state/stage.js";
import { readTable } from "./state/table.js";
import { Turn } from "./state/turn.js";
import { sayEnd, sayTurn } from "./state/words.js";
import { byId } from "./view/dom.js";
import { Hud } from "./view/hud.js";
import { Input } from "./view/input.js";
import { Scene } from "./view/scene.js";
import { Screens } from "./view/screens.js";
import { Sound } from "./view/sound.js";

const MODULE = "/physics/dist/physics.wasm";
const AIM_EVERY_MS = 110;
const PANELS_EVERY_MS = 120;
const STRIKE_SHOWN_MS = 220;
const POCKET_REACH_PX = 30;

const shown = document.documentElement.dataset;
const module = await WebAssembly.compileStreaming(fetch(MODULE));
const [showing, trying, judging] = await Promise.all([module, module, module].map((one) => Physics.create(one)));
const stage = new Stage(showing);
const match = new Match(stage);
const turn = new Turn(trying);
const sound = new Sound();
const meter = new FrameMeter();
const scene = new Scene(/** @type {HTMLCanvasElement} */ (byId("table")), /** @type {HTMLCanvasElement} */ (byId("play")));
const hud = new Hud(scene);
/** @type {Practice | null} */
let practice = null;
/** @type {{ at: import("./state/layout.js").Point, angle: number, atMs: number } | null} */
let strike = null;
let isOver = false;
let hasChanged = false;

judging.open(TABLES.eightFoot);
judging.rack(RACKS.eightBall, BigInt(Math.floor(Math.random() * 2 ** 32)));
let outline = readTable(judging);
let layout = new Layout(window.innerWidth, window.innerHeight, outline);
stage.open(TABLES.eightFoot);
stage.place(judging.save());

const room = new PoolRoom({
  table: (table) => {
    takeOutline(table.tableVersion);
    match.takeTable(table, performance.now());
  },
  shot: (shot) => match.takeShot(shot, performance.now()),
  verdict: (verdict) => match.takeVerdict(verdict, performance.now()),
  aim: (aim) => match.takeAim(aim, performance.now()),
  people: (people) => {
    match.takePeople(people);
    showOver();
  },
  refused: (refused) => match.takeRefused(refused, performance.now()),
  record: () => match.table?.ownChair !== NONE && void room.keep(),
  link: linkChanged,
});

const screens = new Screens(loadName(), suggestName(deviceId()), {
  quick: (mode) => begin("Looking for a player", "Whoever presses the same plays with you.", () => room.quick(mode)),
  friend: (mode) => begin("Opening a table", "", () => room.open(mode), "Give this code to a friend. The game begins when they are here."),
  bot: (mode) => begin("Setting the table", "", () => room.open(mode)),
  practice: startPractice,
  cancel: leave,
  leave,
  concede: () => {
    screens.show("none");
    if (match.block) room.concede(match.block);
  },
  rematch: () => match.block && room.rematch(match.block),
  rerack() {
    screens.show("none");
    if (match.block) room.rerack(match.block);
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
  { strike: shoot, changed: () => (hasChanged = true), touched: () => sound.wake() },
);

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

/**
 * @param {string} title
 * @param {string} text
 * @param {() => Promise<string | void>} open Gives the code of a room for a friend.
 * @param {string} [codeText]
 */
async function begin(title, text, open, codeText = "") {
  screens.showWaiting(title, text);
  try {
    const code = await open();
    if (code && codeText && screens.screen !== "start" && match.block?.phase !== PHASE.PLAYING) {
      screens.showWaiting("Play a friend", codeText, code);
    }
  } catch (thrown) {
    screens.show("start");
    hud.toast(thrown instanceof Error ? thrown.message : "That did not work.", "foul");
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

function leave() {
  practice = null;
  match.table = null;
  shown.state = "start";
  history.replaceState(null, "", location.pathname);
  screens.show("start");
  void room.leave();
}

/**
 * @param {import("./net/pool-room.js").LinkChange} what
 * @param {string} detail
 */
function linkChanged(what, detail) {
  screens.setOnline(what !== "unreachable");
  if (what === "unreachable") {
    hud.banner("Server not reachable, retrying …");
  } else if (what === "lost") {
    shown.state = "reconnecting";
    hud.banner("Connection lost. Your chair is kept; reconnecting …");
  } else if (what === "online" || what === "resumed") {
    hud.banner("");
    if (what === "resumed") shown.state = "playing";
  } else if (what === "joined") {
    hud.banner("");
    practice = null;
    shown.state = "playing";
    history.replaceState(null, "", `?room=${encodeURIComponent(detail)}`);
    if (screens.screen === "start") screens.show("none");
  } else if (!practice) {
    leave();
    hud.toast(detail || "That game is over.", "plain");
  }
}

/** @param {number} version */
function takeOutline(version) {
  judging.open(version);
  judging.rack(RACKS.eightBall, 0n);
  outline = readTable(judging);
  fit();
}

/** What the match tells. */
function takeHappened() {
  for (const what of match.takeHappened()) {
    hasChanged = true;
    if (what.kind === "said") {
      hud.toast(what.text, what.tone);
    } else if (what.kind === "differs") {
      room.differs(what, what.hash, what.trace);
    } else {
      beginTurn();
      isOver = what.kind === "over";
      if (isOver) screens.show("over");
      else if (screens.screen === "over" || (screens.screen === "waiting" && match.block?.phase === PHASE.PLAYING)) screens.show("none");
      showOver();
    }
  }
}

function beginTurn() {
  const { table } = match;
  if (!table) return;
  strike = null;
  panelsMs = -Infinity;
  input.isHeld = false;
  turn.begin(table.block, table.state, table.tableVersion, outline);
  screens.setUndo(practice?.canUndo ?? false);
  const isSeated = table.ownChair !== NONE && table.block.phase === PHASE.PLAYING && !practice;
  screens.setMenu({ mayConcede: isSeated, mayRerack: match.isOwnTurn && table.block.canRerack });
  if (match.isOwnTurn && !practice) sound.chime();
}

function showOver() {
  const { table, people } = match;
  if (!isOver || !table) return;
  const isAlone = people.chairs.some(({ kind }) => kind === "free");
  const isPerson = table.opponent === OPPONENT.PERSON;
  const may = table.ownChair !== NONE && !isAlone;
  const wants = (/** @type {number} */ chair) => may && people.wantsRematch[chair];
  const end = sayEnd(table.block, table.ownChair, people.chairs.map(({ name }) => name));
  screens.setOver(end, { may, own: wants(table.ownChair), other: isPerson && wants(1 - table.ownChair), isAlone });
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

let frameMs = performance.now();
let panelsMs = 0;
let aimSentMs = 0;

function frame() {
  const nowMs = performance.now();
  meter.frame(nowMs);
  for (const noise of match.update(nowMs, nowMs - frameMs)) {
    sound.play(noise, ((layout.toScreen(noise.x, noise.y).x - layout.middle.x) / layout.frame.width) * 2);
  }
  frameMs = nowMs;
  takeHappened();
  draw(nowMs);
  const may = mayAim();
  if (may && hasChanged && !practice && nowMs - aimSentMs >= AIM_EVERY_MS && match.block) {
    aimSentMs = nowMs;
    hasChanged = false;
    room.aim(match.block, turn.aiming());
  }
  hud.tick(match, nowMs, may);
  hud.showAim(turn, input.shift);
  if (nowMs - panelsMs >= PANELS_EVERY_MS) {
    panelsMs = nowMs;
    writePanels(nowMs);
  }
  requestAnimationFrame(frame);
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
}

/** @param {number} nowMs */
function writePanels(nowMs) {
  const { table, people } = match;
  tell({ fps: String(meter.fps) });
  if (!table) return;
  const names = people.chairs.map(({ name }) => name);
  const { block, ownChair, opponent } = table;
  const isLate = match.isLate(nowMs);
  hud.show(match, isLate ? "Waiting for the server …" : sayTurn({ block, ownChair, names, isRunning: match.isRunning, opponent, call: turn.call }));
  tell({
    turn: `${block.game}.${block.turn}`,
    phase: String(block.phase),
    balls: match.isRunning ? "running" : "still",
    hash: match.lastHash.toString(16),
    compared: `${match.compared - match.differed}/${match.compared}`,
    places: match.isRunning ? "" : placesOf(table.state),
  });
}

/** Where the balls lie, in metres. @param {Uint8Array} state */
function placesOf(state) {
  return bodiesOf(state).map(({ isOn, x, y }) => (isOn ? `${x.toFixed(6)},${y.toFixed(6)}` : "")).join(" ");
}

/** Shows the page's state to whoever looks at its elements. @param {Record<string, string>} words */
function tell(words) {
  for (const [name, word] of Object.entries(words)) if (shown[name] !== word) shown[name] = word;
}

function fit() {
  layout = new Layout(window.innerWidth, window.innerHeight, outline);
  shown.form = layout.form;
  scene.fit(layout, outline);
  hud.refit();
}

async function arrive() {
  const asked = new URLSearchParams(location.search);
  const [wanted, mode] = [asked.get("room"), asked.get("mode")];
  shown.state = wanted || mode ? "connecting" : "start";
  screens.show(wanted || mode ? "none" : "start");
  screens.setOnline(false);
  await room.connect(screens.name);
  if (wanted && !practice) await room.join(wanted);
  else if (mode && !practice) await begin("Setting the table", "", () => room.open(mode));
}

window.addEventListener("resize", fit);
window.addEventListener("online", () => room.retry());
screens.setMuted(sound.isMuted);
fit();
void arrive();
requestAnimationFrame(frame);
