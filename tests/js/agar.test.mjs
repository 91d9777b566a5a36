// A published client of the public Agar protocol, `agario-client` from npm as it is, in the arena at `/agar`: it speaks
// version 5. Beside it plays somebody with the SDK, and each sees what the other does.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import AgarClient from "agario-client";
import { WebSocket } from "ws";
import { Replica, Schema } from "../../clients/js/replication.js";
import {
  RECEIVE, SEND, decodeBoard, decodePlayers, decodeWorld, encodeSpawn, encodeSteer,
} from "../../games/arena/client/state/protocol.js";
import { Sight } from "../../games/arena/client/state/sight.js";
import { Player } from "./player.mjs";
import { startServer } from "./server.mjs";

const WORLD_SIZE = 1_000;
const MIDDLE = WORLD_SIZE / 2;
const MASS_START = 100;
/**
 * Whoever is at half the height sees the whole world. What there is to eat on a way makes nobody so large that others
 * are food. Whoever leaves is soon gone.
 */
const ROOMS = `[{ name = "arena", game = "arena", params = '${JSON.stringify({
  world_size: WORLD_SIZE, pellets: 100, viruses: 1, bots_fill: 0, mass_start: MASS_START, seat_hold_ms: 500,
})}' }]`;
const WAIT_MS_MAX = 20_000;
const LOOK_AGAIN_MS = 20;
const CLOSE_VIOLATION = 1003;
/** Names with letters of two and of four bytes in UTF-8, and of two units in UTF-16. */
const ZOE = "Zo\u{eb} \u{1f980}";
const RUI = "Rui\u{e3}o";
const PELLET_RADIUS = 10;
const EJECTED_RADIUS = 37;

let server;

before(async () => (server = await startServer("tagus", { TAGUS_ROOMS: ROOMS })));
after(() => server?.stop());

test("a published client of the Agar protocol plays in the same world", async (t) => {
  const zoe = new Stranger();
  const rui = await Companion.join(server);
  t.after(() => {
    zoe.client.disconnect();
    rui.player.leave();
  });
  // Each step stands on the one before it.
  let held = true;
  const step = (name, body) =>
    t.test(name, { skip: !held }, async () => {
      held = false;
      await body();
      held = true;
    });

  await step("it is let in with any key and told how large the map is", async () => {
    zoe.client.connect(`ws://${server.http}/agar`, "a key that nobody asked for");
    await zoe.until("the map", () => zoe.map);
    assert.deepEqual(zoe.map, [0, 0, WORLD_SIZE, WORLD_SIZE]);
  });

  await step("it sees pellets and the virus before it plays", async () => {
    await zoe.until("pellets", () => zoe.balls().filter(({ size }) => size === PELLET_RADIUS).length > 50);
    const pellet = zoe.balls().find(({ size }) => size === PELLET_RADIUS);
    assert.match(pellet.color, /^#[0-9a-f]{6}$/);
    assert.ok(pellet.x >= 0 && pellet.x <= WORLD_SIZE, `${pellet.x}`);
    assert.equal(pellet.name, null);
    const [virus, ...others] = zoe.balls().filter((ball) => ball.virus);
    assert.deepEqual([virus.color, others.length], ["#33ff33", 0]);
  });

  await step("it spawns under its name, and the SDK's player sees it there", async () => {
    zoe.client.spawn(ZOE);
    await zoe.until("an own ball with its name", () => zoe.own()[0]?.name === ZOE);
    const [ball] = zoe.own();
    assert.ok(ball.mass >= MASS_START - 1, `${ball.mass}`);
    await rui.until("its cell", () => rui.cell(ball.id));
    await rui.until("its name", () => rui.nameOf(ball.id) === ZOE);
    assert.equal(zoe.client.my_balls.length, 1, "it spawned once");
  });

  await step("it follows the mouse, eats and grows", async () => {
    const [ball] = zoe.own();
    const score = zoe.client.score;
    const mouse = { x: ball.x < MIDDLE ? 800 : 200, y: MIDDLE };
    zoe.client.moveTo(mouse.x, mouse.y);
    await zoe.until("its arrival", () => away(ball, mouse) < 50);
    await zoe.until("a meal", () => zoe.meals.some(({ by }) => by === ball.id));
    await zoe.until("a score", () => zoe.client.score > score);
    await rui.until("the same place", () => away(rui.cell(ball.id), ball) < 5);
  });

  await step("it sees the SDK's player, by name and where that one goes", async () => {
    rui.say(SEND.SPAWN, encodeSpawn(7, RUI));
    await rui.until("a cell of its own", () => rui.own());
    const { id } = rui.own();
    await zoe.until("the other's ball", () => zoe.client.balls[id]?.name === RUI);
    // To the other side, and away from the virus, so that it is in nobody's way.
    const virus = zoe.balls().find((ball) => ball.virus);
    rui.goal = { x: WORLD_SIZE - zoe.own()[0].x, y: virus.y < MIDDLE ? 850 : 150 };
    rui.say(SEND.STEER, encodeSteer(rui.goal.x / WORLD_SIZE, rui.goal.y / WORLD_SIZE));
    await zoe.until("its arrival", () => away(zoe.client.balls[id], rui.goal) < 50);
    assert.ok(away(rui.own(), rui.goal) < 100, JSON.stringify(rui.own()));
    assert.equal(zoe.client.balls[id].mine, false);
  });

  await step("it ejects and splits", async () => {
    zoe.client.moveTo(zoe.own()[0].x, rui.goal.y);
    zoe.client.eject();
    await zoe.until("thrown mass", () => zoe.hasSeenEjected);
    zoe.client.split();
    await zoe.until("two balls", () => zoe.own().length === 2);
    const [one, other] = zoe.own();
    assert.equal(one.color, other.color);
    await rui.until("both", () => rui.cell(one.id) && rui.cell(other.id));
    assert.equal(rui.nameOf(other.id), ZOE);
  });

  await step("it gets the leaderboard", async () => {
    await zoe.until("both on it", () => zoe.board.length === 2);
    const rows = Object.fromEntries(zoe.board.map(({ name, isMarked }) => [name, isMarked]));
    assert.deepEqual(rows, { [ZOE]: 1, [RUI]: 0 });
    await rui.until("the same order", () => {
      const names = rui.board.map(({ owner }) => rui.names.get(owner));
      return JSON.stringify(names) === JSON.stringify(zoe.board.map(({ name }) => name));
    });
  });

  await step("it leaves, and the SDK's player sees that", async () => {
    zoe.client.disconnect();
    await rui.until("nobody of its name", () => ![...rui.names.values()].includes(ZOE));
  });

  await step("it had nothing to complain of", () => assert.deepEqual(zoe.complaints, []));
});

test("versions that are not spoken are refused, and the others are not", async () => {
  for (const version of [0, 4, 11, 0x105]) {
    assert.deepEqual(await open(version), { code: CLOSE_VIOLATION }, `version ${version}`);
  }
  // Border: four numbers, a mode, and the name of the server in the version's own encoding.
  assert.deepEqual(await open(5), { op: 64, name: "T\0a\0g\0u\0s\0\0\0" });
  for (const version of [6, 10]) {
    assert.deepEqual(await open(version), { op: 64, name: "Tagus\0" }, `version ${version}`);
  }
});

test("what breaks the protocol closes a connection of the old version", async () => {
  for (const broken of [[], [16, 1, 2], [77], [255, 1, 0, 0, 0]]) {
    const { code } = await open(5, broken);
    assert.equal(code, broken.length === 0 ? 1009 : CLOSE_VIOLATION, `${broken}`);
  }
});

/** What a published client saw and complained of. Its own words go to nobody's terminal. */
class Stranger {
  complaints = [];
  meals = [];
  hasSeenEjected = false;
  board = [];
  map = null;

  constructor() {
    this.client = new AgarClient("stranger");
    this.client.debug = 0;
    this.client.log = (text) => this.complaints.push(text);
    this.client.on("packetError", (packet, error, preventCrash) => {
      preventCrash();
      this.complaints.push(`${error} in ${packet}`);
    });
    this.client.on("connectionError", (error) => this.complaints.push(String(error)));
    this.client.on("mapSizeLoad", (...sides) => (this.map = sides));
    this.client.on("somebodyAteSomething", (by, id) => this.meals.push({ by, id }));
    this.client.on("ballAppear", (id) => {
      this.hasSeenEjected ||= this.client.balls[id].size === EJECTED_RADIUS;
    });
    this.client.on("leaderBoardUpdate", (_, marks, __, names) => {
      this.board = names.map((name, at) => ({ name, isMarked: marks[at] }));
    });
  }

  /** Every ball in sight. */
  balls() {
    return Object.values(this.client.balls).filter(({ visible }) => visible);
  }

  own() {
    return this.balls().filter(({ mine }) => mine);
  }

  until(what, holds) {
    return until(what, holds, () => `${this.complaints.join("\n")}\n${server.output()}`);
  }
}

/** A player of the SDK in the same room, and what it was told. */
class Companion {
  names = new Map();
  board = [];
  view = null;
  /** Where it goes. */
  goal = null;
  #world = null;
  #sight = null;

  static async join(server) {
    const player = await Player.join(server, "protobuf");
    const companion = new Companion(player);
    const { match_id: matchId } = await player.socket.joinMatch("arena");
    companion.matchId = matchId;
    return companion;
  }

  constructor(player) {
    this.player = player;
    player.socket.onmatchdata = ({ op_code: op, data }) => this.#hear(Number(op), data);
  }

  #hear(op, data) {
    if (op === RECEIVE.WORLD) {
      this.#world = decodeWorld(data);
      this.#sight = new Sight(new Replica(new Schema(this.#world.schema)), this.#world);
    } else if (op === RECEIVE.VIEW) {
      this.view = this.#sight.see(data);
    } else if (op === RECEIVE.PLAYERS) {
      const { whole, players, gone } = decodePlayers(data);
      if (whole) this.names.clear();
      for (const { owner, name } of players) this.names.set(owner, name);
      for (const owner of gone) this.names.delete(owner);
    } else if (op === RECEIVE.BOARD) {
      this.board = decodeBoard(data).rows;
    }
  }

  say(op, data) {
    return this.player.socket.sendMatchState(this.matchId, op, data);
  }

  cell(id) {
    return this.view?.cells.find((cell) => cell.id === id);
  }

  own() {
    return this.view?.cells.find(({ owner }) => this.view.alive && owner === this.#world.ownSeat);
  }

  nameOf(id) {
    return this.names.get(this.cell(id)?.owner);
  }

  until(what, holds) {
    return until(what, holds, () => `${JSON.stringify([...this.names])}\n${server.output()}`);
  }
}

/** Shakes hands in this version and says something more: the first answer, or the code that it was closed with. */
async function open(version, more) {
  const socket = new WebSocket(`ws://${server.http}/agar`);
  socket.on("open", () => {
    const hello = Buffer.alloc(5);
    hello[0] = 0xfe;
    hello.writeUInt32LE(version, 1);
    socket.send(hello);
    socket.send(Buffer.from([0xff, 1, 0, 0, 0]));
    if (more) socket.send(Buffer.from(more));
  });
  try {
    return await new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", (code) => resolve({ code }));
      if (more) return;
      socket.on("message", (data) => resolve({ op: data[0], name: data.toString("latin1", 37) }));
    });
  } finally {
    socket.terminate();
  }
}

function away(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}

async function until(what, holds, state) {
  const deadline = Date.now() + WAIT_MS_MAX;
  while (!holds()) {
    assert.ok(Date.now() < deadline, `no ${what} after ${WAIT_MS_MAX} ms\n${state()}`);
    await sleep(LOOK_AGAIN_MS);
  }
}
