import { firstTurn } from "../../../duel/client/state/rolling.js";

/** How balls go into pockets: in with the way they still had, to rest below the middle of the hole. */

/** @type {import("../../../duel/client/state/stage.js").Looks} */
export const HOLES = Object.freeze({
  fallSeconds: 0.34,
  rolling: [],
  firstTurn,
  fall(ball, from, pocket, part) {
    const eased = 1 - (1 - part) * (1 - part);
    ball.x = from.x + (pocket.x - from.x) * eased;
    ball.y = from.y + (pocket.y - from.y) * eased;
    ball.depth = part;
    ball.isShown = part < 1;
  },
});
