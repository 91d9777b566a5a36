import { PALETTE } from "../state/color.js";
import { byId } from "./dom.js";

const ROOT = document.documentElement;

/**
 * @param {import("../state/protocol.js").Board} board
 * @param {import("../state/roster.js").Roster} roster
 * @param {{ owner: number, score: number, rank: number } | null} own
 */
export function showBoard(board, roster, own) {
  byId("board-alive").textContent = `${board.playersAlive} playing`;
  const rows = board.rows.map((row, i) => boardRow(i + 1, row, roster, row.owner === own?.owner));
  const listed = own !== null && board.rows.some((row) => row.owner === own.owner);
  if (own && !listed && own.rank > 0) {
    const row = boardRow(own.rank, own, roster, true);
    row.classList.add("apart");
    rows.push(row);
  }
  byId("board-rows").replaceChildren(...rows);
}

/**
 * @param {number} rank
 * @param {{ owner: number, score: number }} row
 * @param {import("../state/roster.js").Roster} roster
 * @param {boolean} own
 */
function boardRow(rank, { owner, score }, roster, own) {
  const player = roster.get(owner);
  const item = document.createElement("li");
  item.classList.toggle("own", own);
  const dot = document.createElement("i");
  dot.style.background = PALETTE[player?.hue ?? 0].fill;
  const who = text("who", player?.name || "…");
  if (player?.bot) who.append(text("bot", "bot"));
  item.append(text("rank", String(rank)), dot, who, text("mass", score.toLocaleString("en")));
  return item;
}

/**
 * @param {string} name
 * @param {string} content
 */
function text(name, content) {
  const span = document.createElement("span");
  span.className = name;
  span.textContent = content;
  return span;
}

/**
 * @param {{ bars: number, pingMs: number | null, ageMs: number, bytesPerSecond: number }} quality
 */
export function showQuality({ bars, pingMs, ageMs, bytesPerSecond }) {
  const meter = /** @type {HTMLElement} */ (document.querySelector(".bars"));
  meter.classList.toggle("poor", bars < 3);
  [...meter.children].forEach((bar, i) => bar.classList.toggle("on", i < bars));
  byId("quality-ping").textContent = pingMs === null ? "ping –" : `ping ${Math.round(pingMs)} ms`;
  byId("quality-age").textContent = ageMs < 10_000 ? `data ${Math.round(ageMs)} ms old` : "no data";
  byId("quality-rate").textContent = `${(bytesPerSecond / 1000).toFixed(1)} kB/s`;
}

/** @param {number} score */
export function showScore(score) {
  byId("score-value").textContent = score.toLocaleString("en");
}

/** @param {string} message Empty hides it. */
export function showBanner(message) {
  byId("banner").textContent = message;
  ROOT.dataset.banner = message ? "shown" : "hidden";
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import("../state/protocol.js").Minimap} dots
 * @param {{ x: number, y: number, halfHeight: number }} focus
 * @param {number} size
 */
export function drawMinimap(canvas, dots, focus, size) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const side = Math.round(canvas.clientWidth * ratio);
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.clearRect(0, 0, side, side);
  pen.strokeStyle = "rgb(148 190 210 / 10%)";
  pen.beginPath();
  for (let i = 1; i < 4; i++) {
    pen.moveTo((side * i) / 4, 0);
    pen.lineTo((side * i) / 4, side);
    pen.moveTo(0, (side * i) / 4);
    pen.lineTo(side, (side * i) / 4);
  }
  pen.stroke();
  for (const dot of dots) {
    pen.fillStyle = PALETTE[dot.hue].fill;
    pen.beginPath();
    pen.arc(dot.x * side, dot.y * side, (1.5 + dot.size * 5) * ratio, 0, Math.PI * 2);
    pen.fill();
  }
  const height = (focus.halfHeight * 2 * side) / size;
  const width = (height * 16) / 9;
  pen.strokeStyle = "rgb(232 240 244 / 75%)";
  pen.lineWidth = ratio;
  pen.strokeRect((focus.x / size) * side - width / 2, (focus.y / size) * side - height / 2, width, height);
}
