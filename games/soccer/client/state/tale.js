/** The turns of a game that is over, in words. */

import { shirtOf } from "./pitch.js";
import { GOAL } from "./protocol.js";
import { FORMATIONS } from "./formations.js";

const TIME_OUT = 1;
const FORMATION = 2;
const CONCEDED = 7;
const LEFT = 8;
const DRAWN = 9;

/**
 * @param {import("../../../duel/client/state/replay.js").FilmTurn} turn
 * @param {string[]} names By chair.
 * @returns {import("../../../duel/client/view/replay_bar.js").Told}
 */
export function tellTurn({ chair, before, after, shot, verdict }, names) {
  const { winner, how, formations } = /** @type {import("./protocol.js").Block} */ (after.block);
  if (verdict && shot) return { who: names[chair], chair, ...tellShot(chair, shot.shot.body, before, verdict) };
  const loser = 1 - winner;
  if (how === CONCEDED) return { who: names[loser], chair: loser, text: "concedes.", mark: "end" };
  if (how === LEFT) return { who: names[loser], chair: loser, text: "leaves the game.", mark: "end" };
  if (after.last === FORMATION) {
    const was = /** @type {import("./protocol.js").Block} */ (before.block).formations;
    const changed = Math.max(0, formations.findIndex((formation, i) => formation !== was[i]));
    return { who: names[changed], chair: changed, text: `stands as “${FORMATIONS[formations[changed]].name}”.`, mark: "" };
  }
  const who = names[chair] ?? "";
  if (after.last === TIME_OUT) return { who, chair, text: `lets the time run out${how ? ", and loses." : "."}`, mark: how ? "end" : "foul" };
  return { who, chair, text: how === 0 ? "passes." : "ends the game.", mark: how === 0 ? "" : "end" };
}

/**
 * @param {number} chair
 * @param {number} disc
 * @param {import("../../../duel/client/state/protocol.js").Table} before
 * @param {import("../../../duel/client/state/protocol.js").Verdict} verdict
 * @returns {{ text: string, mark: import("../../../duel/client/view/replay_bar.js").Mark }}
 */
function tellShot(chair, disc, before, { foul: goal, block }) {
  const { isKickOff } = /** @type {import("./protocol.js").Block} */ (before.block);
  const { goals } = /** @type {import("./protocol.js").Block} */ (block);
  const flicks = `${isKickOff ? "kicks off with" : "flicks"} the ${shirtOf(disc)}`;
  const score = `${goals[0]} : ${goals[1]}`;
  const scored = goal === GOAL.GOAL ? ` and scores: ${score}` : goal === GOAL.OWN ? ` into the own goal: ${score}` : "";
  const end = block.how === 0 ? "" : block.how === DRAWN ? " The game is drawn." : block.winner === chair ? " That wins." : " That loses.";
  return { text: `${flicks}${scored}.${end}`, mark: end ? "end" : goal === GOAL.OWN ? "foul" : goal === GOAL.GOAL ? "good" : "" };
}
