// Starts a server of this build on free ports in a folder of its own, and stops it again.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const START_MS_MAX = 20_000;
const STOP_MS_MAX = 15_000;
const OUTPUT_CHARS_MAX = 20_000;

/** Where the binaries lie: `SERVER_BINARIES`, or the workspace's debug folder. */
const BINARIES =
  process.env.SERVER_BINARIES ?? fileURLToPath(new URL("../../target/debug", import.meta.url));

/**
 * @typedef {object} Server
 * @property {string} host address of the client API, without the port
 * @property {string} port its port
 * @property {string} http address and port of the client API
 * @property {string} admin address and port of the admin API
 * @property {() => string} output the end of what the server wrote so far
 * @property {() => Promise<void>} stop asks it to stop, and fails when it does not in time
 */

/**
 * Starts `binary` (a path below the folder of binaries) and waits until it listens.
 * @param {string} binary
 * @param {Record<string, string>} settings variables of its environment
 * @returns {Promise<Server>}
 */
export async function startServer(binary, settings = {}) {
  const file = binaryPath(binary);
  await access(file).catch(() => {
    throw new Error(`${file} is missing: cargo build --workspace --bins --examples`);
  });
  const folder = await mkdtemp(path.join(tmpdir(), "tagus-test-"));
  const readyFile = path.join(folder, "ready.json");
  const ports = ["--http-port", "0", "--admin-port", "0", "--tcp-port", "0"];
  const data = ["--data", path.join(folder, "data"), "--ready-file", readyFile];
  const child = spawn(file, ["serve", ...data, ...ports], {
    stdio: ["ignore", "pipe", "pipe"],
    // Settings of the person who runs the tests are not settings of the server under test.
    env: {
      ...Object.fromEntries(
        Object.entries(process.env).filter(([name]) => !name.startsWith("TAGUS_")),
      ),
      ...settings,
    },
  });

  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => (output = (output + text).slice(-OUTPUT_CHARS_MAX)));
  }
  const ended = once(child, "exit").then(([code, signal]) => signal ?? code);
  let end;
  ended.then((value) => (end = value));

  const stop = async () => {
    if (end === undefined) child.kill("SIGTERM");
    const late = sleep(STOP_MS_MAX, "late", { ref: false });
    const result = await Promise.race([ended, late]);
    if (result === "late") child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
    if (result !== 0 && result !== "SIGTERM") {
      throw new Error(`the server's end: ${result}\n${output}`);
    }
  };

  const deadline = Date.now() + START_MS_MAX;
  for (;;) {
    const ready = await readReady(readyFile);
    if (ready) {
      const [host, port] = split(ready.http);
      return { host, port, http: ready.http, admin: ready.admin, output: () => output, stop };
    }
    if (end !== undefined || Date.now() > deadline) {
      child.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
      const why = end === undefined ? `not ready after ${START_MS_MAX} ms` : `ended with ${end}`;
      throw new Error(`${binary}: ${why}\n${output}`);
    }
    await sleep(10);
  }
}

/** Where a binary lies. @param {string} name */
export function binaryPath(name) {
  return path.join(BINARIES, name + (process.platform === "win32" ? ".exe" : ""));
}

/** The addresses, or nothing while the file is absent or half written. */
async function readReady(file) {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return undefined;
  }
}

function split(address) {
  const at = address.lastIndexOf(":");
  return [address.slice(0, at), address.slice(at + 1)];
}
