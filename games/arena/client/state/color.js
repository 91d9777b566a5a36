/**
 * Colours from hues of 0..255. They are taken around the OKLCH circle, where equal steps look equal and all hues
 * look equally bright; the plain HSL circle has glaring yellows and dull blues.
 */

/** @typedef {{ fill: string, rim: string, glow: string }} Shades */

const HUES = 256;

/** @type {readonly Shades[]} */
export const PALETTE = Object.freeze(
  Array.from({ length: HUES }, (_, hue) => ({
    fill: oklch(0.72, 0.155, (hue / HUES) * 360),
    rim: oklch(0.57, 0.145, (hue / HUES) * 360),
    glow: oklch(0.84, 0.11, (hue / HUES) * 360),
  })),
);

/**
 * @param {number} lightness 0..1
 * @param {number} chroma 0..0.4; lowered until the colour can be shown
 * @param {number} degrees
 * @returns {string} `#rrggbb`
 */
export function oklch(lightness, chroma, degrees) {
  let rgb = toLinearRgb(lightness, chroma, degrees);
  for (let c = chroma; c > 0 && rgb.some((v) => v < 0 || v > 1); c -= 0.005) rgb = toLinearRgb(lightness, c, degrees);
  return "#" + rgb.map((v) => Math.round(gamma(v) * 255).toString(16).padStart(2, "0")).join("");
}

/**
 * @param {number} lightness
 * @param {number} chroma
 * @param {number} degrees
 */
function toLinearRgb(lightness, chroma, degrees) {
  const a = chroma * Math.cos((degrees * Math.PI) / 180);
  const b = chroma * Math.sin((degrees * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

/** @param {number} value */
function gamma(value) {
  const v = Math.min(1, Math.max(0, value));
  return v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055;
}
