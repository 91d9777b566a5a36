// Messages as hexadecimal digits, and those that a game's own tests keep.

import { readFile } from "node:fs/promises";

export const hex = (bytes) => Buffer.from(bytes).toString("hex");
export const bytes = (text) => Uint8Array.from(Buffer.from(text.replace(/\s/g, ""), "hex"));

/** What is kept at an address, by its name. @param {URL} address */
export async function readGolden(address) {
  const golden = JSON.parse(await readFile(address, "utf8"));
  return Object.fromEntries(golden.map(({ what, op, bytes: text }) => [what, { op, bytes: bytes(text) }]));
}
