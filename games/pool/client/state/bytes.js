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
 * The same state with the cue ball put to a position.
 * @param {Uint8Array} state
 * @param {{ x: number, y: number }} units
 */
export function withCueBall(state, { x, y }) {
  const changed = state.slice();
  const view = new DataView(changed.buffer);
  view.setUint8(2, ON);
  view.setInt32(3, x, true);
  view.setInt32(7, y, true);
  return changed;
}

/** @param {{ x: number, y: number }} metres */
export function toUnits({ x, y }) {
  return { x: Math.floor(x * UNITS), y: Math.floor(y * UNITS) };
}
