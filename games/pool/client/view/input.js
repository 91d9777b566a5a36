import { byId } from "../../../duel/client/view/dom.js";

/** A cue drawn back so far over the cloth has full power, in CSS pixels. */
const PULL_PX = 190;
const FINE_RADIANS_A_PX = 0.0006;
const KEY_RADIANS = 0.004;
const KEY_POWER = 0.02;
/** A pointer within so many radii of the cue ball, or pixels, takes it. */
const GRAB_RADII = 1.9;
const GRAB_PX_MIN = 24;
const WHEEL_RADIANS = 0.00004;
/** A finger that moved less than this pointed at a place. */
const TAP_PX = 8;

/**
 * @typedef {import("../../../duel/client/state/layout.js").Point} Point
 *
 * @typedef {object} Table What the fingers must know of it.
 * @property {() => boolean} mayAim
 * @property {() => import("../state/turn.js").Turn} turn
 * @property {() => import("../../../duel/client/state/layout.js").Layout} layout
 * @property {() => number} radius Of a ball, in CSS pixels.
 * @property {() => Point[]} pockets In CSS pixels, and how large each is taken.
 * @property {() => number} pocketRadius
 *
 * @typedef {object} Intents
 * @property {() => void} strike
 * @property {() => void} changed
 * @property {() => void} touched
 */

/**
 * Mouse, fingers and keys. A mouse aims by pointing and draws the cue when it is held down; a click holds the aim, so
 * that the pointer may go to the sliders, and another one lets it go. A finger turns the cue around the ball and draws it
 * at the power's slider.
 */
export class Input {
  #table;
  #intents;
  /** @type {{ id: number, kind: "ball" | "turn" | "pull", from: Point, last: Point, isTap: boolean } | null} */
  #drag = null;
  /** @type {{ id: number, from: number } | null} */
  #pull = null;
  /** @type {{ id: number, last: number } | null} */
  #fine = null;
  /** How far the ruler has been moved, for its marks. */
  shift = 0;
  /** Whether a mouse that only moves leaves the aim alone. */
  isHeld = false;

  /** @param {HTMLElement} cloth @param {Table} table @param {Intents} intents */
  constructor(cloth, table, intents) {
    this.#table = table;
    this.#intents = intents;
    cloth.addEventListener("pointerdown", (event) => this.#down(event, cloth));
    cloth.addEventListener("pointermove", (event) => this.#move(event));
    cloth.addEventListener("pointerup", (event) => this.#up(event, true));
    cloth.addEventListener("pointercancel", (event) => this.#up(event, false));
    cloth.addEventListener("contextmenu", (event) => event.preventDefault());
    cloth.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    window.addEventListener("keydown", (event) => this.#key(event));
    window.addEventListener("pointerdown", () => intents.touched(), { capture: true });
    this.#watchPower(byId("power"));
    this.#watchFine(byId("fine"));
    this.#watchEnglish();
  }

  /** @param {PointerEvent} event @param {HTMLElement} cloth */
  #down(event, cloth) {
    delete document.documentElement.dataset.english;
    if (!this.#table.mayAim() || this.#drag || event.button > 0) return;
    cloth.focus({ preventScroll: true });
    cloth.setPointerCapture(event.pointerId);
    const at = { x: event.clientX, y: event.clientY };
    const turn = this.#table.turn();
    const cue = turn.cueBall;
    const layout = this.#table.layout();
    if (turn.needsCall) {
      const chosen = this.#table.pockets().findIndex((pocket) => distance(pocket, at) < this.#table.pocketRadius());
      if (chosen >= 0) {
        turn.chooseCall(chosen);
        this.#intents.changed();
        return;
      }
    }
    const isOnBall = cue && distance(layout.toScreen(cue.x, cue.y), at) < Math.max(GRAB_PX_MIN, GRAB_RADII * this.#table.radius());
    const kind = turn.mayPut && isOnBall ? "ball" : event.pointerType === "mouse" ? "pull" : "turn";
    this.#drag = { id: event.pointerId, kind, from: at, last: at, isTap: true };
    if (kind === "ball") this.#hold(at);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const at = { x: event.clientX, y: event.clientY };
    if (!this.#table.mayAim()) {
      this.#drag = null;
      return;
    }
    const turn = this.#table.turn();
    const cue = turn.cueBall;
    if (!cue) return;
    const layout = this.#table.layout();
    if (!this.#drag) {
      if (event.pointerType !== "mouse" || this.#pull || this.#fine || this.isHeld) return;
      turn.aim.pointAt(cue, layout.toTable(at.x, at.y));
      this.#intents.changed();
      return;
    }
    if (event.pointerId !== this.#drag.id) return;
    if (distance(at, this.#drag.from) > TAP_PX) this.#drag.isTap = false;
    if (this.#drag.kind === "ball") {
      this.#hold(at);
    } else if (this.#drag.kind === "turn") {
      // The further the finger is from the ball, the finer it turns.
      const middle = layout.toScreen(cue.x, cue.y);
      const before = Math.atan2(this.#drag.last.y - middle.y, this.#drag.last.x - middle.x);
      const after = Math.atan2(at.y - middle.y, at.x - middle.x);
      const turned = Math.atan2(Math.sin(after - before), Math.cos(after - before));
      if (!this.#drag.isTap && distance(middle, at) > this.#table.radius()) turn.aim.turn(-turned);
    } else {
      // Back along the cue.
      const { angle } = turn.aim;
      const one = layout.toScreen(cue.x, cue.y);
      const two = layout.toScreen(cue.x + Math.cos(angle), cue.y + Math.sin(angle));
      const length = distance(one, two);
      const along = ((this.#drag.from.x - at.x) * (two.x - one.x) + (this.#drag.from.y - at.y) * (two.y - one.y)) / length;
      turn.aim.setPower(Math.max(0, along - 6) / PULL_PX);
    }
    this.#drag.last = at;
    this.#intents.changed();
  }

  /** @param {PointerEvent} event @param {boolean} isMeant */
  #up(event, isMeant) {
    if (!this.#drag || event.pointerId !== this.#drag.id) return;
    const { kind, from, isTap } = this.#drag;
    this.#drag = null;
    const turn = this.#table.turn();
    if (kind === "turn" && isTap && isMeant && turn.cueBall) {
      turn.aim.pointAt(turn.cueBall, this.#table.layout().toTable(from.x, from.y));
    }
    if (kind === "ball") turn.drop();
    if (kind === "pull") {
      if (isMeant && !turn.hasPower) this.isHeld = !this.isHeld;
      this.#release(isMeant);
    }
    this.#intents.changed();
  }

  /** @param {boolean} isMeant */
  #release(isMeant) {
    const turn = this.#table.turn();
    if (isMeant && turn.hasPower && this.#table.mayAim()) this.#intents.strike();
    turn.aim.setPower(0);
  }

  /** @param {Point} at */
  #hold(at) {
    this.#table.turn().hold(this.#table.layout().toTable(at.x, at.y));
    this.#intents.changed();
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    if (this.#table.mayAim()) this.#turnBy(-event.deltaY * WHEEL_RADIANS);
  }

  /** @param {number} radians */
  #turnBy(radians) {
    this.isHeld = true;
    this.#table.turn().aim.turn(radians);
    this.shift -= radians / FINE_RADIANS_A_PX;
    this.#intents.changed();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const isPress = event.target instanceof HTMLButtonElement && event.key === " ";
    const isElsewhere = event.target instanceof HTMLInputElement || isPress;
    const isCovered = !["none", undefined].includes(document.documentElement.dataset.screen);
    if (isElsewhere || isCovered || event.ctrlKey || event.metaKey || event.altKey || !this.#table.mayAim()) return;
    const turn = this.#table.turn();
    const fine = event.shiftKey ? 0.1 : 1;
    if (event.key === "ArrowLeft") this.#turnBy(KEY_RADIANS * fine);
    else if (event.key === "ArrowRight") this.#turnBy(-KEY_RADIANS * fine);
    else if (event.key === "ArrowUp") turn.aim.setPower(turn.aim.power + KEY_POWER);
    else if (event.key === "ArrowDown") turn.aim.setPower(turn.aim.power - KEY_POWER);
    else if (event.key === " " && !event.repeat) this.#release(true);
    else return;
    event.preventDefault();
    this.#intents.changed();
  }

  /** @param {HTMLElement} slider */
  #watchPower(slider) {
    const along = (/** @type {PointerEvent} */ event) => (this.#table.layout().isTall ? event.clientX : event.clientY);
    slider.addEventListener("pointerdown", (event) => {
      if (!this.#table.mayAim()) return;
      slider.setPointerCapture(event.pointerId);
      this.isHeld = true;
      this.#pull = { id: event.pointerId, from: along(event) };
    });
    slider.addEventListener("pointermove", (event) => {
      if (this.#pull?.id !== event.pointerId || !this.#table.mayAim()) return;
      const box = slider.getBoundingClientRect();
      const room = (this.#table.layout().isTall ? box.width : box.height) * 0.72;
      this.#table.turn().aim.setPower((along(event) - this.#pull.from) / room);
      this.#intents.changed();
    });
    for (const [name, isMeant] of /** @type {[string, boolean][]} */ ([["pointerup", true], ["pointercancel", false]])) {
      slider.addEventListener(name, (event) => {
        if (this.#pull?.id !== /** @type {PointerEvent} */ (event).pointerId) return;
        this.#pull = null;
        this.#release(isMeant);
        this.#intents.changed();
      });
    }
  }

  /** @param {HTMLElement} ruler */
  #watchFine(ruler) {
    const along = (/** @type {PointerEvent} */ event) => (this.#table.layout().isTall ? event.clientX : event.clientY);
    ruler.addEventListener("pointerdown", (event) => {
      if (!this.#table.mayAim()) return;
      ruler.setPointerCapture(event.pointerId);
      this.#fine = { id: event.pointerId, last: along(event) };
    });
    ruler.addEventListener("pointermove", (event) => {
      if (this.#fine?.id !== event.pointerId || !this.#table.mayAim()) return;
      const moved = along(event) - this.#fine.last;
      this.#fine.last = along(event);
      this.#turnBy(-moved * FINE_RADIANS_A_PX);
    });
    for (const name of ["pointerup", "pointercancel"]) ruler.addEventListener(name, () => (this.#fine = null));
  }

  #watchEnglish() {
    const { dataset } = document.documentElement;
    byId("english").addEventListener("click", () => {
      if (dataset.english === "open") delete dataset.english;
      else dataset.english = "open";
    });
    byId("english-centre").addEventListener("click", () => {
      this.#table.turn().aim.setSpin(0, 0);
      delete dataset.english;
      this.#intents.changed();
    });
    const ball = /** @type {HTMLElement} */ (byId("english-large").querySelector(".ball"));
    const take = (/** @type {PointerEvent} */ event) => {
      const box = ball.getBoundingClientRect();
      // Half the radius is as far out as the cue may strike.
      const side = (event.clientX - box.left - box.width / 2) / (box.width / 4);
      const height = (box.top + box.height / 2 - event.clientY) / (box.height / 4);
      this.#table.turn().aim.setSpin(side, height);
      this.#intents.changed();
    };
    ball.addEventListener("pointerdown", (event) => {
      ball.setPointerCapture(event.pointerId);
      take(event);
    });
    ball.addEventListener("pointermove", (event) => ball.hasPointerCapture(event.pointerId) && take(event));
  }
}

/** @param {Point} one @param {Point} two */
function distance(one, two) {
  return Math.hypot(one.x - two.x, one.y - two.y);
}
