/** What a ball looks like, and how it lies. */

/** Colours of the balls 0 to 15; those from 9 on wear theirs as a stripe. */
export const COLORS = Object.freeze([
  "#f4efe2", "#f2b632", "#1f56c4", "#d8362f", "#5b2d8c", "#ee7423", "#12804a", "#8a1f2c",
  "#17171b", "#f2b632", "#1f56c4", "#d8362f", "#5b2d8c", "#ee7423", "#12804a", "#8a1f2c",
]);

/** @typedef {"" | "solids" | "stripes"} Group */

/** @param {number} ball @returns {Group} */
export function groupOf(ball) {
  if (ball >= 1 && ball <= 7) return "solids";
  return ball >= 9 && ball <= 15 ? "stripes" : "";
}
