import { join } from 'node:path';
import { messageOf, ProcedureError } from '../common/errors.js';
import type { JournalLine } from './check-chain.js';
import { readLines } from './line-file.js';
import { JOURNAL_FILE } from './paths.js';

export interface JournalLines {
  readonly lines: readonly JournalLine[];
  /** Up to the end of the last complete line. */
  readonly bytes: number;
}

/** The raw lines of a procedure's journal. @throws ProcedureError `procedure-damaged` when it cannot be read. */
export async function readJournalLines(folder: string): Promise<JournalLines> {
  const file = join(folder, JOURNAL_FILE);
  const lines: JournalLine[] = [];
  let end = 0;
  try {
    for await (const { bytes, offset, complete } of readLines(file)) {
      lines.push({ bytes, complete });
      if (complete) end = offset + bytes.length + 1;
    }
  } catch (error) {
    // A line without end: none of ours, and it need not be in memory to be judged.
    if (error instanceof RangeError) lines.push({ bytes: Buffer.from(error.message), complete: true });
    else {
      throw new ProcedureError('procedure-damaged', `${file}: cannot be read: ${messageOf(error)}`, {
        remedy: 'Check the rights on the file and the disk.',
        cause: error,
      });
    }
  }
  return { lines, bytes: end };
}
