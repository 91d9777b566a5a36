// A cable between a browser and a server that a test can pull: what both ends see then is a lost connection.

import { once } from "node:events";
import { connect, createServer } from "node:net";

export class Cable {
  /** Listens on a free port and passes every connection on to `port` of `host`. */
  static async to(host, port) {
    const cable = new Cable(host, port);
    cable.listener.listen(0, "127.0.0.1");
    await once(cable.listener, "listening");
    return cable;
  }

  constructor(host, port) {
    this.sockets = new Set();
    this.listener = createServer((near) => {
      const far = connect(Number(port), host);
      for (const [socket, other] of [[near, far], [far, near]]) {
        this.sockets.add(socket);
        socket.setNoDelay(true);
        socket.pipe(other);
        // A cut connection is an error to one end and an end to the other.
        socket.on("error", () => other.destroy());
        socket.on("close", () => {
          this.sockets.delete(socket);
          other.destroy();
        });
      }
    });
  }

  get address() {
    return `http://127.0.0.1:${this.listener.address().port}`;
  }

  /** Ends every connection without a farewell; new ones are taken as before. */
  pull() {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async close() {
    const closed = once(this.listener, "close");
    this.listener.close();
    this.pull();
    await closed;
  }
}
