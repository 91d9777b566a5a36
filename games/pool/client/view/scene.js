import { NONE } from "../../../duel/client/state/protocol.js";
import { Canvases } from "../../../duel/client/view/canvases.js";
import { BallPainter } from "./ball_painter.js";
import { drawCue, drawGhost, drawLine } from "./aim_painter.js";
import { paintTable } from "./table_painter.js";

/** How far a ball's shadow falls from it, in radii, at the table's end. */
const SHADOW_OFF = 0.34;
/** What beats is drawn anew so often. */
const BEAT_MS = 80;

/**
 * @typedef {import("../../../duel/client/state/layout.js").Layout} Layout
 * @typedef {import("../../../duel/client/state/layout.js").Point} Point
 * @typedef {import("../../../duel/client/state/stage.js").Ball} Ball
 *
 * @typedef {object} Aimed What is drawn of an aim.
 * @property {import("../../../duel/client/state/predict.js").Prediction | null} line
 * @property {Point | null} cueBall In metres.
 * @property {number} angle
 * @property {number} power
 * @property {boolean} isForeign
 * @property {boolean} hasCue
 *
 * @typedef {object} Shown
 * @property {Ball[]} balls
 * @property {Aimed | null} aimed
 * @property {(Point & { isLegal: boolean }) | null} held Where the cue ball is held.
 * @property {boolean} mayPut
 * @property {boolean} isKitchen Whether it may lie behind the line only.
 * @property {boolean} needsCall
 * @property {number} call
 * @property {{ at: Point, angle: number, part: number } | null} strike The cue's last way forward.
 * @property {number} nowMs
 */

/** Two canvases: the table, which stands still, and over it what moves. */
export class Scene extends Canvases {
  #painter = new BallPainter();
  #shadow = document.createElement("canvas");
  /** What of the upper canvas was drawn on. @type {Layout | null} */
  #layout = null;
  /** @type {import("../state/table.js").Table | null} */
  #outline = null;

  /**
   * @param {Layout} layout
   * @param {import("../state/table.js").Table} outline
   */
  fit(layout, outline) {
    this.#layout = layout;
    this.#outline = outline;
    this.cover();
    paintTable(this.table, layout, outline, this.ratio);
    paintShadow(this.#shadow, outline.radius * layout.scale * this.ratio);
  }

  /** @param {Shown} shown */
  draw(shown) {
    const pen = this.pen;
    const layout = this.#layout;
    const outline = this.#outline;
    if (!layout || !outline) return;
    if (!this.begin(keyOf(shown))) return;
    const radius = outline.radius * layout.scale;
    const at = (/** @type {Point} */ { x, y }) => layout.toScreen(x, y);
    if (shown.held && shown.isKitchen) shadeBeyond(pen, layout, outline);
    if (shown.needsCall) this.#drawCalls(pen, shown, layout, outline);
    const { aimed } = shown;
    if (aimed?.line) drawLine(pen, aimed.line, at, radius, aimed.isForeign);
    this.inDevicePixels();
    this.#drawBalls(shown, layout, radius * this.ratio);
    this.inPagePixels();
    if (aimed?.line?.ghost) drawGhost(pen, at(aimed.line.ghost), radius, aimed.isForeign);
    if (shown.mayPut && !shown.held && aimed?.cueBall && !aimed.isForeign) drawHand(pen, at(aimed.cueBall), radius, shown.nowMs);
    if (shown.held) drawHeld(pen, at(shown.held), radius, shown.held.isLegal);
    if (aimed?.hasCue && aimed.cueBall) {
      drawCue(pen, at(aimed.cueBall), layout.toAngle(aimed.angle), radius, { pull: aimed.power, alpha: aimed.isForeign ? 0.75 : 1 });
    } else if (shown.strike) {
      const { part } = shown.strike;
      drawCue(pen, at(shown.strike.at), layout.toAngle(shown.strike.angle), radius, { pull: -0.06 * part, alpha: 1 - part });
    }
  }

  /** @param {Shown} shown @param {Layout} layout @param {number} radius In pixels of the device. */
  #drawBalls({ balls, held }, layout, radius) {
    const pen = this.pen;
    const ratio = this.ratio;
    const shadowSide = this.#shadow.width;
    // The ball in hand is above the others.
    const drawn = (held ? [...balls.slice(1), balls[0]] : balls).filter((ball) => ball.isShown);
    for (const ball of drawn) {
      if (ball.depth > 0.35) continue;
      const screen = layout.toScreen(ball.x, ball.y);
      // The lamp hangs over the middle of the table.
      const offX = ((screen.x - layout.middle.x) / layout.frame.width) * SHADOW_OFF * radius * 2;
      const offY = ((screen.y - layout.middle.y) / layout.frame.height) * SHADOW_OFF * radius * 2;
      const lift = ball.number === 0 && held ? 1.5 : 1;
      const side = shadowSide * lift;
      pen.globalAlpha = 1 - ball.depth / 0.35;
      pen.drawImage(this.#shadow, screen.x * ratio + offX - side / 2, screen.y * ratio + offY + radius * 0.16 * lift - side / 2, side, side);
    }
    pen.globalAlpha = 1;
    for (const ball of drawn) {
      const screen = layout.toScreen(ball.x, ball.y);
      const middle = { x: screen.x * ratio, y: screen.y * ratio };
      const lift = ball.number === 0 && held ? 1.1 : 1;
      pen.globalAlpha = ball.depth > 0 ? 1 - ball.depth * ball.depth * 0.9 : 1;
      this.#painter.draw(pen, ball.number, middle, radius * lift * (1 - 0.24 * ball.depth), ball.turn, layout.isTall);
    }
    pen.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {Shown} shown
   * @param {Layout} layout
   * @param {import("../state/table.js").Table} outline
   */
  #drawCalls(pen, { call, nowMs }, layout, outline) {
    const beat = 0.5 + 0.5 * Math.sin(nowMs / 260);
    outline.pockets.forEach((pocket, i) => {
      const { x, y } = layout.toScreen(pocket.x, pocket.y);
      const radius = pocket.radius * layout.scale;
      pen.beginPath();
      pen.arc(x, y, radius * (i === call ? 1 : 0.8), 0, 2 * Math.PI);
      pen.lineWidth = i === call ? 4 : 2;
      pen.strokeStyle = i === call ? "#ffd466" : `rgb(255 212 102 / ${(call === NONE ? 25 + 45 * beat : 30).toFixed(0)}%)`;
      pen.stroke();
      if (i === call) {
        pen.fillStyle = `rgb(255 212 102 / ${(18 + 12 * beat).toFixed(0)}%)`;
        pen.fill();
      }
    });
  }

  /** A small ball for the panels. @param {HTMLCanvasElement} canvas @param {number} ball */
  paintIcon(canvas, ball) {
    const ratio = Math.min(3, window.devicePixelRatio || 1) * 1.5;
    const side = Math.round(canvas.clientWidth * ratio) || 36;
    canvas.width = canvas.height = side;
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const up = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
    this.#icons.draw(pen, ball, { x: side / 2, y: side / 2 }, side / 2 - 1, up, false);
  }

  #icons = new BallPainter();
}

/** Everything that a picture depends on, in as few words as will do. @param {Shown} shown */
function keyOf({ balls, aimed, held, mayPut, needsCall, call, strike, nowMs }) {
  const words = balls.map((ball) => (ball.isShown ? `${ball.x.toFixed(5)},${ball.y.toFixed(5)},${ball.depth.toFixed(2)},${ball.turn[0].toFixed(3)},${ball.turn[4].toFixed(3)}` : ""));
  if (aimed) {
    const end = aimed.line?.cueLine.at(-1) ?? aimed.line?.path.at(-1);
    words.push(aimed.angle.toFixed(6), aimed.power.toFixed(3), String(aimed.isForeign), `${end?.x.toFixed(4)},${end?.y.toFixed(4)}`);
  }
  if (held) words.push(`${held.x},${held.y},${held.isLegal}`);
  if (mayPut || needsCall) words.push(`${Math.floor(nowMs / BEAT_MS)},${call}`);
  if (strike) words.push(strike.part.toFixed(2));
  return words.join(";");
}

/** @param {CanvasRenderingContext2D} pen @param {Point} at @param {number} radius @param {number} nowMs */
function drawHand(pen, { x, y }, radius, nowMs) {
  const beat = 0.5 + 0.5 * Math.sin(nowMs / 320);
  pen.beginPath();
  pen.arc(x, y, radius * (1.5 + 0.14 * beat), 0, 2 * Math.PI);
  pen.lineWidth = 2;
  pen.setLineDash([radius * 0.5, radius * 0.36]);
  pen.lineDashOffset = nowMs / 60;
  pen.strokeStyle = "rgb(255 255 255 / 62%)";
  pen.stroke();
  pen.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} pen @param {Point} at @param {number} radius @param {boolean} isLegal */
function drawHeld(pen, { x, y }, radius, isLegal) {
  const color = isLegal ? "120 240 170" : "255 104 92";
  pen.beginPath();
  pen.arc(x, y, radius * 1.75, 0, 2 * Math.PI);
  pen.fillStyle = `rgb(${color} / 16%)`;
  pen.fill();
  pen.lineWidth = 2.5;
  pen.strokeStyle = `rgb(${color} / 95%)`;
  pen.stroke();
  if (isLegal) return;
  const reach = radius * 0.6;
  pen.lineWidth = 3;
  pen.beginPath();
  pen.moveTo(x - reach, y - reach);
  pen.lineTo(x + reach, y + reach);
  pen.moveTo(x + reach, y - reach);
  pen.lineTo(x - reach, y + reach);
  pen.stroke();
}

/** Darkens where the cue ball may not lie. @param {CanvasRenderingContext2D} pen @param {Layout} layout @param {import("../state/table.js").Table} outline */
function shadeBeyond(pen, layout, outline) {
  const one = layout.toScreen(outline.length / 4, 0);
  const two = layout.toScreen(outline.length, outline.width);
  pen.fillStyle = "rgb(0 12 14 / 42%)";
  pen.fillRect(Math.min(one.x, two.x), Math.min(one.y, two.y), Math.abs(two.x - one.x), Math.abs(two.y - one.y));
}

/** @param {HTMLCanvasElement} canvas @param {number} radius In pixels of the device. */
function paintShadow(canvas, radius) {
  const side = Math.ceil(radius * 3.2);
  canvas.width = canvas.height = side;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const soft = pen.createRadialGradient(side / 2, side / 2, radius * 0.45, side / 2, side / 2, side / 2);
  soft.addColorStop(0, "rgb(0 14 14 / 68%)");
  soft.addColorStop(0.4, "rgb(0 14 14 / 40%)");
  soft.addColorStop(0.72, "rgb(0 14 14 / 12%)");
  soft.addColorStop(1, "rgb(0 14 14 / 0%)");
  pen.fillStyle = soft;
  pen.fillRect(0, 0, side, side);
}
