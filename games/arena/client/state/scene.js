/** How long what was eaten takes to vanish into its eater. */
const SWALLOW_MS = 190;
/** How long a new pellet takes to grow. */
const PELLET_GROW_MS = 260;
const GHOSTS_MAX = 400;
/** A new cell this many radii from a known one of its owner is drawn as splitting off it. */
const SPLIT_REACH_RADII = 6;

/**
 * @typedef {import("./sight.js").View} View
 * @typedef {import("./sight.js").Cell} Cell
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
  /** @type {Map<number, DrawnPellet & { bornMs: number }>} */
  pellets = new Map();
  /** The pellets of the last snapshot that was crossed. @type {View["pellets"] | null} */
  #pelletsTold = null;
  /** @type {Ghost[]} */
  ghosts = [];
  /** Centre and half height of what the server shows. */
  focus = { x: 0, y: 0, halfHeight: 500 };
  score = 0;
  alive = false;
  following = false;
  /** Whose cells are watched when following, else -1. */
  followed = -1;

  reset() {
    this.cells = [];
    this.specks = [];
    this.pellets.clear();
    this.#pelletsTold = null;
    this.ghosts = [];
  }

  /**
   * @param {{ from: View, to: View, fraction: number, crossed: View[] }} moment
   * @param {number} nowMs
   */
  update({ from, to, fraction, crossed }, nowMs) {
    this.focus.x = mix(from.x, to.x, fraction);
    this.focus.y = mix(from.y, to.y, fraction);
    this.focus.halfHeight = mix(from.halfHeight, to.halfHeight, fraction);
    this.score = Math.round(mix(from.score, to.score, fraction));
    this.alive = to.alive;
    this.following = to.following;
    for (const view of crossed) this.#swallow(view, nowMs);
    this.cells = blendCells(from, to, fraction);
    this.specks = blendSpecks(from, to, fraction);
    this.#moveGhosts(nowMs);
    for (const pellet of this.pellets.values()) pellet.grown = Math.min(1, (nowMs - pellet.bornMs) / PELLET_GROW_MS);
    this.followed = to.following ? to.followed : -1;
  }

  /**
   * Starts the animations of one snapshot and takes its pellets over. Nobody is told who ate whom: what is gone, and
   * lies in somebody larger, was eaten.
   * @param {View} view
   * @param {number} nowMs
   */
  #swallow(view, nowMs) {
    const known = new Set([...view.cells, ...view.specks].map(({ id }) => id));
    for (const gone of [...this.cells, ...this.specks]) {
      if (known.has(gone.id)) continue;
      const eater = eaterOf(view, gone);
      if (eater) this.#addGhost(gone.x, gone.y, gone.radius, "hue" in gone ? gone.hue : gone.kind, eater.id, nowMs);
    }
    if (view.pellets === this.#pelletsTold) return;

    const first = this.#pelletsTold === null;
    const before = this.pellets;
    this.#pelletsTold = view.pellets;
    this.pellets = new Map();
    for (const [id, pellet] of view.pellets) {
      const bornMs = first ? -Infinity : nowMs;
      this.pellets.set(id, before.get(id) ?? { ...pellet, grown: 0, bornMs });
      before.delete(id);
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
 * @returns {DrawnCell[]}
 */
function blendCells(from, to, fraction) {
  const before = new Map(from.cells.map((cell) => [cell.id, cell]));
  const drawn = to.cells.map((cell) => {
    const start = before.get(cell.id) ?? parentOf(cell, from) ?? cell;
    return {
      id: cell.id,
      x: mix(start.x, cell.x, fraction),
      y: mix(start.y, cell.y, fraction),
      radius: mix(start.radius, cell.radius, fraction),
      hue: cell.hue,
      owner: cell.owner,
      own: cell.owner === to.own,
    };
  });
  return drawn.sort((a, b) => a.radius - b.radius || a.id - b.id);
}

/**
 * @param {Cell} child A cell that the earlier snapshot has not.
 * @param {View} from
 */
function parentOf(child, from) {
  let best = null;
  let bestDistance = SPLIT_REACH_RADII * child.radius;
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
 * @returns {DrawnSpeck[]}
 */
function blendSpecks(from, to, fraction) {
  const before = new Map(from.specks.map((speck) => [speck.id, speck]));
  return to.specks.map((speck) => {
    const start = before.get(speck.id) ?? speck;
    return {
      id: speck.id,
      x: mix(start.x, speck.x, fraction),
      y: mix(start.y, speck.y, fraction),
      radius: mix(start.radius, speck.radius, fraction),
      kind: speck.kind,
    };
  });
}

/**
 * Who has something inside that is gone: the nearest of those who are larger.
 * @param {View} view
 * @param {{ id: number, x: number, y: number, radius: number }} gone
 */
function eaterOf(view, gone) {
  let best = null;
  let bestDistance = Infinity;
  for (const eater of [...view.cells, ...view.specks]) {
    const distance = Math.hypot(eater.x - gone.x, eater.y - gone.y);
    if (eater.radius > gone.radius && distance < eater.radius && distance < bestDistance) {
      best = eater;
      bestDistance = distance;
    }
  }
  return best;
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
