import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseCsv } from '../common/csv.js';
import { messageOf, UsageError } from '../common/errors.js';
import { lookAlikes } from '../retrieval/look-alikes.js';

/** What a picture belongs to by its name: patient, examination, source; null when nothing is known. */
export type GroupOf = (name: string) => string | null;

/**
 * One number per picture, the same for pictures that belong together: by what `groupOf` says where it knows, else by looks as in an evaluation,
 * directly or by a chain. Hashes alone are compared: there is no embedding yet that similarity could be measured with. Who names patients is
 * believed: pictures of two patients may look alike, and simulated ones do.
 */
export async function pictureGroups(
  names: readonly string[],
  hashes: readonly Uint32Array[],
  groupOf: GroupOf | null,
  signal?: AbortSignal,
): Promise<number[]> {
  const named = new Map<string, number>();
  const groups = names.map((name, picture) => {
    const group = groupOf?.(name) ?? null;
    if (group === null) return null;
    const first = named.get(group) ?? picture;
    named.set(group, first);
    return first;
  });
  const unnamed = groups.flatMap((group, picture) => (group === null ? [picture] : []));
  const alike = await lookAlikes(
    unnamed.map((picture) => hashes[picture] ?? new Uint32Array()),
    { embeddings: null, ...(signal === undefined ? {} : { signal }) },
  );
  unnamed.forEach((picture, place) => {
    groups[picture] = unnamed[alike.groups.of(place)] ?? picture;
  });
  return groups.map((group, picture) => group ?? picture);
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
