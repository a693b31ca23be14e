import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCsv, type CsvTable } from '../../common/csv.js';
import { messageOf, UsageError } from '../../common/errors.js';

/** @throws UsageError when the file cannot be read, is no table, or lacks a column. */
export async function readTable(file: string, required: readonly string[] = []): Promise<CsvTable> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError('csv', `${file}: cannot be read (${messageOf(error)})`, { remedy: 'Check the path.', cause: error });
  });
  return parseCsv(text, file, required);
}

/** The first of these paths below `directory` that is there, ignoring the case of letters; null when none is. */
export async function findBelow(directory: string, paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    let at: string | null = directory;
    for (const part of path.split('/')) {
      if (at === null) break;
      const names: string[] = await readdir(at).catch(() => []);
      const name = names.find((other) => other.toLowerCase() === part.toLowerCase());
      at = name === undefined ? null : join(at, name);
    }
    if (at !== null) return at;
  }
  return null;
}

/** Names of the folders in a directory, as they are. */
export async function foldersIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** The part of a path behind its last `/`. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
