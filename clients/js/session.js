import { decodeBase64UrlText } from "./base64.js";

/**
 * Reads the claims of a token without checking its signature; only the server can do that.
 * @param {string} token
 * @returns {Record<string, any>}
 * @throws {TypeError} When `token` is not of the form `header.claims.signature`.
 */
export function parseClaims(token) {
  const parts = token.split(".");
  if (parts.length !== 3) throw new TypeError("a token has three parts");
  const claims = JSON.parse(decodeBase64UrlText(parts[1]));
  if (claims === null || typeof claims !== "object") throw new TypeError("a token's claims are an object");
  return claims;
}

/** One login: a token for requests and one to get the next pair with. */
export class Session {
  /**
   * @param {string} token
   * @param {string} [refreshToken]
   * @param {boolean} [created] Whether this login made the account.
   */
  constructor(token, refreshToken = "", created = false) {
    const claims = parseClaims(token);
    this.token = token;
    this.refreshToken = refreshToken;
    this.created = created;
    /** @type {string} */
    this.userId = claims.uid ?? "";
    /** @type {string} */
    this.username = claims.usn ?? "";
    /** Calendar time at which the token expires, in milliseconds since 1970. */
    this.expiresUnixMs = expiry(claims);
    /** The same for the refresh token; 0 when there is none. */
    this.refreshExpiresUnixMs = refreshToken ? expiry(parseClaims(refreshToken)) : 0;
  }

  /**
   * @param {number} nowUnixMs
   * @param {number} [marginMs] Count as expired this much earlier.
   */
  isExpired(nowUnixMs, marginMs = 0) {
    return nowUnixMs + marginMs >= this.expiresUnixMs;
  }

  /** @param {number} nowUnixMs */
  canRefresh(nowUnixMs) {
    return this.refreshToken !== "" && nowUnixMs < this.refreshExpiresUnixMs;
  }

  /** @returns {{ token: string, refresh_token: string }} What {@link Session.restore} takes back. */
  toJSON() {
    return { token: this.token, refresh_token: this.refreshToken };
  }

  /** @param {{ token: string, refresh_token?: string, created?: boolean }} saved */
  static restore(saved) {
    return new Session(saved.token, saved.refresh_token, saved.created);
  }
}

/** @param {Record<string, any>} claims */
function expiry(claims) {
  return Number(claims.exp ?? 0) * 1000;
}
