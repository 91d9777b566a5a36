/** A state of the physics as bytes: their count, then for each body its kind, its place and two `i32` of units. */

/** Units of a metre. */
export const UNITS = 2 ** 20;
const BODY_BYTES = 10;
/** A place: on the table. A smaller one is a pocket. */
const ON = 255;
const OFF = 254;

/**
 * @typedef {{ isOn: boolean, pocket: number, x: number, y: number }} Body `pocket` is −1 for none; x and y in metres.
 */

/** @param {Uint8Array} state @returns {Body[]} */
export function bodiesOf(state) {
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
  return Array.from({ length: state[0] }, (_, body) => {
    const at = 1 + body * BODY_BYTES;
    const place = view.getUint8(at + 1);
    return {
      isOn: place === ON,
      pocket: place < OFF ? place : -1,
      x: view.getInt32(at + 2, true) / UNITS,
      y: view.getInt32(at + 6, true) / UNITS,
    };
  });
}

/**
 * The same state with body 0 put to a position.
 * @param {Uint8Array} state
 * @param {{ x: number, y: number }} units
 */
export function withFirst(state, units) {
  const changed = state.slice();
  putBody(changed, 0, units);
  return changed;
}

/**
 * Puts a body somewhere.
 * @param {Uint8Array} state Changed.
 * @param {number} body
 * @param {{ x: number, y: number }} units
 */
export function putBody(state, body, { x, y }) {
  const view = new DataView(state.buffer, state.byteOffset);
  const at = 1 + body * BODY_BYTES;
  view.setUint8(at + 1, ON);
  view.setInt32(at + 2, x, true);
  view.setInt32(at + 6, y, true);
}

/** @param {{ x: number, y: number }} metres */
export function toUnits({ x, y }) {
  return { x: Math.floor(x * UNITS), y: Math.floor(y * UNITS) };
}

/** Where everything lies, in metres, as words. @param {Uint8Array} state */
export function placesOf(state) {
  return bodiesOf(state).map(({ isOn, x, y }) => (isOn ? `${x.toFixed(6)},${y.toFixed(6)}` : "")).join(" ");
}
