// Server code that reaches players, through the published SDK.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FORMATS, Player } from "./player.mjs";
import { startServer } from "./server.mjs";

let server;
before(async () => {
  server = await startServer("examples/clientrpc");
});
after(async () => {
  await server?.stop();
});

for (const format of Object.keys(FORMATS)) {
  describe(`over ${format}`, () => {
    test("server code sends a notification that is kept", async () => {
      const [one, other] = [await Player.join(server, format), await Player.join(server, format)];
      const content = { reward: 5, items: ["hat"] };
      const payload = { user_id: other.session.user_id, subject: "A present", content };
      await one.client.rpc(one.session, "clientrpc.send_notification", payload);
      const { notifications } = await other.next("notifications");
      assert.equal(notifications.length, 1);
      assert.equal(notifications[0].subject, "A present");
      assert.equal(Number(notifications[0].code), 1);
      assert.equal(notifications[0].sender_id, one.session.user_id);
      assert.equal(notifications[0].persistent, true);
      const kept = await other.client.listNotifications(other.session, 10);
      assert.deepEqual(kept.notifications[0].content, content);

      // Over the socket too.
      await one.socket.rpc("clientrpc.send_notification", JSON.stringify(payload));
      assert.equal((await other.next("notifications")).notifications.length, 1);

      const wrong = one.client.rpc(one.session, "clientrpc.send_notification", { user_id: "x" });
      await assert.rejects(wrong, { status: 400 });
      const nobody = { ...payload, user_id: "00000000-0000-4000-8000-000000000000" };
      const unknown = one.client.rpc(one.session, "clientrpc.send_notification", nobody);
      await assert.rejects(unknown, { status: 404 });
      one.leave();
      other.leave();
    });

    test("server code sends data to a stream", async () => {
      const player = await Player.join(server, format);
      const heard = new Promise((resolve) => (player.socket.onstreamdata = resolve));
      await player.socket.rpc("clientrpc.send_stream_data", '{"number":1}');
      const data = await heard;
      assert.equal(data.stream.mode, 20);
      assert.equal(data.stream.label, "clientrpc");
      assert.equal(data.data, '{"number":1}');
      const event = await player.next("stream_presence_event");
      assert.equal(event.joins[0].user_id, player.session.user_id);

      const overHttp = player.client.rpc(player.session, "clientrpc.send_stream_data", { a: 1 });
      await assert.rejects(overHttp, { status: 400 });
      player.leave();
    });

    test("an event is taken", async () => {
      const player = await Player.join(server, format);
      const event = {
        name: "level_done",
        properties: { level: "7" },
        timestamp: new Date().toISOString(),
        external: true,
      };
      assert.equal(await player.client.emitEvent(player.session, event), true);
      await assert.rejects(player.client.emitEvent(player.session, { name: "" }), { status: 400 });
      player.leave();
    });
  });
}
