import { byId } from "./dom.js";

const ROOT = document.documentElement;
/** Finger travel that counts as full speed, in CSS pixels. */
const STICK_PX = 46;
/** Pause between two ejections while the key is held. */
const EJECT_EVERY_MS = 120;

/**
 * Mouse, keys and fingers. The pointer is where the player wants to go, in CSS pixels of the screen; null until it
 * was moved.
 */
export class Input {
  /** @type {{ x: number, y: number } | null} */
  pointer = null;
  /** @type {{ x: number, y: number, toX: number, toY: number } | null} */
  stick = null;
  #stickId = -1;
  #ejectedMs = -Infinity;

  /**
   * @param {HTMLElement} field
   * @param {{ split: () => void, eject: () => void, help: () => void }} intents
   */
  constructor(field, intents) {
    this.intents = intents;
    field.addEventListener("pointerdown", (event) => this.#down(event));
    window.addEventListener("pointermove", (event) => this.#move(event));
    window.addEventListener("pointerup", (event) => this.#up(event));
    window.addEventListener("pointercancel", (event) => this.#up(event));
    window.addEventListener("keydown", (event) => this.#key(event));
    field.addEventListener("contextmenu", (event) => event.preventDefault());
    press(byId("touch-split"), intents.split);
    press(byId("touch-eject"), intents.eject);
    if (window.matchMedia("(pointer: coarse)").matches) ROOT.dataset.touch = "yes";
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.pointerType === "mouse") return;
    event.preventDefault();
    ROOT.dataset.touch = "yes";
    if (this.#stickId !== -1) return;
    this.#stickId = event.pointerId;
    this.stick = { x: event.clientX, y: event.clientY, toX: event.clientX, toY: event.clientY };
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (event.pointerType === "mouse") {
      this.pointer = { x: event.clientX, y: event.clientY };
      return;
    }
    if (!this.stick || event.pointerId !== this.#stickId) return;
    const dx = event.clientX - this.stick.x;
    const dy = event.clientY - this.stick.y;
    const length = Math.hypot(dx, dy) || 1;
    const pull = Math.min(1, STICK_PX / length);
    this.stick.toX = this.stick.x + dx * pull;
    this.stick.toY = this.stick.y + dy * pull;
    // A full drag points to the edge of the screen, a small one close by, where cells slow down.
    const reach = (Math.min(1, length / STICK_PX) * Math.min(window.innerWidth, window.innerHeight)) / 2;
    this.pointer = {
      x: window.innerWidth / 2 + (dx / length) * reach,
      y: window.innerHeight / 2 + (dy / length) * reach,
    };
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (event.pointerId !== this.#stickId) return;
    this.#stickId = -1;
    this.stick = null;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const typing = event.target instanceof HTMLInputElement;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code === "Escape" && ROOT.dataset.help === "open") this.intents.help();
    if (typing) return;
    const playing = ROOT.dataset.state === "playing";
    if (event.code === "KeyH" && !event.repeat) this.intents.help();
    if (!playing) return;
    // Tab walks through the cards' controls; while playing there are none, and it shows the help.
    if (event.code === "Tab" && !event.repeat) this.intents.help();
    if (event.code === "Space" && !event.repeat) this.intents.split();
    if (event.code === "KeyW" && event.timeStamp - this.#ejectedMs >= EJECT_EVERY_MS) {
      this.#ejectedMs = event.timeStamp;
      this.intents.eject();
    }
    if (event.code === "Tab" || event.code === "Space") event.preventDefault();
  }
}

/**
 * @param {HTMLElement} button
 * @param {() => void} intent
 */
function press(button, intent) {
  button.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    intent();
  });
}
