/**
 * A turn in space as nine numbers, row by row: what it does to a point of the ball gives that of the table.
 * @typedef {Float64Array} Turn
 */

/**
 * How a ball lies before anybody touched it: tilted a little, the same for the same ball.
 * @param {number} ball
 * @returns {Turn}
 */
export function firstTurn(ball) {
  const turn = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  const chance = (/** @type {number} */ salt) => (((ball + 1) * 2_654_435_761 * salt) % 1_000) / 1_000 - 0.5;
  roll(turn, chance(3) * 0.9, chance(7) * 0.9, chance(11) * 2.4);
  return turn;
}

/**
 * Turns a ball by a vector: about its direction, by its length in radians.
 * @param {Turn} turn Changed.
 * @param {number} x
 * @param {number} y
 * @param {number} z
 */
export function roll(turn, x, y, z) {
  const angle = Math.hypot(x, y, z);
  if (angle < 1e-9) return;
  const [ux, uy, uz] = [x / angle, y / angle, z / angle];
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const k = 1 - c;
  const [a, b, d] = [c + ux * ux * k, ux * uy * k - uz * s, ux * uz * k + uy * s];
  const [e, f, g] = [uy * ux * k + uz * s, c + uy * uy * k, uy * uz * k - ux * s];
  const [h, i, j] = [uz * ux * k - uy * s, uz * uy * k + ux * s, c + uz * uz * k];
  for (let column = 0; column < 3; column++) {
    const [p, q, r] = [turn[column], turn[column + 3], turn[column + 6]];
    turn[column] = a * p + b * q + d * r;
    turn[column + 3] = e * p + f * q + g * r;
    turn[column + 6] = h * p + i * q + j * r;
  }
  settle(turn);
}

/** Keeps rounding from bending the ball. @param {Turn} m */
function settle(m) {
  const length = Math.hypot(m[0], m[1], m[2]);
  for (let i = 0; i < 3; i++) m[i] /= length;
  const dot = m[0] * m[3] + m[1] * m[4] + m[2] * m[5];
  for (let i = 0; i < 3; i++) m[3 + i] -= dot * m[i];
  const second = Math.hypot(m[3], m[4], m[5]);
  for (let i = 0; i < 3; i++) m[3 + i] /= second;
  m[6] = m[1] * m[5] - m[2] * m[4];
  m[7] = m[2] * m[3] - m[0] * m[5];
  m[8] = m[0] * m[4] - m[1] * m[3];
}
