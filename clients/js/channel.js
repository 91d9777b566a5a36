import { Place } from "./place.js";

/**
 * @typedef {import("./place.js").Presence} Presence
 *
 * @typedef {{ room: string } | { user: string } | { group: string }} ChannelTarget
 *   A room's name, the id of another account, or the id of a group.
 *
 * @typedef {object} ChannelMessage
 * @property {string} channel_id
 * @property {string} message_id
 * @property {number} code 0 for what somebody said, 1 for an update, 2 for a removal; others are the server's.
 * @property {string} sender_id
 * @property {string} username
 * @property {Record<string, any>} content
 * @property {string} create_time
 * @property {string} update_time
 * @property {boolean} persistent
 */

const TYPES = { room: 1, user: 2, group: 3 };

/**
 * A place to talk. When the connection comes back, it is joined again; what was said meanwhile is in the history, if it
 * is kept.
 *
 * Events: `message` (ChannelMessage), one's own among them; `presence` (joins, leaves), `lost` (), `resumed` (),
 * `closed` (TagusError or null).
 */
export class Channel extends Place {
  /** @type {string} */
  id = "";

  #join;

  /**
   * Made by `Socket.joinChannel`.
   * @param {import("./socket.js").Socket} socket
   * @param {ChannelTarget} target
   * @param {{ persistence?: boolean, hidden?: boolean }} options
   * @param {() => void} forget Called when it is over.
   */
  constructor(socket, target, { persistence = true, hidden = false }, forget) {
    super(socket, forget);
    const [kind, name] = /** @type {[keyof typeof TYPES, string]} */ (Object.entries(target)[0]);
    this.#join = { target: name, type: TYPES[kind], persistence, hidden };
  }

  /** Joins. Rejects with a {@link TagusError} when refused. */
  enter() {
    return this.request({ channel_join: this.#join }, ({ channel = {} }) => {
      this.id = channel.id ?? "";
      this.takePresences(channel);
      return true;
    });
  }

  /**
   * Says something.
   * @param {Record<string, any>} content
   * @returns {Promise<string>} The message's id.
   */
  send(content) {
    const message = { channel_id: this.id, content: JSON.stringify(content) };
    return this.request({ channel_message_send: message }, (answer) => answer.channel_message_ack?.message_id ?? "");
  }

  /**
   * Changes what one said.
   * @param {string} messageId
   * @param {Record<string, any>} content
   */
  update(messageId, content) {
    const message = { channel_id: this.id, message_id: messageId, content: JSON.stringify(content) };
    return this.demand({ channel_message_update: message });
  }

  /**
   * Takes back what one said.
   * @param {string} messageId
   */
  remove(messageId) {
    return this.demand({ channel_message_remove: { channel_id: this.id, message_id: messageId } });
  }

  /** Leaves. */
  async leave() {
    if (this.isOver) return;
    this.end(null);
    await this.demand({ channel_leave: { channel_id: this.id } });
  }

  /**
   * A message of the server; called by the socket.
   * @param {import("./codec.js").Envelope} envelope
   * @returns {boolean} Whether it was for this channel.
   */
  handleEnvelope({ channel_message: message, channel_presence_event: event }) {
    const known = message ?? event;
    if (!known || known.channel_id !== this.id) return false;
    if (event) this.changePresences(event);
    else this.emit("message", readMessage(message));
    return true;
  }
}

/**
 * A message with its content read. Content is text that holds a JSON object.
 * @param {any} message
 * @returns {ChannelMessage}
 */
export function readMessage(message) {
  return { ...message, code: message.code ?? 0, content: JSON.parse(message.content || "{}") };
}
