import { decode } from '@msgpack/msgpack';
import { describe, expect, it } from 'vitest';
import { encodeMessage, encodeOnce } from '../../src/server/encode.js';
import type { FrameDetection } from '../../src/server/protocol.js';
import { coverage, frame, stats, tracking } from './fake-session.js';

const detection: FrameDetection = { frameId: 6, ptsUs: 240_000, carried: true, label: 'antrum', score: 0.75, known: true, quality: 'good' };

describe('encodeMessage', () => {
  it.each([0, 1, 255, 65_536, 150_000])('writes a frame with a picture of %d bytes that any MessagePack reader understands', (length) => {
    const jpeg = Uint8Array.from({ length }, (_, position) => (position * 31) & 255);
    const bytes = encodeMessage(frame(7, { jpeg, detection }), 'messagepack');
    expect(decode(new Uint8Array(bytes as Uint8Array))).toEqual({
      type: 'frame',
      sourceId: 's1',
      frameId: 7,
      ptsUs: 280_000,
      detection,
      jpeg,
    });
  });

  it('takes a picture that is a part of a larger buffer', () => {
    const whole = Uint8Array.from({ length: 100 }, (_, position) => position);
    const message = decode(encodeMessage(frame(1, { jpeg: whole.subarray(10, 20) }), 'messagepack') as Uint8Array) as { jpeg: Uint8Array };
    expect([...message.jpeg]).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  it('leaves the picture and the clock of the server out of JSON', () => {
    const text = encodeMessage(frame(7, { detection }), 'json') as string;
    expect(JSON.parse(text)).toEqual({ type: 'frame', sourceId: 's1', frameId: 7, ptsUs: 280_000, detection });
  });

  it.each([tracking(3), coverage()])('gives the same $type in both encodings', (message) => {
    expect(decode(encodeMessage(message, 'messagepack') as Uint8Array)).toEqual(message);
    expect(JSON.parse(encodeMessage(message, 'json') as string)).toEqual(message);
  });

  it('keeps large numbers exact', () => {
    const ptsUs = 10 * 3600 * 1_000_000 + 1;
    expect(decode(encodeMessage(tracking(1_080_000, { ptsUs }), 'messagepack') as Uint8Array)).toMatchObject({ ptsUs, frameId: 1_080_000 });
  });
});

describe('encodeOnce', () => {
  it('hands out the same bytes to everyone', () => {
    const encoded = encodeOnce({ ...stats(), previewDelayMs: null, clientDroppedFrames: 0, drawDelayMs: null });
    expect(encoded('messagepack')).toBe(encoded('messagepack'));
    expect(encoded('json')).toBe(encoded('json'));
  });
});
