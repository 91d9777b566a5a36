import { Place } from "./place.js";

/**
 * @typedef {import("./place.js").Presence} Presence
 *
 * @typedef {object} PartySettings
 * @property {boolean} [open] Anybody joins; otherwise the leader is asked.
 * @property {boolean} [hidden] Left out of listings.
 * @property {string} [label] What listings search: a JSON object or any text.
 */

/**
 * A party that one is in, or asks to be let into. When the connection comes back, it is joined again; a closed party
 * asks its leader again then, and a party that lost its last member is gone.
 *
 * Events: `joined` (): one is in, the first time; `data` (op, bytes, Presence); `presence` (joins, leaves);
 * `leader` (Presence); `update` (): the settings changed; `request` (Presence[]): they ask the leader to join;
 * `ticket` (string): the leader put the party into the matchmaker; `lost` (), `resumed` (),
 * `closed` (TagusError or null): the party is over for this client, which left, was removed, or heard that it ended.
 */
export class Party extends Place {
  /** The party's real id; the code asked for until the server told it. @type {string} */
  partyId;
  /** @type {Presence | null} */
  leader = null;
  /** Members at most. */
  maxSize = 0;
  open = false;
  hidden = false;
  label = "";

  #isMember = false;
  #wasMember = false;

  /**
   * Made by `Socket.createParty` and `Socket.joinParty`.
   * @param {import("./socket.js").Socket} socket
   * @param {string} idOrCode Empty for one that is yet to be made.
   * @param {() => void} forget Called when the party is over.
   */
  constructor(socket, idOrCode, forget) {
    super(socket, forget);
    this.partyId = idOrCode;
  }

  /** Whether one is in; false while the leader has not decided, and while the connection is lost. */
  get isMember() {
    return this.#isMember;
  }

  /** Whether one is the leader. */
  get isLeader() {
    return this.#isMember && this.leader?.session_id === this.self?.session_id;
  }

  /**
   * Makes the party; called by the socket.
   * @param {PartySettings & { maxSize?: number }} settings
   */
  create({ open = true, maxSize = 0, label = "", hidden = false }) {
    const party = { open, max_size: maxSize, label, hidden };
    return this.request({ party_create: party }, (answer) => this.#take(answer.party));
  }

  /** Joins, or asks the leader. The party itself comes when one is in. */
  enter() {
    return this.request({ party_join: { party_id: this.partyId } }, (answer) => {
      this.partyId = answer.party_join?.party_id ?? this.partyId;
      return false;
    });
  }

  /**
   * Data for the other members.
   * @param {number} op
   * @param {Uint8Array} [bytes]
   * @returns {boolean} False when not connected; the message is dropped.
   */
  send(op, bytes = new Uint8Array(0)) {
    return this.transmit({ party_data_send: { party_id: this.partyId, op_code: op, data: bytes } });
  }

  /** Leaves, or asks no more. */
  async leave() {
    if (this.isOver) return;
    this.end(null);
    await this.demand({ party_leave: { party_id: this.partyId } });
  }

  /**
   * Who asks to join; for the leader.
   * @returns {Promise<Presence[]>}
   */
  requests() {
    const list = { party_id: this.partyId };
    return this.request({ party_join_request_list: list }, (answer) => answer.party_join_request?.presences ?? []);
  }

  /**
   * Lets in who asked; for the leader.
   * @param {Presence} presence
   */
  accept(presence) {
    return this.demand({ party_accept: { party_id: this.partyId, presence } });
  }

  /**
   * Removes a member, or turns down who asked; for the leader.
   * @param {Presence} presence
   */
  remove(presence) {
    return this.demand({ party_remove: { party_id: this.partyId, presence } });
  }

  /**
   * Makes a member the leader; for the leader.
   * @param {Presence} presence
   */
  promote(presence) {
    return this.demand({ party_promote: { party_id: this.partyId, presence } });
  }

  /**
   * Changes settings, those not given stay; for the leader.
   * @param {PartySettings} settings
   */
  update({ open = this.open, label = this.label, hidden = this.hidden }) {
    return this.demand({ party_update: { party_id: this.partyId, open, label, hidden } });
  }

  /** Ends the party; for the leader. */
  close() {
    return this.demand({ party_close: { party_id: this.partyId } });
  }

  /**
   * Puts all members into the matchmaker as one; for the leader. The ticket ends when somebody joins or leaves.
   * @param {import("./socket.js").Wish} wish
   * @returns {Promise<string>} The ticket.
   */
  addMatchmaker(wish) {
    const add = { party_id: this.partyId, ...wish };
    return this.request({ party_matchmaker_add: add }, (answer) => answer.party_matchmaker_ticket?.ticket ?? "");
  }

  /**
   * Takes the party out of the matchmaker; for the leader.
   * @param {string} ticket
   */
  removeMatchmaker(ticket) {
    return this.demand({ party_matchmaker_remove: { party_id: this.partyId, ticket } });
  }

  /** @param {import("./link.js").LinkState} state */
  handleLinkState(state) {
    this.#isMember = false;
    super.handleLinkState(state);
  }

  /**
   * A message of the server; called by the socket.
   * @param {import("./codec.js").Envelope} envelope
   * @returns {boolean} Whether it was for this party.
   */
  handleEnvelope(envelope) {
    const { party, party_data: data, party_presence_event: event, party_leader: leader } = envelope;
    const { party_update: update, party_join_request: request, party_close: closed } = envelope;
    const { party_matchmaker_ticket: ticket } = envelope;
    const message = party ?? data ?? event ?? leader ?? update ?? request ?? closed ?? ticket;
    if (!message || message.party_id !== this.partyId) return false;
    if (party) this.#take(party);
    else if (data) this.emit("data", data.op_code, data.data, data.presence);
    else if (event) this.changePresences(event);
    else if (leader) this.#lead(leader.presence);
    else if (update) this.#settle(update);
    else if (request) this.emit("request", request.presences ?? []);
    else if (closed) this.end(null);
    else this.emit("ticket", ticket.ticket ?? "");
    return true;
  }

  /** @param {any} party As the server shows it. */
  #take(party) {
    this.partyId = party.party_id;
    this.maxSize = party.max_size ?? 0;
    this.leader = party.leader ?? null;
    this.takePresences(party);
    ({ open: this.open = false, hidden: this.hidden = false, label: this.label = "" } = party);
    // After it was made, the party comes a second time.
    if (this.#isMember) return;
    this.#isMember = true;
    this.emit(this.#wasMember ? "resumed" : "joined");
    this.#wasMember = true;
  }

  /** @param {Presence} presence */
  #lead(presence) {
    this.leader = presence;
    this.emit("leader", presence);
  }

  /** @param {PartySettings} settings */
  #settle(settings) {
    ({ open: this.open = false, hidden: this.hidden = false, label: this.label = "" } = settings);
    this.emit("update");
  }
}
