import { constants } from 'node:fs';
import { copyFile, link, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** While it is written; a crash may leave it. */
const PARTIAL_SUFFIX = '.part';

/** Writes a file that must not exist yet: it appears whole, and when this resolves it is on the disk under its name. */
export async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  const partial = `${file}${PARTIAL_SUFFIX}`;
  try {
    const handle = await open(partial, 'w');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(file));
}

/**
 * Gives a finished file another name, unless that is taken: false then. Of many who try at once, one succeeds. A link does that in one step;
 * where the file system has none (exFAT, some network shares) a copy does, and may be seen half-written.
 */
export async function claimName(file: string, name: string): Promise<boolean> {
  try {
    await link(file, name).catch(async (error: unknown) => {
      if (codeOf(error) === 'EEXIST') throw error;
      await copyFile(file, name, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Makes the names in a folder durable. Windows has no such call, and needs none. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function syncFile(file: string): Promise<void> {
  // Some systems flush only what was opened for writing.
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export interface FolderEntry {
  /** With `/`, below the folder. */
  readonly path: string;
  /** `other`: a link, a device, anything whose content lies elsewhere. */
  readonly kind: 'file' | 'other';
}

/** Everything below a folder but the folders themselves, in the order of the paths' code units. Links are listed, not followed. */
export async function filesBelow(folder: string, below = ''): Promise<FolderEntry[]> {
  const found: FolderEntry[] = [];
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await filesBelow(folder, path)));
    else found.push({ path, kind: entry.isFile() ? 'file' : 'other' });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}
