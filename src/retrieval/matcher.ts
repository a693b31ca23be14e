import { confidenceOf, DEFAULT_MEASURE, nearnessOf } from './confidence.js';
import type { Calibration } from './manifest.js';
import type { Match, Neighbour } from './match.js';
import type { VectorIndex } from './vector-index.js';
import { scoreClasses, type VoteOptions } from './vote.js';

export interface MatcherParts {
  readonly index: VectorIndex;
  /** By exemplar. */
  readonly labels: readonly string[];
  /** By exemplar: mean similarity to its own nearest ones. */
  readonly densities: readonly number[];
  readonly vote: VoteOptions;
  /** Null: everything is known. */
  readonly calibration: Calibration | null;
}

/** Makes the function that turns an embedding into a match. Pure: the same parts and embedding give the same match. */
export function createMatcher({
  index,
  labels,
  densities,
  vote,
  calibration,
}: MatcherParts): (embedding: Float32Array, k: number) => Match {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const measure = calibration?.measure ?? DEFAULT_MEASURE;
  const countOf = (label: string): number => counts.get(label) ?? 0;

  return (embedding, k) => {
    // Nearness is of as many as it was calibrated with, however few are asked for.
    const near: Neighbour[] = index
      .search(embedding, Math.max(k, measure.neighbours))
      .map(({ exemplar, similarity }) => ({ exemplar, label: labels[exemplar] ?? '', similarity }));
    const neighbours = near.slice(0, k);
    const scores = scoreClasses(neighbours, countOf, vote);
    const nearness = nearnessOf(near, (exemplar) => densities[exemplar] ?? 0, measure);
    const confidence = confidenceOf(nearness, scores[0]?.label, calibration?.usual ?? {});
    return { neighbours, scores, confidence, known: calibration === null || confidence >= calibration.chosen.threshold };
  };
}
