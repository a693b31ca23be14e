import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSha256 } from '../common/sha256.js';
import { filesBelow, syncFile } from './durable-files.js';
import type { FileRecord } from './entries.js';
import { isDerived, JOURNAL_FILE } from './paths.js';

/** Whether a closing line lists this file: everything but the journal itself and what can be made again. */
export function isCovered(path: string): boolean {
  return path !== JOURNAL_FILE && !isDerived(path);
}

/** Size and hash of every file that a closing line lists; they are flushed to the disk first. Links are left out: their content lies elsewhere. */
export async function inventory(folder: string): Promise<FileRecord[]> {
  const records: FileRecord[] = [];
  for (const { path, kind } of await filesBelow(folder)) {
    if (kind !== 'file' || !isCovered(path)) continue;
    const file = join(folder, path);
    await syncFile(file);
    records.push({ path, bytes: (await stat(file)).size, sha256: await fileSha256(file) });
  }
  return records;
}
