/** The turns of a game that is over, in words. */

import { DRAWN, GROUPS, sayFoul } from "./words.js";

const TIME_OUT = 1;
const RACKED_AGAIN = 2;
const CONCEDED = 7;
const LEFT = 8;
const BLACK = 8;
const NINE_BALL = 1;

/**
 * @param {import("../../../duel/client/state/replay.js").FilmTurn} turn
 * @param {string[]} names By chair.
 * @returns {import("../../../duel/client/view/replay_bar.js").Told}
 */
export function tellTurn({ chair, before, after, verdict }, names) {
  const { winner, how } = after.block;
  if (verdict) return { who: names[chair], chair, ...tellShot(chair, before, verdict) };
  const loser = 1 - winner;
  if (how === CONCEDED) return { who: names[loser], chair: loser, text: "concedes.", mark: "end" };
  if (how === LEFT) return { who: names[loser], chair: loser, text: "leaves the game.", mark: "end" };
  const who = names[chair] ?? "";
  if (after.last === TIME_OUT) return { who, chair, text: `lets the time run out${how ? ", and loses." : "."}`, mark: how ? "end" : "foul" };
  if (after.last === RACKED_AGAIN) return { who, chair, text: "has the balls racked again.", mark: "" };
  return { who, chair, text: how === 0 ? "passes." : "ends the game.", mark: how === 0 ? "" : "end" };
}

/**
 * @param {number} chair
 * @param {import("../../../duel/client/state/protocol.js").Table} before
 * @param {import("../../../duel/client/state/protocol.js").Verdict} verdict
 * @returns {{ text: string, mark: import("../../../duel/client/view/replay_bar.js").Mark }}
 */
function tellShot(chair, { block: was, rules }, { foul, pocketed, block }) {
  const { isBreak, groups } = /** @type {import("./protocol.js").Block} */ (was);
  const own = /** @type {import("./protocol.js").Block} */ (block).groups[chair];
  const balls = pocketed.map(({ ball }) => ball).filter((ball) => ball !== 0);
  const named = balls.map((ball) => (ball === BLACK && rules !== NINE_BALL ? "the black" : `the ${ball}`));
  const pots = named.length > 0 ? `pots ${list(named)}` : isBreak ? "" : "pots nothing";
  const done = [isBreak ? "breaks" : "", pots].filter(Boolean).join(" and ");
  const took = foul === 0 && groups[chair] === 0 && own !== 0 ? `, and has the ${GROUPS[own]}` : "";
  const end = block.how === 0 ? "" : block.how === DRAWN ? " The game is drawn." : block.winner === chair ? " That wins." : " That loses.";
  const mark = end ? "end" : foul ? "foul" : balls.length > 0 ? "good" : "";
  return { text: `${done}${took}.${foul ? ` ${sayFoul(foul)}` : ""}${end}`, mark };
}

/** @param {string[]} words */
function list(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
