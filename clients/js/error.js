/**
 * Codes of failures that no server answered. They are negative so that they never meet a server's code.
 */
export const LOCAL = Object.freeze({
  /** No answer came within the time allowed. */
  TIMEOUT: -1,
  /** The connection was lost or closed before the answer came. */
  DISCONNECTED: -2,
  /** The server could not be reached, or what answered was not the API. */
  UNREACHABLE: -3,
  /** Too many requests are waiting for their answers. */
  BUSY: -4,
});

/** A request that failed, at the server or on the way to it. */
export class TagusError extends Error {
  /**
   * @param {number} code The server's code, or one of {@link LOCAL}.
   * @param {string} message What a developer may read.
   * @param {number} [status] The HTTP status; 0 when the failure did not come by HTTP.
   */
  constructor(code, message, status = 0) {
    super(message);
    this.name = "TagusError";
    /** @type {number} */
    this.code = code;
    /** @type {number} */
    this.status = status;
  }
}

/**
 * Makes a {@link TagusError} of whatever was thrown.
 * @param {unknown} thrown
 * @returns {TagusError}
 */
export function asTagusError(thrown) {
  if (thrown instanceof TagusError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new TagusError(LOCAL.UNREACHABLE, message);
}
