import type { Neighbour } from '../retrieval/match.js';

/** Embeddings `[labels.length, dimension]`, L2-normalised, with the label of each row. */
export interface LabelledRows {
  readonly embeddings: Float32Array;
  readonly labels: readonly string[];
}

/** Measures of one query, from the whole ranking of the gallery by cosine similarity. */
export interface QueryMeasures {
  readonly query: number;
  readonly label: string;
  /** Position of the first relevant exemplar, from 1. */
  readonly firstHit: number;
  /** Sum of the precision at every relevant exemplar, divided by the number of relevant exemplars. */
  readonly averagePrecision: number;
  /** Share of relevant exemplars among the first R, R being their number. */
  readonly rPrecision: number;
  /** Sum of the precision at every relevant exemplar among the first R, divided by R (not by the hits). */
  readonly averagePrecisionAtR: number;
  /** The nearest exemplars, as many as were asked for. */
  readonly neighbours: readonly Neighbour[];
  /** The relevant exemplar that comes first. */
  readonly firstRelevant: Neighbour;
  /** Greatest precision from each of `RECALL_LEVELS` on. */
  readonly precisionAtRecall: readonly number[];
}

/** 0, 0.05, … 1. */
export const RECALL_LEVELS: readonly number[] = Array.from({ length: 21 }, (_, level) => level / 20);

export interface RankOptions {
  readonly dimension: number;
  /** True for exemplars that a query must not be compared with: itself, its near-duplicates. */
  readonly exclude?: (query: number, exemplar: number) => boolean;
  /** Neighbours to return; default 1. */
  readonly keep?: number;
}

/**
 * Ranks the gallery for one query; of equally similar exemplars the one with the smaller position comes first. Null when the gallery has
 * no exemplar of the query's label: no ranking could be right.
 */
export function rankQuery(gallery: LabelledRows, queries: LabelledRows, query: number, options: RankOptions): QueryMeasures | null {
  const { dimension, exclude, keep = 1 } = options;
  const label = queries.labels[query] ?? '';
  const from = query * dimension;
  const similarities = new Float64Array(gallery.labels.length);
  const order: number[] = [];
  let relevant = 0;
  for (let exemplar = 0; exemplar < gallery.labels.length; exemplar++) {
    if (exclude?.(query, exemplar) === true) continue;
    const start = exemplar * dimension;
    let sum = 0;
    for (let at = 0; at < dimension; at++) sum += (queries.embeddings[from + at] ?? 0) * (gallery.embeddings[start + at] ?? 0);
    similarities[exemplar] = sum;
    order.push(exemplar);
    if (gallery.labels[exemplar] === label) relevant += 1;
  }
  if (relevant === 0) return null;
  order.sort((a, b) => (similarities[b] ?? 0) - (similarities[a] ?? 0) || a - b);

  const neighbour = (exemplar: number): Neighbour => ({
    exemplar,
    label: gallery.labels[exemplar] ?? '',
    similarity: similarities[exemplar] ?? 0,
  });
  let hits = 0;
  let precisions = 0;
  let precisionsAtR = 0;
  let hitsAtR = 0;
  let firstHit = 0;
  const precisionAtHit: number[] = [];
  order.forEach((exemplar, at) => {
    if (gallery.labels[exemplar] !== label) return;
    hits += 1;
    if (hits === 1) firstHit = at + 1;
    precisions += hits / (at + 1);
    precisionAtHit.push(hits / (at + 1));
    if (at < relevant) {
      hitsAtR = hits;
      precisionsAtR += hits / (at + 1);
    }
  });
  return {
    query,
    label,
    firstHit,
    averagePrecision: precisions / relevant,
    rPrecision: hitsAtR / relevant,
    averagePrecisionAtR: precisionsAtR / relevant,
    neighbours: order.slice(0, keep).map(neighbour),
    firstRelevant: neighbour(order[firstHit - 1] ?? 0),
    precisionAtRecall: interpolated(precisionAtHit),
  };
}

/** @param precisionAtHit Precision at the first, second, … relevant exemplar. */
function interpolated(precisionAtHit: readonly number[]): number[] {
  const greatestFrom = [...precisionAtHit];
  for (let hit = greatestFrom.length - 2; hit >= 0; hit--) greatestFrom[hit] = Math.max(greatestFrom[hit] ?? 0, greatestFrom[hit + 1] ?? 0);
  return RECALL_LEVELS.map((recall) => greatestFrom[Math.max(0, Math.ceil(recall * precisionAtHit.length - 1e-9) - 1)] ?? 0);
}
