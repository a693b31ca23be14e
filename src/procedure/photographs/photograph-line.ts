import * as z from 'zod';
import { ProcedureError } from '../../common/errors.js';
import { sha256Schema } from '../../common/sha256.js';
import { parseLine, readLines } from '../line-file.js';
import { relativePathSchema } from '../paths.js';
import { DOUBTS } from './assign.js';

/** File of a procedure of photographs: one line per photograph, then one per file that could not be read. Covered by the seal. */
export const PHOTOGRAPHS_FILE = 'photographs.ndjson';
/** Folder of the pictures that were looked at, masked to their fields of view. */
export const PHOTOGRAPHS_FOLDER = 'photographs';

const count = z.number().int().nonnegative();
const size = z.number().int().positive();
const share = z.number().min(0).max(1);

const PHOTOGRAPH = z.strictObject({
  type: z.literal('photograph'),
  /** Counts up from 0 in the order of the names; the `frameId` of its line in `detections.ndjson`. */
  index: count,
  /** The file, below what was audited. */
  path: z.string().min(1),
  /** Which picture of a DICOM file with several, from 0 on; null elsewhere. */
  frame: count.nullable(),
  /** Of the file. */
  sha256: sha256Schema,
  /** Upright, px. */
  width: size,
  height: size,
  /** What was looked at, below the procedure's folder. */
  picture: relativePathSchema,
  /** The photograph that it repeats. */
  repeats: count.nullable(),
  outcome: z.enum(['assigned', 'doubtful', 'unknown', 'other', 'unusable']),
  landmark: z.string().nullable(),
  score: share,
  quality: share,
  shows: z.string().nullable(),
  doubts: z.array(z.enum(DOUBTS)),
  precision: share.nullable(),
});
const UNREADABLE = z.strictObject({
  type: z.literal('unreadable'),
  path: z.string().min(1),
  /** One line. */
  reason: z.string(),
});
const LINE = z.discriminatedUnion('type', [PHOTOGRAPH, UNREADABLE]);

/** A photograph as it was judged; the fields of the judgement are those of `Assignment` and `AssignedPhotograph`. */
export type PhotographLine = z.output<typeof PHOTOGRAPH>;
export type UnreadableLine = z.output<typeof UNREADABLE>;

export interface Photographs {
  readonly photographs: readonly PhotographLine[];
  readonly unreadable: readonly UnreadableLine[];
}

export function photographsText({ photographs, unreadable }: Photographs): string {
  return [...photographs, ...unreadable].map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** @throws ProcedureError `photographs-damaged` naming the line. */
export async function readPhotographs(folder: string): Promise<Photographs> {
  const photographs: PhotographLine[] = [];
  const unreadable: UnreadableLine[] = [];
  let lines = 0;
  const damaged = (why: string, cause: unknown): ProcedureError =>
    new ProcedureError('photographs-damaged', `${folder}: line ${lines + 1} of ${PHOTOGRAPHS_FILE} ${why}`, {
      remedy: 'Ask what else was altered: lumenmark procedures verify.',
      cause,
    });
  try {
    for await (const { bytes } of readLines(`${folder}/${PHOTOGRAPHS_FILE}`)) {
      const parsed = LINE.safeParse(parseLine(bytes));
      if (!parsed.success) throw damaged(`is not valid: ${parsed.error.issues[0]?.message ?? ''}`, parsed.error);
      if (parsed.data.type === 'photograph') photographs.push(parsed.data);
      else unreadable.push(parsed.data);
      lines += 1;
    }
  } catch (error) {
    throw error instanceof ProcedureError ? error : damaged('cannot be read', error);
  }
  return { photographs, unreadable };
}
