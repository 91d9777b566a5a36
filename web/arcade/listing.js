/**
 * What `GET /v2/x/arcade` says, made safe to show. Pure: no page, no network.
 */

/**
 * @typedef {{ id: string, title: string, path: string, quickPlay: boolean, isPrivate: boolean,
 *   playersMax: number }} Game
 *   `quickPlay`: the matchmaker finds players, `playersMax` at most; `isPrivate`: players may open rooms of their own.
 * @typedef {{ matchId: string, name: string, game: string, people: number, bots: number, seatsMax: number }} Room
 */

/** Less are no match. */
const PLAYERS_MIN = 2;

/**
 * @param {any} answer
 * @returns {{ games: Game[], rooms: Room[] }} Rows without what is needed to show them are left out.
 */
export function parseListing(answer) {
  const games = list(answer?.games)
    .filter((g) => typeof g?.id === "string" && typeof g?.path === "string" && /^\/(?!\/)/.test(g.path))
    .map((g) => ({
      id: g.id,
      title: String(g.title ?? g.id),
      path: g.path,
      quickPlay: g.quick_play === true,
      isPrivate: g.private === true,
      playersMax: Math.max(PLAYERS_MIN, count(g.players_max)),
    }));
  const rooms = list(answer?.rooms)
    .filter((r) => typeof r?.match_id === "string")
    // A room without a name was opened for a match; when its players have left, nobody is met there.
    .filter((r) => r.name || count(r.size) > 0)
    .map((r) => ({
      matchId: r.match_id,
      name: String(r.name || `Match ${r.match_id.slice(0, 4)}`),
      game: String(r.game ?? ""),
      people: count(r.size),
      bots: count(r.bots),
      seatsMax: count(r.seats_max),
    }))
    .sort((a, b) => b.people - a.people || (a.name < b.name ? -1 : 1));
  return { games, rooms };
}

/**
 * Where a room is played.
 * @param {Game} game
 * @param {Room} room
 */
export function roomAddress(game, room) {
  return `${game.path}?room=${encodeURIComponent(room.matchId)}`;
}

/**
 * "3 players, 17 bots"
 * @param {{ people: number, bots: number }} room
 */
export function describePeople({ people, bots }) {
  const players = people === 1 ? "1 player" : `${people} players`;
  if (bots === 0) return players;
  return `${players}, ${bots === 1 ? "1 bot" : `${bots} bots`}`;
}

/** @param {unknown} value @returns {any[]} */
function list(value) {
  return Array.isArray(value) ? value : [];
}

/** @param {unknown} value */
function count(value) {
  const number = Number(value ?? 0);
  return Number.isFinite(number) && number > 0 ? Math.floor(number) : 0;
}
