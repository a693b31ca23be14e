import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { messageOf, ProcedureError } from '../common/errors.js';
import { DESCRIPTION_SCHEMA, FORMAT_VERSION, type ProcedureDescription } from './description.js';
import { DETECTION_SCHEMA, type DetectionLine } from './detection-line.js';
import { isClosing, parseEntry, type Entry, type EntryType } from './entries.js';
import { parseLine, readLines } from './line-file.js';
import { DESCRIPTION_FILE, DETECTIONS_FILE, JOURNAL_FILE, RECORDING_FILE } from './paths.js';

/** Where a journal stops being readable. */
export interface JournalProblem {
  /** Counts from 0, as `seq` does. */
  readonly line: number;
  /** `torn`: the end of the file is half a line, as a crash leaves it. `damaged`: a whole line is none of ours. */
  readonly kind: 'torn' | 'damaged';
  readonly reason: string;
}

export interface JournalContent {
  /** Up to the first problem. */
  readonly entries: readonly Entry[];
  readonly problem: JournalProblem | null;
}

/** A procedure as its folder tells it. Nothing is verified here: see `verifyProcedure`. */
export interface Procedure extends JournalContent {
  readonly folder: string;
  readonly id: string;
  readonly description: ProcedureDescription;
  /** `open`: no closing line, it is being written or its process died. */
  readonly state: 'open' | 'closed' | 'interrupted';
  /** Hash of the line that the last seal signs; null while there is no seal. */
  readonly headHash: string | null;
  /** The video, or null when there is none. */
  readonly recording: string | null;
  /** Lines of one type, in order. */
  entriesOf<Type extends EntryType>(...types: readonly Type[]): Entry<Type>[];
  /**
   * In the order in which they were analysed; half a line at the end is left out.
   * @throws ProcedureError `detections-damaged` with the line.
   */
  detections(): AsyncGenerator<DetectionLine, void, undefined>;
}

/**
 * Reads a procedure's folder, finished or not: description and journal at once, detections as they are asked for.
 * @throws ProcedureError `procedure-missing`, `procedure-damaged`, `procedure-newer`.
 */
export async function readProcedure(folder: string): Promise<Procedure> {
  const description = await readDescription(folder);
  const { entries, problem } = await readJournal(folder);
  const recording = join(folder, RECORDING_FILE);
  const closing = entries.find(isClosing);
  return {
    folder,
    id: description.id,
    description,
    entries,
    problem,
    state: closing === undefined ? 'open' : closing.type,
    headHash: entries.findLast(({ type }) => type === 'seal')?.previous ?? null,
    recording: await stat(recording).then(
      (found) => (found.isFile() ? recording : null),
      () => null,
    ),
    entriesOf<Type extends EntryType>(...types: readonly Type[]) {
      return entries.filter(({ type }) => (types as readonly EntryType[]).includes(type)) as Entry<Type>[];
    },
    detections: () => readDetections(folder),
  };
}

/** @throws ProcedureError `procedure-missing`, `procedure-damaged`, `procedure-newer`. */
async function readDescription(folder: string): Promise<ProcedureDescription> {
  const bytes = await readFile(join(folder, DESCRIPTION_FILE)).catch((error: unknown) => {
    throw new ProcedureError('procedure-missing', `${folder}: is no procedure (${DESCRIPTION_FILE} cannot be read)`, {
      remedy: 'Name a folder that holds procedure.json, or list the kept ones: lumenmark procedures list.',
      cause: error,
    });
  });
  return parseDescription(folder, bytes);
}

/** @throws ProcedureError `procedure-damaged`, `procedure-newer`. */
export function parseDescription(folder: string, bytes: Uint8Array): ProcedureDescription {
  let value: unknown;
  try {
    value = parseLine(bytes);
  } catch (error) {
    throw damaged(folder, `${DESCRIPTION_FILE} is no JSON: ${messageOf(error)}`, error);
  }
  const format = z.looseObject({ format: z.literal('lumenmark-procedure'), version: z.number() }).safeParse(value);
  if (format.success && format.data.version > FORMAT_VERSION) {
    throw new ProcedureError(
      'procedure-newer',
      `${folder}: has format version ${format.data.version}; this software reads up to ${FORMAT_VERSION}`,
      { remedy: 'Read it with the software that wrote it, or a newer one.' },
    );
  }
  const parsed = DESCRIPTION_SCHEMA.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw damaged(folder, `${DESCRIPTION_FILE}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`, parsed.error);
}

/** Never throws for what the file says, only when it cannot be read. */
async function readJournal(folder: string): Promise<JournalContent> {
  const entries: Entry[] = [];
  const file = join(folder, JOURNAL_FILE);
  try {
    for await (const { index, bytes, complete } of readLines(file)) {
      if (!complete) return { entries, problem: { line: index, kind: 'torn', reason: 'the line has no end' } };
      const parsed = entryOf(bytes);
      if ('problem' in parsed) return { entries, problem: { line: index, kind: 'damaged', reason: parsed.problem } };
      entries.push(parsed.entry);
    }
  } catch (error) {
    if (error instanceof RangeError) return { entries, problem: { line: entries.length, kind: 'damaged', reason: error.message } };
    throw damaged(folder, `${JOURNAL_FILE} cannot be read`, error);
  }
  return { entries, problem: null };
}

function entryOf(bytes: Uint8Array): ReturnType<typeof parseEntry> {
  try {
    return parseEntry(parseLine(bytes));
  } catch (error) {
    return { problem: `is no JSON: ${messageOf(error)}` };
  }
}

async function* readDetections(folder: string): AsyncGenerator<DetectionLine, void, undefined> {
  const bad = (line: number, why: string, cause?: unknown): ProcedureError =>
    new ProcedureError('detections-damaged', `${folder}: line ${line + 1} of ${DETECTIONS_FILE} ${why}`, {
      remedy: 'Ask what else was altered: lumenmark procedures verify.',
      cause,
    });
  for await (const { index, bytes, complete } of readLines(join(folder, DETECTIONS_FILE))) {
    if (!complete) return;
    let value: unknown;
    try {
      value = parseLine(bytes);
    } catch (error) {
      throw bad(index, 'is no JSON', error);
    }
    const parsed = DETECTION_SCHEMA.safeParse(value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw bad(index, `is no detection: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`, parsed.error);
    }
    yield parsed.data;
  }
}

function damaged(folder: string, why: string, cause?: unknown): ProcedureError {
  return new ProcedureError('procedure-damaged', `${folder}: is no procedure, or a damaged one (${why})`, {
    remedy: 'Ask what was altered: lumenmark procedures verify. Copy it again from where it came.',
    cause,
  });
}
