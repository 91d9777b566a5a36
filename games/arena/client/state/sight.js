import { decodeOwn } from "./protocol.js";

/** Kinds of the room's schema, by name. */
const CELL = "cell";
const VIRUS = "virus";
const EJECTED = "ejected";
/** Radius of a piece of ejected mass, in units. */
const EJECTED_RADIUS = Math.sqrt(1_400);
/** Radii in sum of the cells that are seen from nearest. */
const NEAREST_RADII = 64;
const ZOOM_POWER = 0.375;

/**
 * @typedef {{ id: number, x: number, y: number, radius: number, hue: number, owner: number }} Cell
 * @typedef {{ id: number, x: number, y: number, radius: number, kind: number }} Speck kind 0 is a virus, else a hue.
 * @typedef {{ x: number, y: number, hue: number }} Pellet
 * @typedef {{ x: number, y: number, halfHeight: number }} Focus
 * @typedef {Focus & { tick: number, alive: boolean, following: boolean, followed: number, rank: number, score: number,
 *   own: number, cells: Cell[], specks: Speck[], pellets: ReadonlyMap<number, Pellet> }} View
 *   What was in sight after a tick, in units; `own` is the owner whose cells are the player's.
 */

/** Makes views of snapshots. */
export class Sight {
  #replica;
  #world;
  #kinds;
  /** @type {ReadonlyMap<number, Pellet>} Never changed, but replaced. */
  #pellets = new Map();
  /** @type {Focus} */
  #focus;

  /**
   * @param {import("../../../../clients/js/replication.js").Replica} replica A fresh one.
   * @param {import("./protocol.js").World} world
   */
  constructor(replica, world) {
    this.#replica = replica;
    this.#world = world;
    this.#kinds = replica.schema.kinds.map((kind) => kind.name);
    this.#focus = { x: world.size / 2, y: world.size / 2, halfHeight: world.halfHeightMin };
  }

  /**
   * @param {Uint8Array} snapshot
   * @returns {View}
   */
  see(snapshot) {
    const replica = this.#replica;
    replica.apply(snapshot);
    const own = decodeOwn(replica.own.state);
    /** @type {Cell[]} */
    const cells = [];
    /** @type {Speck[]} */
    const specks = [];
    const came = new Set(replica.came);
    const pellets = new Map(this.#pellets);
    let changed = replica.went.reduce((any, id) => pellets.delete(id) || any, false);
    for (const entity of replica.entities()) {
      const kind = this.#kinds[entity.kind];
      const isPellet = kind !== CELL && kind !== VIRUS && kind !== EJECTED;
      // They lie still: what is known of them is all.
      if (isPellet && !came.has(entity.id) && pellets.has(entity.id)) continue;
      const [x, y, first, hue, owner] = replica.values(entity);
      if (kind === CELL) cells.push({ id: entity.id, x, y, radius: first, hue, owner });
      else if (kind === VIRUS) specks.push({ id: entity.id, x, y, radius: first, kind: 0 });
      else if (kind === EJECTED) specks.push({ id: entity.id, x, y, radius: EJECTED_RADIUS, kind: first });
      else {
        pellets.set(entity.id, { x, y, hue: first });
        changed = true;
      }
    }
    if (changed) this.#pellets = pellets;
    this.#focus = this.#look(own, cells);
    const { alive, following, followed, rank, score } = own;
    const said = { alive, following, followed, rank, score, own: alive ? followed : -1 };
    return { ...this.#focus, ...said, tick: replica.tick, cells, specks, pellets: this.#pellets };
  }

  /**
   * Where the camera is: over the middle of the followed cells, and the higher the larger they are.
   * @param {import("./protocol.js").Own} own
   * @param {Cell[]} cells
   * @returns {Focus}
   */
  #look(own, cells) {
    const { size, halfHeightMin, halfHeightMax } = this.#world;
    if (own.still) return { x: own.still.x * size, y: own.still.y * size, halfHeight: own.still.halfHeight };
    let mass = 0;
    let radii = 0;
    let x = 0;
    let y = 0;
    for (const cell of cells) {
      if (cell.owner !== own.followed) continue;
      const weight = cell.radius * cell.radius;
      mass += weight;
      radii += cell.radius;
      x += cell.x * weight;
      y += cell.y * weight;
    }
    if (mass === 0) return this.#focus;
    const zoom = Math.max(1, radii / NEAREST_RADII) ** ZOOM_POWER;
    return { x: x / mass, y: y / mass, halfHeight: Math.min(halfHeightMin * zoom, halfHeightMax) };
  }
}
