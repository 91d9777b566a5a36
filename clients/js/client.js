import { encodeBase64Text } from "./base64.js";
import { readMessage } from "./channel.js";
import { LOCAL, TagusError, asTagusError } from "./error.js";
import { Session } from "./session.js";
import { Socket } from "./socket.js";

/** A token this close to its end is renewed before it is used. */
const REFRESH_MARGIN_MS = 60_000;
const HTTP_TIMEOUT_MS = 10_000;
const STATUS_UNAUTHORIZED = 401;

/**
 * @typedef {object} ClientOptions
 * @property {string} [origin] Scheme, host and port, such as `http://127.0.0.1:7350`; the page's own by default.
 * @property {string} [serverKey] The key that allows logging in.
 * @property {number} [timeoutMs] How long a request may take.
 * @property {typeof fetch} [fetch] For tests and for places without a global one.
 *
 * @typedef {object} LoginOptions
 * @property {boolean} [create] Make the account when there is none; true by default.
 * @property {string} [username] The user name of an account made by this login.
 * @property {Record<string, string>} [vars] Carried in the token.
 *
 * @typedef {{ match_id: string, authoritative?: boolean, label?: string, size?: number, tick_rate?: number,
 *   handler_name?: string }} MatchRow
 *
 * @typedef {{ party_id: string, open?: boolean, hidden?: boolean, max_size?: number, label?: string }} PartyRow
 */

/** The HTTP API of one server, and the login made there. */
export class Client {
  /** @type {Session | null} */
  #session = null;
  /** @type {(() => Promise<Session>) | null} */
  #login = null;
  /** @type {Promise<Session> | null} */
  #renewal = null;

  /** @param {ClientOptions} [options] */
  constructor(options = {}) {
    this.origin = (options.origin ?? globalThis.location?.origin ?? "http://127.0.0.1:7350").replace(/\/+$/, "");
    this.serverKey = options.serverKey ?? "defaultkey";
    this.timeoutMs = options.timeoutMs ?? HTTP_TIMEOUT_MS;
    this.fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  }

  /** The present login; null before the first one and after {@link Client.logout}. */
  get session() {
    return this.#session;
  }

  /** @param {Session} session A login kept from an earlier visit. */
  resume(session) {
    this.#session = session;
  }

  /**
   * Logs in by an id that the device keeps.
   * @param {string} id 10 to 128 characters.
   * @param {LoginOptions} [options]
   */
  authenticateDevice(id, options) {
    return this.#authenticate("device", { id }, options);
  }

  /**
   * Logs in by an id of some other system.
   * @param {string} id 6 to 128 characters.
   * @param {LoginOptions} [options]
   */
  authenticateCustom(id, options) {
    return this.#authenticate("custom", { id }, options);
  }

  /**
   * @param {string} email
   * @param {string} password
   * @param {LoginOptions} [options]
   */
  authenticateEmail(email, password, options) {
    return this.#authenticate("email", { email, password }, options);
  }

  /**
   * A session that is good now: the present one, or a renewed one. When the server refuses to renew, the login is
   * made again as it was made first.
   * @param {{ force?: boolean }} [options] `force` renews even a token that looks good.
   * @returns {Promise<Session>}
   */
  async validSession({ force = false } = {}) {
    const session = this.#session;
    if (session && !force && !session.isExpired(Date.now(), REFRESH_MARGIN_MS)) return session;
    this.#renewal ??= this.#renew(session).finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  /** Ends the login on the server, its sockets included. */
  async logout() {
    const session = this.#session;
    this.#session = null;
    this.#login = null;
    if (!session) return;
    const body = { token: session.token, refresh_token: session.refreshToken };
    await this.#send("POST", "/v2/session/logout", { authorization: bearer(session), body });
  }

  /** @returns {Promise<any>} The account of this login. */
  getAccount() {
    return this.#call("GET", "/v2/account");
  }

  /**
   * @param {{ username?: string, display_name?: string, avatar_url?: string, lang_tag?: string, location?: string,
   *   timezone?: string }} changes
   */
  async updateAccount(changes) {
    await this.#call("PUT", "/v2/account", { body: changes });
  }

  /**
   * @param {string[]} ids
   * @param {string[]} [usernames]
   * @returns {Promise<any[]>}
   */
  async getUsers(ids, usernames = []) {
    return (await this.#call("GET", "/v2/user", { query: { ids, usernames } })).users ?? [];
  }

  /**
   * Calls a function of the server.
   * @param {string} id
   * @param {unknown} [payload] Sent as JSON; a string is sent as it is.
   * @returns {Promise<string>} The function's answer, as text.
   */
  async rpc(id, payload) {
    const text = payload === undefined ? "" : typeof payload === "string" ? payload : JSON.stringify(payload);
    return (await this.#call("POST", `/v2/rpc/${encodeURIComponent(id)}`, { body: text })).payload ?? "";
  }

  /**
   * @param {{ limit?: number, authoritative?: boolean, label?: string, min_size?: number, max_size?: number,
   *   query?: string }} [filter]
   * @returns {Promise<MatchRow[]>}
   */
  async listMatches(filter = {}) {
    return (await this.#call("GET", "/v2/match", { query: filter })).matches ?? [];
  }

  /**
   * @param {{ limit?: number, open?: boolean, query?: string, cursor?: string }} [filter]
   * @returns {Promise<{ parties: PartyRow[], cursor: string }>}
   */
  async listParties(filter = {}) {
    const { parties = [], cursor = "" } = await this.#call("GET", "/v2/party", { query: filter });
    return { parties, cursor };
  }

  /**
   * What was said in a channel, the newest first unless `forward`.
   * @param {string} channelId
   * @param {{ limit?: number, forward?: boolean, cursor?: string }} [page]
   * @returns {Promise<{ messages: import("./channel.js").ChannelMessage[], next_cursor: string, prev_cursor: string,
   *   cacheable_cursor: string }>}
   */
  async listChannelMessages(channelId, page = {}) {
    const path = `/v2/channel/${encodeURIComponent(channelId)}`;
    const { messages = [], ...cursors } = await this.#call("GET", path, { query: page });
    const none = { next_cursor: "", prev_cursor: "", cacheable_cursor: "" };
    return { messages: messages.map(readMessage), ...none, ...cursors };
  }

  /**
   * Friends and invitations.
   * @param {{ state?: number, limit?: number, cursor?: string }} [page] `state`: 0 friends, 1 invited by the caller, 2 the
   *   caller is invited, 3 blocked; all when left out.
   * @returns {Promise<{ friends: { user: any, state: number }[], cursor: string }>}
   */
  async listFriends(page = {}) {
    const { friends = [], cursor = "" } = await this.#call("GET", "/v2/friend", { query: page });
    return { friends, cursor };
  }

  /**
   * Stored objects that the caller may read; those that are not there are left out.
   * @param {{ collection: string, key: string, user_id?: string }[]} ids
   * @returns {Promise<{ collection: string, key: string, user_id: string, value: any, version: string }[]>} Values as they
   *   were written, read from their JSON.
   */
  async readStorageObjects(ids) {
    const { objects = [] } = await this.#call("POST", "/v2/storage", { body: { object_ids: ids } });
    return objects.map((/** @type {any} */ object) => ({ ...object, value: JSON.parse(object.value) }));
  }

  /**
   * The caller's rating in a mode.
   * @param {string} mode
   * @returns {Promise<{ mu: number, sigma: number, games: number, ordinal: number }>}
   */
  getRating(mode) {
    return this.#call("GET", `/v2/x/rating/${encodeURIComponent(mode)}`);
  }

  /**
   * How many wait in the matchmaker, and how long others waited lately.
   * @returns {Promise<{ ticket_count?: number, oldest_ticket_create_time?: string,
   *   completions?: { create_time: string, complete_time: string }[] }>}
   */
  getMatchmakerStats() {
    return this.#call("GET", "/v2/matchmaker/stats");
  }

  /**
   * The join code of a party that one is in.
   * @param {string} id
   * @returns {Promise<string>}
   */
  async partyCode(id) {
    return (await this.#call("GET", `/v2/x/party/${encodeURIComponent(id)}/code`)).code;
  }

  /**
   * Makes the join code of a party that one leads worthless; the next one is another.
   * @param {string} id
   */
  async revokePartyCode(id) {
    await this.#call("DELETE", `/v2/x/party/${encodeURIComponent(id)}/code`);
  }

  /**
   * The join code of a match that one sits in.
   * @param {string} id
   * @returns {Promise<string>}
   */
  async matchCode(id) {
    return (await this.#call("GET", `/v2/x/match/${encodeURIComponent(id)}/code`)).code;
  }

  /**
   * Opens a room that no listing shows, to be joined by its id or its code.
   * @param {string} mode A mode that allows it.
   * @returns {Promise<{ match_id: string, code: string }>}
   */
  openPrivateMatch(mode) {
    return this.#call("POST", `/v2/x/match/${encodeURIComponent(mode)}`);
  }

  /**
   * A socket for this login. It is not connected yet.
   * @param {import("./socket.js").SocketOptions} [options]
   */
  createSocket(options) {
    const base = this.origin.replace(/^http/, "ws");
    return new Socket(async ({ format, force }) => {
      const session = await this.validSession({ force });
      return `${base}/ws?token=${encodeURIComponent(session.token)}&format=${format}&status=false&ext=1`;
    }, options);
  }

  /**
   * @param {string} kind
   * @param {Record<string, unknown>} account
   * @param {LoginOptions} [options]
   */
  #authenticate(kind, account, { create = true, username, vars } = {}) {
    const login = async () => {
      const answer = await this.#send("POST", `/v2/account/authenticate/${kind}`, {
        authorization: this.#basic(),
        query: { create, username },
        body: vars ? { ...account, vars } : account,
      });
      this.#session = Session.restore(answer);
      this.#login = login;
      return this.#session;
    };
    return login();
  }

  /** @param {Session | null} session */
  async #renew(session) {
    if (session?.canRefresh(Date.now())) {
      try {
        const body = { token: session.refreshToken };
        const request = { authorization: this.#basic(), body };
        this.#session = Session.restore(await this.#send("POST", "/v2/account/session/refresh", request));
        return this.#session;
      } catch (thrown) {
        const refused = thrown instanceof TagusError && thrown.status >= 400 && thrown.status < 500;
        if (!refused || !this.#login) throw thrown;
      }
    }
    if (this.#login) return this.#login();
    throw new TagusError(LOCAL.DISCONNECTED, "not logged in", STATUS_UNAUTHORIZED);
  }

  /**
   * A request in the name of the login; renewed and repeated once when the token is refused.
   * @param {string} verb
   * @param {string} path
   * @param {{ query?: object, body?: unknown }} [request]
   */
  async #call(verb, path, request = {}) {
    const session = await this.validSession();
    try {
      return await this.#send(verb, path, { ...request, authorization: bearer(session) });
    } catch (thrown) {
      if (!(thrown instanceof TagusError) || thrown.status !== STATUS_UNAUTHORIZED) throw thrown;
      const renewed = await this.validSession({ force: true });
      return this.#send(verb, path, { ...request, authorization: bearer(renewed) });
    }
  }

  /**
   * @param {string} verb
   * @param {string} path
   * @param {{ authorization: string, query?: object, body?: unknown }} request
   * @returns {Promise<any>}
   */
  async #send(verb, path, { authorization, query, body }) {
    const headers = /** @type {Record<string, string>} */ ({ Authorization: authorization });
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), this.timeoutMs);
    try {
      const answer = await this.fetch(this.origin + path + queryString(query), {
        method: verb,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: stop.signal,
      });
      const parsed = parseObject(await answer.text());
      if (answer.ok && parsed) return parsed;
      const message = parsed?.message ?? `unexpected answer, status ${answer.status}`;
      throw new TagusError(parsed?.code ?? LOCAL.UNREACHABLE, message, answer.status);
    } catch (thrown) {
      if (stop.signal.aborted) throw new TagusError(LOCAL.TIMEOUT, `no answer to ${verb} ${path}`);
      throw asTagusError(thrown);
    } finally {
      clearTimeout(timer);
    }
  }

  #basic() {
    return `Basic ${encodeBase64Text(`${this.serverKey}:`)}`;
  }
}

/** @param {Session} session */
function bearer(session) {
  return `Bearer ${session.token}`;
}

/** @param {string} text */
function parseObject(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

/**
 * A repeated field is its name repeated; what is undefined is left out.
 * @param {object} [query]
 */
export function queryString(query = {}) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) params.append(name, String(one));
  }
  const text = params.toString();
  return text ? `?${text}` : "";
}
