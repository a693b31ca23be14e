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

/** @throws UsageError naming the line that is not truth. */
export async function readTruth(file: string): Promise<TruthFrame[]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
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
