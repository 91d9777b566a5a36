// The OpenAPI document: by a published validator, and by calls that are made from it alone.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { unique } from "./player.mjs";
import { startServer } from "./server.mjs";

let server;
/** @type {Api} */
let api;

before(async () => {
  server = await startServer("examples/clientrpc");
  const answer = await fetch(`http://${server.http}/openapi.json`);
  api = new Api(await answer.json());
});
after(async () => {
  await server?.stop();
});

/** A client that knows nothing but the document. */
class Api {
  constructor(document) {
    this.document = document;
    this.ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats(this.ajv);
    this.ajv.addSchema({ $id: "api", ...closed(document) });
    /** Each operation by its id, with its path, its verb, and where it lies in the document. */
    this.operations = new Map();
    for (const [path, verbs] of Object.entries(document.paths)) {
      for (const [verb, operation] of Object.entries(verbs)) {
        const place = `api#/paths/${path.replaceAll("/", "~1")}/${verb}`;
        assert(!this.operations.has(operation.operationId), `twice: ${operation.operationId}`);
        this.operations.set(operation.operationId, { ...operation, path, verb, place });
      }
    }
    this.session = undefined;
  }

  /** Fails when `value` does not suit the schema at this place of the document. */
  check(place, value, what) {
    const validate = this.ajv.compile({ $ref: place });
    const text = () => `${what}: ${this.ajv.errorsText(validate.errors)}\n${JSON.stringify(value)}`;
    assert(validate(value), validate.errors && text());
  }

  /** Calls an operation, and returns its answer, which is as the document says. */
  async call(id, parameters = {}, body = undefined) {
    const [status, answer] = await this.send(id, parameters, body);
    assert.equal(status, 200, `${id}: ${JSON.stringify(answer)}`);
    const { place } = this.operations.get(id);
    this.check(`${place}/responses/200/content/application~1json/schema`, answer, id);
    return answer;
  }

  /** Calls an operation that is refused, and returns the error, which is as the document says. */
  async refused(id, parameters = {}, body = undefined) {
    const [status, answer] = await this.send(id, parameters, body);
    assert.notEqual(status, 200, id);
    const { $ref: response } = this.operations.get(id).responses.default;
    this.check(`api${response}/content/application~1json/schema`, answer, id);
    return { status, ...answer };
  }

  async send(id, parameters, body) {
    const operation = this.operations.get(id);
    assert(operation, `no operation ${id}`);
    let path = operation.path;
    const query = new URLSearchParams();
    const known = operation.parameters ?? [];
    for (const [name, value] of Object.entries(parameters)) {
      const parameter = known.find((one) => one.name === name);
      assert(parameter, `${id} has no parameter ${name}`);
      const at = `${operation.place}/parameters/${known.indexOf(parameter)}/schema`;
      this.check(at, value, `${id} ${name}`);
      if (parameter.in === "path") {
        path = path.replace(`{${name}}`, encodeURIComponent(value));
      } else {
        for (const one of [value].flat()) query.append(name, one);
      }
    }
    const init = { method: operation.verb.toUpperCase(), headers: {} };
    const scheme = Object.keys(operation.security[0] ?? {})[0];
    if (scheme === "server_key") init.headers.authorization = `Basic ${btoa("defaultkey:")}`;
    if (scheme === "session") init.headers.authorization = `Bearer ${this.session}`;
    if (body !== undefined) {
      this.check(`${operation.place}/requestBody/content/application~1json/schema`, body, id);
      init.headers["content-type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    const answer = await fetch(`http://${server.http}${path}?${query}`, init);
    return [answer.status, await answer.json()];
  }

  /** Goes on as a new player. */
  async join() {
    const query = { username: unique("player").slice(0, 30) };
    const session = await this.call("AuthenticateDevice", query, { id: unique("device") });
    this.session = session.token;
    return this.call("GetAccount");
  }
}

/** The same, but no object may have a member that is not described. */
function closed(value) {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, closed(inner)]);
  const copy = Object.fromEntries(entries);
  if (copy.type === "object") copy.additionalProperties ??= false;
  return copy;
}

describe("the document", () => {
  test("is valid OpenAPI", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(api.document));
    assert(valid, JSON.stringify(errors, undefined, 2));
    assert.equal(validator.version, "3.1");
    const broken = structuredClone(api.document);
    delete broken.paths["/v2/account"].get.responses["200"].description;
    assert(!(await new Validator().validate(broken)).valid, "the validator sees nothing");
  });

  test("holds together", () => {
    for (const [id, operation] of api.operations) {
      const named = [...operation.path.matchAll(/\{(.*?)\}/g)].map((match) => match[1]);
      const known = operation.parameters ?? [];
      const inPath = known.filter((one) => one.in === "path").map((one) => one.name);
      assert.deepEqual(inPath.sort(), named.sort(), id);
      assert.equal(new Set(known.map((one) => one.name)).size, known.length, id);
      for (const scheme of operation.security.flatMap(Object.keys)) {
        assert(api.document.components.securitySchemes[scheme], `${id}: ${scheme}`);
      }
      // A schema that refers to nothing does not compile.
      const contents = { "responses/200": operation.responses["200"].content };
      if (operation.requestBody) contents.requestBody = operation.requestBody.content;
      for (const [part, content] of Object.entries(contents)) {
        for (const [type, { schema }] of Object.entries(content)) {
          const place = `${operation.place}/${part}/content/${type.replace("/", "~1")}/schema`;
          if (schema) api.ajv.compile({ $ref: place });
        }
      }
    }
    assert(api.operations.size > 40, `only ${api.operations.size} operations`);
  });

  test("may be read from any page, and is not sent twice", async () => {
    const url = `http://${server.http}/openapi.json`;
    const first = await fetch(url);
    assert.equal(first.headers.get("content-type"), "application/json");
    assert.equal(first.headers.get("access-control-allow-origin"), "*");
    const again = await fetch(url, { headers: { "if-none-match": first.headers.get("etag") } });
    assert.equal(again.status, 304);
    assert.equal(await again.text(), "");
  });
});

describe("calls are as the document says", () => {
  test("account and users", async () => {
    const { user } = await api.join();
    await api.call("UpdateAccount", {}, { display_name: "One", location: null });
    const { users } = await api.call("GetUsers", { ids: [user.id, user.id.replace(/^./, "0")] });
    assert.deepEqual(users.map((one) => one.display_name), ["One"]);
    assert.equal(typeof (await api.call("GetTime")).unix_ms, "number");
    await api.call("ListArcade");
    await api.call("Healthcheck");
  });

  test("friends and notifications", async () => {
    const one = await api.join();
    const code = await api.call("GetFriendCode");
    const other = await api.join();
    await api.call("AddFriendByCode", code);
    await api.call("DeleteFriends", { ids: [one.user.id] });
    await api.call("AddFriends", { ids: [one.user.id], usernames: [], metadata: '{"a":1}' });
    const { friends } = await api.call("ListFriends", { limit: 10, state: 1 });
    assert.equal(friends[0].user.id, one.user.id);
    await api.call("ListNotifications", { limit: 10 });
    assert.notEqual(one.user.id, other.user.id);
  });

  test("groups", async () => {
    const { user } = await api.join();
    const group = await api.call("CreateGroup", {}, { name: unique("group"), open: true });
    await api.call("UpdateGroup", { group_id: group.id }, { description: "ours", open: null });
    const { group_users: members } = await api.call("ListGroupUsers", { group_id: group.id });
    assert.equal(members[0].user.id, user.id);
    const { user_groups: groups } = await api.call("ListUserGroups", { user_id: user.id });
    assert.equal(groups[0].group.description, "ours");
    const { code } = await api.call("GetGroupCode", { group_id: group.id });
    await api.join();
    assert.equal((await api.call("JoinGroupByCode", { code })).group_id, group.id);
    const guest = await api.refused("GetGroupCode", { group_id: group.id });
    assert.deepEqual([guest.status, guest.code], [403, 7]);
    await api.call("ListGroups", { name: "group%", limit: 5 });
    await api.call("LeaveGroup", { group_id: group.id });
  });

  test("storage", async () => {
    const { user } = await api.join();
    const id = { collection: "saves", key: "one" };
    const written = await api.call("WriteStorageObjects", {}, {
      objects: [{ ...id, value: '{"level":1}', permission_read: 2 }],
    });
    const wanted = { object_ids: [{ ...id, user_id: user.id }] };
    const { objects } = await api.call("ReadStorageObjects", {}, wanted);
    assert.equal(objects[0].version, written.acks[0].version);
    await api.call("ListStorageObjects", { collection: "saves", limit: 3 });
    await api.call("ListStorageObjects2", { collection: "saves", user_id: user.id });
    await api.call("DeleteStorageObjects", {}, { object_ids: [id] });
  });

  test("functions of server code", async () => {
    await api.join();
    const posted = await api.call("RpcFunc", { id: "clientrpc.rpc" }, '{"a":1}');
    const got = await api.call("RpcFunc2", { id: "clientrpc.rpc", payload: '{"a":1}' });
    assert.deepEqual(posted, got);
    const error = await api.refused("RpcFunc", { id: "nobody" }, "");
    assert.deepEqual([error.status, error.code, error.error], [404, 5, error.message]);
  });

  test("refusals", async () => {
    await api.join();
    const limit = await api.refused("ListFriends", { limit: 0 });
    assert.deepEqual([limit.status, limit.code], [400, 3]);
    const group = { group_id: "00000000-0000-4000-8000-000000000000" };
    const missing = await api.refused("JoinGroup", group);
    assert.deepEqual([missing.status, missing.code], [404, 5]);
    const conflict = { username: unique("player").slice(0, 30) };
    await api.call("AuthenticateCustom", conflict, { id: unique("custom") });
    const taken = await api.refused("AuthenticateCustom", conflict, { id: unique("custom") });
    assert.deepEqual([taken.status, taken.code], [409, 6]);
    api.session = "none";
    const stranger = await api.refused("GetAccount");
    assert.deepEqual([stranger.status, stranger.code], [401, 16]);
  });

  test("what is not described is not answered", async () => {
    assert(!api.operations.has("ValidatePurchaseApple"));
    const url = `http://${server.http}/v2/iap/purchase/apple`;
    await api.join();
    const headers = { authorization: `Bearer ${api.session}` };
    const answer = await fetch(url, { method: "POST", headers, body: "{}" });
    assert.equal(answer.status, 501);
    api.check("api#/components/schemas/Error", await answer.json(), "not built");
  });
});
