import { UsageError } from '../common/errors.js';

/** One asking: queries against a gallery, with a model that is fitted on pictures none of which is asked for. */
export interface Round {
  /** Rows that a fittable model is fitted on. */
  readonly fit: readonly number[];
  readonly gallery: readonly number[];
  readonly queries: readonly number[];
  /** Queries are not compared with exemplars of their own group (themselves among them). */
  readonly withoutOwnGroup: boolean;
}

export interface Split {
  readonly rounds: readonly Round[];
  /** In words. */
  readonly how: string;
}

/** Models are fitted so many times where a picture at a time is left out: each fit takes seconds. */
const FITS = 10;

/** `folds` folds; groups stay together. Every row is asked once. */
export function foldSplit(labels: readonly string[], groups: readonly number[], folds: number): Split {
  const names = new Set(groups).size;
  const count = Math.min(folds, names);
  const foldOf = dealGroups(labels, groups, count);
  return { rounds: roundsOf(foldOf, count), how: `${count} folds` };
}

/**
 * Every row asked of all that are not of its group. A fittable model is fitted on nine tenths of the groups, in turn, never on the group
 * that is asked.
 */
export function leaveOneOut(labels: readonly string[], groups: readonly number[]): Split {
  const count = Math.min(FITS, new Set(groups).size);
  const everything = labels.map((_, row) => row);
  const rounds = roundsOf(dealGroups(labels, groups, count), count).map(({ gallery, queries }): Round => ({
    fit: gallery,
    gallery: everything,
    queries,
    withoutOwnGroup: true,
  }));
  return { rounds, how: 'one group left out at a time' };
}

/** The first `galleryCount` rows against the others. */
export function pairSplit(galleryCount: number, count: number): Split {
  const gallery = Array.from({ length: galleryCount }, (_, row) => row);
  const queries = Array.from({ length: count - galleryCount }, (_, at) => galleryCount + at);
  return { rounds: [{ fit: gallery, gallery, queries, withoutOwnGroup: false }], how: 'queries against a gallery' };
}

const GALLERY_NAMES = ['gallery', 'train', 'training', 'database', 'db'];
const QUERY_NAMES = ['query', 'queries', 'test', 'testing', 'val', 'valid', 'validate', 'validation'];

/**
 * A split that is given: numbers are folds, each asked of the others; otherwise the training set (`train`, `gallery`) is asked for the test
 * set (`test`, `query`), or for the validation set where there is no test set. Rows without a part are left out.
 * @throws UsageError when the parts are neither.
 */
export function givenSplit(parts: readonly (string | null)[], source: string): Split & { readonly leftOut: number } {
  const names = [...new Set(parts.flatMap((part) => (part === null || part === '' ? [] : [part])))].sort();
  const rowsOf = (chosen: readonly string[]): number[] =>
    parts.flatMap((part, row) => (part !== null && chosen.includes(part) ? [row] : []));
  if (names.length > 1 && names.every((name) => /^\d+$/.test(name))) {
    const foldOf = parts.map((part) => (part === null || part === '' ? -1 : names.indexOf(part)));
    return { rounds: roundsOf(foldOf, names.length), how: source, leftOut: foldOf.filter((fold) => fold < 0).length };
  }
  const gallery = rowsOf(names.filter((name) => GALLERY_NAMES.includes(name)));
  const asked = QUERY_NAMES.find((name) => names.includes(name));
  const queries = asked === undefined ? [] : rowsOf([asked]);
  if (gallery.length === 0 || queries.length === 0) {
    throw new UsageError('split-parts', `${source}: its parts are ${names.join(', ') || 'empty'}`, {
      remedy: 'Number the folds, or name the parts train and test (or gallery and query).',
    });
  }
  return {
    rounds: [{ fit: gallery, gallery, queries, withoutOwnGroup: false }],
    how: source,
    leftOut: parts.length - gallery.length - queries.length,
  };
}

/** Rows of a negative fold are left out. */
function roundsOf(foldOf: readonly number[], count: number): Round[] {
  return Array.from({ length: count }, (_, fold): Round => {
    const gallery: number[] = [];
    const queries: number[] = [];
    foldOf.forEach((other, row) => {
      if (other >= 0) (other === fold ? queries : gallery).push(row);
    });
    return { fit: gallery, gallery, queries, withoutOwnGroup: false };
  }).filter(({ gallery, queries }) => gallery.length > 0 && queries.length > 0);
}

/** Folds by row: the largest groups first, each to the fold that holds the fewest of the labels it brings. Deterministic. */
export function dealGroups(labels: readonly string[], groups: readonly number[], folds: number): number[] {
  const members = new Map<number, number[]>();
  groups.forEach((group, row) => {
    const rows = members.get(group) ?? [];
    rows.push(row);
    members.set(group, rows);
  });
  const held = Array.from({ length: folds }, () => new Map<string, number>());
  const sizes = new Array<number>(folds).fill(0);
  const foldOf = new Array<number>(labels.length).fill(0);
  for (const rows of [...members.values()].sort((a, b) => b.length - a.length || (a[0] ?? 0) - (b[0] ?? 0))) {
    const cost = (fold: number): number => rows.reduce((sum, row) => sum + (held[fold]?.get(labels[row] ?? '') ?? 0), 0);
    let best = 0;
    for (let fold = 1; fold < folds; fold++) {
      const [there, here] = [cost(fold), cost(best)];
      if (there < here || (there === here && (sizes[fold] ?? 0) < (sizes[best] ?? 0))) best = fold;
    }
    for (const row of rows) {
      foldOf[row] = best;
      const label = labels[row] ?? '';
      held[best]?.set(label, (held[best]?.get(label) ?? 0) + 1);
    }
    sizes[best] = (sizes[best] ?? 0) + rows.length;
  }
  return foldOf;
}
