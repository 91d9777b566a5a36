/** Frames per second over the last whole second or so. */
export class FrameMeter {
  fps = 0;
  #frames = 0;
  #sinceMs = -1;

  /** @param {number} nowMs */
  frame(nowMs) {
    if (this.#sinceMs < 0) this.#sinceMs = nowMs;
    this.#frames += 1;
    const elapsed = nowMs - this.#sinceMs;
    if (elapsed < 1000) return;
    this.fps = Math.round((this.#frames * 1000) / elapsed);
    this.#frames = 0;
    this.#sinceMs = nowMs;
  }
}
