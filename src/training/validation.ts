import { bootstrapByGroup, wilson, type Interval } from '../common/intervals.js';
import { similarity } from '../retrieval/exact-index.js';

/** Embeddings `[labels.length, dimension]`, L2-normalised. */
export interface Embedded {
  readonly embeddings: Float32Array;
  readonly labels: readonly string[];
}

/** How well the held back pictures find their class among the training pictures. */
export interface Validation {
  /** Queries whose class the gallery has. */
  readonly n: number;
  readonly gallery: number;
  /** Share of queries whose nearest exemplar is of their class. */
  readonly recallAt1: number;
  /** Recall@1 of each class, averaged. */
  readonly classMeanRecallAt1: number;
  /** Mean of the similarity to the nearest of the own class less that to the nearest of another; decides between runs of equal recall. */
  readonly margin: number;
  readonly perClass: Readonly<Record<string, { readonly n: number; readonly recallAt1: number }>>;
  /** 95 %, every query counted as independent. */
  readonly wilson: Interval;
  /** 95 %, groups (patients, look-alikes) drawn with replacement. */
  readonly byGroup: { readonly recallAt1: Interval; readonly classMeanRecallAt1: Interval };
}

/** @param groups Of each query. */
export function validate(gallery: Embedded, queries: Embedded, groups: readonly number[]): Validation {
  const dimension = gallery.embeddings.length / gallery.labels.length;
  const known = new Set(gallery.labels);
  const asked: { label: string; hit: number; margin: number; group: number }[] = [];
  queries.labels.forEach((label, query) => {
    if (!known.has(label)) return;
    const vector = queries.embeddings.subarray(query * dimension, (query + 1) * dimension);
    let [own, other] = [-1, -1];
    gallery.labels.forEach((candidate, row) => {
      const near = similarity(gallery.embeddings, row, vector);
      if (candidate === label) own = Math.max(own, near);
      else other = Math.max(other, near);
    });
    asked.push({ label, hit: own > other ? 1 : 0, margin: own - other, group: groups[query] ?? query });
  });
  const overall = (items: readonly number[]): number => mean(items.map((item) => asked[item]?.hit ?? 0));
  const classMean = (items: readonly number[]): number => mean([...byLabel(items)].map(([, hits]) => mean(hits)));
  const byLabel = (items: readonly number[]): Map<string, number[]> => {
    const hits = new Map<string, number[]>();
    for (const item of items) {
      const { label = '', hit = 0 } = asked[item] ?? {};
      const own = hits.get(label);
      if (own === undefined) hits.set(label, [hit]);
      else own.push(hit);
    }
    return hits;
  };
  const all = asked.map((_, item) => item);
  const drawn = asked.map(({ group }) => group);
  return {
    n: asked.length,
    gallery: gallery.labels.length,
    recallAt1: overall(all),
    classMeanRecallAt1: classMean(all),
    margin: mean(asked.map(({ margin }) => margin)),
    perClass: Object.fromEntries([...byLabel(all)].map(([label, hits]) => [label, { n: hits.length, recallAt1: mean(hits) }])),
    wilson: wilson(
      asked.reduce((sum, { hit }) => sum + hit, 0),
      asked.length,
    ),
    byGroup: { recallAt1: bootstrapByGroup(drawn, overall), classMeanRecallAt1: bootstrapByGroup(drawn, classMean) },
  };
}

/** Whether `a` is to be preferred to `b`. */
export function isBetter(a: Validation, b: Validation): boolean {
  return a.recallAt1 > b.recallAt1 || (a.recallAt1 === b.recallAt1 && a.margin > b.margin);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
