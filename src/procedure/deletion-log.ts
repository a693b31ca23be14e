import { open } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { messageOf, ProcedureError } from '../common/errors.js';
import { sha256Of, sha256Schema } from '../common/sha256.js';
import { parseLine, readLines } from './line-file.js';
import { cutEnd, endOfLastLine, exists } from './torn-end.js';

/** A procedure that was deleted. The label is not kept, since it may name a patient. */
const DELETION = z.strictObject({
  seq: z.number().int().nonnegative(),
  at: z.iso.datetime(),
  /** SHA-256 of the line before; of nothing in line 0. */
  previous: sha256Schema,
  id: z.string(),
  kind: z.string(),
  checklist: z.string(),
  state: z.string(),
  headHash: sha256Schema.nullable(),
  bytes: z.number().int().nonnegative(),
  reason: z.string().max(4000),
  by: z.string().min(1).max(200),
});
export type Deletion = z.output<typeof DELETION>;

const DELETIONS_FILE = 'deletions.ndjson';

/** The log of a home, oldest first. @throws ProcedureError `deletions-altered` with the line whose chain does not hold. */
export async function readDeletions(home: string): Promise<Deletion[]> {
  const file = join(home, DELETIONS_FILE);
  const deletions: Deletion[] = [];
  if (!(await exists(file))) return deletions;
  let previous = sha256Of(Buffer.alloc(0));
  for await (const { bytes, index, complete } of readLines(file)) {
    // Half a line was never acknowledged, and its procedure is still there.
    if (!complete) break;
    const parsed = DELETION.safeParse(jsonOf(bytes));
    if (!parsed.success || parsed.data.seq !== index || parsed.data.previous !== previous) {
      throw new ProcedureError('deletions-altered', `${file}: line ${index + 1} or the one before it was altered, removed or added`, {
        remedy: 'Compare it with a backup. Nothing is deleted while this log does not hold; move it away to begin a new one.',
      });
    }
    deletions.push(parsed.data);
    previous = sha256Of(bytes);
  }
  return deletions;
}

/** Appends a line and flushes it to the disk. To be called with the home locked. */
export async function logDeletion(home: string, deletion: Omit<Deletion, 'seq' | 'at' | 'previous'>): Promise<void> {
  const file = join(home, DELETIONS_FILE);
  const before = await readDeletions(home);
  const last = before.at(-1);
  const previous = sha256Of(Buffer.from(last === undefined ? '' : JSON.stringify(last)));
  const line: Deletion = { seq: before.length, at: new Date().toISOString(), previous, ...deletion };
  try {
    if (await exists(file)) await cutEnd(home, DELETIONS_FILE, await endOfLastLine(file));
    const handle = await open(file, 'a');
    try {
      await handle.writeFile(`${JSON.stringify(line)}\n`);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new ProcedureError('deletions-write', `${file}: cannot be written: ${messageOf(error)}`, {
      remedy: 'Check the disk.',
      cause: error,
    });
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return parseLine(bytes);
  } catch {
    return null;
  }
}
