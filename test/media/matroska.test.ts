import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { MediaError } from '../../src/common/errors.js';
import { MatroskaDemuxer, type MatroskaPacket } from '../../src/media/matroska.js';
import { allFfmpegs } from '../support/ffmpegs.js';

const ffmpegs = await allFfmpegs();

function element(id: number[], body: number[] | Uint8Array, size: number[] = vint(body.length)): number[] {
  return [...id, ...size, ...body];
}

function vint(value: number): number[] {
  return value < 127 ? [0x80 | value] : [0x10 | (value >> 24), (value >> 16) & 255, (value >> 8) & 255, value & 255];
}

const EBML = element([0x1a, 0x45, 0xdf, 0xa3], [0x42, 0x82, 0x84, 1, 2, 3, 4]);
const UNKNOWN = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const CODEC_PRIVATE = Array.from({ length: 100 }, (_, at) => at);
const TRACK = element(
  [0x16, 0x54, 0xae, 0x6b],
  element([0xae], [...element([0xd7], [1]), ...element([0x86], [...Buffer.from('V_MJPEG')]), ...element([0x63, 0xa2], CODEC_PRIVATE)]),
);

function cluster(timestamp: number[], ...blocks: number[][]): number[] {
  return element([0x1f, 0x43, 0xb6, 0x75], [...element([0xe7], timestamp), ...blocks.flat()], UNKNOWN);
}

function simpleBlock(relative: number, data: number[], flags = 0x80): number[] {
  return element([0xa3], [0x81, (relative >> 8) & 255, relative & 255, flags, ...data]);
}

function demux(bytes: Uint8Array, chunkBytes: number): { packets: MatroskaPacket[]; demuxer: MatroskaDemuxer } {
  const demuxer = new MatroskaDemuxer();
  const packets: MatroskaPacket[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) packets.push(...demuxer.push(bytes.subarray(at, at + chunkBytes)));
  return { packets, demuxer };
}

describe('MatroskaDemuxer', () => {
  const stream = Uint8Array.from([
    ...EBML,
    ...element([0x18, 0x53, 0x80, 0x67], [], UNKNOWN),
    ...TRACK,
    ...element([0xec], new Uint8Array(200)),
    ...cluster([0x03, 0xe8], simpleBlock(0, [1, 2, 3]), simpleBlock(-5, [4])),
    ...cluster([0x07, 0xd0], element([0xa0], element([0xa1], [0x81, 0, 7, 0, 9, 9])), simpleBlock(1, [])),
  ]);

  it.each([1, 2, 3, 7, 64, 10_000])('gives the same packets however the bytes are cut (%i at a time)', (chunkBytes) => {
    const { packets, demuxer } = demux(stream, chunkBytes);
    expect(packets.map(({ track, ptsUs, data }) => [track, ptsUs, [...data]])).toEqual([
      [1, 1_000_000, [1, 2, 3]],
      [1, 995_000, [4]],
      [1, 2_007_000, [9, 9]],
      [1, 2_001_000, []],
    ]);
    expect(packets.map(({ keyframe }) => keyframe)).toEqual([true, true, false, true]);
    const codecPrivate = Uint8Array.from(CODEC_PRIVATE);
    expect(demuxer.tracks).toEqual([{ number: 1, codecId: 'V_MJPEG', width: 0, height: 0, codecPrivate }]);
    expect(demuxer.midElement).toBe(false);
  });

  it('hands every packet over in a buffer of its own, to be transferred', () => {
    for (const { data } of demux(stream, 10_000).packets) {
      expect(data.byteOffset).toBe(0);
      expect(data.buffer.byteLength).toBe(data.length);
    }
  });

  it.each([
    ['another file type', Uint8Array.from([0, 0, 0, 24, 0x66, 0x74, 0x79, 0x70])],
    ['lacing', Uint8Array.from([...EBML, ...cluster([0], simpleBlock(0, [1], 0x82))])],
    ['an empty block', Uint8Array.from([...EBML, 0xa3, 0x80])],
    ['a packet of 2^40 bytes', Uint8Array.from([...EBML, 0xa3, 0x04, 0, 0, 0, 0, 0, 0x81, 0, 0, 0])],
    ['a payload without size', Uint8Array.from([...EBML, 0xa3, ...UNKNOWN])],
  ])('refuses %s with a MediaError', (_, bytes) => {
    expect(() => demux(bytes, 3)).toThrow(MediaError);
  });

  it('survives truncated, flipped and random bytes', () => {
    let seed = 12345;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed % below;
    };
    let refused = 0;
    for (let round = 0; round < 3000; round += 1) {
      const bytes = round % 3 === 0 ? Uint8Array.from({ length: 300 }, () => random(256)) : stream.slice(0, 1 + random(stream.length));
      if (round % 3 === 0) bytes.set(EBML);
      if (round % 3 === 1) for (let flips = 0; flips < 3; flips += 1) bytes[random(bytes.length)] = random(256);
      try {
        demux(bytes, 1 + random(40));
      } catch (error) {
        refused += 1;
        expect(error).toBeInstanceOf(MediaError);
      }
    }
    expect(refused).toBeGreaterThan(300);
  });

  describe.each(ffmpegs)('with what the %s ffmpeg writes', (_, ffmpeg) => {
    it('reads two streams that pair by time, top row first, red first', () => {
      const bytes = execFileSync(
        ffmpeg.path,
        [
          ...['-v', 'error', '-f', 'lavfi', '-i', 'color=c=red:s=64x48:r=10:d=1,drawbox=0:0:64:24:blue:fill'],
          ...['-filter_complex', '[0:v]split[p][a];[p]format=yuvj420p[P];[a]scale=5:4,format=rgb24[A]'],
          ...['-map', '[P]', '-c:v:0', 'mjpeg', '-map', '[A]', '-c:v:1', 'rawvideo', '-f', 'matroska', '-allow_raw_vfw', '1', 'pipe:1'],
        ],
        { maxBuffer: 2 ** 26 },
      );
      const { packets, demuxer } = demux(bytes, 1000);
      expect(demuxer.tracks.map(({ codecId, width, height }) => [codecId, width, height])).toEqual([
        ['V_MJPEG', 64, 48],
        [expect.any(String), 5, 4],
      ]);
      const times = (track: number): number[] => packets.filter((packet) => packet.track === track).map(({ ptsUs }) => ptsUs);
      expect(times(1)).toEqual([0, 100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000, 800_000, 900_000]);
      expect(times(2)).toEqual(times(1));
      const jpeg = packets.find(({ track }) => track === 1)!.data;
      expect([...jpeg.subarray(0, 2), ...jpeg.subarray(-2)]).toEqual([0xff, 0xd8, 0xff, 0xd9]);
      const pixels = packets.find(({ track }) => track === 2)!.data;
      // An odd width: rows are not padded.
      expect(pixels.length).toBe(5 * 4 * 3);
      expect(pixels[2]).toBeGreaterThan(200);
      expect(pixels[0]).toBeLessThan(60);
      expect(pixels.at(-3)).toBeGreaterThan(200);
      expect(pixels.at(-1)).toBeLessThan(60);
    });
  });
});
