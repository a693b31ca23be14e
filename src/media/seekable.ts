/** What a crash or an unfinished writer leaves of a fragmented MP4 of ours, and how it becomes an ordinary file that players can search in. */
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { MediaError } from '../common/errors.js';
import { readFragment, type FragmentSamples } from './fragmented-mp4.js';
import { box, fullBox, readBoxHeader, u32, u32s, u64 } from './mp4-boxes.js';
import { movieBox, readMovie } from './mp4-movie.js';

export interface Mp4Outline {
  readonly fileBytes: number;
  /** Up to the end of the last whole fragment, or of the last whole box where there are no fragments. */
  readonly wholeBytes: number;
  readonly fragments: number;
  readonly frames: number;
  /** What its samples last, ms: of fragments, or of the index. Null where neither is there. */
  readonly durationMs: number | null;
  /** It begins as a movie does. */
  readonly hasHeader: boolean;
  /** It has its index, and needs nothing. */
  readonly isSeekable: boolean;
}

interface Fragment extends FragmentSamples {
  readonly dataAt: number;
  readonly dataBytes: number;
}

interface Walked extends Mp4Outline {
  readonly header: Buffer | null;
  readonly parts: readonly Fragment[];
}

const MAX_HEAD_BYTES = 64 * 2 ** 20;
const COPY_BYTES = 4 * 2 ** 20;

/** Walks the boxes of a file without reading its pictures. */
export async function outlineOfMp4(path: string): Promise<Mp4Outline> {
  const handle = await open(path, 'r');
  try {
    const { fileBytes, wholeBytes, fragments, frames, durationMs, hasHeader, isSeekable } = await walk(handle);
    return { fileBytes, wholeBytes, fragments, frames, durationMs, hasHeader, isSeekable };
  } finally {
    await handle.close();
  }
}

/**
 * Makes an ordinary MP4 of a fragmented one that this software wrote: the same frames at the same times, with the index in front. What follows
 * the last whole fragment is left out. The file is replaced at once, and only when the new one is whole and on the disk, so that a crash on
 * the way loses nothing; one that is seekable already stays as it is. False when there is no frame in it: it is then left alone.
 * @throws MediaError `recording-unreadable` when its fragments are not ours; errors of the file system, e.g. a full disk.
 */
export async function makeSeekable(path: string): Promise<boolean> {
  const source = await open(path, 'r');
  try {
    const { header, parts, isSeekable } = await walk(source);
    // Of an attempt that a crash has cut short.
    await rm(`${path}.unfinished`, { force: true });
    if (isSeekable) return true;
    if (header === null || parts.length === 0) return false;
    const unfinished = `${path}.unfinished`;
    const target = await open(unfinished, 'w');
    try {
      await writeIndexed(source, target, header, parts);
      await target.datasync();
      await target.close();
      await rename(unfinished, path);
    } catch (error) {
      await target.close().catch(() => undefined);
      await rm(unfinished, { force: true });
      throw error;
    }
    return true;
  } finally {
    await source.close();
  }
}

async function walk(handle: FileHandle): Promise<Walked> {
  const fileBytes = (await handle.stat()).size;
  const parts: Fragment[] = [];
  let header: Buffer | null = null;
  let [at, wholeBytes] = [0, 0];
  let hasBareData = false;
  let head: FragmentSamples | null = null;
  while (at < fileBytes) {
    const start = await read(handle, at, 16);
    const found = readBoxHeader(start);
    if (found === null || at + found.bytes > fileBytes) break;
    const { type, bytes } = found;
    if ((type === 'moov' || type === 'moof') && bytes > MAX_HEAD_BYTES) break;
    if (type === 'moov') header = await read(handle, at, bytes);
    if (type === 'moof') head = readFragment(await read(handle, at, bytes));
    else if (type === 'mdat' && head !== null) {
      parts.push({ ...head, dataAt: at + 8, dataBytes: bytes - 8 });
      head = null;
    } else if (type === 'mdat') hasBareData = true;
    at += bytes;
    // Half a fragment is none.
    if (type !== 'moof') wholeBytes = at;
  }
  const indexedMs = header === null || header.includes('mvex') ? null : (readMovie(header)?.durationMs ?? null);
  const last = parts.at(-1);
  const frames = parts.reduce((sum, { durations }) => sum + durations.length, 0);
  const durationMs = last === undefined ? indexedMs : last.decodeMs + last.durations.reduce((sum, ms) => sum + ms, 0);
  const isSeekable = header !== null && hasBareData && parts.length === 0 && indexedMs !== null && wholeBytes === fileBytes;
  return { fileBytes, wholeBytes, fragments: parts.length, frames, durationMs, hasHeader: header !== null, isSeekable, header, parts };
}

async function writeIndexed(source: FileHandle, target: FileHandle, header: Buffer, parts: readonly Fragment[]): Promise<void> {
  const bytes = parts.reduce((sum, { dataBytes }) => sum + dataBytes, 16);
  const facts = readMovie(header);
  if (facts === null) throw new MediaError('recording-unreadable', 'The recording has no header that can be read.');
  const type = box('ftyp', 'isom', u32(512), 'isom', 'iso2', 'mp41');
  const movie = (dataAt: number): Buffer => movieBox({ ...facts, ...sampleTables(parts, dataAt) });
  const before = Buffer.concat([type, movie(type.length + movie(0).length + 16)]);
  let at = 0;
  const put = async (piece: Uint8Array): Promise<void> => {
    let done = 0;
    while (done < piece.length) done += (await target.write(piece, done, piece.length - done, at + done)).bytesWritten;
    at += piece.length;
  };
  await put(Buffer.concat([before, u32(1), Buffer.from('mdat'), u64(bytes)]));
  for (const { dataAt, dataBytes } of parts) {
    for (let done = 0; done < dataBytes; done += COPY_BYTES) {
      await put(await read(source, dataAt + done, Math.min(COPY_BYTES, dataBytes - done)));
    }
  }
}

/** All samples of all fragments; every fragment becomes a chunk. */
function sampleTables(parts: readonly Fragment[], dataAt: number): { durationMs: number; tables: Buffer[] } {
  const durations = parts.flatMap((part, index) => {
    // Between two fragments time may have passed without a frame.
    const next = parts[index + 1];
    const own = [...part.durations];
    const ends = part.decodeMs + own.reduce((sum, ms) => sum + ms, 0);
    if (next !== undefined && own.length > 0) own[own.length - 1] = (own.at(-1) ?? 0) + next.decodeMs - ends;
    return own;
  });
  const offsets = parts.flatMap((part) => part.offsets);
  const sizes = parts.flatMap((part) => part.sizes);
  const keys = parts.flatMap((part) => part.keyframes).flatMap((isKey, index) => (isKey ? [index + 1] : []));
  let at = dataAt;
  const chunks = parts.map(({ dataBytes }) => {
    const chunk = u64(at);
    at += dataBytes;
    return chunk;
  });
  const perChunk = runs(parts.map((part) => part.sizes.length));
  let chunk = 1;
  const chunkRuns = perChunk.flatMap(([samples, count]) => {
    const run = [chunk, samples, 1];
    chunk += count;
    return run;
  });
  const timeRuns = runs(durations);
  const offsetRuns = runs(offsets);
  const tables = [
    fullBox('stts', 0, 0, u32s([timeRuns.length, ...timeRuns.flatMap(([ms, count]) => [count, ms])])),
    // Version 1: signed.
    ...(offsets.every((ms) => ms === 0)
      ? []
      : [fullBox('ctts', 1, 0, u32s([offsetRuns.length, ...offsetRuns.flatMap(([ms, count]) => [count, ms])]))]),
    fullBox('stss', 0, 0, u32s([keys.length, ...keys])),
    fullBox('stsc', 0, 0, u32s([perChunk.length, ...chunkRuns])),
    fullBox('stsz', 0, 0, u32s([0, sizes.length, ...sizes])),
    fullBox('co64', 0, 0, u32(parts.length), chunks),
  ];
  return { durationMs: durations.reduce((sum, ms) => sum + ms, 0), tables };
}

/** Values that follow each other, each with how often it comes in a row. */
function runs(values: readonly number[]): [value: number, count: number][] {
  const found: [number, number][] = [];
  for (const value of values) {
    const last = found.at(-1);
    if (last?.[0] === value) last[1] += 1;
    else found.push([value, 1]);
  }
  return found;
}

async function read(handle: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  const { bytesRead } = await handle.read(buffer, 0, bytes, at);
  return buffer.subarray(0, bytesRead);
}
