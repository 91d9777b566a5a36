/** Bytes given to `String.fromCharCode` at once; the argument list must stay small. */
const CHUNK_BYTES = 8192;

const native = /** @type {{ fromBase64?: (text: string) => Uint8Array }} */ (/** @type {unknown} */ (Uint8Array));

/**
 * Decodes padded base64.
 * @param {string} text
 * @returns {Uint8Array}
 * @throws When `text` is not base64.
 */
export function decodeBase64(text) {
  if (native.fromBase64) return native.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * Encodes bytes as padded base64.
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function encodeBase64(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES));
  }
  return btoa(binary);
}

/**
 * Decodes URL-safe base64 without padding into text, as the parts of a token are written.
 * @param {string} text
 * @returns {string}
 */
export function decodeBase64UrlText(text) {
  const padded = text.replace(/-/g, "+").replace(/_/g, "/") + "===".slice((text.length + 3) % 4);
  return new TextDecoder("utf-8", { fatal: true }).decode(decodeBase64(padded));
}

/**
 * Encodes text as UTF-8 and then as padded base64, as HTTP basic authentication wants it.
 * @param {string} text
 * @returns {string}
 */
export function encodeBase64Text(text) {
  return encodeBase64(new TextEncoder().encode(text));
}
