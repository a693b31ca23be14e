import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { messageOf, UsageError } from '../common/errors.js';
import type { TruthFrame } from './tracking-comparison.js';

/** One line of `truth.ndjson`; what else a line holds is left alone. */
const TRUTH_LINE = z.looseObject({
  ptsUs: z.number().nonnegative(),
  landmark: z.string().min(1).nullable(),
  flags: z.array(z.string()).default([]),
});

/** A recording with truth on disk. */
export interface TruthFiles {
  readonly name: string;
  readonly video: string;
  readonly truth: string;
}

/**
 * Recordings with truth in a folder: the folder itself or each folder directly in it that holds `video.mp4` and `truth.ndjson`, by name.
 * @throws UsageError when there is none.
 */
export async function findTruthRecordings(directory: string): Promise<TruthFiles[]> {
  const isFile = (path: string): Promise<boolean> =>
    stat(path).then(
      (entry) => entry.isFile(),
      () => false,
    );
  const names = await readdir(directory).catch((cause: unknown) => {
    throw new UsageError('truth-unreadable', `${directory} cannot be read: ${messageOf(cause)}`, {
      remedy: 'Name a folder with video.mp4 and truth.ndjson, as "lumenmark phantom video --out DIR" writes it, or a folder of such.',
      cause,
    });
  });
  const folders = [directory, ...names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).map((name) => join(directory, name))];
  const found: TruthFiles[] = [];
  for (const folder of folders) {
    const files = { name: basename(folder), video: join(folder, 'video.mp4'), truth: join(folder, 'truth.ndjson') };
    if ((await isFile(files.video)) && (await isFile(files.truth))) found.push(files);
  }
  if (found.length > 0) return found;
  throw new UsageError('truth-missing', `${directory} holds no recording with truth`, {
    remedy: 'Name a folder with video.mp4 and truth.ndjson, as "lumenmark phantom video --out DIR" writes it, or a folder of such.',
  });
}

/** A frame of truth to each frame of video, so both end together; containers round, and encoders may drop the last frames. */
const ENDS_TOGETHER_US = 1_000_000;

/**
 * That a truth is of the video that was analysed, as far as their ends tell.
 * @param lastPtsUs Of the last frame that was analysed; null when there was none.
 * @param stepUs From one analysed frame to the next, at most.
 * @throws UsageError `truth-mismatch`
 */
export function checkSameEnd(name: string, truth: readonly TruthFrame[], lastPtsUs: number | null, stepUs: number): void {
  const end = truth.at(-1)?.ptsUs ?? 0;
  if (lastPtsUs !== null && Math.abs(end - lastPtsUs) <= ENDS_TOGETHER_US + stepUs) return;
  const seconds = (us: number): string => `${(us / 1e6).toFixed(1)} s`;
  const video = lastPtsUs === null ? 'holds no frame' : `ends at ${seconds(lastPtsUs)}`;
  throw new UsageError('truth-mismatch', `${name}: the video ${video}, its truth ends at ${seconds(end)}`, {
    remedy: 'Both must be of the same recording: a line of truth for each frame of the video.',
  });
}

/** At least one frame, in order of time. @throws UsageError naming the line that is not truth. */
export async function readTruth(file: string): Promise<TruthFrame[]> {
  const frames = await readLines(file);
  if (frames.length === 0)
    throw new UsageError('truth-invalid', `${file}: holds no line of truth`, { remedy: 'Leave the recording out, or write its truth.' });
  const late = frames.findIndex(({ ptsUs }, at) => at > 0 && ptsUs <= (frames[at - 1]?.ptsUs ?? 0));
  if (late > 0)
    throw new UsageError('truth-invalid', `${file}: frame ${late + 1} is at ${frames[late]?.ptsUs ?? 0} µs, no later than the one before`, {
      remedy: 'Put the lines in the order of ptsUs, one for each frame.',
    });
  return frames;
}

async function readLines(file: string): Promise<TruthFrame[]> {
  // Editors on Windows put a byte-order mark in front.
  const lines = (await readFile(file, 'utf8')).replace(/^\ufeff/, '').split('\n');
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    const refuse = (reason: string, cause: unknown): UsageError =>
      new UsageError('truth-invalid', `${file} line ${index + 1}: ${reason}`, {
        remedy: 'Each line is a JSON object with ptsUs, landmark (or null) and flags.',
        cause,
      });
    let data: unknown;
    try {
      data = JSON.parse(line);
    } catch (cause) {
      throw refuse(messageOf(cause), cause);
    }
    const parsed = TRUTH_LINE.safeParse(data);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw refuse(`${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not valid'}`, parsed.error);
    }
    const { ptsUs, landmark, flags } = parsed.data;
    return [{ ptsUs, landmark, flags }];
  });
}
