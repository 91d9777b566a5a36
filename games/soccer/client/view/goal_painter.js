const POST = 0.016;
const MESH = 0.034;
/** How far around the ball a net gives way, in metres. */
const REACH = 0.11;

/**
 * @typedef {import("../../../duel/client/state/layout.js").Point} Point
 * @typedef {import("../state/pitch.js").Pitch} Pitch
 */

/**
 * A goal's net and frame, over what lies in it.
 * @param {CanvasRenderingContext2D} pen In CSS pixels.
 * @param {(metres: Point) => Point} at
 * @param {number} scale CSS pixels of a metre.
 * @param {Pitch} pitch
 * @param {number} end 0 the low one, 1 the high one.
 * @param {Point | null} ball When it is in this goal: the net gives way to it.
 */
export function drawGoal(pen, at, scale, pitch, end, ball) {
  const { length, goal } = pitch;
  const [front, side] = end === 0 ? [0, -1] : [length, 1];
  const push = ball ? Math.max(0, (ball.x - front) * side + pitch.ball - goal.depth) : 0;
  const bent = (/** @type {number} */ deep, /** @type {number} */ y) => {
    if (!ball || push === 0) return at({ x: front + side * deep, y });
    const away = Math.hypot(front + side * deep - ball.x, y - ball.y);
    const part = Math.max(0, 1 - away / REACH);
    return at({ x: front + side * (deep + push * part * part), y });
  };
  pen.lineCap = "round";
  pen.lineJoin = "round";
  pen.lineWidth = Math.max(0.7, scale * 0.0022);
  pen.strokeStyle = "rgb(255 255 255 / 52%)";
  const steps = 14;
  for (let deep = 0; deep <= goal.depth + 1e-9; deep += goal.depth / 5) {
    thread(pen, steps, (part) => bent(deep, goal.low + (goal.high - goal.low) * part));
  }
  const threads = Math.round((goal.high - goal.low) / MESH);
  for (let i = 0; i <= threads; i++) {
    const y = goal.low + ((goal.high - goal.low) * i) / threads;
    thread(pen, 6, (part) => bent(goal.depth * part, y));
  }
  // The frame: bars at the back, then the bar between the posts, which stands highest.
  pen.lineWidth = Math.max(1.4, scale * 0.007);
  pen.strokeStyle = "#c8d2d8";
  line(pen, [at({ x: front, y: goal.low }), bent(goal.depth, goal.low), bent(goal.depth, goal.high), at({ x: front, y: goal.high })]);
  const [low, high] = [at({ x: front + side * 0.006, y: goal.low - 0.006 }), at({ x: front + side * 0.006, y: goal.high + 0.006 })];
  pen.save();
  pen.shadowColor = "rgb(0 0 0 / 60%)";
  pen.shadowBlur = scale * 0.02;
  pen.shadowOffsetY = scale * 0.012;
  pen.lineWidth = Math.max(2.2, scale * POST * 0.9);
  pen.strokeStyle = "#f4f7f8";
  line(pen, [low, high]);
  pen.restore();
  for (const post of [low, high]) {
    pen.beginPath();
    pen.arc(post.x, post.y, Math.max(2.2, scale * POST * 0.9), 0, 2 * Math.PI);
    pen.fillStyle = "#ffffff";
    pen.fill();
    pen.lineWidth = 1;
    pen.strokeStyle = "rgb(40 60 70 / 55%)";
    pen.stroke();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {number} steps @param {(part: number) => Point} place */
function thread(pen, steps, place) {
  line(pen, Array.from({ length: steps + 1 }, (_, i) => place(i / steps)));
}

/** @param {CanvasRenderingContext2D} pen @param {Point[]} points */
function line(pen, points) {
  pen.beginPath();
  points.forEach(({ x, y }, i) => (i === 0 ? pen.moveTo(x, y) : pen.lineTo(x, y)));
  pen.stroke();
}
