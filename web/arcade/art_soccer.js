/** Of each team: the disc, its rim, its badge. */
const TEAMS = [
  { main: "#e5383b", dark: "#8f1522", trim: "#fff4ec" },
  { main: "#2d6cdf", dark: "#123a8c", trim: "#fff3c4" },
];
const STRIPES = 9;

/**
 * The moment before a goal.
 * @param {import("./art.js").Picture} picture
 */
export function paintSoccer({ pen, width, height, chance }) {
  grass(pen, width, height, chance);
  const unit = height / 220;
  const goal = { x: width - 46 * unit, top: height * 0.25, bottom: height * 0.8 };
  lines(pen, width, height, goal, unit);
  net(pen, width, goal, unit);
  const ball = { x: goal.x - 74 * unit, y: height * 0.42 };
  const striker = { x: width * 0.36, y: height * 0.66 };
  const discs = [
    { ...striker, team: 0, shirt: "4" },
    { x: width * 0.13, y: height * 0.36, team: 0, shirt: "2" },
    { x: Math.min(width * 0.55, ball.x - 66 * unit), y: height * 0.21, team: 1, shirt: "3" },
    { x: goal.x - 26 * unit, y: height * 0.68, team: 1, shirt: "1" },
  ];
  const radius = 24 * unit;
  for (const { x, y } of discs) shadow(pen, x, y, radius);
  shadow(pen, ball.x, ball.y, 14 * unit);
  way(pen, striker, ball, { x: goal.x + 26 * unit, y: height * 0.36 }, unit);
  for (const { x, y, team, shirt } of discs) disc(pen, x, y, radius, team, shirt);
  football(pen, ball.x, ball.y, 14 * unit);
}

/** @param {CanvasRenderingContext2D} pen @param {number} width @param {number} height @param {() => number} chance */
function grass(pen, width, height, chance) {
  for (let i = 0; i < STRIPES; i++) {
    pen.fillStyle = i % 2 === 0 ? "#3c9e49" : "#2d863b";
    pen.fillRect((i * width) / STRIPES, 0, width / STRIPES + 1, height);
  }
  for (let i = 0; i < (width * height) / 110; i++) {
    pen.fillStyle = chance() < 0.5 ? "rgb(210 255 170 / 5%)" : "rgb(0 40 10 / 7%)";
    pen.fillRect(chance() * width, chance() * height, 1.4, 2.4);
  }
  const light = pen.createRadialGradient(width * 0.5, height * 0.4, 0, width * 0.5, height * 0.5, Math.max(width * 0.6, height));
  light.addColorStop(0, "rgb(255 255 210 / 16%)");
  light.addColorStop(0.5, "rgb(255 255 210 / 0%)");
  light.addColorStop(1, "rgb(0 20 10 / 52%)");
  pen.fillStyle = light;
  pen.fillRect(0, 0, width, height);
}

/** @param {CanvasRenderingContext2D} pen @param {number} width @param {number} height @param {{ x: number, top: number, bottom: number }} goal @param {number} unit */
function lines(pen, width, height, goal, unit) {
  pen.strokeStyle = "rgb(255 255 255 / 80%)";
  pen.lineWidth = 3.4 * unit;
  pen.beginPath();
  pen.moveTo(goal.x, -4);
  pen.lineTo(goal.x, height + 4);
  pen.rect(goal.x - 112 * unit, goal.top - 30 * unit, 140 * unit, goal.bottom - goal.top + 60 * unit);
  pen.moveTo(width * 0.09, -4);
  pen.lineTo(width * 0.09, height + 4);
  pen.stroke();
  pen.beginPath();
  pen.arc(width * 0.09, height * 0.52, 66 * unit, 0, 2 * Math.PI);
  pen.stroke();
}

/** @param {CanvasRenderingContext2D} pen @param {number} width @param {{ x: number, top: number, bottom: number }} goal @param {number} unit */
function net(pen, width, { x, top, bottom }, unit) {
  pen.fillStyle = "#17431f";
  pen.fillRect(x, top, width - x, bottom - top);
  pen.strokeStyle = "rgb(255 255 255 / 42%)";
  pen.lineWidth = unit;
  const mesh = 9.5 * unit;
  pen.beginPath();
  for (let y = top; y <= bottom; y += mesh) {
    pen.moveTo(x, y);
    pen.lineTo(width, y);
  }
  for (let at = x; at <= width; at += mesh) {
    pen.moveTo(at, top);
    pen.lineTo(at, bottom);
  }
  pen.stroke();
  pen.save();
  pen.shadowColor = "rgb(0 0 0 / 55%)";
  pen.shadowBlur = 6 * unit;
  pen.shadowOffsetY = 3 * unit;
  pen.strokeStyle = "#f4f7f8";
  pen.lineWidth = 6 * unit;
  pen.lineCap = "round";
  pen.beginPath();
  pen.moveTo(x, top);
  pen.lineTo(x, bottom);
  pen.stroke();
  pen.restore();
}

/**
 * How the striker will go, and then the ball.
 * @param {CanvasRenderingContext2D} pen
 * @param {{ x: number, y: number }} from
 * @param {{ x: number, y: number }} ball
 * @param {{ x: number, y: number }} to
 * @param {number} unit
 */
function way(pen, from, ball, to, unit) {
  pen.lineCap = "round";
  pen.setLineDash([2, 8]);
  pen.lineWidth = 3 * unit;
  pen.strokeStyle = "rgb(255 255 255 / 90%)";
  line(pen, from, ball);
  pen.setLineDash([]);
  pen.strokeStyle = "rgb(255 226 120 / 95%)";
  line(pen, ball, to);
  const angle = Math.atan2(ball.y - from.y, ball.x - from.x);
  pen.save();
  pen.translate(from.x, from.y);
  pen.rotate(angle);
  pen.beginPath();
  pen.moveTo(28 * unit, -3 * unit);
  pen.lineTo(76 * unit, -5 * unit);
  pen.lineTo(76 * unit, -13 * unit);
  pen.lineTo(98 * unit, 0);
  pen.lineTo(76 * unit, 13 * unit);
  pen.lineTo(76 * unit, 5 * unit);
  pen.lineTo(28 * unit, 3 * unit);
  pen.closePath();
  const heat = pen.createLinearGradient(28 * unit, 0, 98 * unit, 0);
  heat.addColorStop(0, "rgb(255 255 255 / 60%)");
  heat.addColorStop(1, "#ff7a3c");
  pen.lineJoin = "round";
  pen.lineWidth = 3 * unit;
  pen.strokeStyle = "rgb(0 20 10 / 38%)";
  pen.stroke();
  pen.fillStyle = heat;
  pen.fill();
  pen.restore();
}

/** @param {CanvasRenderingContext2D} pen @param {{ x: number, y: number }} from @param {{ x: number, y: number }} to */
function line(pen, from, to) {
  pen.beginPath();
  pen.moveTo(from.x, from.y);
  pen.lineTo(to.x, to.y);
  pen.stroke();
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} radius */
function shadow(pen, x, y, radius) {
  const soft = pen.createRadialGradient(x, y + radius * 0.28, radius * 0.5, x, y + radius * 0.28, radius * 1.42);
  soft.addColorStop(0, "rgb(0 22 8 / 62%)");
  soft.addColorStop(1, "rgb(0 22 8 / 0%)");
  pen.fillStyle = soft;
  pen.fillRect(x - radius * 2, y - radius * 2, radius * 4, radius * 4);
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} radius @param {number} team @param {string} shirt */
function disc(pen, x, y, radius, team, shirt) {
  const { main, dark, trim } = TEAMS[team];
  pen.save();
  pen.translate(x, y);
  for (const [size, color] of /** @type {[number, string][]} */ ([[1, dark], [0.95, main], [0.79, trim], [0.73, main]])) {
    pen.beginPath();
    pen.arc(0, 0, radius * size, 0, 2 * Math.PI);
    pen.fillStyle = color;
    pen.fill();
  }
  pen.save();
  pen.clip();
  pen.fillStyle = dark;
  if (team === 0) for (const at of [-0.66, -0.1, 0.46]) pen.fillRect(at * radius, -radius, radius * 0.22, 2 * radius);
  else pen.fillRect(-radius, -radius, 2 * radius, radius * 0.7);
  pen.restore();
  pen.beginPath();
  pen.moveTo(-radius * 0.4, -radius * 0.38);
  pen.quadraticCurveTo(0, -radius * 0.52, radius * 0.4, -radius * 0.38);
  pen.quadraticCurveTo(radius * 0.46, radius * 0.32, 0, radius * 0.52);
  pen.quadraticCurveTo(-radius * 0.46, radius * 0.32, -radius * 0.4, -radius * 0.38);
  pen.fillStyle = trim;
  pen.fill();
  pen.fillStyle = dark;
  pen.font = `800 ${radius * 0.6}px "Helvetica Neue", Arial, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(shirt, 0, radius * 0.02);
  const rim = pen.createLinearGradient(0, -radius, 0, radius);
  rim.addColorStop(0, "rgb(255 255 255 / 60%)");
  rim.addColorStop(0.4, "rgb(255 255 255 / 0%)");
  rim.addColorStop(1, "rgb(0 0 0 / 45%)");
  pen.lineWidth = radius * 0.18;
  pen.strokeStyle = rim;
  pen.beginPath();
  pen.arc(0, 0, radius * 0.9, 0, 2 * Math.PI);
  pen.stroke();
  pen.restore();
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} radius */
function football(pen, x, y, radius) {
  pen.save();
  pen.translate(x, y);
  pen.beginPath();
  pen.arc(0, 0, radius, 0, 2 * Math.PI);
  pen.clip();
  pen.fillStyle = "#f6f7f3";
  pen.fillRect(-radius, -radius, 2 * radius, 2 * radius);
  pen.rotate(0.3);
  pen.fillStyle = "#181b20";
  pentagon(pen, 0, 0, radius * 0.38, -Math.PI / 2);
  pen.strokeStyle = "#9aa09c";
  pen.lineWidth = Math.max(0.8, radius * 0.07);
  for (let i = 0; i < 5; i++) {
    const angle = -Math.PI / 2 + (i * 2 * Math.PI) / 5;
    line(pen, { x: Math.cos(angle) * radius * 0.38, y: Math.sin(angle) * radius * 0.38 }, { x: Math.cos(angle) * radius * 0.66, y: Math.sin(angle) * radius * 0.66 });
    pentagon(pen, Math.cos(angle) * radius * 0.98, Math.sin(angle) * radius * 0.98, radius * 0.36, angle + Math.PI);
  }
  pen.rotate(-0.3);
  const round = pen.createRadialGradient(-radius * 0.3, -radius * 0.4, radius * 0.1, 0, 0, radius);
  round.addColorStop(0, "rgb(255 255 255 / 30%)");
  round.addColorStop(0.5, "rgb(0 0 0 / 0%)");
  round.addColorStop(1, "rgb(0 20 8 / 55%)");
  pen.fillStyle = round;
  pen.fillRect(-radius, -radius, 2 * radius, 2 * radius);
  pen.restore();
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} radius @param {number} angle Of its first corner. */
function pentagon(pen, x, y, radius, angle) {
  pen.beginPath();
  for (let i = 0; i < 5; i++) {
    const at = angle + (i * 2 * Math.PI) / 5;
    pen.lineTo(x + Math.cos(at) * radius, y + Math.sin(at) * radius);
  }
  pen.closePath();
  pen.fill();
}
