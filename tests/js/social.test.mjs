// Friends, status and notifications through the published SDK.

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
    test("an invitation is heard, accepted, and listed", async () => {
      const [one, other] = [await Player.join(server, format), await Player.join(server, format)];
      await one.client.addFriends(one.session, [other.session.user_id]);
      const { notifications } = await other.next("notifications");
      assert.equal(Number(notifications[0].code), -2);
      assert.equal(notifications[0].sender_id, one.session.user_id);

      await other.client.addFriends(other.session, undefined, [one.session.username]);
      const friends = await one.client.listFriends(one.session, 0, 10);
      assert.equal(friends.friends.length, 1);
      assert.equal(friends.friends[0].state, 0);
      assert.equal(friends.friends[0].user.id, other.session.user_id);

      const kept = await one.client.listNotifications(one.session, 10);
      assert.equal(kept.notifications[0].code, -3);
      assert.deepEqual(kept.notifications[0].content, { username: other.session.username });
      await one.client.deleteNotifications(one.session, [kept.notifications[0].id]);
      const left = await one.client.listNotifications(one.session, 10, kept.cacheable_cursor);
      assert.deepEqual(left.notifications, []);

      await one.client.blockFriends(one.session, [other.session.user_id]);
      const blocked = await one.client.listFriends(one.session, 3, 10);
      assert.equal(blocked.friends[0].state, 3);
      await one.client.deleteFriends(one.session, [other.session.user_id]);
      const none = await one.client.listFriends(one.session);
      assert.deepEqual(none.friends, []);
      one.leave();
      other.leave();
    });

    test("a follower sees a status come, change and go", async () => {
      const [star, fan] = [await Player.join(server, format), await Player.join(server, format)];
      await star.socket.updateStatus("here");
      const status = await fan.socket.followUsers([star.session.user_id]);
      assert.equal(status.presences.length, 1);
      assert.equal(status.presences[0].status, "here");
      await star.socket.updateStatus("busy");
      const changed = await fan.next("status_presence_event");
      assert.equal(changed.joins[0].status, "busy");
      assert.equal(changed.leaves[0].status, "here");
      await star.socket.updateStatus(undefined);
      const gone = await fan.next("status_presence_event");
      assert.equal((gone.joins ?? []).length, 0);
      assert.equal(gone.leaves[0].status, "busy");
      await fan.socket.unfollowUsers([star.session.user_id]);
      star.leave();
      fan.leave();
    });
  });
}
