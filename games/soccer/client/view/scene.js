import { NONE } from "../../../duel/client/state/protocol.js";
import { Canvases } from "../../../duel/client/view/canvases.js";
import { BALL, chairOf } from "../state/pitch.js";
import { BallPainter } from "./ball_painter.js";
import { drawLine, drawPower, drawPull } from "./aim_painter.js";
import { DiscPainter } from "./disc_painter.js";
import { drawGoal } from "./goal_painter.js";
import { paintPitch } from "./pitch_painter.js";

/** How far a shadow falls, in radii of a disc, at the pitch's end, and everywhere. */
const SHADOW_OFF = 0.3;
const SHADOW_DOWN = 0.2;
/** What beats is drawn anew so often. */
const BEAT_MS = 50;

/**
 * @typedef {import("../../../duel/client/state/layout.js").Layout} Layout
 * @typedef {import("../../../duel/client/state/layout.js").Point} Point
 * @typedef {import("../../../duel/client/state/stage.js").Ball} Ball
 *
 * @typedef {object} Aimed What is drawn of an aim.
 * @property {number} disc
 * @property {import("../../../duel/client/state/predict.js").Prediction | null} line
 * @property {number} angle
 * @property {number} power
 * @property {boolean} isForeign
 *
 * @typedef {object} Shown
 * @property {Ball[]} balls
 * @property {Aimed | null} aimed
 * @property {number} chair Whose turn it is; `NONE` while nobody may play.
 * @property {boolean} isOwn Whether it is one's own.
 * @property {number} nowMs
 */

/** Two canvases: the pitch, which stands still, and over it what moves. */
export class Scene extends Canvases {
  #discs = new DiscPainter();
  #ball = new BallPainter();
  #shadow = document.createElement("canvas");
  /** @type {Layout | null} */
  #layout = null;
  /** @type {import("../state/pitch.js").Pitch | null} */
  #pitch = null;

  /**
   * @param {Layout} layout
   * @param {import("../state/pitch.js").Pitch} pitch
   */
  fit(layout, pitch) {
    this.#layout = layout;
    this.#pitch = pitch;
    this.cover();
    paintPitch(this.table, layout, pitch, this.ratio);
    this.#discs.fit(pitch.disc * layout.scale * this.ratio);
    paintShadow(this.#shadow, pitch.disc * layout.scale * this.ratio);
  }

  /** @param {Shown} shown */
  draw(shown) {
    const [pen, layout, pitch] = [this.pen, this.#layout, this.#pitch];
    if (!layout || !pitch) return;
    if (!this.begin(keyOf(shown))) return;
    const radius = pitch.disc * layout.scale;
    const at = (/** @type {Point} */ { x, y }) => layout.toScreen(x, y);
    const { aimed, balls } = shown;
    if (aimed?.line) drawLine(pen, aimed.line, at, radius, aimed.isForeign);
    this.#drawRings(shown, at, radius);
    this.#drawBodies(balls, layout, pitch);
    this.inPagePixels();
    for (const end of [0, 1]) {
      const ball = balls[BALL];
      const isIn = ball?.isShown && (end === 0 ? ball.x < 0 : ball.x > pitch.length);
      drawGoal(pen, at, layout.scale, pitch, end, isIn ? ball : null);
    }
    const disc = aimed ? balls[aimed.disc] : null;
    if (!aimed || !disc?.isShown) return;
    const angle = layout.toAngle(aimed.angle);
    drawPull(pen, at(disc), angle, radius, aimed);
    if (aimed.power > 0 && !aimed.isForeign) drawPower(pen, at(disc), angle, radius, aimed.power);
  }

  /** Around the discs of whoever is to play. @param {Shown} shown @param {(metres: Point) => Point} at @param {number} radius */
  #drawRings({ balls, chair, isOwn, aimed, nowMs }, at, radius) {
    if (chair === NONE) return;
    const pen = this.pen;
    const beat = 0.5 + 0.5 * Math.sin(nowMs / 300);
    for (const disc of balls) {
      if (!disc.isShown || chairOf(disc.number) !== chair) continue;
      const { x, y } = at(disc);
      const isChosen = aimed?.disc === disc.number;
      const reach = radius + 3.2 + (isOwn ? 1.6 * beat : 0);
      pen.beginPath();
      pen.arc(x, y, reach + 2, 0, 2 * Math.PI);
      pen.lineWidth = 4;
      pen.strokeStyle = `rgb(255 255 255 / ${(isOwn ? 10 + 16 * beat : 7).toFixed(0)}%)`;
      pen.stroke();
      pen.beginPath();
      pen.arc(x, y, reach, 0, 2 * Math.PI);
      pen.lineWidth = isChosen ? 3.4 : 2.4;
      pen.strokeStyle = isChosen ? "#ffd466" : `rgb(255 255 255 / ${(isOwn ? 62 + 34 * beat : 46).toFixed(0)}%)`;
      pen.stroke();
    }
  }

  /** @param {Ball[]} balls @param {Layout} layout @param {import("../state/pitch.js").Pitch} pitch */
  #drawBodies(balls, layout, pitch) {
    const [pen, ratio] = [this.pen, this.ratio];
    this.inDevicePixels();
    const large = pitch.disc * layout.scale * ratio;
    const small = pitch.ball * layout.scale * ratio;
    const drawn = balls.filter((ball) => ball.isShown);
    for (const ball of drawn) {
      const { x, y } = layout.toScreen(ball.x, ball.y);
      // The lamps hang over the middle of the pitch.
      const offX = ((x - layout.middle.x) / layout.frame.width) * SHADOW_OFF * large * 2;
      const offY = ((y - layout.middle.y) / layout.frame.height) * SHADOW_OFF * large * 2 + SHADOW_DOWN * large;
      const side = this.#shadow.width * (ball.number === BALL ? (small / large) * 1.12 : 1);
      pen.drawImage(this.#shadow, x * ratio + offX - side / 2, y * ratio + offY - side / 2, side, side);
    }
    for (const ball of drawn) {
      const { x, y } = layout.toScreen(ball.x, ball.y);
      const middle = { x: x * ratio, y: y * ratio };
      if (ball.number === BALL) this.#ball.draw(pen, middle, small, ball.turn, layout.turn);
      else this.#discs.draw(pen, ball.number, middle, -Math.atan2(ball.turn[3], ball.turn[0]));
    }
  }
}

/** Everything that a picture depends on, in as few words as will do. @param {Shown} shown */
function keyOf({ balls, aimed, chair, isOwn, nowMs }) {
  const words = balls.map((ball) => (ball.isShown ? `${ball.x.toFixed(5)},${ball.y.toFixed(5)},${ball.turn[0].toFixed(3)},${ball.turn[4].toFixed(3)}` : ""));
  if (aimed) words.push(`${aimed.disc} ${aimed.angle.toFixed(6)} ${aimed.power.toFixed(3)} ${aimed.isForeign}`);
  words.push(String(chair));
  if (isOwn) words.push(String(Math.floor(nowMs / BEAT_MS)));
  return words.join(";");
}

/** @param {HTMLCanvasElement} canvas @param {number} radius In pixels of the device. */
function paintShadow(canvas, radius) {
  const side = Math.ceil(radius * 2.9);
  canvas.width = canvas.height = side;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const soft = pen.createRadialGradient(side / 2, side / 2, radius * 0.6, side / 2, side / 2, side / 2);
  soft.addColorStop(0, "rgb(0 22 8 / 66%)");
  soft.addColorStop(0.4, "rgb(0 22 8 / 38%)");
  soft.addColorStop(0.75, "rgb(0 22 8 / 11%)");
  soft.addColorStop(1, "rgb(0 22 8 / 0%)");
  pen.fillStyle = soft;
  pen.fillRect(0, 0, side, side);
}
