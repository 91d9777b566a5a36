import { deviceId, loadName, saveName, suggestName, takePlayer } from "/arcade/lobby/player.js";
import { Physics, RACKS, TABLES, encodeShot } from "/physics/physics.js";
import { Room } from "../../duel/client/net/room.js";
import { Layout } from "../../duel/client/state/layout.js";
import { Match } from "../../duel/client/state/match.js";
import { NONE, PHASE } from "../../duel/client/state/protocol.js";
import { Stage } from "../../duel/client/state/stage.js";
import { Frames } from "../../duel/client/frames.js";
import { Shelf } from "../../duel/client/shelf.js";
import { byId, write } from "../../duel/client/view/dom.js";
import { part } from "../../duel/client/view/hud.js";
import { Visit, tell } from "../../duel/client/visit.js";
import { Flick } from "./state/flick.js";
import { formationOf, standing } from "./state/formations.js";
import { netOf } from "./state/net.js";
import { MARGINS, readPitch } from "./state/pitch.js";
import { RECEIVE, SEND, decodeFormations, decodeTable, decodeVerdict, encodeFormation } from "./state/protocol.js";
import { tellTurn } from "./state/tale.js";
import { TEAMS } from "./state/teams.js";
import { SAYINGS, sayEnd, sayTurn } from "./state/words.js";
import { Celebration } from "./view/celebration.js";
import { SoccerHud } from "./view/hud.js";
import { Input } from "./view/input.js";
import { Scene } from "./view/scene.js";
import { SoccerScreens } from "./view/screens.js";
import { Sound } from "./view/sound.js";

const MODULE = "/physics/dist/physics.wasm";
const FORMATION_KEY = "tagus.soccer.formation";
const FLICKED_KEY = "tagus.soccer.flicked";
/** Of one's own time that is left: it is heard running. */
const TICKS_MS = 5_000;

takePlayer();
const shown = document.documentElement.dataset;
const module = await WebAssembly.compileStreaming(fetch(MODULE));
const [showing, trying] = await Promise.all([module, module].map((one) => Physics.create(one)));
showing.open(TABLES.soccer);
showing.rack(RACKS.kickOff, 0n);
const pitch = readPitch(showing);
const stage = new Stage(showing, netOf(pitch));
const match = new Match(stage, SAYINGS);
const flick = new Flick(trying);
const sound = new Sound();
const scene = new Scene(/** @type {HTMLCanvasElement} */ (byId("table")), /** @type {HTMLCanvasElement} */ (byId("play")));
const celebration = new Celebration(/** @type {HTMLCanvasElement} */ (byId("paper")));
const hud = new SoccerHud();
let layout = new Layout(window.innerWidth, window.innerHeight, pitch, MARGINS);
let formation = formationOf(localStorage.getItem(FORMATION_KEY));
/** Whether the room knows the formation that was chosen before it. */
let isFormationTold = false;
let tickedSecond = 0;
/** The goals that this page knows of. */
let told = { game: -1, goals: [0, 0] };

/** Both teams on the pitch, for a page that plays nothing. */
const idle = showing.save();
showIdle();

function showIdle() {
  stage.place(standing(idle, [formation, 0]));
}

const others = { [RECEIVE.FORMATIONS]: (/** @type {Uint8Array} */ bytes) => takeFormations(decodeFormations(bytes)) };
const room = new Room({ decodeTable, decodeVerdict, others }, {
  table(table) {
    const isEmpty = table.state[0] === 0;
    match.takeTable(isEmpty ? { ...table, state: standing(idle, table.block.formations) } : table, performance.now());
    if (table.ownChair !== NONE && !isFormationTold) tellFormation(table);
  },
  shot: (shot) => match.takeShot(shot, performance.now()),
  verdict: (verdict) => match.takeVerdict(verdict, performance.now()),
  aim: (aim) => match.takeAim(aim, performance.now()),
  people: (people) => {
    match.takePeople(people);
    visit.showOver();
  },
  refused(refused) {
    match.takeRefused(refused, performance.now());
    const { table } = match;
    if (refused.op === SEND.FORMATION && table) takeFormations(/** @type {import("./state/protocol.js").Block} */ (table.block));
  },
  record: () => shelf.finished(),
  link(what, detail) {
    if (what === "joined") isFormationTold = false;
    visit.linkChanged(what, detail);
  },
  pushed: (envelope) => shelf.pushed(envelope),
});

const screens = new SoccerScreens(loadName(), suggestName(deviceId()), {
  quick: (mode) => visit.begin("Looking for a player", "Whoever presses the same plays with you.", () => room.quick(mode)),
  friend: (mode) => visit.begin("Opening a pitch", "", () => room.open(mode), "Give this code to a friend. The game begins when they are here."),
  bot: (mode) => visit.begin("Mowing the pitch", "", () => room.open(mode)),
  cancel: () => visit.leave(),
  leave: () => visit.leave(),
  concede() {
    screens.show("none");
    if (match.block) room.concede(match.block);
  },
  rematch: () => match.block && room.rematch(match.block),
  sit: () => room.sit(),
  mute() {
    sound.toggle();
    screens.setMuted(sound.isMuted);
  },
  rename(chosen) {
    saveName(chosen);
    void room.rename(screens.name);
  },
  formation: chooseFormation,
});

new Input(
  byId("play"),
  { mayAim, flick: () => flick, layout: () => layout, radius: () => pitch.disc * layout.scale },
  { strike, changed: () => (frames.hasChanged = true), touched: () => sound.wake() },
);

const visit = new Visit({ match, room, screens, hud, sayEnd, opening: "Mowing the pitch", left: showIdle, isAlone: () => false });

const shelf = new Shelf(
  { name: "soccer", modes: { soccer: "Soccer" }, decodeTable, decodeVerdict, tellTurn, sayEnd },
  { match, room, screens, hud, leave: () => visit.leave(), opened: () => fit(), refit: fit },
);
visit.shelf = shelf;

const frames = new Frames({ match, room, hud, visit, shelf }, {
  mayAim,
  heard(noise, pageMs) {
    sound.play(noise, panOf(layout.toScreen(noise.x, noise.y).x));
    if (noise.what === "pocketed") celebrate(noise, pageMs);
  },
  begin(isOver) {
    beginTurn();
    if (isOver && !shelf.replay?.isQuiet) sound.whistle(true);
  },
  draw,
  aim: (block) => room.aim(block, flick.aiming()),
  status,
  written,
});

function mayAim() {
  return screens.screen === "none" && match.canPlay(performance.now());
}

/** Flicks as it is aimed. */
function strike() {
  const { block } = match;
  if (!block) return;
  const stroke = flick.strike();
  const { power } = flick.aim;
  if (!room.shoot(block, { ...stroke, shot: encodeShot(stroke.shot) })) {
    hud.toast("Not connected. Try again in a moment.", "foul");
    return;
  }
  match.strike(stroke, performance.now());
  sound.flick(power);
  localStorage.setItem(FLICKED_KEY, "yes");
  tell({ hint: "no" });
}

/**
 * The first table with an own chair: a new game begins in the formation that was chosen before, one that goes on keeps its.
 * @param {import("./state/protocol.js").Table} table
 */
function tellFormation({ block, ownChair }) {
  isFormationTold = true;
  const isNew = block.phase !== PHASE.PLAYING || block.turn === 0;
  if (!isNew || localStorage.getItem(FORMATION_KEY) === null) formation = block.formations[ownChair];
  else if (block.formations[ownChair] !== formation) room.send(SEND.FORMATION, encodeFormation(block, formation));
}

/** @param {number} chosen */
function chooseFormation(chosen) {
  formation = chosen;
  localStorage.setItem(FORMATION_KEY, String(chosen));
  const { table } = match;
  if (table && table.ownChair !== NONE) room.send(SEND.FORMATION, encodeFormation(table.block, chosen));
  if (!table) stage.place(standing(idle, [chosen, 0]), performance.now());
  showFormation();
}

/** @param {{ formations: number[] }} told */
function takeFormations({ formations }) {
  const { table } = match;
  if (!table) return;
  match.table = /** @type {import("./state/protocol.js").Table} */ ({ ...table, block: { ...table.block, formations } });
  if (table.block.phase === PHASE.WAITING) stage.place(standing(idle, formations), performance.now());
  if (table.ownChair !== NONE) formation = formations[table.ownChair];
  showFormation();
}

function showFormation() {
  screens.showFormation(formation, match.table?.ownChair === 1 ? 1 : 0);
}

function beginTurn() {
  const table = /** @type {import("./state/protocol.js").Table | null} */ (match.table);
  if (!table) return;
  const { block, ownChair } = table;
  frames.hurryPanels();
  tellMissedGoal(block);
  hud.scored = NONE;
  flick.begin(ownChair, table.state, table.tableVersion);
  screens.setMenu({ mayConcede: ownChair !== NONE && block.phase === PHASE.PLAYING });
  if ((ownChair === 1) !== isTurned()) fit();
  showFormation();
  if (block.phase !== PHASE.PLAYING || shelf.replay?.isQuiet) return;
  if (block.isKickOff) {
    stage.straighten();
    sound.whistle(false);
  } else if (match.isOwnTurn) sound.chime();
}

/** A page that was not looked at in that moment has not celebrated. @param {import("./state/protocol.js").Block} block */
function tellMissedGoal({ game, goals }) {
  const scorer = goals.findIndex((count, chair) => game === told.game && count > told.goals[chair]);
  if (scorer >= 0 && hud.scored === NONE && !shelf.replay) hud.toast(`Goal for ${match.people.chairs[scorer].name || "the other side"}.`, "plain");
  told = { game, goals };
}

/** @param {import("../../duel/client/state/stage.js").Noise} noise @param {number} nowMs */
function celebrate({ x, y, two: pocket }, nowMs) {
  const table = /** @type {import("./state/protocol.js").Table | null} */ (match.table);
  if (!table) return;
  const scorer = 1 - pocket;
  hud.scored = scorer;
  frames.hurryPanels();
  const from = layout.toScreen(x, y);
  const isGood = table.ownChair === NONE || table.ownChair === scorer;
  const { main, light, trim } = TEAMS[scorer];
  if (isGood) celebration.begin(from, layout.toAngle(pocket === 0 ? 0 : Math.PI), [main, light, trim, "#ffd466"], nowMs);
  sound.goal(isGood, panOf(from.x));
  const name = match.people.chairs[scorer].name || "the other side";
  const isOwnGoal = table.block.player !== scorer;
  const banner = byId("goal");
  write(part(banner, "strong"), isOwnGoal ? "Own goal" : "Goal!");
  write(part(banner, "span"), table.ownChair === scorer ? "" : `for ${name}`);
  banner.className = isGood ? "" : "bad";
  // Begins the animation anew.
  void banner.offsetWidth;
  banner.classList.add("shown");
}

/** @param {number} x On the screen. */
function panOf(x) {
  return ((x - layout.middle.x) / layout.frame.width) * 2;
}

/** @param {number} nowMs @returns {import("./view/scene.js").Aimed | null} */
function aimed(nowMs) {
  if (match.isRunning || match.block?.phase !== PHASE.PLAYING) return null;
  if (match.foreign && !match.isOwnTurn) {
    const { aim, call, body } = match.foreign;
    const disc = call === NONE ? body : call;
    return disc === NONE ? null : { disc, line: flick.foreignLine(aim, disc), angle: aim.angle, power: aim.power, isForeign: true };
  }
  if (!match.canPlay(nowMs) || flick.disc === NONE) return null;
  const { aim, disc, line } = flick;
  return { disc, line, angle: aim.angle, power: aim.power, isForeign: false };
}

/** @param {number} nowMs @param {number} pageMs */
function draw(nowMs, pageMs) {
  const { block } = match;
  const isReady = block?.phase === PHASE.PLAYING && !match.isRunning && nowMs >= match.turnFromMs;
  scene.draw({ balls: stage.balls, aimed: aimed(nowMs), chair: isReady ? block.player : NONE, isOwn: match.canPlay(nowMs), nowMs });
  celebration.draw(pageMs);
}

/** @param {number} nowMs */
function status(nowMs) {
  const { block, ownChair } = /** @type {import("./state/protocol.js").Table} */ (match.table);
  const names = match.people.chairs.map(({ name }) => name);
  return sayTurn({ block, ownChair, names, isRunning: match.isRunning, isReady: nowMs >= match.turnFromMs });
}

/** @param {number} nowMs */
function written(nowMs) {
  const { goals, formations } = /** @type {import("./state/protocol.js").Block} */ (match.block);
  tell({ goals: goals.join(":"), formations: formations.join(":") });
  tickLast(nowMs);
}

/** The last seconds of one's own time are heard. @param {number} nowMs */
function tickLast(nowMs) {
  const left = match.canPlay(nowMs) ? match.turnUntilMs - nowMs : Infinity;
  const second = left < TICKS_MS ? Math.ceil(left / 1000) : 0;
  if (second !== tickedSecond && second > 0) sound.tick();
  tickedSecond = second;
}

/** Whoever sits in chair 1 sees the pitch from the other end. */
function isTurned() {
  return shown.turned === "yes";
}

function fit() {
  tell({ turned: match.table?.ownChair === 1 ? "yes" : "no" });
  const { right, bottom } = shelf.taken(MARGINS.tall.bottom);
  layout = new Layout(window.innerWidth - right, window.innerHeight - bottom, pitch, MARGINS, isTurned());
  tell({ form: layout.form });
  scene.fit(layout, pitch);
  showFormation();
}

window.addEventListener("resize", fit);
window.addEventListener("online", () => room.retry());
screens.setMuted(sound.isMuted);
tell({ hint: localStorage.getItem(FLICKED_KEY) === "yes" ? "no" : "yes" });
fit();
void visit.arrive();
frames.run();
