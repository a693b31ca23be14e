import { encode } from '@msgpack/msgpack';
import type { FrameMessage, ServerMessage } from './protocol.js';

export type Encoding = 'messagepack' | 'json';

const JPEG_KEY = Buffer.from('\xa4jpeg', 'latin1');
const BIN32 = 0xc6;
const FIXMAP = 0x80;
const FIXMAP_MAX = 15;

/**
 * MessagePack of a frame with one copy of its JPEG: the other fields are encoded as a map of their own, whose count is then
 * raised by one for the `jpeg` appended behind them. A general encoder copies the picture twice, into its buffer and out of it.
 */
function encodeFrame(message: FrameMessage): Uint8Array {
  const { type, sourceId, frameId, ptsUs, detection, jpeg } = message;
  const head = encode({ type, sourceId, frameId, ptsUs, detection });
  const fields = (head[0] ?? 0) & FIXMAP_MAX;
  const whole = Buffer.allocUnsafe(head.length + JPEG_KEY.length + 5 + jpeg.length);
  whole.set(head, 0);
  whole[0] = FIXMAP | (fields + 1);
  let offset = head.length;
  offset += JPEG_KEY.copy(whole, offset);
  offset = whole.writeUInt8(BIN32, offset);
  offset = whole.writeUInt32BE(jpeg.length, offset);
  whole.set(jpeg, offset);
  return whole;
}

/** The bytes or text of one message. A frame loses its `jpeg` in JSON, and in both what is not part of the protocol. */
export function encodeMessage(message: ServerMessage, encoding: Encoding): Uint8Array | string {
  if (message.type === 'frame') {
    if (encoding === 'messagepack') return encodeFrame(message);
    const { type, sourceId, frameId, ptsUs, detection } = message;
    return JSON.stringify({ type, sourceId, frameId, ptsUs, detection });
  }
  return encoding === 'messagepack' ? encode(message, { ignoreUndefined: true }) : JSON.stringify(message);
}

/** A message that is encoded when the first client needs it, and then once per encoding. */
export function encodeOnce(message: ServerMessage): (encoding: Encoding) => Uint8Array | string {
  const done: Partial<Record<Encoding, Uint8Array | string>> = {};
  return (encoding) => (done[encoding] ??= encodeMessage(message, encoding));
}
