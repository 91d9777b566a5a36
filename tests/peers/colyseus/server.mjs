// Serves one world on a free port of loopback, which it prints as `{"port":…}` once it listens.

import { Server } from "@colyseus/core";
import { WebSocketTransport } from "@colyseus/ws-transport";
import { WorldRoom } from "./world.mjs";

// No pings: the load answers none, and a connection that answers none would be closed.
const transport = new WebSocketTransport({ pingInterval: 0 });
const server = new Server({ transport, greet: false });
server.define("world", WorldRoom);
await server.listen(0, "127.0.0.1");
console.log(JSON.stringify({ port: transport.server.address().port }));
