import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { ProcedureError } from '../common/errors.js';
import { turnTaker } from '../common/turns.js';
import { DETECTION_SCHEMA, type DetectionLine } from './detection-line.js';
import { parseLine, readLines } from './line-file.js';
import { DETECTIONS_FILE } from './paths.js';

/** Where each analysed frame stands in the file, and what most readers want of it, so that a second of hours can be read at once. */
export interface DetectionIndex {
  readonly count: number;
  readonly ptsUs: readonly number[];
  /** What of a line is wanted for all of them. */
  readonly heads: readonly DetectionHead[];
  /** The lines with times from `fromPtsUs` up to and without `toPtsUs`, at most `limit`. @throws ProcedureError `detections-damaged` */
  lines(fromPtsUs: number, toPtsUs: number, limit: number): Promise<DetectionLine[]>;
}

export type DetectionHead = Pick<DetectionLine, 'frameId' | 'ptsUs' | 'quality' | 'known' | 'current' | 'annotationAgeMs'> & {
  /** The best class of the frame alone, or null. */
  readonly best: DetectionLine['scores'][number] | null;
};

/**
 * Reads the detections of a procedure once, in slices of time that let others work. Lines must be in order of their times.
 * @throws ProcedureError `detections-damaged` with the line.
 */
export async function indexDetections(folder: string): Promise<DetectionIndex> {
  const file = join(folder, DETECTIONS_FILE);
  const offsets: number[] = [];
  const ptsUs: number[] = [];
  const heads: DetectionHead[] = [];
  const turn = turnTaker();
  let end = 0;
  for await (const { index, bytes, offset, complete } of readLines(file)) {
    if (!complete) break;
    const { frameId, ptsUs: time, quality, known, current, annotationAgeMs, scores } = lineOf(folder, index, bytes);
    offsets.push(offset);
    ptsUs.push(time);
    heads.push({ frameId, ptsUs: time, quality, known, current, annotationAgeMs, best: scores[0] ?? null });
    end = offset + bytes.length + 1;
    await turn();
  }
  offsets.push(end);
  return {
    count: heads.length,
    ptsUs,
    heads,
    async lines(fromPtsUs, toPtsUs, limit) {
      const first = firstAtOrAfter(ptsUs, fromPtsUs);
      const last = Math.min(first + limit, firstAtOrAfter(ptsUs, toPtsUs));
      const [from, to] = [offsets[first] ?? end, offsets[last] ?? end];
      if (last <= first) return [];
      const bytes = Buffer.alloc(to - from);
      const handle = await open(file, 'r');
      try {
        await handle.read(bytes, 0, bytes.length, from);
      } finally {
        await handle.close();
      }
      return Array.from({ length: last - first }, (_, position) => {
        const at = first + position;
        return lineOf(folder, at, bytes.subarray((offsets[at] ?? from) - from, (offsets[at + 1] ?? to) - from - 1));
      });
    },
  };
}

function lineOf(folder: string, index: number, bytes: Uint8Array): DetectionLine {
  try {
    return DETECTION_SCHEMA.parse(parseLine(bytes));
  } catch (error) {
    throw new ProcedureError('detections-damaged', `${folder}: line ${index + 1} of ${DETECTIONS_FILE} is no detection`, {
      remedy: 'Ask what else was altered: lumenmark procedures verify.',
      cause: error,
    });
  }
}

/** Position of the first time that is not before `wanted`; the length when there is none. */
function firstAtOrAfter(times: readonly number[], wanted: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
