// A player of the published SDK, with a record of every message its socket got, in the order of the wire.

import { randomUUID } from "node:crypto";
import { Client, WebSocketAdapterText } from "@heroiclabs/nakama-js";
import { WebSocketAdapterPb } from "@heroiclabs/nakama-js-protobuf";
import { WebSocket } from "ws";

// Node has no WebSocket of its own before version 22, and the SDK expects the browser's.
globalThis.WebSocket = WebSocket;

const WAIT_MS_MAX = 5_000;

/** The SDK's two formats, each with an adapter that records. */
export const FORMATS = {
  json: recording(WebSocketAdapterText),
  protobuf: recording(WebSocketAdapterPb),
};

/** The adapter hands each decoded message to the SDK unchanged, after noting it. */
function recording(Adapter) {
  return class extends Adapter {
    messages = [];
    wakers = new Set();

    get onMessage() {
      return super.onMessage;
    }

    set onMessage(handle) {
      super.onMessage = (message) => {
        this.messages.push(structuredClone(message));
        handle(message);
        for (const wake of this.wakers) wake();
      };
    }
  };
}

/** @param {{host: string, port: string}} server */
export function clientOf(server, key = "defaultkey") {
  return new Client(key, server.host, server.port, false);
}

/** A name nobody else has. */
export function unique(prefix) {
  return `${prefix}-${randomUUID()}`;
}

/** The kind of a message: the one member that is set, apart from the `cid`; `empty` when there is none. */
export function kind(message) {
  const member = ([name, value]) => name !== "cid" && value !== undefined;
  return Object.entries(message).find(member)?.[0] ?? "empty";
}

export class Player {
  /** Logs in with a new device and opens a socket of this format. */
  static async join(server, format) {
    const client = clientOf(server);
    const session = await client.authenticateDevice(unique("device"), true, unique("player"));
    return Player.connect(client, session, format);
  }

  static async connect(client, session, format) {
    const player = new Player(client, session, new FORMATS[format]());
    // The SDK never clears this timer, and Node does not end before it.
    await player.socket.connect(session, false, WAIT_MS_MAX);
    return player;
  }

  constructor(client, session, adapter) {
    this.client = client;
    this.session = session;
    this.adapter = adapter;
    this.given = new Map();
    this.socket = client.createSocket(false, false, adapter);
    this.closed = new Promise((resolve) => (this.socket.ondisconnect = resolve));
  }

  /** Every recorded message of one kind. */
  all(name) {
    return this.adapter.messages.filter((message) => kind(message) === name);
  }

  /** The kinds of all recorded messages, without the heartbeat. */
  kinds() {
    return this.adapter.messages.map(kind).filter((name) => name !== "pong");
  }

  /** Waits until `find` returns something, looking again after each message. */
  async until(what, find) {
    let wake;
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        wake = () => {
          const found = find();
          if (found) resolve(found);
        };
        const failed = () =>
          reject(new Error(`no ${what} after ${WAIT_MS_MAX} ms; got ${this.kinds().join(", ")}`));
        timer = setTimeout(failed, WAIT_MS_MAX);
        this.adapter.wakers.add(wake);
        wake();
      });
    } finally {
      clearTimeout(timer);
      this.adapter.wakers.delete(wake);
    }
  }

  /** The next message of one kind; each is given once. */
  async next(name) {
    const given = this.given.get(name) ?? 0;
    const message = await this.until(name, () => this.all(name)[given]);
    this.given.set(name, given + 1);
    return message[name];
  }

  /** The match data with this op code, its bytes as text. */
  async data(matchId, opCode) {
    const message = await this.until(`match data ${opCode}`, () =>
      this.all("match_data").find(
        ({ match_data: data }) => data.match_id === matchId && Number(data.op_code) === opCode,
      ),
    );
    const { presence, data } = message.match_data;
    return { from: presence?.user_id, text: new TextDecoder().decode(data ?? new Uint8Array()) };
  }

  /** Waits for the presence event of a match that names `other` in `side`, `joins` or `leaves`. */
  presence(matchId, side, other) {
    return this.until(`${side} of ${other.session.username}`, () =>
      this.all("match_presence_event").find(
        ({ match_presence_event: event }) =>
          event.match_id === matchId &&
          (event[side] ?? []).some((one) => one.user_id === other.session.user_id),
      ),
    );
  }

  leave() {
    this.socket.disconnect(false);
  }
}
