import { firstTurn } from "../../../duel/client/state/rolling.js";
import { BALL } from "./pitch.js";

/** How the ball comes to rest in a goal: into the net, which gives way and throws it back a little. */

const SLOWED_SECONDS = 0.16;
/** How far the net gives way at most, and how softly, in metres. */
const GIVES_MAX = 0.04;
const GIVES = 0.09;

/**
 * @param {import("./pitch.js").Pitch} pitch
 * @returns {import("../../../duel/client/state/stage.js").Looks}
 */
export function netOf({ length, ball: radius, goal }) {
  const fallSeconds = 1.1;
  return Object.freeze({
    fallSeconds,
    rolling: [radius],
    // A badge stands upright to begin with.
    firstTurn: (body) => (body === BALL ? firstTurn(body) : Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1)),
    fall(ball, from, _pocket, part) {
      const seconds = part * fallSeconds;
      const way = SLOWED_SECONDS * (1 - Math.exp(-seconds / SLOWED_SECONDS));
      const side = from.x < length / 2 ? -1 : 1;
      const front = side < 0 ? 0 : length;
      const room = goal.depth - radius;
      const wanted = (from.x - front) * side + Math.abs(from.vx) * way;
      const given = GIVES_MAX * (1 - Math.exp(-Math.max(0, wanted - room) / GIVES)) * (1 - part) * (1 - part);
      ball.x = front + side * (Math.min(wanted, room) + given);
      ball.y = Math.max(goal.low + radius, Math.min(goal.high - radius, from.y + from.vy * way));
    },
  });
}
