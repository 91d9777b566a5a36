/**
 * The SDK's door: everything a game needs, and nothing else.
 */
export { Channel } from "./channel.js";
export { Client } from "./client.js";
export { LOCAL, TagusError } from "./error.js";
export { Party } from "./party.js";
export { Room } from "./room.js";
export { Session } from "./session.js";
export { Socket } from "./socket.js";
