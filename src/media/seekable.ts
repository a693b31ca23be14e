/** What a crash or an unfinished writer leaves of a fragmented MP4, and how it becomes an ordinary file that players can search in. */
import { open, rename, rm, truncate, type FileHandle } from 'node:fs/promises';
import { MediaError } from '../common/errors.js';
import type { Ffmpeg } from './ffmpeg.js';
import { runFfmpegJob } from './fluent.js';
import { TICKS_PER_SECOND } from './fragmented-mp4.js';
import { readBoxHeader } from './mp4-boxes.js';
import { redact } from './redact.js';

/** Hours of video on a slow disk. */
const TIMEOUT_MS = 30 * 60_000;

export interface Mp4Outline {
  readonly fileBytes: number;
  /** Up to the end of the last whole fragment (or of the last whole box, where there are no fragments). */
  readonly wholeBytes: number;
  readonly fragments: number;
  /** It has its index, and needs nothing. */
  readonly isSeekable: boolean;
}

/** Walks the boxes of a file without reading what is in them. */
export async function outlineOfMp4(path: string): Promise<Mp4Outline> {
  const handle = await open(path, 'r');
  try {
    return await walk(handle);
  } finally {
    await handle.close();
  }
}

async function walk(handle: FileHandle): Promise<Mp4Outline> {
  const fileBytes = (await handle.stat()).size;
  const bytes = Buffer.alloc(16);
  let [at, wholeBytes, fragments] = [0, 0, 0];
  let [hasHeader, hasBareData, isHeadOfFragment] = [false, false, false];
  while (at < fileBytes) {
    const { bytesRead } = await handle.read(bytes, 0, 16, at);
    const header = readBoxHeader(bytes.subarray(0, bytesRead));
    if (header === null || at + header.bytes > fileBytes) break;
    at += header.bytes;
    if (header.type === 'moov') hasHeader = true;
    if (header.type === 'mdat') {
      if (isHeadOfFragment) fragments += 1;
      else hasBareData = true;
    }
    isHeadOfFragment = header.type === 'moof';
    // Half a fragment is none.
    if (!isHeadOfFragment) wholeBytes = at;
  }
  return { fileBytes, wholeBytes, fragments, isSeekable: hasHeader && hasBareData && fragments === 0 && wholeBytes === fileBytes };
}

/**
 * Makes an ordinary MP4 of a fragmented one: the same packets at the same times, with the index in front. What follows the last whole
 * fragment is cut off. The file is replaced at once and only when the new one is complete, so that a crash on the way loses nothing; a
 * file that is seekable already is left as it is. Resolves to false when there is no frame in it.
 * @throws MediaError `recording-unreadable` when ffmpeg cannot read it.
 */
export async function makeSeekable(ffmpeg: Pick<Ffmpeg, 'path'>, path: string): Promise<boolean> {
  const { fileBytes, wholeBytes, fragments, isSeekable } = await outlineOfMp4(path);
  if (isSeekable) return true;
  if (fragments === 0) return false;
  if (wholeBytes < fileBytes) await truncate(path, wholeBytes);
  const unfinished = `${path}.unfinished`;
  await rm(unfinished, { force: true });
  const { ok, lines } = await runFfmpegJob(ffmpeg, {
    inputOptions: ['-hide_banner', '-nostdin', '-v', 'error', '-f', 'mp4', '-protocol_whitelist', 'file,crypto,data'],
    input: `file:${path}`,
    outputOptions: [
      '-map',
      '0:V:0',
      '-c',
      'copy',
      '-video_track_timescale',
      String(TICKS_PER_SECOND),
      '-movflags',
      '+faststart',
      '-f',
      'mp4',
      '-y',
    ],
    output: `file:${unfinished}`,
    timeoutMs: TIMEOUT_MS,
  });
  if (!ok) {
    await rm(unfinished, { force: true });
    throw new MediaError('recording-unreadable', `${path} cannot be made seekable: ffmpeg failed.`, { cause: redact(lines.join('\n')) });
  }
  const handle = await open(unfinished, 'r');
  await handle.datasync();
  await handle.close();
  await rename(unfinished, path);
  return true;
}
