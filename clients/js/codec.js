import { decodeBase64, encodeBase64 } from "./base64.js";
import { decodeMessage, encodeMessage, fieldsOf } from "./protobuf.js";

/**
 * One socket message. In memory, data is `Uint8Array` and op codes are numbers, whatever the wire's format.
 * @typedef {{ cid?: string, [message: string]: any }} Envelope
 */

/**
 * How envelopes become frames. The socket knows no format but through this.
 * @typedef {object} Codec
 * @property {string} format The `format` parameter of the socket's address.
 * @property {(envelope: Envelope) => string | ArrayBufferView} encode
 * @property {(frame: string | ArrayBuffer) => Envelope} decode Throws when the frame is no envelope.
 */

/** Messages that carry data. @type {readonly string[]} */
const CARRIERS = fieldsOf("Envelope")
  .filter(({ name, word }) => name !== "cid" && fieldsOf(word).some((field) => field.word === "bytes"))
  .map(({ name }) => name);

/** @type {Codec} */
export const protobufCodec = Object.freeze({
  format: "protobuf",

  encode: (/** @type {Envelope} */ envelope) => encodeMessage("Envelope", envelope),

  decode(/** @type {string | ArrayBuffer} */ frame) {
    if (typeof frame === "string") throw new TypeError("a protobuf socket carries binary frames only");
    return decodeMessage("Envelope", new Uint8Array(frame));
  },
});

/** @type {Codec} */
export const jsonCodec = Object.freeze({
  format: "json",

  encode(/** @type {Envelope} */ envelope) {
    const name = CARRIERS.find((one) => one in envelope);
    if (!name) return JSON.stringify(envelope);
    const sent = envelope[name];
    const data = encodeBase64(sent.data);
    return JSON.stringify({ ...envelope, [name]: { ...sent, op_code: String(sent.op_code), data } });
  },

  decode(/** @type {string | ArrayBuffer} */ frame) {
    if (typeof frame !== "string") throw new TypeError("a JSON socket carries text frames only");
    const envelope = JSON.parse(frame);
    if (envelope === null || typeof envelope !== "object") throw new TypeError("an envelope is an object");
    const name = CARRIERS.find((one) => one in envelope);
    if (name) {
      const data = envelope[name];
      data.op_code = Number(data.op_code ?? 0);
      data.data = data.data ? decodeBase64(data.data) : new Uint8Array(0);
    }
    return envelope;
  },
});

/** By the name of the format. */
export const CODECS = Object.freeze({ protobuf: protobufCodec, json: jsonCodec });
