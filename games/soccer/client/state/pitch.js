/** The pitch, from the numbers of the physics, and who stands on it. */

const GATE = 4;
const HOLLOW = 2;
/** What is around the lines: goals with a little room behind them, and the boards. */
const RAIL = Object.freeze({ along: 0.2, across: 0.064 });
/** Discs of a team. */
export const TEAM = 5;
export const BALL = 0;

/** What the page's panels take at each side, in CSS pixels. @type {import("../../../duel/client/state/layout.js").Margins} */
export const MARGINS = {
  wide: { top: 84, right: 18, bottom: 12, left: 18 },
  low: { top: 48, right: 52, bottom: 2, left: 52 },
  tall: { top: 98, right: 2, bottom: 72, left: 2 },
};

/**
 * @typedef {import("../../../duel/client/state/layout.js").Point} Point
 * @typedef {object} Pitch
 * @property {number} length In metres.
 * @property {number} width
 * @property {{ along: number, across: number }} rail
 * @property {number} ball Its radius.
 * @property {number} disc The same of every disc.
 * @property {number} corner The radius of the corners.
 * @property {{ low: number, high: number, depth: number }} goal Across the pitch from where to where, and how deep.
 */

/**
 * @param {{ geometry: () => number[][], sizes: () => { length: number, width: number, bodies: { radius: number }[] } }} physics
 *   With everything on it.
 * @returns {Pitch}
 */
export function readPitch(physics) {
  const { length, width, bodies } = physics.sizes();
  const rows = physics.geometry();
  const [, , , fromY, , alongY, gate] = rows.find(([, shape]) => shape === GATE) ?? [];
  const ends = [fromY, fromY + alongY * gate];
  const corner = rows.find(([, shape]) => shape === HOLLOW)?.[4] ?? 0;
  const depth = Math.max(...rows.map(([, , x]) => -x));
  return {
    length, width, rail: RAIL, ball: bodies[BALL].radius, disc: bodies[1].radius, corner,
    goal: { low: Math.min(...ends), high: Math.max(...ends), depth },
  };
}

/** Whose disc it is; −1 for the ball. @param {number} body */
export function chairOf(body) {
  return body === BALL ? -1 : Math.floor((body - 1) / TEAM);
}

/** Its number in its team, from 1. @param {number} body */
export function shirtOf(body) {
  return ((body - 1) % TEAM) + 1;
}
