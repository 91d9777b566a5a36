/** Lines of the chat that are kept; older ones go. */
export const LINES_MAX = 200;

/**
 * @typedef {{ sessionId: string, userId: string, username: string }} Member
 * @typedef {{ id: string, leader: string, self: string, members: Member[] }} Snapshot
 *   `leader` and `self` are session ids.
 * @typedef {{ number: number, kind: "said" | "event", from: Member, isOwn: boolean, text: string,
 *   state: "sending" | "sent" | "failed", call: number }} Line
 *   An event's text is what the member did, such as "joined".
 */

/** A party as its page shows it: members and what was said since one came. */
export class PartyView {
  /** What friends type to join; empty until the server told it. */
  code = "";
  /** Whether the connection is lost, and the place in the party with it. */
  isAway = false;
  /** Whether the leader removed oneself. */
  isRemoved = false;
  /** @type {Line[]} */
  lines = [];
  #lastLine = 0;

  /** @param {Snapshot} snapshot */
  constructor({ id, leader, self, members }) {
    this.id = id;
    this.leader = leader;
    this.self = self;
    this.members = members;
  }

  get isLeader() {
    return this.leader === this.self && !this.isAway;
  }

  /**
   * Takes what the server shows, and notes who came, went and leads.
   * @param {Snapshot} snapshot
   * @returns {boolean} Whether the members are others, or other connections of the same people.
   */
  update({ leader, self, members }) {
    const old = this.members;
    const oldLeader = old.find((member) => member.sessionId === this.leader);
    Object.assign(this, { leader, self, members, isAway: false });
    this.isRemoved = !members.some((member) => member.sessionId === self);
    for (const member of old) if (!has(members, "userId", member)) this.#event(member, "left");
    for (const member of members) if (!has(old, "userId", member)) this.#event(member, "joined");
    const newLeader = members.find((member) => member.sessionId === leader);
    if (newLeader && newLeader.userId !== oldLeader?.userId) this.#event(newLeader, "leads the party now");
    return old.length !== members.length || !members.every((member) => has(old, "sessionId", member));
  }

  /**
   * @param {string} text
   * @param {number} call The call that sends it.
   */
  sayOwn(text, call) {
    const self = this.members.find((member) => member.sessionId === this.self);
    const from = self ?? { sessionId: this.self, userId: "", username: "" };
    this.#add({ kind: "said", from, isOwn: true, text, state: "sending", call });
  }

  /**
   * @param {string} text
   * @param {Member} from
   */
  hear(text, from) {
    this.#add({ kind: "said", from, isOwn: false, text, state: "sent", call: 0 });
  }

  /** @param {number} call */
  sent(call) {
    for (const line of this.lines) if (line.call === call) line.state = "sent";
  }

  /** @param {number} call */
  notSent(call) {
    for (const line of this.lines) if (line.call === call) line.state = "failed";
  }

  /** @param {(text: string) => number} send Called for each line that did not leave; gives the call that sends it. */
  resend(send) {
    for (const line of this.lines) if (line.state === "failed") Object.assign(line, { call: send(line.text), state: "sending" });
  }

  /**
   * @param {Member} from
   * @param {string} text
   */
  #event(from, text) {
    this.#add({ kind: "event", from, isOwn: from.sessionId === this.self, text, state: "sent", call: 0 });
  }

  /** @param {Omit<Line, "number">} line */
  #add(line) {
    this.lines.push({ ...line, number: ++this.#lastLine });
    if (this.lines.length > LINES_MAX) this.lines.shift();
  }
}

/**
 * @param {Member[]} members
 * @param {"sessionId" | "userId"} key
 * @param {Member} member
 */
function has(members, key, member) {
  return members.some((other) => other[key] === member[key]);
}
