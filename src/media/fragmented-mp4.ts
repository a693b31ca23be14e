/**
 * Writes one video track as fragmented MP4 (ISO/IEC 14496-12, -15): a header first, then fragments that stand for themselves, so that a file
 * whose end is missing plays up to its last whole fragment.
 */
import { MediaError } from '../common/errors.js';
import { box, findBox, fullBox, u16, u32, u64 } from './mp4-boxes.js';
import { movieBox, TRACK_ID } from './mp4-movie.js';

export interface VideoTrack {
  /** `h264`: samples are NAL units with their length before them. */
  readonly codec: 'h264' | 'hevc';
  /** `AVCDecoderConfigurationRecord` or `HEVCDecoderConfigurationRecord`. */
  readonly configuration: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface VideoSample {
  /** When it is decoded, ms; rises from sample to sample. */
  readonly decodeMs: number;
  /** When it is shown, ms. */
  readonly presentMs: number;
  readonly keyframe: boolean;
  readonly data: Uint8Array;
}

const KEY_FLAGS = 0x02000000;
const OTHER_FLAGS = 0x01010000;

/** What stands before the first fragment. */
export function mp4Header({ codec, configuration, width, height }: VideoTrack): Buffer {
  const entry = box(
    codec === 'h264' ? 'avc1' : 'hvc1',
    [u32(0), u16(0, 1)],
    u32(0, 0, 0, 0),
    u16(width, height),
    // 72 dots an inch, one frame a sample, no name, 24 bits, no colour table.
    [u32(0x480000, 0x480000, 0), u16(1), Buffer.alloc(32), u16(24, 0xffff)],
    box(codec === 'h264' ? 'avcC' : 'hvcC', configuration),
  );
  const empty = ['stts', 'stsc', 'stco'].map((type) => fullBox(type, 0, 0, u32(0)));
  const movie = movieBox({
    description: fullBox('stsd', 0, 0, u32(1), entry),
    ...{ width, height, durationMs: 0 },
    tables: [...empty, fullBox('stsz', 0, 0, u32(0, 0))],
    more: [box('mvex', fullBox('trex', 0, 0, u32(TRACK_ID, 1, 0, 0, 0)))],
  });
  return Buffer.concat([box('ftyp', 'iso5', u32(512), 'iso5', 'iso6', 'mp41'), movie]);
}

/**
 * A fragment of at least one sample. `number` counts fragments from 1; `endMs` is when the sample after the last one is decoded.
 */
export function mp4Fragment(number: number, samples: readonly VideoSample[], endMs: number): Buffer[] {
  const run = samples.flatMap(({ decodeMs, presentMs, keyframe, data }, at) => [
    (samples[at + 1]?.decodeMs ?? endMs) - decodeMs,
    data.length,
    keyframe ? KEY_FLAGS : OTHER_FLAGS,
    presentMs - decodeMs,
  ]);
  const fragment = (dataOffset: number): Buffer =>
    box(
      'moof',
      fullBox('mfhd', 0, 0, u32(number)),
      box(
        'traf',
        fullBox('tfhd', 0, 0x020000, u32(TRACK_ID)),
        fullBox('tfdt', 1, 0, u64(samples[0]?.decodeMs ?? 0)),
        // Version 1: a frame may be shown before a later-shown one that it was decoded after.
        fullBox('trun', 1, 0x000f01, u32(samples.length, dataOffset, ...run)),
      ),
    );
  const bytes = samples.reduce((sum, { data }) => sum + data.length, 8);
  const size = fragment(0).length;
  return [
    fragment(size + 8),
    u32(bytes),
    Buffer.from('mdat'),
    ...samples.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.length)),
  ];
}

/** What a fragment's head says of its samples, in the order of decoding. */
export interface FragmentSamples {
  /** When the first is decoded, ms. */
  readonly decodeMs: number;
  readonly durations: readonly number[];
  readonly sizes: readonly number[];
  readonly keyframes: readonly boolean[];
  /** From decoding to showing, ms; may be negative. */
  readonly offsets: readonly number[];
}

/** Reads a `moof` box of `mp4Fragment`. @throws MediaError `recording-unreadable` when it is none of ours. */
export function readFragment(head: Buffer): FragmentSamples {
  const track = findBox(head.subarray(8), 'traf')?.subarray(8) ?? Buffer.alloc(0);
  const [time, run] = [findBox(track, 'tfdt'), findBox(track, 'trun')];
  const count = run === null || run.length < 20 ? -1 : run.readUInt32BE(12);
  if (time?.length !== 20 || run?.readUInt32BE(8) !== 0x01000f01 || run.length !== 20 + 16 * count) {
    throw new MediaError('recording-unreadable', 'The recording holds a fragment that this software did not write.');
  }
  const column = (at: number): number[] => Array.from({ length: count }, (_, sample) => run.readUInt32BE(20 + 16 * sample + at));
  return {
    decodeMs: Number(time.readBigUInt64BE(12)),
    durations: column(0),
    sizes: column(4),
    keyframes: column(8).map((flags) => flags === KEY_FLAGS),
    offsets: column(12).map((ms) => ms | 0),
  };
}
