/**
 * What the lobby says. Pure: no page, no network.
 */

/** Characters of a code, at most. */
const CODE_CHARS_MAX = 32;
/** A favourite who wins less often than this makes an even match. */
const EVEN_MAX = 0.57;
const FAIR_MAX = 0.7;

/**
 * What a code looks like to the server, taken from what was typed or pasted.
 * @param {string} text A code with any spaces, dashes and case, or a link that carries one.
 * @returns {string} Empty when there is none.
 */
export function cleanCode(text) {
  const linked = /[?&]code=([^&#\s]+)/i.exec(text);
  return (linked ? linked[1] : text).replace(/[^0-9a-z]/gi, "").slice(0, CODE_CHARS_MAX).toUpperCase();
}

/**
 * "0:07"
 * @param {number} ms
 */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/**
 * "7 s", "2 min"
 * @param {number} ms
 */
export function duration(ms) {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 1) return "under a second";
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

/**
 * What the server's statistics of the matchmaker mean to somebody who waits.
 * @param {any} answer
 * @returns {{ tickets: number, typicalMs: number | null }} Tickets that wait, and how long they did, as a rule.
 */
export function parseStats(answer) {
  const tickets = Math.max(0, Math.floor(Number(answer?.ticket_count ?? 0)) || 0);
  const rows = Array.isArray(answer?.completions) ? answer.completions : [];
  const waits = rows
    .map((/** @type {any} */ row) => Date.parse(row?.complete_time) - Date.parse(row?.create_time))
    .filter((/** @type {number} */ ms) => ms >= 0)
    .sort((/** @type {number} */ a, /** @type {number} */ b) => a - b);
  return { tickets, typicalMs: waits.length ? waits[Math.floor(waits.length / 2)] : null };
}

/**
 * "2 others are waiting; it usually takes 4 s"
 * @param {{ tickets: number, typicalMs: number | null } | null} stats Of all tickets, the own one among them.
 */
export function describeWait(stats) {
  if (!stats) return "Asking the matchmaker …";
  const others = Math.max(0, stats.tickets - 1);
  const who = others === 0 ? "Nobody else is waiting yet" : others === 1 ? "1 other is waiting" : `${others} others are waiting`;
  return stats.typicalMs === null ? who : `${who}; it usually takes ${duration(stats.typicalMs)}`;
}

/**
 * What makes a match good or bad, as short facts.
 * @param {import("./desk.js").Quality | null} quality
 * @param {number | null} pingMs The own round trip to this server.
 */
export function describeQuality(quality, pingMs) {
  const facts = [];
  if (quality) facts.push(`Waited ${duration(quality.waitMs)}`);
  if (quality?.region) facts.push(`${quality.rttMinMs}–${quality.rttMaxMs} ms to ${quality.region}`);
  else if (pingMs !== null) facts.push(`${Math.max(1, Math.round(pingMs))} ms away`);
  if (quality && quality.favouriteWins !== null) facts.push(describeOdds(quality.favouriteWins));
  return facts;
}

/** @param {number} wins The probability that the favourite wins. */
function describeOdds(wins) {
  const percent = Math.round(wins * 100);
  if (wins < EVEN_MAX) return "Evenly matched";
  return wins < FAIR_MAX ? `Close: favourite at ${percent} %` : `Uneven: favourite at ${percent} %`;
}

/** @type {Record<string, string>} */
const ATTEMPTS = {
  search: "The search could not start.",
  party: "The party could not be made.",
  code: "Joining failed.",
  rejoin: "Connected again, but your place in the party is gone.",
  openRoom: "The private game could not be opened.",
  bring: "The party could not be told to come along.",
  partyCode: "The party's code could not be had. Leave, and start another party.",
  promote: "They do not lead the party.",
  kick: "They were not removed.",
};

/**
 * What failed and what to do next.
 * @param {string} attempt
 * @param {{ code: number, message: string }} refusal
 */
export function sayRefusal(attempt, { code, message }) {
  const what = ATTEMPTS[attempt] ?? "That failed.";
  if (attempt === "rejoin") return what;
  if (code < 0) return `${what} The server did not answer; try again in a moment.`;
  if (attempt === "code") {
    if (/not found|invalid/i.test(message)) return "Nothing has this code, or it is over. Check it, or ask your friend for a new one.";
    if (/full/i.test(message)) return "It is full. Ask your friend to make room, or to start another one.";
    if (/already/i.test(message)) return "You are in this party already, in another tab.";
  }
  return `${what} The server says: ${message || `error ${code}`}.`;
}
