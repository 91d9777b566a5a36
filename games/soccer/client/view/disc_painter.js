import { chairOf, shirtOf } from "../state/pitch.js";
import { TEAMS } from "../state/teams.js";

/** The badge within the rim, as a part of the radius. */
const BADGE = 0.74;

/** Discs as badges of their team: the badge turns with the disc, the light on it does not. */
export class DiscPainter {
  /** @type {Map<string, HTMLCanvasElement>} */
  #badges = new Map();
  #gloss = document.createElement("canvas");
  #radius = 0;

  /** @param {number} radius In pixels of the device. */
  fit(radius) {
    if (radius === this.#radius) return;
    this.#radius = radius;
    this.#badges.clear();
    paintGloss(this.#gloss, radius);
  }

  /**
   * @param {CanvasRenderingContext2D} pen In pixels of the device.
   * @param {number} disc
   * @param {import("../../../duel/client/state/layout.js").Point} at
   * @param {number} angle How it is turned, on the screen.
   */
  draw(pen, disc, at, angle) {
    const badge = this.#badge(chairOf(disc), shirtOf(disc));
    const half = badge.width / 2;
    pen.save();
    pen.translate(at.x, at.y);
    pen.rotate(angle);
    pen.drawImage(badge, -half, -half);
    pen.restore();
    pen.drawImage(this.#gloss, at.x - half, at.y - half);
  }

  /** @param {number} chair @param {number} shirt */
  #badge(chair, shirt) {
    const key = `${chair} ${shirt}`;
    const known = this.#badges.get(key);
    if (known) return known;
    const canvas = document.createElement("canvas");
    paintBadge(canvas, this.#radius, chair, shirt);
    this.#badges.set(key, canvas);
    return canvas;
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} radius
 * @param {number} chair
 * @param {number} shirt Its number.
 */
function paintBadge(canvas, radius, chair, shirt) {
  const pen = square(canvas, radius);
  const { main, dark, light, trim, pattern } = TEAMS[chair];
  pen.lineJoin = "round";
  circle(pen, radius);
  pen.fillStyle = dark;
  pen.fill();
  circle(pen, radius * 0.955);
  pen.fillStyle = main;
  pen.fill();
  circle(pen, radius * (BADGE + 0.055));
  pen.fillStyle = trim;
  pen.fill();
  pen.save();
  circle(pen, radius * BADGE);
  pen.clip();
  pen.fillStyle = main;
  pen.fillRect(-radius, -radius, 2 * radius, 2 * radius);
  if (pattern === "stripes") {
    pen.fillStyle = dark;
    for (const x of [-0.66, -0.1, 0.46]) pen.fillRect(x * radius, -radius, radius * 0.22, 2 * radius);
  } else {
    pen.rotate(-0.7);
    pen.fillStyle = dark;
    pen.fillRect(-radius, -radius, 2 * radius, radius * 0.62);
    pen.fillStyle = light;
    pen.fillRect(-radius, -radius * 0.2, 2 * radius, radius * 0.4);
  }
  pen.restore();
  // The shirt's number in a shield.
  shield(pen, radius * 0.46);
  pen.fillStyle = trim;
  pen.fill();
  pen.lineWidth = Math.max(1, radius * 0.045);
  pen.strokeStyle = dark;
  pen.stroke();
  pen.fillStyle = dark;
  pen.font = `800 ${(radius * 0.6).toFixed(1)}px "Helvetica Neue", Arial, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(String(shirt), 0, radius * 0.02);
}

/** @param {CanvasRenderingContext2D} pen @param {number} half */
function shield(pen, half) {
  pen.beginPath();
  pen.moveTo(-half * 0.92, -half * 0.86);
  pen.quadraticCurveTo(0, -half * 1.16, half * 0.92, -half * 0.86);
  pen.lineTo(half * 0.9, half * 0.2);
  pen.quadraticCurveTo(half * 0.7, half * 0.86, 0, half * 1.14);
  pen.quadraticCurveTo(-half * 0.7, half * 0.86, -half * 0.9, half * 0.2);
  pen.closePath();
}

/** Light from above on the rim, and a soft shine. @param {HTMLCanvasElement} canvas @param {number} radius */
function paintGloss(canvas, radius) {
  const pen = square(canvas, radius);
  const rim = pen.createLinearGradient(0, -radius, 0, radius);
  rim.addColorStop(0, "rgb(255 255 255 / 62%)");
  rim.addColorStop(0.32, "rgb(255 255 255 / 6%)");
  rim.addColorStop(0.6, "rgb(0 0 0 / 4%)");
  rim.addColorStop(1, "rgb(0 0 0 / 48%)");
  pen.lineWidth = radius * 0.17;
  pen.strokeStyle = rim;
  circle(pen, radius * 0.9);
  pen.stroke();
  const groove = pen.createLinearGradient(0, -radius, 0, radius);
  groove.addColorStop(0, "rgb(0 0 0 / 42%)");
  groove.addColorStop(1, "rgb(255 255 255 / 26%)");
  pen.lineWidth = Math.max(1, radius * 0.04);
  pen.strokeStyle = groove;
  circle(pen, radius * 0.81);
  pen.stroke();
  const shine = pen.createRadialGradient(-radius * 0.25, -radius * 0.5, 0, -radius * 0.25, -radius * 0.5, radius * 1.25);
  shine.addColorStop(0, "rgb(255 255 255 / 30%)");
  shine.addColorStop(0.45, "rgb(255 255 255 / 5%)");
  shine.addColorStop(1, "rgb(0 0 0 / 16%)");
  pen.fillStyle = shine;
  circle(pen, radius * 0.98);
  pen.fill();
}

/** A pen whose middle is that of the canvas. @param {HTMLCanvasElement} canvas @param {number} radius */
function square(canvas, radius) {
  const side = 2 * Math.ceil(radius + 1);
  canvas.width = canvas.height = side;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.translate(side / 2, side / 2);
  return pen;
}

/** @param {CanvasRenderingContext2D} pen @param {number} radius */
function circle(pen, radius) {
  pen.beginPath();
  pen.arc(0, 0, radius, 0, 2 * Math.PI);
}
