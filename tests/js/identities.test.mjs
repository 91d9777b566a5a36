// Linking and unlinking, bans and the single socket through the published SDK.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { FORMATS, Player, clientOf, unique } from "./player.mjs";
import { startServer } from "./server.mjs";

const ADMIN_KEY = "defaultadminkey";

let server;
before(async () => {
  server = await startServer("examples/clientrpc", { TAGUS_SESSION__SINGLE_SOCKET: "true" });
});
after(async () => {
  await server?.stop();
});

/** Fails unless the call is refused with this status and code. */
async function refused(call, status, code) {
  const response = await call.then(
    () => assert.fail("the call was not refused"),
    (error) => error,
  );
  assert.equal(response.status, status);
  assert.equal((await response.json()).code, code);
}

async function operate(verb, path) {
  const response = await fetch(`http://${server.admin}/v2/admin/${path}`, {
    method: verb,
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
  });
  assert.equal(response.status, 200);
  return response.json();
}

describe("identities", () => {
  test("are linked, log in, and are unlinked but for the last", async () => {
    const client = clientOf(server);
    const [device, second, custom] = [unique("device"), unique("device"), unique("custom")];
    const email = `${randomUUID()}@example.org`;
    const session = await client.authenticateDevice(device);
    const user = session.user_id;

    await client.linkDevice(session, { id: second });
    await client.linkCustom(session, { id: custom });
    await client.linkEmail(session, { email, password: "a long password" });
    const linked = await client.getAccount(session);
    assert.deepEqual(linked.devices.map(({ id }) => id).sort(), [device, second].sort());
    assert.equal(linked.custom_id, custom);
    assert.equal(linked.email, email);
    for (const login of [
      client.authenticateDevice(second, false),
      client.authenticateCustom(custom, false),
      client.authenticateEmail(email, "a long password", false),
    ]) {
      assert.equal((await login).user_id, user);
    }

    const other = await client.authenticateDevice(unique("device"));
    await refused(client.linkDevice(other, { id: second }), 409, 6);
    await refused(client.linkCustom(other, { id: custom }), 409, 6);
    await refused(client.linkEmail(other, { email, password: "another password" }), 409, 6);

    await client.unlinkDevice(session, { id: device });
    await client.unlinkDevice(session, { id: second });
    await client.unlinkEmail(session, { email, password: "a long password" });
    await refused(client.unlinkCustom(session, { id: custom }), 403, 7);
    await client.linkDevice(other, { id: second });
    const left = await client.getAccount(session);
    assert.equal(left.custom_id, custom);
    assert.deepEqual(left.devices ?? [], []);
    await refused(client.authenticateEmail(email, "a long password", false), 404, 5);
  });
});

for (const format of Object.keys(FORMATS)) {
  describe(`over ${format}`, () => {
    test("a newer socket replaces the older one, which is told", async () => {
      const older = await Player.join(server, format);
      const newer = await Player.connect(older.client, older.session, format);
      const { notifications: told } = await older.until("notification", () =>
        older.all("notifications")[0],
      );
      assert.equal(Number(told.notifications[0].code), -7);
      await older.closed;
      const found = await newer.client.getAccount(newer.session);
      assert.equal(found.user.id, newer.session.user_id);
      await newer.socket.updateStatus("still here");
      newer.leave();
    });

    test("a ban is told, closes the socket, and refuses the login until it ends", async () => {
      const client = clientOf(server);
      const device = unique("device");
      const session = await client.authenticateDevice(device);
      const player = await Player.connect(client, session, format);
      await operate("POST", `users/${session.user_id}/ban`);
      const { notifications: told } = await player.until("notification", () =>
        player.all("notifications")[0],
      );
      assert.equal(Number(told.notifications[0].code), -8);
      await player.closed;
      await refused(client.authenticateDevice(device, false), 403, 7);
      await operate("POST", `users/${session.user_id}/unban`);
      const again = await client.authenticateDevice(device, false);
      assert.equal(again.user_id, session.user_id);
    });
  });
}
