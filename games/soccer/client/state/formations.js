import { putBody, toUnits } from "../../../duel/client/state/bytes.js";
import { TEAM } from "./pitch.js";

/** The pitch, in metres. */
const [LENGTH, WIDTH] = [2.2, 1.32];

/** How a team may stand at a kick-off, in metres, as seen by the team at the low end; the numbers are the server's. */
export const FORMATIONS = Object.freeze([
  { name: "Two and two", spots: [[0.11, 0.66], [0.44, 0.3696], [0.44, 0.9504], [0.836, 0.4752], [0.836, 0.8448]] },
  { name: "Diamond", spots: [[0.11, 0.66], [0.396, 0.66], [0.616, 0.3168], [0.616, 1.0032], [0.902, 0.66]] },
  { name: "Wall", spots: [[0.11, 0.66], [0.352, 0.396], [0.352, 0.66], [0.352, 0.924], [0.836, 0.66]] },
  { name: "Attack", spots: [[0.11, 0.66], [0.484, 0.66], [0.88, 0.2904], [0.924, 0.66], [0.88, 1.0296]] },
  { name: "Two keepers", spots: [[0.11, 0.5544], [0.11, 0.7656], [0.33, 0.396], [0.33, 0.924], [0.792, 0.66]] },
]);

/**
 * The same state with both teams in a formation; the ball stays where it is.
 * @param {Uint8Array} state
 * @param {number[]} formations Of each chair.
 */
export function standing(state, formations) {
  const bytes = state.slice();
  formations.forEach((formation, chair) => {
    FORMATIONS[formation].spots.forEach(([x, y], i) => {
      // The other team stands at the same places, seen from the other end.
      const at = chair === 0 ? { x, y } : { x: LENGTH - x, y: WIDTH - y };
      putBody(bytes, 1 + chair * TEAM + i, toUnits(at));
    });
  });
  return bytes;
}

/** @param {unknown} number @returns {number} A formation that there is. */
export function formationOf(number) {
  const chosen = Number(number);
  return Number.isInteger(chosen) && FORMATIONS[chosen] ? chosen : 0;
}
