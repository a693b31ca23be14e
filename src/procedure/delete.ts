import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProcedureError } from '../common/errors.js';
import { logDeletion, readDeletions, type Deletion } from './deletion-log.js';
import { filesBelow, syncFolder } from './durable-files.js';
import type { Entry } from './entries.js';
import { isProcedureId, procedureFolder, proceduresFolder } from './paths.js';
import { readProcedure } from './reader.js';

/** Set before a folder that is going, so that nobody takes it for a procedure. */
const GOING = '.deleting-';

/** Whether the last word on it is to keep it for audit. */
function isHeld(entries: readonly Entry[]): boolean {
  const last = entries.findLast((entry) => entry.type === 'audit-hold');
  return last?.on === true;
}

/**
 * Deletes a procedure for good and leaves a line of it in the home's log. To be called with the home locked.
 * @throws ProcedureError `procedure-held` for one that is marked for audit, `procedure-open` for one that is not closed,
 * `procedure-damaged` for one whose journal does not say whether it is held; nothing is deleted then.
 */
export async function deleteProcedure(
  home: string,
  id: string,
  { reason, by }: Pick<Deletion, 'reason' | 'by'>,
): Promise<Pick<Deletion, 'id' | 'bytes' | 'headHash'>> {
  const folder = procedureFolder(home, id);
  const { description, entries, problem, state, headHash } = await readProcedure(folder);
  if (problem !== null) {
    throw new ProcedureError('procedure-damaged', `${id}: is not deleted, because its journal cannot be read to the end`, {
      remedy: `It may have been marked for audit. Look at it (lumenmark procedures verify ${id}); move ${folder} away by hand if it must go.`,
    });
  }
  if (isHeld(entries)) {
    throw new ProcedureError('procedure-held', `${id}: is marked for audit, and is not deleted`, {
      remedy: `Take the mark back first, with a reason: lumenmark procedures release ${id} --reason TEXT.`,
    });
  }
  if (state === 'open') {
    throw new ProcedureError('procedure-open', `${id}: is not closed, and is not deleted`, {
      remedy: 'Close it, or start Lumenmark once: it closes what a crash left open.',
    });
  }
  const bytes = await bytesOf(folder);
  // First out of sight, then into the log, then gone: a crash between leaves either the procedure or the line of its deletion.
  const going = join(proceduresFolder(home), `${GOING}${id}`);
  await rename(folder, going);
  await syncFolder(proceduresFolder(home));
  try {
    await logDeletion(home, { id, kind: description.kind, checklist: description.checklist.id, state, headHash, bytes, reason, by });
  } catch (error) {
    await rename(going, folder);
    throw error;
  }
  await rm(going, { recursive: true });
  return { id, bytes, headHash };
}

/** Finishes deletions that a crash cut short: what is in the log goes; what is not, or where the log does not hold, comes back. */
export async function finishDeletions(home: string): Promise<void> {
  const parent = proceduresFolder(home);
  const going = (await readdir(parent).catch(() => [])).filter((name) => name.startsWith(GOING) && isProcedureId(name.slice(GOING.length)));
  if (going.length === 0) return;
  const deleted = new Set((await readDeletions(home).catch(() => [])).map(({ id }) => id));
  for (const name of going) {
    const id = name.slice(GOING.length);
    if (deleted.has(id)) await rm(join(parent, name), { recursive: true });
    else await rename(join(parent, name), join(parent, id));
  }
}

async function bytesOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const { path, kind } of await filesBelow(folder)) if (kind === 'file') bytes += (await stat(join(folder, path))).size;
  return bytes;
}
