/**
 * Between the words of the SDK and those of the lobby. Pure: no page, no network.
 */

/** @param {{ game: string, min: number, max: number }} wanted A game's mode has the game's name. */
export function wish({ game, min, max }) {
  return { min_count: min, max_count: max, query: `+properties.mode:${game}`, string_properties: { mode: game } };
}

/** @param {import("/sdk/tagus.js").Presence} presence */
export function memberIn(presence) {
  return { sessionId: presence.session_id, userId: presence.user_id, username: presence.username };
}

/** @param {Pick<import("/sdk/tagus.js").Party, "partyId" | "leader" | "self" | "presences">} party */
export function snapshotIn(party) {
  return {
    id: party.partyId,
    leader: party.leader?.session_id ?? "",
    self: party.self?.session_id ?? "",
    members: [...party.presences.values()].map(memberIn),
  };
}

/** @param {import("/sdk/tagus.js").MatchQuality} quality */
export function qualityIn(quality) {
  return {
    waitMs: Number(quality.wait_ms ?? 0),
    favouriteWins: quality.favourite_wins ?? null,
    region: quality.region ?? "",
    rttMinMs: quality.rtt_ms_min ?? 0,
    rttMaxMs: quality.rtt_ms_max ?? 0,
  };
}

/** @param {import("/sdk/tagus.js").Matched} matched */
export function matchedIn({ match_id: matchId = "", users, self }) {
  return {
    matchId,
    mode: self.string_properties?.mode ?? "",
    players: users.map((user) => memberIn(user.presence)),
    ownSession: self.presence.session_id,
  };
}

/** @param {string} label Of a room. */
export function gameOf(label) {
  try {
    return String(JSON.parse(label)?.game ?? "");
  } catch {
    return "";
  }
}
