// What the committed module was built from: `cargo xtask wasm` writes dist/physics.json with it, and a test compares.

import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";

const ROOT = new URL("../../", import.meta.url);
const DIST = new URL("dist/", import.meta.url);
const CRATES = ["crates/physics", "crates/physics-wasm"];

/** SHA-256 over the names and contents of all sources, in the order of their names. */
export async function sourcesHash() {
  const hash = createHash("sha256");
  for (const crate of CRATES) {
    const sources = await readdir(new URL(`${crate}/src`, ROOT));
    for (const file of ["Cargo.toml", ...sources.sort().map((name) => `src/${name}`)]) {
      hash.update(`${crate}/${file}\0`);
      hash.update(await readFile(new URL(`${crate}/${file}`, ROOT)));
      hash.update("\0");
    }
  }
  return hash.digest("hex");
}

if (process.argv[2] === "write") {
  const bytes = await readFile(new URL("physics.wasm", DIST));
  const note = {
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    sources_sha256: await sourcesHash(),
    rustc: process.argv[3],
  };
  await writeFile(new URL("physics.json", DIST), `${JSON.stringify(note, null, 2)}\n`);
  console.log(`crates/physics-wasm/dist/physics.wasm: ${note.bytes} bytes, sha256 ${note.sha256}`);
}
