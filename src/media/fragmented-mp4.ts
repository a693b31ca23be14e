/**
 * Writes one video track as fragmented MP4 (ISO/IEC 14496-12, -15): a header first, then fragments that stand for themselves, so that a file
 * whose end is missing plays up to its last whole fragment. Times are whole milliseconds, as Matroska brings them: the file's own time is
 * exactly the presentation time, moved.
 */
import { box, fullBox, u16, u32, u64 } from './mp4-boxes.js';

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

export const TICKS_PER_SECOND = 1000;
const TRACK_ID = 1;
const IDENTITY = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
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
  const table = box(
    'stbl',
    fullBox('stsd', 0, 0, u32(1), entry),
    fullBox('stts', 0, 0, u32(0)),
    fullBox('stsc', 0, 0, u32(0)),
    fullBox('stsz', 0, 0, u32(0, 0)),
    fullBox('stco', 0, 0, u32(0)),
  );
  const media = box(
    'mdia',
    fullBox('mdhd', 0, 0, u32(0, 0, TICKS_PER_SECOND, 0), u16(0x55c4, 0)),
    fullBox('hdlr', 0, 0, u32(0), 'vide', u32(0, 0, 0), 'Lumenmark\0'),
    box('minf', fullBox('vmhd', 0, 1, u16(0, 0, 0, 0)), box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1))), table),
  );
  const movieHeader = [u32(0, 0, TICKS_PER_SECOND, 0, 0x10000), u16(0x100, 0), u32(0, 0), IDENTITY, Buffer.alloc(24), u32(TRACK_ID + 1)];
  const trackHeader = [u32(0, 0, TRACK_ID, 0, 0, 0, 0), u16(0, 0, 0, 0), IDENTITY, u32(width * 0x10000, height * 0x10000)];
  return Buffer.concat([
    box('ftyp', 'iso5', u32(512), 'iso5', 'iso6', 'mp41'),
    box(
      'moov',
      fullBox('mvhd', 0, 0, ...movieHeader),
      box('trak', fullBox('tkhd', 0, 3, ...trackHeader), media),
      box('mvex', fullBox('trex', 0, 0, u32(TRACK_ID, 1, 0, 0, 0))),
    ),
  ]);
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
