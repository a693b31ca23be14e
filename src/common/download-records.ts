import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LumenmarkError, messageOf } from './errors.js';

const RECORDS = z.record(z.string(), z.object({ sha256: z.string(), byteLength: z.number(), url: z.string(), fetchedAt: z.string() }));

export type DownloadRecord = z.infer<typeof RECORDS>[string];

/** What was downloaded into `folder` so far, by file name. @throws LumenmarkError `pull-record` when the list is damaged. */
export async function recordedDownloads(folder: string): Promise<Readonly<Record<string, DownloadRecord>>> {
  const path = recordsPath(folder);
  const text = await readFile(path, 'utf8').catch(() => '{}');
  try {
    return RECORDS.parse(JSON.parse(text));
  } catch (error) {
    throw new LumenmarkError('pull-record', `${path} is damaged: ${messageOf(error)}.`, {
      cause: error,
      remedy: 'Delete it; the hashes are then recorded anew.',
    });
  }
}

/** Remembers a file, so that a later download of the same name can be held against it. */
export async function recordDownload(folder: string, file: string, entry: DownloadRecord): Promise<void> {
  const all = { ...(await recordedDownloads(folder)), [file]: entry };
  const path = recordsPath(folder);
  await writeFile(`${path}.partial`, `${JSON.stringify(all, null, 2)}\n`, { flush: true });
  await rename(`${path}.partial`, path);
}

function recordsPath(folder: string): string {
  return join(folder, 'downloads.json');
}
