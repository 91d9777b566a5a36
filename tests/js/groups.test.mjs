// Groups through the published SDK.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FORMATS, Player, unique } from "./player.mjs";
import { startServer } from "./server.mjs";

const [SUPERADMIN, ADMIN, MEMBER, REQUEST] = [0, 1, 2, 3];
const GROUP_CHANNEL = 3;

let server;
before(async () => {
  server = await startServer("examples/clientrpc");
});
after(async () => {
  await server?.stop();
});

for (const format of Object.keys(FORMATS)) {
  describe(`over ${format}`, () => {
    test("a group is made, found, changed and deleted", async () => {
      const [owner] = await players(format, 1);
      const name = unique("Otters");
      const group = await owner.client.createGroup(owner.session, {
        name,
        description: "fish",
        lang_tag: "pt",
        avatar_url: "https://example.org/o.png",
        open: true,
        max_count: 10,
      });
      assert.equal(group.name, name);
      assert.equal(group.creator_id, owner.session.user_id);
      assert.equal(group.open, true);
      assert.equal(group.edge_count, 1);
      assert.equal(group.max_count, 10);
      const prefix = `${name.toUpperCase()}%`;
      const found = await owner.client.listGroups(owner.session, prefix, undefined, 10);
      assert.equal(found.groups.length, 1);
      assert.equal(found.groups[0].id, group.id);
      assert.deepEqual(found.groups[0].metadata, {});
      await refused(owner.client.createGroup(owner.session, { name }), 409, 6);

      await owner.client.updateGroup(owner.session, group.id, { name, open: false });
      const { groups } = await owner.client.listGroups(owner.session, name);
      assert.equal(groups[0].open, false);
      assert.equal(groups[0].description, "fish");
      await owner.client.deleteGroup(owner.session, group.id);
      assert.deepEqual((await owner.client.listGroups(owner.session, name)).groups, []);
      owner.leave();
    });

    test("a request to a closed group is told, accepted, and heard in its channel", async () => {
      const [owner, asker] = await players(format, 2);
      const group = await create(owner, { open: false });
      const channel = await owner.socket.joinChat(group.id, GROUP_CHANNEL, true, false);
      assert.equal(channel.group_id, group.id);
      await asker.client.joinGroup(asker.session, group.id);
      assert.equal(await stateOf(asker, group), REQUEST);
      const asked = (await owner.next("notifications")).notifications[0];
      assert.equal(Number(asked.code), -5);
      assert.equal(asked.sender_id, asker.session.user_id);

      await owner.client.addGroupUsers(owner.session, group.id, [asker.session.user_id]);
      assert.equal(await stateOf(asker, group), MEMBER);
      assert.equal(Number((await asker.next("notifications")).notifications[0].code), -4);
      const said = await owner.next("channel_message");
      assert.equal(Number(said.code), 4);
      assert.equal(said.sender_id, asker.session.user_id);
      assert.equal(said.username, asker.session.username);
      const mine = await asker.client.listUserGroups(asker.session, asker.session.user_id);
      assert.equal(mine.user_groups[0].group.id, group.id);
      assert.equal(mine.user_groups[0].group.edge_count, 2);
      assert.equal(mine.user_groups[0].state, MEMBER);
      owner.leave();
      asker.leave();
    });

    test("members rise, fall, leave, and are sent away", async () => {
      const [owner, other, third] = await players(format, 3);
      const group = await create(owner, { open: true, max_count: 2 });
      const { client, session } = owner;
      const ids = [other.session.user_id];
      await other.client.joinGroup(other.session, group.id);
      await refused(third.client.joinGroup(third.session, group.id), 400, 3);

      await client.promoteGroupUsers(session, group.id, ids);
      assert.equal(await stateOf(other, group), ADMIN);
      await client.promoteGroupUsers(session, group.id, ids);
      assert.equal(await stateOf(other, group), SUPERADMIN);
      await client.demoteGroupUsers(session, group.id, ids);
      await client.demoteGroupUsers(session, group.id, ids);
      assert.equal(await stateOf(other, group), MEMBER);

      await owner.socket.joinChat(group.id, GROUP_CHANNEL, true, false);
      await other.socket.joinChat(group.id, GROUP_CHANNEL, true, false);
      await client.kickGroupUsers(session, group.id, ids);
      assert.equal(await stateOf(other, group), undefined);
      const kicked = await owner.until("a leave", () =>
        owner
          .all("channel_presence_event")
          .find(({ channel_presence_event: event }) => event.leaves?.length > 0),
      );
      assert.equal(kicked.channel_presence_event.leaves[0].user_id, other.session.user_id);
      await other.client.joinGroup(other.session, group.id);
      await other.client.leaveGroup(other.session, group.id);
      assert.equal(await stateOf(other, group), undefined);

      await client.banGroupUsers(session, group.id, ids);
      await refused(other.client.joinGroup(other.session, group.id), 403, 7);
      await refused(client.leaveGroup(session, group.id), 400, 3);
      const back = other.client.kickGroupUsers(other.session, group.id, [session.user_id]);
      await refused(back, 404, 5);

      const codes = owner.all("channel_message").map((one) => Number(one.channel_message.code));
      assert.deepEqual(codes, [6, 3, 5]);
      for (const player of [owner, other, third]) player.leave();
    });
  });
}

test("listings go on at their cursors", async () => {
  const members = await players("json", 3);
  const [owner, ...others] = members;
  const prefix = unique("pages");
  for (const suffix of ["c", "a", "b"]) await create(owner, { name: `${prefix} ${suffix}` });
  const names = [];
  let cursor;
  do {
    const page = await owner.client.listGroups(owner.session, `${prefix}%`, cursor, 2);
    names.push(...page.groups.map((group) => group.name.at(-1)));
    cursor = page.cursor;
  } while (cursor);
  assert.deepEqual(names, ["a", "b", "c"]);

  const group = await create(owner, { open: true });
  for (const other of others) await other.client.joinGroup(other.session, group.id);
  const first = await owner.client.listGroupUsers(owner.session, group.id, undefined, 2);
  assert.deepEqual(
    first.group_users.map((one) => one.state),
    [SUPERADMIN, MEMBER],
  );
  const { cursor: next } = first;
  const rest = await owner.client.listGroupUsers(owner.session, group.id, undefined, 2, next);
  assert.deepEqual(
    rest.group_users.map((one) => one.user.id),
    [others[1].session.user_id],
  );
  const ofRole = await owner.client.listGroupUsers(owner.session, group.id, MEMBER, 10);
  assert.equal(ofRole.group_users.length, 2);
  for (const player of members) player.leave();
});

async function players(format, count) {
  const all = [];
  while (all.length < count) all.push(await Player.join(server, format));
  return all;
}

function create(player, wish) {
  return player.client.createGroup(player.session, { name: unique("group"), ...wish });
}

/** What a player is in a group, by the group's list. */
async function stateOf(player, group) {
  const list = await player.client.listGroupUsers(player.session, group.id);
  return list.group_users.find((one) => one.user.id === player.session.user_id)?.state;
}

/** The SDK rejects with the whole response. */
async function refused(promise, status, code) {
  const response = await promise.then(
    () => assert.fail("was not refused"),
    (error) => error,
  );
  assert.equal(response.status, status);
  assert.equal((await response.json()).code, code);
}
