/** Time in which the camera covers most of a change of zoom, in milliseconds. */
const ZOOM_TAU_MS = 220;
const PAN_TAU_MS = 60;

/** Where the screen's middle is in the world, and how large the world is drawn. */
export class Camera {
  x = 0;
  y = 0;
  /** Screen pixels (CSS) per world unit. */
  scale = 0;
  width = 1;
  height = 1;
  #fresh = true;

  /**
   * @param {number} width CSS pixels
   * @param {number} height
   */
  resize(width, height) {
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    this.#fresh = true;
  }

  /**
   * Moves towards what the server shows. The picture always lies inside it: a screen of another shape than 16:9
   * sees less, never an empty margin.
   * @param {{ x: number, y: number, halfHeight: number }} focus
   * @param {number} elapsedMs
   */
  follow(focus, elapsedMs) {
    const halfHeight = Math.max(1, focus.halfHeight);
    const wanted = Math.max(this.height / (2 * halfHeight), this.width / ((2 * halfHeight * 16) / 9));
    const jump = Math.hypot(focus.x - this.x, focus.y - this.y) > 2 * halfHeight;
    if (this.#fresh || jump) {
      this.#fresh = false;
      this.x = focus.x;
      this.y = focus.y;
      this.scale = wanted;
      return;
    }
    const pan = 1 - Math.exp(-elapsedMs / PAN_TAU_MS);
    this.x += (focus.x - this.x) * pan;
    this.y += (focus.y - this.y) * pan;
    this.scale += (wanted - this.scale) * (1 - Math.exp(-elapsedMs / ZOOM_TAU_MS));
  }

  /**
   * @param {number} screenX CSS pixels from the left
   * @param {number} screenY CSS pixels from the top
   */
  toWorld(screenX, screenY) {
    return {
      x: this.x + (screenX - this.width / 2) / this.scale,
      y: this.y + (screenY - this.height / 2) / this.scale,
    };
  }
}
