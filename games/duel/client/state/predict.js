/** What the aim line shows: the shot as the physics plays it, up to a little after the first contact. */

/** Numbers of a body in the physics' rows; the last is its pocket, −1 on the table. */
const STRIDE = 6;
/** How long the lines behind the contact are together, in metres. */
const AFTER_METRES = 0.62;
/** Along the struck body's own path, cushions included. */
const BEFORE_METRES = 3.4;
const STEPS = 14;
const STEP_SECONDS = 0.02;
const STEPS_AFTER_MAX = 120;

/**
 * @typedef {import("./layout.js").Point} Point
 * @typedef {object} Prediction
 * @property {Point[]} path Of the struck body until it meets another, or as far as the line goes.
 * @property {Point | null} ghost Where it is when it meets one.
 * @property {number} ball The one that is met; −1 for none.
 * @property {Point[]} objectLine How that one goes on.
 * @property {Point[]} cueLine How the struck body goes on.
 *
 * @typedef {object} Aimer The physics, as far as it is needed here.
 * @property {(bytes: Uint8Array) => void} load
 * @property {(shot: import("./aim.js").Shot) => { seconds: number }} shoot
 * @property {() => { seconds: number, what: string, one: number, two: number }[]} log
 * @property {(seconds: number) => Float64Array} frames
 */

/**
 * @param {Aimer} physics Loses what lies on it.
 * @param {Uint8Array} state Before the shot.
 * @param {import("./aim.js").Shot} shot
 * @returns {Prediction}
 */
export function predict(physics, state, shot) {
  const { body } = shot;
  physics.load(state);
  const { seconds } = physics.shoot(shot);
  const all = physics.log();
  const log = all.filter(({ what, one, two }) => one === body || (what === "contact" && two === body));
  const contact = log.find(({ what }) => what === "contact");
  const pocketed = log.find(({ what }) => what === "pocketed");
  const endSeconds = contact?.seconds ?? pocketed?.seconds ?? seconds;
  const turns = log.filter((entry) => entry.what === "cushion" && entry.seconds < endSeconds).map((entry) => entry.seconds);
  const place = (/** @type {number} */ which, /** @type {number} */ at) => {
    const rows = physics.frames(at);
    return { x: rows[which * STRIDE], y: rows[which * STRIDE + 1] };
  };
  const path = [place(body, 0)];
  let room = BEFORE_METRES;
  let from = 0;
  for (const to of [...turns, endSeconds]) {
    for (let i = 1; i <= STEPS && room > 0; i++) room -= extend(path, place(body, from + ((to - from) * i) / STEPS), room);
    from = to;
  }
  if (!contact || room <= 0) return { path, ghost: null, ball: -1, objectLine: [], cueLine: [] };
  const ball = contact.one === body ? contact.two : contact.one;
  const objectLine = [place(ball, endSeconds)];
  const cueLine = [place(body, endSeconds)];
  let left = AFTER_METRES;
  // Both at once, so that the longer line is the faster ball's.
  for (const at of timesAfter(all, endSeconds, [body, ball])) {
    left -= extend(objectLine, place(ball, at), left);
    if (left > 0) left -= extend(cueLine, place(body, at), left);
    if (left <= 0 || at > seconds) break;
  }
  return { path, ghost: cueLine[0], ball, objectLine, cueLine };
}

/**
 * The times at which the lines behind the contact are looked up: evenly, and at each turn of their balls, so that the
 * corners are sharp.
 * @param {ReturnType<Aimer["log"]>} log
 * @param {number} from
 * @param {number[]} balls
 */
function timesAfter(log, from, balls) {
  const isTurn = (/** @type {{ seconds: number, what: string, one: number, two: number }} */ { seconds, what, one, two }) =>
    seconds > from && (balls.includes(one) || (what === "contact" && balls.includes(two)));
  const even = Array.from({ length: STEPS_AFTER_MAX }, (_, i) => from + (i + 1) * STEP_SECONDS);
  return [...even, ...log.filter(isTurn).map(({ seconds }) => seconds)].sort((a, b) => a - b);
}

/**
 * Adds a point to a line, at most `room` further on.
 * @param {Point[]} line
 * @param {Point} point
 * @param {number} room
 * @returns {number} How much longer the line became.
 */
function extend(line, point, room) {
  const last = line[line.length - 1];
  const length = Math.hypot(point.x - last.x, point.y - last.y);
  if (length === 0) return 0;
  const part = Math.min(1, room / length);
  line.push({ x: last.x + (point.x - last.x) * part, y: last.y + (point.y - last.y) * part });
  return length * part;
}
