import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Procedure } from './reader.js';

/** A video file of a procedure, and the time of its first frame on the clock of the detections. */
export interface VideoPart {
  /** Name in the procedure's folder. */
  readonly file: string;
  readonly codec: string;
  /** `ptsUs` at which the video's own time is 0. */
  readonly originPtsUs: number;
}

/** The video files that a procedure has, in order; those that are gone are left out. */
export async function videoParts({ folder, entriesOf }: Pick<Procedure, 'folder' | 'entriesOf'>): Promise<VideoPart[]> {
  const parts: VideoPart[] = [];
  for (const { file, codec, originPtsUs } of entriesOf('recording-started')) {
    const found = await stat(join(folder, file)).catch(() => null);
    if (found?.isFile() === true) parts.push({ file, codec, originPtsUs });
  }
  return parts;
}

/** The part that shows a time, and the time in it, µs; null before the first. */
export function partAt<Part extends Pick<VideoPart, 'originPtsUs'>>(
  parts: readonly Part[],
  ptsUs: number,
): { readonly part: Part; readonly timeUs: number } | null {
  const part = parts.findLast(({ originPtsUs }) => originPtsUs <= ptsUs);
  return part === undefined ? null : { part, timeUs: ptsUs - part.originPtsUs };
}
