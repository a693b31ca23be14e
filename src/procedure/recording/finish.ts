import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeSeekable } from '../../media/seekable.js';

const PART = /^recording(?:-[1-9]\d*)?\.mp4$/;

/** The video files of a procedure, in order; their names. */
export async function recordingParts(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => PART.test(name));
  return names.sort((a, b) => a.length - b.length || a.localeCompare(b, 'en'));
}

/** Makes every video file of a procedure seekable. Safe to call again. @throws MediaError, or an error of the file system. */
export async function finishRecording(folder: string): Promise<void> {
  for (const name of await recordingParts(folder)) await makeSeekable(join(folder, name));
}
