import { fromPosition } from "./protocol.js";

/** How long what was eaten takes to vanish into its eater. */
const SWALLOW_MS = 190;
/** How long a new pellet takes to grow. */
const PELLET_GROW_MS = 260;
const GHOSTS_MAX = 400;
/** A new cell this many radii from a known one of its owner is drawn as splitting off it. */
const SPLIT_REACH_RADII = 6;

/**
 * @typedef {import("./protocol.js").View} View
 * @typedef {{ id: number, x: number, y: number, radius: number, hue: number, owner: number, own: boolean }} DrawnCell
 * @typedef {{ id: number, x: number, y: number, radius: number, kind: number }} DrawnSpeck
 * @typedef {{ x: number, y: number, hue: number, grown: number }} DrawnPellet grown 0..1
 * @typedef {{ x: number, y: number, radius: number, hue: number, progress: number, eater: number, startMs: number,
 *   startX: number, startY: number }} Ghost
 */

/** What is drawn at one moment, in world units. Fed by the timeline, read by the renderer. */
export class Scene {
  size = 1;
  /** Sorted small to large. @type {DrawnCell[]} */
  cells = [];
  /** @type {DrawnSpeck[]} */
  specks = [];
  /** @type {Map<number, DrawnPellet & { bornMs: number }>} By position. */
  pellets = new Map();
  /** @type {Ghost[]} */
  ghosts = [];
  /** Centre and half height of what the server shows. */
  focus = { x: 0, y: 0, halfHeight: 500 };
  score = 0;
  alive = false;
  following = false;
  /** Largest owner in view; what is followed when following. */
  followed = -1;

  reset() {
    this.cells = [];
    this.specks = [];
    this.pellets.clear();
    this.ghosts = [];
  }

  /**
   * @param {{ from: View, to: View, fraction: number, crossed: View[] }} moment
   * @param {number} nowMs
   */
  update({ from, to, fraction, crossed }, nowMs) {
    const scale = this.size;
    this.focus.x = mix(fromPosition(from.x), fromPosition(to.x), fraction) * scale;
    this.focus.y = mix(fromPosition(from.y), fromPosition(to.y), fraction) * scale;
    this.focus.halfHeight = mix(from.halfHeight, to.halfHeight, fraction);
    this.score = Math.round(mix(from.score, to.score, fraction));
    this.alive = to.alive;
    this.following = to.following;
    for (const view of crossed) this.#swallow(view, nowMs);
    this.cells = blendCells(from, to, fraction, scale);
    this.specks = blendSpecks(from, to, fraction, scale);
    this.#moveGhosts(nowMs);
    for (const pellet of this.pellets.values()) pellet.grown = Math.min(1, (nowMs - pellet.bornMs) / PELLET_GROW_MS);
    const largest = this.cells.at(-1);
    this.followed = to.following && largest ? nearestOwner(this.cells, this.focus) : -1;
  }

  /**
   * Starts the animations of one snapshot and takes its pellets over.
   * @param {View} view
   * @param {number} nowMs
   */
  #swallow(view, nowMs) {
    const cells = new Map(this.cells.map((cell) => [cell.id, cell]));
    const specks = new Map(this.specks.map((speck) => [speck.id, speck]));
    for (const { eaten, eater } of view.eaten) {
      const gone = cells.get(eaten) ?? specks.get(eaten);
      if (gone) this.#addGhost(gone.x, gone.y, gone.radius, "hue" in gone ? gone.hue : gone.kind, eater, nowMs);
    }

    const first = this.pellets.size === 0;
    const before = this.pellets;
    this.pellets = new Map();
    for (const { x, y, hue } of view.pellets) {
      const key = x * 65_536 + y;
      const known = before.get(key);
      before.delete(key);
      const bornMs = first ? -Infinity : nowMs;
      const place = { x: fromPosition(x) * this.size, y: fromPosition(y) * this.size };
      this.pellets.set(key, known ?? { ...place, hue, grown: 0, bornMs });
    }
    for (const pellet of before.values()) {
      const eater = this.cells.findLast((cell) => reaches(cell, pellet));
      if (eater) this.#addGhost(pellet.x, pellet.y, 0, pellet.hue, eater.id, nowMs);
    }
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} radius 0 for a pellet.
   * @param {number} hue
   * @param {number} eater
   * @param {number} startMs
   */
  #addGhost(x, y, radius, hue, eater, startMs) {
    if (this.ghosts.length >= GHOSTS_MAX) this.ghosts.shift();
    this.ghosts.push({ x, y, radius, hue, progress: 0, eater, startMs, startX: x, startY: y });
  }

  /** @param {number} nowMs */
  #moveGhosts(nowMs) {
    this.ghosts = this.ghosts.filter((ghost) => nowMs - ghost.startMs < SWALLOW_MS);
    if (this.ghosts.length === 0) return;
    const cells = new Map(this.cells.map((cell) => [cell.id, cell]));
    for (const ghost of this.ghosts) {
      ghost.progress = (nowMs - ghost.startMs) / SWALLOW_MS;
      const eater = cells.get(ghost.eater);
      if (!eater) continue;
      const pull = ghost.progress * ghost.progress;
      ghost.x = mix(ghost.startX, eater.x, pull);
      ghost.y = mix(ghost.startY, eater.y, pull);
    }
  }
}

/**
 * @param {View} from
 * @param {View} to
 * @param {number} fraction
 * @param {number} scale
 * @returns {DrawnCell[]}
 */
function blendCells(from, to, fraction, scale) {
  const before = new Map(from.cells.map((cell) => [cell.id, cell]));
  const own = new Set(to.own);
  const drawn = to.cells.map((cell) => {
    const start = before.get(cell.id) ?? parentOf(cell, from, scale) ?? cell;
    return {
      id: cell.id,
      x: fromPosition(mix(start.x, cell.x, fraction)) * scale,
      y: fromPosition(mix(start.y, cell.y, fraction)) * scale,
      radius: mix(start.radius, cell.radius, fraction),
      hue: cell.hue,
      owner: cell.owner,
      own: own.has(cell.id),
    };
  });
  return drawn.sort((a, b) => a.radius - b.radius || a.id - b.id);
}

/**
 * @param {import("./protocol.js").Cell} child A cell that the earlier snapshot has not.
 * @param {View} from
 * @param {number} scale
 */
function parentOf(child, from, scale) {
  let best = null;
  let bestDistance = (SPLIT_REACH_RADII * child.radius) / (fromPosition(1) * scale);
  for (const cell of from.cells) {
    if (cell.owner !== child.owner) continue;
    const distance = Math.hypot(cell.x - child.x, cell.y - child.y);
    if (distance < bestDistance) {
      best = cell;
      bestDistance = distance;
    }
  }
  return best && { x: best.x, y: best.y, radius: child.radius };
}

/**
 * @param {View} from
 * @param {View} to
 * @param {number} fraction
 * @param {number} scale
 * @returns {DrawnSpeck[]}
 */
function blendSpecks(from, to, fraction, scale) {
  const before = new Map(from.specks.map((speck) => [speck.id, speck]));
  return to.specks.map((speck) => {
    const start = before.get(speck.id) ?? speck;
    return {
      id: speck.id,
      x: fromPosition(mix(start.x, speck.x, fraction)) * scale,
      y: fromPosition(mix(start.y, speck.y, fraction)) * scale,
      radius: mix(start.radius, speck.radius, fraction),
      kind: speck.kind,
    };
  });
}

/**
 * @param {DrawnCell[]} cells
 * @param {{ x: number, y: number }} point
 */
function nearestOwner(cells, point) {
  let owner = -1;
  let best = Infinity;
  for (const cell of cells) {
    // Measured from the rim: the followed player's large cell beats a crumb that drifts past its middle.
    const distance = Math.hypot(cell.x - point.x, cell.y - point.y) - cell.radius;
    if (distance < best) {
      best = distance;
      owner = cell.owner;
    }
  }
  return owner;
}

/**
 * @param {DrawnCell} cell
 * @param {{ x: number, y: number }} point
 */
function reaches(cell, point) {
  return Math.hypot(cell.x - point.x, cell.y - point.y) < cell.radius * 1.15 + 12;
}

/**
 * @param {number} a
 * @param {number} b
 * @param {number} fraction
 */
function mix(a, b, fraction) {
  return a + (b - a) * fraction;
}
