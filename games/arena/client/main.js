import { FrameMeter } from "/arcade/frame_meter.js";
import { ArenaRoom } from "./net/arena-room.js";
import { Camera } from "./state/camera.js";
import { NOBODY, encodeSteer } from "./state/protocol.js";
import { RateMeter, qualityBars } from "./state/quality.js";
import { Roster } from "./state/roster.js";
import { Scene } from "./state/scene.js";
import { SteerGate } from "./state/steer.js";
import { Timeline } from "./state/timeline.js";
import { byId } from "./view/dom.js";
import { Field } from "./view/field.js";
import { drawMinimap, showBanner, showBoard, showQuality, showScore } from "./view/hud.js";
import { Input } from "./view/input.js";
import { Screens } from "./view/screens.js";

const LOOK_KEY = "tagus.arena.look";
/** Who arrives from the arcade plays at once; whoever does not within this time may press the button. */
const ARRIVAL_MS_MAX = 3_000;
const ELSEWHERE_SHOWN_MS = 6_000;
/** How often the panels beside the field are written, in milliseconds. */
const PANELS_EVERY_MS = 200;

const shown = document.documentElement.dataset;
const timeline = new Timeline();
const scene = new Scene();
const camera = new Camera();
const roster = new Roster();
const gate = new SteerGate();
const meter = new FrameMeter();
const traffic = new RateMeter();
const field = new Field(/** @type {HTMLCanvasElement} */ (byId("field")));
const minimap = /** @type {HTMLCanvasElement} */ (byId("minimap"));

/** What the server said last and the panels show. */
const told = {
  tickRateHz: 25,
  /** @type {import("./state/protocol.js").Board} */
  board: { rows: [], playersAlive: 0 },
  /** @type {import("./state/protocol.js").Minimap} */
  dots: [],
  alive: false,
  ownRank: 0,
};

const asked = new URLSearchParams(location.search);
/** Whether the arcade found this room for somebody who pressed "play" there. */
let isArriving = asked.get("play") === "1";

const room = new ArenaRoom(asked.get("room") || "arena", {
  world(world) {
    scene.size = world.size;
    told.tickRateHz = world.tickRateHz || told.tickRateHz;
    timeline.setTickRate(world.tickRateHz);
    timeline.reset();
    scene.reset();
    gate.reset();
  },
  view(view) {
    timeline.push(view, performance.now());
    told.ownRank = view.rank;
    setAlive(view.alive);
  },
  players: (change) => roster.apply(change),
  board(board) {
    told.board = board;
  },
  minimap(dots) {
    told.dots = dots;
  },
  died(died) {
    told.alive = false;
    shown.state = "dead";
    screens.showDeath(died, died.eater === NOBODY ? "" : roster.name(died.eater), told.tickRateHz);
  },
  link: linkChanged,
  received: (bytes) => traffic.add(bytes),
});

const screens = new Screens(loadLook(), {
  play(name, hue) {
    localStorage.setItem(LOOK_KEY, JSON.stringify({ name, hue }));
    gate.reset();
    room.spawn(hue, name);
  },
  watch() {
    shown.state = "lobby";
    room.spectate();
  },
});
const input = new Input(field.canvas, {
  split: () => room.split(),
  eject: () => room.eject(),
  help: () => screens.toggleHelp(),
});

/** @param {boolean} alive */
function setAlive(alive) {
  if (alive === told.alive) return;
  told.alive = alive;
  if (alive) {
    shown.state = "playing";
    screens.show("none");
  } else if (shown.state === "playing") {
    // The seat was lost without a death, as after a restart of the server.
    shown.state = "lobby";
    screens.show("lobby");
  }
}

/**
 * @param {import("./net/arena-room.js").LinkChange} what
 * @param {string} detail
 */
function linkChanged(what, detail) {
  screens.setCanPlay(what === "joined" || what === "elsewhere" || what === "resumed");
  if (what === "unreachable") {
    showBanner("Server not reachable, retrying …");
  } else if (what === "refused") {
    showBanner(`${detail || "Not let in"}. Trying again …`);
  } else if (what === "joined" || what === "elsewhere") {
    showBanner(what === "elsewhere" ? "That game is over. This is the open arena." : "");
    if (what === "elsewhere") setTimeout(showBanner, ELSEWHERE_SHOWN_MS, "");
    shown.state = "lobby";
    if (what === "joined" && isArriving) arrive();
    else screens.show("lobby");
  } else if (what === "lost") {
    shown.state = "reconnecting";
    showBanner("Connection lost. Your seat is held; reconnecting …");
  } else if (what === "resumed") {
    showBanner("");
    shown.state = told.alive ? "playing" : screens.screen === "death" ? "dead" : "lobby";
    if (screens.screen === "watch") room.spectate();
  } else {
    shown.state = "reconnecting";
    showBanner(`This room is over${detail ? `: ${detail}` : ""}. Reload to join again.`);
  }
}

/** Plays without the form, once: a reloaded page shows it. */
function arrive() {
  isArriving = false;
  asked.delete("play");
  history.replaceState(null, "", `?${asked}`);
  screens.play();
  setTimeout(() => !told.alive && shown.state === "lobby" && screens.show("lobby"), ARRIVAL_MS_MAX);
}

/** @param {number} nowMs */
function steer(nowMs) {
  if (!told.alive || !input.pointer || camera.scale === 0) return;
  const target = camera.toWorld(input.pointer.x, input.pointer.y);
  const bytes = encodeSteer(target.x / scene.size, target.y / scene.size);
  if (gate.admit(bytes, nowMs)) room.steer(bytes);
}

let panelsMs = 0;
let frameMs = performance.now();

function frame() {
  const nowMs = performance.now();
  meter.frame(nowMs);
  const moment = timeline.advance(nowMs);
  if (moment) {
    scene.update(moment, nowMs);
    camera.follow(scene.focus, nowMs - frameMs);
  }
  frameMs = nowMs;
  steer(nowMs);
  field.draw(scene, camera, (owner) => roster.name(owner), nowMs);
  if (told.alive) field.drawStick(input.stick);
  if (nowMs - panelsMs >= PANELS_EVERY_MS) {
    panelsMs = nowMs;
    writePanels(nowMs);
  }
  requestAnimationFrame(frame);
}

/** @param {number} nowMs */
function writePanels(nowMs) {
  const pingMs = room.pingMs;
  traffic.tick(nowMs);
  showQuality({
    bars: qualityBars(pingMs, timeline.ageMs(nowMs), room.connected),
    pingMs,
    // What is drawn was made by the server so long ago: half a round trip, and what is kept back to draw evenly.
    ageMs: timeline.shownAgeMs() + (pingMs ?? 0) / 2,
    bytesPerSecond: traffic.bytesPerSecond,
  });
  showScore(scene.score);
  const ownOwner = scene.cells.find((cell) => cell.own)?.owner;
  const isOnBoard = told.alive && ownOwner !== undefined;
  showBoard(told.board, roster, isOnBoard ? { owner: ownOwner, score: scene.score, rank: told.ownRank } : null);
  if (scene.size > 1) drawMinimap(minimap, told.dots, scene.focus, scene.size);
  screens.setWatched(scene.followed >= 0 ? roster.name(scene.followed) : "");
  shown.score = String(told.alive ? scene.score : 0);
  shown.cells = String(scene.cells.filter((cell) => !cell.own).length);
  shown.fps = String(meter.fps);
  shown.ping = pingMs === null ? "" : pingMs.toFixed(1);
}

/** @returns {{ name: string, hue: number }} */
function loadLook() {
  try {
    const saved = JSON.parse(localStorage.getItem(LOOK_KEY) ?? "{}");
    const hue = Number.isInteger(saved.hue) ? saved.hue & 255 : Math.floor(Math.random() * 256);
    return { name: typeof saved.name === "string" ? saved.name : "", hue };
  } catch {
    return { name: "", hue: Math.floor(Math.random() * 256) };
  }
}

function fit() {
  const { width, height } = field.resize();
  camera.resize(width, height);
}

window.addEventListener("resize", fit);
window.addEventListener("online", () => room.retry());
fit();
screens.setCanPlay(false);
screens.show(isArriving ? "none" : "lobby");
void room.join();
requestAnimationFrame(frame);
