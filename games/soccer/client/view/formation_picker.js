import { FORMATIONS } from "../state/formations.js";
import { TEAMS } from "../state/teams.js";

/** What a small pitch shows, in metres: the own half and a little more. */
const SHOWN = { deep: 1.14, wide: 1.32 };

/** Five small pitches to choose from. */
export class FormationPicker {
  #buttons;

  /** @param {HTMLElement} into A group. @param {(formation: number) => void} choose */
  constructor(into, choose) {
    this.#buttons = FORMATIONS.map(({ name }, formation) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.formation = String(formation);
      const canvas = document.createElement("canvas");
      canvas.setAttribute("aria-hidden", "true");
      const label = document.createElement("span");
      label.textContent = name;
      button.append(canvas, label);
      button.addEventListener("click", () => choose(formation));
      return button;
    });
    into.replaceChildren(...this.#buttons);
  }

  /** @param {number} formation @param {number} chair Whose colours it has. */
  show(formation, chair) {
    this.#buttons.forEach((button, i) => {
      const isChosen = i === formation;
      button.setAttribute("aria-pressed", String(isChosen));
      paint(/** @type {HTMLCanvasElement} */ (button.querySelector("canvas")), FORMATIONS[i].spots, chair);
    });
  }
}

/** The own goal is at the bottom. @param {HTMLCanvasElement} canvas @param {number[][]} spots @param {number} chair */
function paint(canvas, spots, chair) {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const width = canvas.clientWidth || 56;
  const height = width * (SHOWN.deep / SHOWN.wide);
  if (canvas.width === Math.round(width * ratio) && canvas.dataset.chair === String(chair)) return;
  canvas.dataset.chair = String(chair);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const scale = (width / SHOWN.wide) * ratio;
  for (let i = 0; i < 6; i++) {
    pen.fillStyle = i % 2 === 0 ? "#379644" : "#2d873c";
    pen.fillRect(0, (i * canvas.height) / 6, canvas.width, canvas.height / 6 + 1);
  }
  // x of the pitch goes up.
  const at = (/** @type {number[]} */ [x, y]) => [y * scale, canvas.height - (x + 0.02) * scale];
  pen.strokeStyle = "rgb(255 255 255 / 62%)";
  pen.lineWidth = Math.max(1, ratio * 0.8);
  const [left, bottom] = at([0, 0.44]);
  const [right, top] = at([0.34, 0.88]);
  pen.strokeRect(left - 0.1 * scale, top, right - left + 0.2 * scale, bottom - top);
  pen.beginPath();
  pen.moveTo(0, at([1.1, 0])[1]);
  pen.lineTo(canvas.width, at([1.1, 0])[1]);
  const [middleX, middleY] = at([1.1, 0.66]);
  pen.moveTo(middleX + 0.2 * scale, middleY);
  pen.arc(middleX, middleY, 0.2 * scale, 0, 2 * Math.PI);
  pen.stroke();
  pen.fillStyle = "#f4f7f8";
  pen.fillRect(left, canvas.height - 1.6 * ratio, right - left, 1.6 * ratio);
  const { main, trim } = TEAMS[chair];
  for (const spot of spots) {
    const [x, y] = at(spot);
    pen.beginPath();
    pen.arc(x, y, 0.075 * scale, 0, 2 * Math.PI);
    pen.fillStyle = main;
    pen.fill();
    pen.lineWidth = ratio;
    pen.strokeStyle = trim;
    pen.stroke();
  }
}
