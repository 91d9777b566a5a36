// Chat through the published SDK.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FORMATS, Player, unique } from "./player.mjs";
import { startServer } from "./server.mjs";

const [ROOM, DIRECT, GROUP] = [1, 2, 3];

let server;
before(async () => {
  server = await startServer("examples/clientrpc");
});
after(async () => {
  await server?.stop();
});

for (const format of Object.keys(FORMATS)) {
  describe(`over ${format}`, () => {
    test("a room is joined, heard, and read later", async () => {
      const [one, other] = await players(format);
      const name = unique("room");
      const channel = await one.socket.joinChat(name, ROOM, true, false);
      assert.equal(channel.id, `2...${name}`);
      assert.equal(channel.room_name, name);
      assert.equal(channel.self.user_id, one.session.user_id);
      assert.deepEqual(channel.presences ?? [], []);
      // The answer first, then the own presence.
      await one.next("channel_presence_event");
      assert.deepEqual(one.kinds(), ["channel", "channel_presence_event"]);
      const joined = await other.socket.joinChat(name, ROOM, true, false);
      assert.deepEqual(joined.presences.map(userId), [one.session.user_id]);
      const arrival = await one.next("channel_presence_event");
      assert.deepEqual(arrival.joins.map(userId), [other.session.user_id]);

      const heard = new Promise((resolve) => (other.socket.onchannelmessage = resolve));
      const ack = await one.socket.writeChatMessage(channel.id, { hello: "wörld" });
      assert.equal(ack.channel_id, channel.id);
      assert.equal(Number(ack.code), 0);
      assert.equal(ack.username, one.session.username);
      const message = await heard;
      assert.equal(message.message_id, ack.message_id);
      assert.equal(message.sender_id, one.session.user_id);
      assert.equal(Number(message.code), 0);
      assert.equal(message.persistent, true);
      assert.deepEqual(message.content, { hello: "wörld" });
      // The author hears the message before it is acknowledged.
      const order = one.kinds().filter((kind) => kind.startsWith("channel_message"));
      assert.deepEqual(order, ["channel_message", "channel_message_ack"]);

      await one.socket.leaveChat(channel.id);
      const left = await other.until("a leave", () =>
        other
          .all("channel_presence_event")
          .find(({ channel_presence_event: event }) => event.leaves?.length > 0),
      );
      assert.equal(left.channel_presence_event.leaves[0].user_id, one.session.user_id);
      const { messages } = await one.client.listChannelMessages(one.session, channel.id, 10);
      assert.deepEqual(messages.map(content), [{ hello: "wörld" }]);
      assert.equal(messages[0].code, 0);
      leave(one, other);
    });

    test("history both ways, after updates and removals", async () => {
      const [one, other] = await players(format);
      const { id } = await one.socket.joinChat(unique("room"), ROOM, true, false);
      const ids = [];
      for (let n = 0; n < 5; n += 1) {
        ids.push((await one.socket.writeChatMessage(id, { n })).message_id);
      }
      const list = (limit, forward, cursor) =>
        other.client.listChannelMessages(other.session, id, limit, forward, cursor);
      const last = await list(2, false);
      assert.deepEqual(last.messages.map(content), [{ n: 4 }, { n: 3 }]);
      const before = await list(2, false, last.next_cursor);
      assert.deepEqual(before.messages.map(content), [{ n: 2 }, { n: 1 }]);
      const again = await list(2, false, before.prev_cursor);
      assert.deepEqual(again.messages.map(content), last.messages.map(content));
      const first = await list(3, true);
      assert.deepEqual(first.messages.map(content), [{ n: 0 }, { n: 1 }, { n: 2 }]);
      const rest = await list(3, true, first.next_cursor);
      assert.deepEqual(rest.messages.map(content), [{ n: 3 }, { n: 4 }]);
      assert.ok(!rest.next_cursor);

      const updated = await one.socket.updateChatMessage(id, ids[1], { n: "one" });
      assert.equal(Number(updated.code), 1);
      const removed = await one.socket.removeChatMessage(id, ids[2]);
      assert.equal(Number(removed.code), 2);
      assert.deepEqual((await list(10, true)).messages.map(content), [
        { n: 0 },
        { n: "one" },
        { n: 3 },
        { n: 4 },
      ]);
      await one.socket.writeChatMessage(id, { n: 5 });
      const since = await list(10, true, last.cacheable_cursor);
      assert.deepEqual(since.messages.map(content), [{ n: 5 }]);
      await refused(list(0, true), 400, 3);
      await refused(list(101, true), 400, 3);
      await refused(list(1, true, "wrong"), 400, 3);
      await assert.rejects(other.socket.removeChatMessage(id, ids[0]), { code: 3 });
      await assert.rejects(one.socket.writeChatMessage(id, 7), { code: 3 });
      leave(one, other);
    });

    test("a direct chat calls the other", async () => {
      const [one, other] = await players(format);
      const channel = await one.socket.joinChat(other.session.user_id, DIRECT, true, false);
      const ids = [one.session.user_id, other.session.user_id].sort();
      assert.equal(channel.id, `4.${ids[0]}.${ids[1]}.`);
      assert.deepEqual([channel.user_id_one, channel.user_id_two], ids);
      const { notifications } = await other.next("notifications");
      assert.equal(Number(notifications[0].code), -1);
      assert.equal(notifications[0].sender_id, one.session.user_id);
      const same = await other.socket.joinChat(one.session.user_id, DIRECT, true, false);
      assert.equal(same.id, channel.id);
      await other.socket.writeChatMessage(channel.id, { hi: true });
      const message = await one.next("channel_message");
      assert.equal(message.sender_id, other.session.user_id);

      const stranger = await Player.join(server, format);
      const read = stranger.client.listChannelMessages(stranger.session, channel.id, 1);
      await refused(read, 400, 3);
      await stranger.client.blockFriends(stranger.session, [one.session.user_id]);
      await assert.rejects(
        one.socket.joinChat(stranger.session.user_id, DIRECT, true, false),
        { code: 3 },
      );
      await assert.rejects(one.socket.joinChat(one.session.user_id, DIRECT, true, false), {
        code: 3,
      });
      leave(one, other, stranger);
    });

    test("a group's channel is its members'", async () => {
      const [one, other] = await players(format);
      const group = await one.client.createGroup(one.session, { name: unique("group"), open: true });
      const join = (player) => player.socket.joinChat(group.id, GROUP, true, false);
      await assert.rejects(join(other), { code: 3 });
      const channel = await join(one);
      assert.equal(channel.id, `3.${group.id}..`);
      assert.equal(channel.group_id, group.id);
      await other.client.joinGroup(other.session, group.id);
      const told = await one.next("channel_message");
      assert.equal(Number(told.code), 3);
      assert.equal(told.sender_id, other.session.user_id);
      assert.equal(told.username, other.session.username);
      await join(other);
      await other.socket.writeChatMessage(channel.id, { here: 1 });
      assert.equal((await one.next("channel_message")).content, '{"here":1}');

      await one.client.kickGroupUsers(one.session, group.id, [other.session.user_id]);
      const kicked = await one.next("channel_message");
      assert.equal(Number(kicked.code), 6);
      await assert.rejects(other.socket.writeChatMessage(channel.id, { still: 1 }), { code: 3 });
      await refused(other.client.listChannelMessages(other.session, channel.id, 1), 400, 3);
      const { messages } = await one.client.listChannelMessages(one.session, channel.id, 10);
      assert.deepEqual(
        messages.map((message) => message.code),
        [3, 0, 6],
      );
      leave(one, other);
    });
  });
}

async function players(format) {
  return [await Player.join(server, format), await Player.join(server, format)];
}

function leave(...all) {
  for (const player of all) player.leave();
}

function userId(presence) {
  return presence.user_id;
}

function content(message) {
  return message.content;
}

async function refused(answer, status, code) {
  const response = await answer.then(
    () => assert.fail("it was not refused"),
    (error) => error,
  );
  assert.equal(response.status, status);
  assert.equal((await response.json()).code, code);
}
