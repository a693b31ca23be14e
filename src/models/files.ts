import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, open, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { isDiskFull, messageOf, ModelError, UsageError } from '../common/errors.js';

/** Name of a model, and of its folder: nothing that a file system or a command line could read otherwise. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

export function modelsFolder(home: string): string {
  return join(home, 'models');
}

/** @throws UsageError `model-name` */
export function modelFolder(home: string, name: string): string {
  if (!NAME.test(name) || name.includes('..')) {
    throw new UsageError('model-name', `“${name}” is no name for a model.`, {
      remedy: 'Use letters, digits, dots, hyphens and underscores, at most 64.',
    });
  }
  return join(modelsFolder(home), name);
}

/** Folders that an interrupted import may leave when the process is killed; they start like this and are never listed. */
export const PARTIAL_PREFIX = '.partial-';

/**
 * Fills a new folder and puts it in its place in one step: it appears whole or not at all. What `fill` leaves half-written is removed.
 *
 * @throws ModelError `disk-full`, `models-folder`
 */
export async function createFolderAtomically<T>(target: string, parent: string, fill: (folder: string) => Promise<T>): Promise<T> {
  const partial = join(parent, `${PARTIAL_PREFIX}${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(partial, { recursive: true });
  } catch (error) {
    throw new ModelError('models-folder', `${parent} cannot be written to: ${messageOf(error)}.`, {
      cause: error,
      remedy: 'Give the right to write there, or choose another place with LUMENMARK_HOME.',
    });
  }
  try {
    const result = await fill(partial);
    await rename(partial, target);
    return result;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw diskFull(error, parent) ?? error;
  }
}

/** A clear error for a full disk; null for any other. */
export function diskFull(error: unknown, folder: string): ModelError | null {
  if (!isDiskFull(error)) return null;
  return new ModelError('disk-full', `The disk of ${folder} is full; nothing was kept.`, {
    cause: error,
    remedy: 'Free some space, or choose another disk with LUMENMARK_HOME.',
  });
}

/** @throws ModelError `disk-full` when the disk has less than `byteLength` free; says nothing where the system does not tell. */
export async function requireSpace(folder: string, byteLength: number): Promise<void> {
  const free = await statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Infinity,
  );
  if (free >= byteLength) return;
  throw new ModelError('disk-full', `${folder} has ${mebibytes(free)} free; the model needs ${mebibytes(byteLength)}.`, {
    remedy: 'Free some space, or choose another disk with LUMENMARK_HOME.',
  });
}

export function mebibytes(byteLength: number): string {
  return `${(byteLength / 2 ** 20).toFixed(byteLength < 10 * 2 ** 20 ? 1 : 0)} MiB`;
}

export interface WrittenFile {
  readonly sha256: string;
  readonly byteLength: number;
}

/** Writes chunks one after the other, to the disk and not only to its cache. */
export async function writeChunks(path: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<WrittenFile> {
  const hash = createHash('sha256');
  let byteLength = 0;
  const handle = await open(path, 'wx');
  try {
    for await (const chunk of chunks) {
      hash.update(chunk);
      for (let offset = 0; offset < chunk.byteLength;) {
        const { bytesWritten } = await handle.write(chunk, offset, Math.min(chunk.byteLength - offset, 2 ** 28));
        offset += bytesWritten;
      }
      byteLength += chunk.byteLength;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { sha256: hash.digest('hex'), byteLength };
}

export async function fileExists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}
