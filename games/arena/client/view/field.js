import { PALETTE } from "../state/color.js";
import { drawBlob, drawCell, drawVirus } from "./shapes.js";

const GRID_UNITS = 50;
/** Radius of a pellet, in world units. */
const PELLET_RADIUS = 10;
const PIXEL_RATIO_MAX = 2;
/** Pellets of neighbouring hues are filled together. */
const PELLET_HUES = 32;

/**
 * @typedef {import("../state/scene.js").Scene} Scene
 * @typedef {import("../state/camera.js").Camera} Camera
 */

/** The playing field's canvas. */
export class Field {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.ratio = 1;
  }

  /** Fits the canvas to the window. @returns {{ width: number, height: number }} CSS pixels. */
  resize() {
    const { innerWidth: width, innerHeight: height } = window;
    this.ratio = Math.min(PIXEL_RATIO_MAX, window.devicePixelRatio || 1);
    this.canvas.width = Math.round(width * this.ratio);
    this.canvas.height = Math.round(height * this.ratio);
    return { width, height };
  }

  /**
   * @param {Scene} scene
   * @param {Camera} camera
   * @param {(owner: number) => string} nameOf
   * @param {number} nowMs
   */
  draw(scene, camera, nameOf, nowMs) {
    const { pen } = this;
    const zoom = camera.scale * this.ratio;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = "#080d12";
    pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (zoom === 0) return;
    pen.setTransform(zoom, 0, 0, zoom, this.canvas.width / 2 - camera.x * zoom, this.canvas.height / 2 - camera.y * zoom);
    drawGround(pen, scene.size, camera);
    drawPellets(pen, scene);
    for (const speck of scene.specks) if (speck.kind !== 0) drawBlob(pen, speck.x, speck.y, speck.radius, speck.kind);
    for (const ghost of scene.ghosts) {
      const radius = (ghost.radius || PELLET_RADIUS) * (1 - ghost.progress * ghost.progress);
      drawBlob(pen, ghost.x, ghost.y, radius, ghost.hue);
    }
    // Small to large with the viruses in their place: a small cell hides beneath a virus, a large one covers it.
    const viruses = scene.specks.filter((speck) => speck.kind === 0).sort((a, b) => a.radius - b.radius);
    let v = 0;
    for (const cell of scene.cells) {
      while (v < viruses.length && viruses[v].radius < cell.radius) drawVirus(pen, viruses[v++], nowMs);
      drawCell(pen, cell, { scale: camera.scale, nowMs, name: nameOf(cell.owner) });
    }
    while (v < viruses.length) drawVirus(pen, viruses[v++], nowMs);
  }

  /**
   * The ring that shows where a finger steers.
   * @param {{ x: number, y: number, toX: number, toY: number } | null} stick
   */
  drawStick(stick) {
    if (!stick) return;
    const { pen } = this;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.lineWidth = 2;
    pen.strokeStyle = "rgb(232 240 244 / 28%)";
    pen.beginPath();
    pen.arc(stick.x, stick.y, 46, 0, Math.PI * 2);
    pen.stroke();
    pen.fillStyle = "rgb(232 240 244 / 38%)";
    pen.beginPath();
    pen.arc(stick.toX, stick.toY, 20, 0, Math.PI * 2);
    pen.fill();
  }
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} size
 * @param {Camera} camera
 */
function drawGround(pen, size, camera) {
  const left = Math.max(0, camera.toWorld(0, 0).x);
  const top = Math.max(0, camera.toWorld(0, 0).y);
  const right = Math.min(size, camera.toWorld(camera.width, 0).x);
  const bottom = Math.min(size, camera.toWorld(0, camera.height).y);
  if (right <= left || bottom <= top) return;
  pen.fillStyle = "#101922";
  pen.fillRect(left, top, right - left, bottom - top);
  // Zoomed out, the fine lines would merge into a haze; the grid widens instead.
  const step = GRID_UNITS * 2 ** Math.max(0, Math.ceil(Math.log2(26 / (GRID_UNITS * camera.scale))));
  pen.beginPath();
  for (let x = Math.ceil(left / step) * step; x <= right; x += step) {
    pen.moveTo(x, top);
    pen.lineTo(x, bottom);
  }
  for (let y = Math.ceil(top / step) * step; y <= bottom; y += step) {
    pen.moveTo(left, y);
    pen.lineTo(right, y);
  }
  pen.lineWidth = 1 / camera.scale;
  pen.strokeStyle = "rgb(148 190 210 / 7%)";
  pen.stroke();
  pen.lineWidth = 14;
  pen.strokeStyle = "rgb(73 197 177 / 55%)";
  pen.strokeRect(-7, -7, size + 14, size + 14);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Scene} scene
 */
function drawPellets(pen, scene) {
  /** @type {Map<number, Path2D>} */
  const paths = new Map();
  for (const { x, y, hue, grown } of scene.pellets.values()) {
    const group = Math.floor((hue * PELLET_HUES) / 256);
    let path = paths.get(group);
    if (!path) paths.set(group, (path = new Path2D()));
    const radius = PELLET_RADIUS * grown;
    path.moveTo(x + radius, y);
    path.arc(x, y, radius, 0, Math.PI * 2);
  }
  for (const [group, path] of paths) {
    pen.fillStyle = PALETTE[(group * 256) / PELLET_HUES].fill;
    pen.fill(path);
  }
}
