import { box, findBox, fullBox, u16, u32, type Part } from './mp4-boxes.js';

/** Times are whole milliseconds, as Matroska brings them: a file's own time is exactly the presentation time, moved. */
const TICKS_PER_SECOND = 1000;
export const TRACK_ID = 1;
const IDENTITY = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

export interface MovieFacts {
  /** The box `stsd`: what the samples are. */
  readonly description: Buffer;
  readonly width: number;
  readonly height: number;
  readonly durationMs: number;
  /** The sample tables beside the description. */
  readonly tables: readonly Part[];
  /** What stands behind the track. */
  readonly more?: readonly Part[];
}

/** The box `moov` of a file with one video track. */
export function movieBox({ description, width, height, durationMs, tables, more = [] }: MovieFacts): Buffer {
  const media = box(
    'mdia',
    fullBox('mdhd', 0, 0, u32(0, 0, TICKS_PER_SECOND, durationMs), u16(0x55c4, 0)),
    fullBox('hdlr', 0, 0, u32(0), 'vide', u32(0, 0, 0), 'Lumenmark\0'),
    box(
      'minf',
      fullBox('vmhd', 0, 1, u16(0, 0, 0, 0)),
      box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1))),
      box('stbl', description, ...tables),
    ),
  );
  const movieHeader = [
    ...[u32(0, 0, TICKS_PER_SECOND, durationMs, 0x10000), u16(0x100, 0), u32(0, 0)],
    ...[IDENTITY, Buffer.alloc(24), u32(TRACK_ID + 1)],
  ];
  const trackHeader = [u32(0, 0, TRACK_ID, 0, durationMs, 0, 0), u16(0, 0, 0, 0), IDENTITY, u32(width * 0x10000, height * 0x10000)];
  return box('moov', fullBox('mvhd', 0, 0, ...movieHeader), box('trak', fullBox('tkhd', 0, 3, ...trackHeader), media), ...more);
}

/** What a `moov` box says of its first track's samples; null where it is none that this software or ffmpeg wrote. */
export function readMovie(movie: Buffer): Pick<MovieFacts, 'description' | 'width' | 'height' | 'durationMs'> | null {
  const header = findBox(movie.subarray(8), 'mvhd');
  let inner: Buffer | null = movie;
  for (const type of ['trak', 'mdia', 'minf', 'stbl', 'stsd']) inner = inner === null ? null : findBox(inner.subarray(8), type);
  // Version 0, one description: full box and count, then the entry's own header and fields before the size.
  if (header === null || header.length < 28 || header[8] !== 0 || inner === null || inner.length < 52) return null;
  const durationMs = Math.round((header.readUInt32BE(24) / header.readUInt32BE(20)) * 1000);
  return { description: inner, width: inner.readUInt16BE(48), height: inner.readUInt16BE(50), durationMs };
}
