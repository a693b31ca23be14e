import { Groups } from '../retrieval/groups.js';
import { lookAlikes, type LookAlikeOptions } from '../retrieval/look-alikes.js';

/** What belongs together among the rows of an evaluation. */
export interface RowGroups {
  /** By row: pictures of one patient, examination or source, and pictures that look alike. Numbered by the first row. */
  readonly groups: readonly number[];
  /** By row: pictures that look alike. */
  readonly lookAlikes: readonly number[];
  readonly minSimilarity: number | null;
  /** Rows that look like another one. */
  readonly alikeRows: number;
}

/**
 * Joins rows by what is known (ids) and by what can be seen.
 * @param hashes Empty when there are no pictures: then only ids join.
 * @param ids Null where nothing is known.
 */
export async function rowGroups(
  hashes: readonly Uint32Array[],
  ids: readonly (string | null)[],
  options: LookAlikeOptions & {
    /** Only ids join; look-alikes are found, but not held together. Default false. */
    readonly idsOnly?: boolean;
  },
): Promise<RowGroups> {
  const alike = hashes.length === 0 ? null : await lookAlikes(hashes, options);
  const joined = new Groups(ids.length);
  const first = new Map<string, number>();
  ids.forEach((id, row) => {
    if (alike !== null && options.idsOnly !== true) joined.join(alike.groups.of(row), row);
    if (id === null) return;
    const other = first.get(id);
    if (other === undefined) first.set(id, row);
    else joined.join(other, row);
  });
  const looks = ids.map((_, row) => alike?.groups.of(row) ?? row);
  const sizes = new Map<number, number>();
  for (const group of looks) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  return {
    groups: ids.map((_, row) => joined.of(row)),
    lookAlikes: looks,
    minSimilarity: alike?.minSimilarity ?? null,
    alikeRows: looks.filter((group) => (sizes.get(group) ?? 0) > 1).length,
  };
}
