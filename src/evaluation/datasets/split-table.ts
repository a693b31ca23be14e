import { join } from 'node:path';
import { UsageError } from '../../common/errors.js';
import type { DatasetListing, ListedPicture } from './listing.js';
import { fileName, readTable } from './tables.js';

const PATH_COLUMNS = ['path', 'file', 'filename', 'file-name', 'file_name', 'Filename', 'image'];
const PART_COLUMNS = ['split', 'split-index', 'fold', 'set', 'set_type', 'part'];

/**
 * Takes the parts of a split from a table with a column of paths (or file names, where they are unique) and one of parts.
 * @throws UsageError for a table without such columns.
 */
export async function withSplitTable(listing: DatasetListing, file: string): Promise<DatasetListing> {
  const { rows, paths, column } = await joined(listing, file, PART_COLUMNS);
  const parts = new Map(rows.map(({ picture, value }) => [picture, value.toLowerCase()]));
  return {
    ...listing,
    pictures: listing.pictures.map((picture) => ({ ...picture, part: parts.get(picture) ?? null })),
    missing: [...listing.missing, ...paths],
    split: `column “${column}” of ${file}`,
  };
}

/**
 * Takes what stays together in a split from a column of a table: source, patient, examination.
 * @param file Default: INDEX.csv in the directory.
 * @throws UsageError when there is no such table or column.
 */
export async function withGroupColumn(
  listing: DatasetListing,
  column: string,
  file = join(listing.directory, 'INDEX.csv'),
): Promise<DatasetListing> {
  const { rows, paths } = await joined(listing, file, [column]);
  const groups = new Map(rows.map(({ picture, value }) => [picture, value]));
  const without = listing.pictures.filter((picture) => (groups.get(picture) ?? '') === '').length;
  return {
    ...listing,
    pictures: listing.pictures.map((picture) => {
      const group = groups.get(picture) ?? '';
      return group === '' ? picture : { ...picture, group };
    }),
    missing: [...listing.missing, ...paths],
    notes: [...listing.notes, ...(without === 0 ? [] : [`${without} pictures have no entry in “${column}” of ${file}.`])],
  };
}

interface Joined {
  readonly rows: readonly { readonly picture: ListedPicture; readonly value: string }[];
  /** Named in the table, but not there. */
  readonly paths: readonly string[];
  readonly column: string;
}

async function joined(listing: DatasetListing, file: string, columns: readonly string[]): Promise<Joined> {
  const table = await readTable(file);
  const need = (names: readonly string[], what: string): string => {
    const found = names.find((name) => table.columns.includes(name));
    if (found !== undefined) return found;
    throw new UsageError('csv-columns', `${file}: has no column of ${what} (${names.join(', ')})`, {
      remedy: `It has ${table.columns.map((name) => `“${name}”`).join(', ')}.`,
    });
  };
  const pathColumn = need(PATH_COLUMNS, 'paths');
  const column = need(columns, columns.length === 1 ? 'that name' : 'parts');
  const byPath = new Map(listing.pictures.map((picture) => [picture.path, picture]));
  const byName = new Map<string, ListedPicture | null>();
  for (const picture of listing.pictures) {
    const name = fileName(picture.path);
    byName.set(name, byName.has(name) ? null : picture);
  }
  // A picture without a label is there, only not asked for.
  const unlabelled = new Set(listing.unlabelled);
  const rows: { picture: ListedPicture; value: string }[] = [];
  const paths: string[] = [];
  for (const row of table.rows) {
    const path = row[pathColumn] ?? '';
    const picture = byPath.get(path) ?? byName.get(fileName(path)) ?? null;
    if (picture !== null) rows.push({ picture, value: row[column] ?? '' });
    else if (!unlabelled.has(path)) paths.push(path);
  }
  return { rows, paths, column };
}
