import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseCsv } from '../common/csv.js';
import { messageOf, UsageError } from '../common/errors.js';
import { nearDuplicateGroups } from '../retrieval/duplicates.js';

/** What a picture belongs to by its name: patient, examination, source; null when nothing is known. */
export type GroupOf = (name: string) => string | null;

/**
 * One number per picture: near-duplicates, and pictures that `groupOf` holds together, carry the same, directly or by a chain of them.
 */
export function pictureGroups(names: readonly string[], hashes: readonly Uint32Array[], groupOf: GroupOf | null): number[] {
  const groups = nearDuplicateGroups(hashes);
  const first = new Map<string, number>();
  names.forEach((name, picture) => {
    const group = groupOf?.(name) ?? null;
    if (group === null) return;
    const other = first.get(group);
    if (other === undefined) first.set(group, picture);
    else groups.join(other, picture);
  });
  return names.map((_, picture) => groups.of(picture));
}

const PATH_COLUMNS = ['path', 'file', 'filename', 'name', 'image'];

/**
 * Groups from a table: one column with paths below the folder of pictures (or bare file names), one with the group.
 *
 * @throws UsageError `group-table`, `csv`, `csv-columns`
 */
export async function groupsFromTable(file: string, column: string): Promise<GroupOf> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError('group-table', `${file} cannot be read: ${messageOf(error)}.`, { cause: error, remedy: 'Check the path.' });
  });
  const { columns, rows } = parseCsv(text, file, [column]);
  const pathColumn = columns.find((name) => PATH_COLUMNS.includes(name.toLowerCase()));
  if (pathColumn === undefined) {
    throw new UsageError('group-table', `${file} has no column that names the pictures.`, {
      remedy: `Call it one of ${PATH_COLUMNS.join(', ')}.`,
    });
  }
  const groups = new Map(rows.flatMap((row) => (row[column] === '' ? [] : [[row[pathColumn] ?? '', row[column] ?? '']])));
  return (name) => groups.get(name) ?? groups.get(basename(name)) ?? null;
}
