/** Colours of the balls 1 to 8; 9 to 15 are striped with those of 1 to 7. */
const BALLS = ["#f2b632", "#1f56c4", "#d8362f", "#5b2d8c", "#ee7423", "#12804a", "#8a1f2c", "#17171b"];
const WHITE = "#f4efe2";
/** Two rows of a rack are so many diameters apart. */
const ROWS_APART = Math.sqrt(3) / 2;
/** What a rack and a little room behind it take, in radii from the middle of its first ball. */
const RACK_RADII = 8.6;
const RACK = [1, 9, 2, 10, 8, 3, 11, 4, 12, 5, 6, 13, 14, 7, 15];

/**
 * The moment before a break.
 * @param {import("./art.js").Picture} picture
 */
export function paintPool({ pen, width, height, chance }) {
  const light = pen.createRadialGradient(width * 0.5, height * 0.42, 0, width * 0.5, height * 0.5, Math.max(width * 0.62, height));
  light.addColorStop(0, "#239a8f");
  light.addColorStop(0.6, "#146a63");
  light.addColorStop(1, "#0a4744");
  pen.fillStyle = light;
  pen.fillRect(0, 0, width, height);
  for (let i = 0; i < (width * height) / 90; i++) {
    pen.fillStyle = chance() < 0.5 ? "rgb(255 255 255 / 3%)" : "rgb(0 0 0 / 5%)";
    pen.fillRect(chance() * width, chance() * height, 1.4, 1.4);
  }
  rail(pen, width, height);
  const radius = height * 0.079;
  const rack = { x: Math.min(width * 0.6, width - RACK_RADII * radius), y: height * 0.57 };
  const cue = { x: Math.min(width * 0.24, rack.x - 6 * radius), y: height * 0.57 };
  let next = 0;
  /** @type {{ x: number, y: number, ball: number }[]} */
  const balls = [{ ...cue, ball: 0 }];
  for (let row = 0; row < 5; row++) {
    for (let i = 0; i <= row; i++) {
      balls.push({ x: rack.x + row * 2 * radius * ROWS_APART, y: rack.y + (i - row / 2) * 2 * radius, ball: RACK[next++] });
    }
  }
  for (const { x, y } of balls) shadow(pen, x, y, radius);
  pen.strokeStyle = "rgb(255 255 255 / 60%)";
  pen.lineWidth = 1.6;
  pen.setLineDash([7, 6]);
  pen.beginPath();
  pen.moveTo(cue.x + radius * 1.3, cue.y);
  pen.lineTo(rack.x - radius * 2, rack.y);
  pen.stroke();
  pen.setLineDash([]);
  for (const { x, y, ball } of balls) drawBall(pen, x, y, radius, ball, (chance() - 0.5) * 1.1);
  stick(pen, cue.x - radius * 1.9, cue.y, width, radius);
}

/** The cushion at the top, with its wood. @param {CanvasRenderingContext2D} pen @param {number} width @param {number} height */
function rail(pen, width, height) {
  const wood = height * 0.085;
  const nose = height * 0.145;
  const grain = pen.createLinearGradient(0, 0, 0, wood);
  grain.addColorStop(0, "#4b2712");
  grain.addColorStop(0.5, "#8a4f29");
  grain.addColorStop(1, "#3a1d0d");
  pen.fillStyle = grain;
  pen.fillRect(0, 0, width, wood);
  const cloth = pen.createLinearGradient(0, wood, 0, nose);
  cloth.addColorStop(0, "#0b443f");
  cloth.addColorStop(1, "#26a094");
  pen.fillStyle = cloth;
  pen.fillRect(0, wood, width, nose - wood);
  const fall = pen.createLinearGradient(0, nose, 0, nose + height * 0.05);
  fall.addColorStop(0, "rgb(0 20 18 / 45%)");
  fall.addColorStop(1, "rgb(0 20 18 / 0%)");
  pen.fillStyle = fall;
  pen.fillRect(0, nose, width, height * 0.05);
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} radius */
function shadow(pen, x, y, radius) {
  const soft = pen.createRadialGradient(x + radius * 0.1, y + radius * 0.3, radius * 0.4, x + radius * 0.1, y + radius * 0.3, radius * 1.5);
  soft.addColorStop(0, "rgb(0 14 14 / 62%)");
  soft.addColorStop(1, "rgb(0 14 14 / 0%)");
  pen.fillStyle = soft;
  pen.fillRect(x - radius * 2, y - radius * 2, radius * 4, radius * 4);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 * @param {number} ball
 * @param {number} tilt In radians.
 */
function drawBall(pen, x, y, radius, ball, tilt) {
  pen.save();
  pen.translate(x, y);
  pen.beginPath();
  pen.arc(0, 0, radius - 0.4, 0, 2 * Math.PI);
  pen.clip();
  pen.fillStyle = ball > 8 || ball === 0 ? WHITE : BALLS[ball - 1];
  pen.fill();
  pen.save();
  pen.rotate(tilt);
  if (ball > 8) {
    pen.fillStyle = BALLS[ball - 9];
    pen.fillRect(-radius, -radius * 0.56, 2 * radius, radius * 1.12);
  }
  if (ball > 0) {
    pen.fillStyle = WHITE;
    pen.beginPath();
    pen.arc(0, 0, radius * 0.46, 0, 2 * Math.PI);
    pen.fill();
    pen.fillStyle = "#17171b";
    pen.font = `800 ${radius * 0.62}px "Helvetica Neue", Arial, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(String(ball), 0, radius * 0.04);
  }
  pen.restore();
  const round = pen.createRadialGradient(-radius * 0.3, -radius * 0.42, radius * 0.1, 0, 0, radius);
  round.addColorStop(0, "rgb(255 255 255 / 24%)");
  round.addColorStop(0.35, "rgb(255 255 255 / 0%)");
  round.addColorStop(0.7, "rgb(0 0 0 / 16%)");
  round.addColorStop(1, "rgb(0 10 12 / 62%)");
  pen.fillStyle = round;
  pen.fillRect(-radius, -radius, 2 * radius, 2 * radius);
  pen.fillStyle = "rgb(255 255 255 / 82%)";
  pen.beginPath();
  pen.ellipse(-radius * 0.26, -radius * 0.55, radius * 0.2, radius * 0.1, -0.35, 0, 2 * Math.PI);
  pen.fill();
  pen.restore();
}

/** The cue from the left. @param {CanvasRenderingContext2D} pen @param {number} tip @param {number} y @param {number} width @param {number} radius */
function stick(pen, tip, y, width, radius) {
  const piece = (/** @type {number} */ from, /** @type {number} */ to, /** @type {string} */ dark, /** @type {string} */ bright) => {
    const half = (/** @type {number} */ at) => radius * (0.17 + (0.22 * (tip - at)) / width);
    const round = pen.createLinearGradient(0, y - radius * 0.3, 0, y + radius * 0.3);
    round.addColorStop(0, dark);
    round.addColorStop(0.4, bright);
    round.addColorStop(1, dark);
    pen.fillStyle = round;
    pen.beginPath();
    pen.moveTo(from, y - half(from));
    pen.lineTo(to, y - half(to));
    pen.lineTo(to, y + half(to));
    pen.lineTo(from, y + half(from));
    pen.fill();
  };
  piece(tip, tip - radius * 0.35, "#27506b", "#4c86a8");
  piece(tip - radius * 0.35, tip - radius * 0.9, "#b9b09b", "#ffffff");
  piece(tip - radius * 0.9, -4, "#a9773c", "#f4d6a0");
}
