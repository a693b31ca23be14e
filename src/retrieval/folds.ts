/** What is held out of a gallery in one round of its calibration. */
export interface Fold {
  /** Exemplars that are asked although others of their class stay. */
  readonly known: readonly number[];
  /** Exemplars of classes that are held out whole. */
  readonly unknown: readonly number[];
  /** The others: what is fitted on and searched. */
  readonly members: readonly number[];
}

/**
 * Deals a gallery into folds, so that every exemplar is held out once with its whole class and once beside others of its class. Groups
 * (near-duplicates) stay together. At most `count` folds, at most one for each label.
 */
export function dealFolds(labels: readonly string[], groups: readonly number[], count: number): Fold[] {
  const sizes = new Map<string, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const folds = Math.min(count, sizes.size);
  const bySize = [...sizes].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const classFold = new Map(bySize.map(([label], rank) => [label, rank % folds]));

  const dealt = new Map<string, number>();
  const groupFold = new Map<number, number>();
  labels.forEach((label, exemplar) => {
    const group = groups[exemplar] ?? exemplar;
    if (groupFold.has(group)) return;
    const turn = dealt.get(label) ?? 0;
    dealt.set(label, turn + 1);
    // Any fold but the one in which the whole class is out.
    groupFold.set(group, folds === 1 ? 0 : ((classFold.get(label) ?? 0) + 1 + (turn % (folds - 1))) % folds);
  });

  return Array.from({ length: folds }, (_, fold) => {
    const known: number[] = [];
    const unknown: number[] = [];
    const members: number[] = [];
    labels.forEach((label, exemplar) => {
      const classOut = classFold.get(label) === fold;
      const groupOut = groupFold.get(groups[exemplar] ?? exemplar) === fold;
      if (classOut) unknown.push(exemplar);
      else if (groupOut) known.push(exemplar);
      else members.push(exemplar);
    });
    return { known, unknown, members };
  });
}
