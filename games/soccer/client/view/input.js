import { NONE } from "../../../duel/client/state/protocol.js";

/** A pointer takes the disc within so many radii, or pixels. */
const GRAB_RADII = 1.5;
const GRAB_PX_MIN = 30;
/** Nearer than this to where it began a pull is none, in pixels. */
const DEAD_PX = 12;
/** A pull for full power, as a part of the page's shorter side, and its limits in pixels. */
const PULL_PART = 0.28;
const PULL_PX = { min: 84, max: 190 };
const KEY_RADIANS = 0.02;
const KEY_POWER = 0.04;

/**
 * @typedef {import("../../../duel/client/state/layout.js").Point} Point
 *
 * @typedef {object} Table What the fingers must know of it.
 * @property {() => boolean} mayAim
 * @property {() => import("../state/flick.js").Flick} flick
 * @property {() => import("../../../duel/client/state/layout.js").Layout} layout
 * @property {() => number} radius Of a disc, in CSS pixels.
 *
 * @typedef {object} Intents
 * @property {() => void} strike
 * @property {() => void} changed
 * @property {() => void} touched
 */

/**
 * Mouse, fingers and keys. A disc is pulled back like a slingshot and let go; where there is no room behind it, it is
 * tapped and then pulled from anywhere.
 */
export class Input {
  #table;
  #intents;
  #grass;
  /** @type {{ id: number, origin: Point } | null} */
  #drag = null;

  /** @param {HTMLElement} grass @param {Table} table @param {Intents} intents */
  constructor(grass, table, intents) {
    this.#grass = grass;
    this.#table = table;
    this.#intents = intents;
    grass.addEventListener("pointerdown", (event) => this.#down(event));
    grass.addEventListener("pointermove", (event) => this.#move(event));
    grass.addEventListener("pointerup", (event) => this.#up(event, true));
    grass.addEventListener("pointercancel", (event) => this.#up(event, false));
    grass.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      this.#giveUp();
    });
    window.addEventListener("keydown", (event) => this.#key(event));
    window.addEventListener("pointerdown", () => intents.touched(), { capture: true });
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (!this.#table.mayAim() || this.#drag || event.button > 0) return;
    this.#grass.focus({ preventScroll: true });
    const at = { x: event.clientX, y: event.clientY };
    const flick = this.#table.flick();
    const disc = this.#discAt(at);
    if (disc === NONE && flick.disc === NONE) return;
    this.#grass.setPointerCapture(event.pointerId);
    if (disc !== NONE) flick.choose(disc);
    const { x, y } = /** @type {Point} */ (flick.place);
    // From the middle of the disc that was taken; else from where the finger came down.
    this.#drag = { id: event.pointerId, origin: disc === NONE ? at : this.#table.layout().toScreen(x, y) };
    this.#intents.changed();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const at = { x: event.clientX, y: event.clientY };
    const mayAim = this.#table.mayAim();
    if (!this.#drag || !mayAim) {
      this.#drag = null;
      this.#grass.style.cursor = mayAim && this.#discAt(at) !== NONE ? "grab" : "";
      return;
    }
    if (event.pointerId !== this.#drag.id) return;
    this.#grass.style.cursor = "grabbing";
    const { origin } = this.#drag;
    const pulled = Math.hypot(at.x - origin.x, at.y - origin.y);
    const { aim } = this.#table.flick();
    const layout = this.#table.layout();
    if (pulled > DEAD_PX) aim.pointAt(layout.toTable(at.x, at.y), layout.toTable(origin.x, origin.y));
    aim.setPower((pulled - DEAD_PX) / (fullPull() - DEAD_PX));
    this.#intents.changed();
  }

  /** @param {PointerEvent} event @param {boolean} isMeant */
  #up(event, isMeant) {
    if (!this.#drag || event.pointerId !== this.#drag.id) return;
    this.#drag = null;
    this.#grass.style.cursor = "";
    this.#release(isMeant);
  }

  #giveUp() {
    this.#drag = null;
    this.#release(false);
  }

  /** @param {boolean} isMeant */
  #release(isMeant) {
    const flick = this.#table.flick();
    if (isMeant && flick.hasPower && this.#table.mayAim()) this.#intents.strike();
    flick.aim.setPower(0);
    this.#intents.changed();
  }

  /** The own disc at a place of the screen. @param {Point} at */
  #discAt(at) {
    const layout = this.#table.layout();
    const { disc, metres } = this.#table.flick().nearest(layout.toTable(at.x, at.y));
    return metres * layout.scale <= Math.max(GRAB_PX_MIN, GRAB_RADII * this.#table.radius()) ? disc : NONE;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const isPress = event.target instanceof HTMLButtonElement && event.key === " ";
    const isElsewhere = event.target instanceof HTMLInputElement || isPress;
    const isCovered = !["none", undefined].includes(document.documentElement.dataset.screen);
    if (isElsewhere || isCovered || event.ctrlKey || event.metaKey || event.altKey || !this.#table.mayAim()) return;
    const flick = this.#table.flick();
    const { aim } = flick;
    const fine = event.shiftKey ? 0.1 : 1;
    const shirt = Number(event.key);
    if (shirt >= 1 && shirt <= 5) flick.chooseShirt(shirt);
    else if (event.key === "q" || event.key === "e") flick.chooseNext(event.key === "e" ? 1 : -1);
    else if (event.key.startsWith("Arrow")) {
      flick.chooseAny();
      if (event.key === "ArrowLeft") aim.turn(KEY_RADIANS * fine);
      else if (event.key === "ArrowRight") aim.turn(-KEY_RADIANS * fine);
      else aim.setPower(aim.power + (event.key === "ArrowUp" ? KEY_POWER : -KEY_POWER));
    } else if (event.key === " " && !event.repeat) this.#release(true);
    else return;
    event.preventDefault();
    this.#intents.changed();
  }
}

function fullPull() {
  return Math.max(PULL_PX.min, Math.min(PULL_PX.max, Math.min(window.innerWidth, window.innerHeight) * PULL_PART));
}
