/** What a player has played, in words. */

import { NONE } from "./protocol.js";

const LANGUAGE = "en-GB";
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** With fewer games a rating says little. */
export const RATED_GAMES_MIN = 5;

/**
 * @typedef {{ id: string | null, name: string }} Opponent Without an id a bot.
 * @typedef {{ id: string, mode: string, opponent: Opponent, won: boolean | null, how: number, turns: number, time: number }} Entry
 *   A game that is over; `won` is null when drawn, `time` in seconds since 1970.
 */

/** @param {Opponent} opponent */
export function nameOf({ id, name }) {
  return id === null ? "the bot" : name || "somebody";
}

/**
 * How a game ended for whoever looks at their history.
 * @param {Entry} entry
 * @param {(block: { winner: number, how: number }, ownChair: number, names: string[]) => { title: string, text: string }} sayEnd
 */
export function sayResult({ won, how, opponent }, sayEnd) {
  const { text } = sayEnd({ winner: won === null ? NONE : won ? 0 : 1, how }, 0, ["You", capital(nameOf(opponent))]);
  return { title: won === null ? "Drawn" : won ? "Won" : "Lost", text };
}

/**
 * @param {{ games: number, ordinal: number }} rating
 * @returns {string} Such as "12 after 7 games".
 */
export function sayRating({ games, ordinal }) {
  if (games < RATED_GAMES_MIN) return games === 0 ? "new" : `new, ${count(games, "game")}`;
  return `${Math.round(ordinal)} after ${count(games, "game")}`;
}

/**
 * A time that is over.
 * @param {number} unixS
 * @param {number} nowMs Calendar time.
 */
export function sayAgo(unixS, nowMs) {
  const atMs = unixS * 1000;
  const ago = nowMs - atMs;
  if (ago < MINUTE_MS) return "just now";
  if (ago < HOUR_MS) return `${count(Math.floor(ago / MINUTE_MS), "minute")} ago`;
  const days = daysBetween(atMs, nowMs);
  if (days === 0) return `today, ${clock(atMs)}`;
  if (days === 1) return `yesterday, ${clock(atMs)}`;
  if (days < 7) return `${weekday(atMs)}, ${clock(atMs)}`;
  return date(atMs, nowMs);
}

/**
 * A time to come.
 * @param {number} unixS
 * @param {number} nowMs Calendar time.
 */
export function sayUntil(unixS, nowMs) {
  const atMs = unixS * 1000;
  const days = daysBetween(nowMs, atMs);
  if (atMs <= nowMs) return "now";
  if (days === 0) return `today, ${clock(atMs)}`;
  if (days === 1) return `tomorrow, ${clock(atMs)}`;
  if (days < 7) return `${weekday(atMs)}, ${clock(atMs)}`;
  return `${date(atMs, nowMs)}, ${clock(atMs)}`;
}

/** @param {number} number @param {string} what */
export function count(number, what) {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** @param {string} text */
export function capital(text) {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** Midnights between two times. @param {number} fromMs @param {number} toMs */
function daysBetween(fromMs, toMs) {
  const midnight = (/** @type {number} */ ms) => new Date(ms).setHours(0, 0, 0, 0);
  return Math.round((midnight(toMs) - midnight(fromMs)) / DAY_MS);
}

/** @param {number} ms */
function clock(ms) {
  return new Date(ms).toLocaleTimeString(LANGUAGE, { hour: "2-digit", minute: "2-digit" });
}

/** @param {number} ms */
function weekday(ms) {
  return new Date(ms).toLocaleDateString(LANGUAGE, { weekday: "long" });
}

/** @param {number} ms @param {number} nowMs */
function date(ms, nowMs) {
  const isSameYear = new Date(ms).getFullYear() === new Date(nowMs).getFullYear();
  return new Date(ms).toLocaleDateString(LANGUAGE, { day: "numeric", month: "long", ...(isSameYear ? {} : { year: "numeric" }) });
}
