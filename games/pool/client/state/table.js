/** The outline of the table, from the numbers of the physics. */

/** Wood and cushion around the playing surface, in metres. */
export const RAIL = 0.152;
/** What the page's panels take at each side, in CSS pixels. @type {import("../../../duel/client/state/layout.js").Margins} */
export const MARGINS = {
  wide: { top: 82, right: 84, bottom: 12, left: 84 },
  low: { top: 50, right: 70, bottom: 4, left: 70 },
  tall: { top: 96, right: 4, bottom: 112, left: 4 },
};
const LINE = 0;
const HOLE = 3;
const NO_CUSHION = 255;

/**
 * @typedef {import("../../../duel/client/state/layout.js").Point} Point
 * @typedef {object} Table
 * @property {number} length In metres, between the cushions' noses.
 * @property {number} width
 * @property {{ along: number, across: number }} rail Around the surface.
 * @property {number} radius Of a ball.
 * @property {{ x: number, y: number, radius: number }[]} pockets
 * @property {Point[][]} cushions Each from the wood along one facing, the nose and the other facing.
 */

/**
 * @param {{ geometry: () => number[][], sizes: () => { length: number, width: number, bodies: { radius: number }[] } }} physics
 *   With a rack on it.
 * @returns {Table}
 */
export function readTable(physics) {
  const { length, width, bodies } = physics.sizes();
  /** @type {Map<number, Point[]>} */
  const cushions = new Map();
  const pockets = [];
  for (const [cushion, shape, x, y, a, b, c] of physics.geometry()) {
    if (shape === HOLE) pockets.push({ x, y, radius: a });
    if (shape !== LINE || cushion === NO_CUSHION) continue;
    const points = cushions.get(cushion) ?? [];
    points.push({ x, y }, { x: x + a * c, y: y + b * c });
    cushions.set(cushion, points);
  }
  return { length, width, rail: { along: RAIL, across: RAIL }, radius: bodies[0].radius, pockets, cushions: [...cushions.values()] };
}

/** Where the rules put balls. @param {Table} table */
export function spots(table) {
  const y = table.width / 2;
  return { head: { x: table.length / 4, y }, foot: { x: (table.length * 3) / 4, y } };
}
