/** What the teams wear: that of chair 0, then that of chair 1. They differ in colour, in brightness and in pattern. */
export const TEAMS = Object.freeze([
  { main: "#e5383b", dark: "#8f1522", light: "#ff8a80", trim: "#fff4ec", pattern: /** @type {const} */ ("stripes") },
  { main: "#2d6cdf", dark: "#123a8c", light: "#8fb8ff", trim: "#fff3c4", pattern: /** @type {const} */ ("sash") },
]);
