import { classesAround } from '../common/landmarks.js';
import { DENSITY_NEIGHBOURS, nearnessOf, type NearnessMeasure } from './confidence.js';
import { similarity } from './exact-index.js';
import type { Neighbour } from './match.js';
import { Nearest } from './nearest.js';

export interface LabelledEmbeddings {
  /** `[labels.length, dimension]`, L2-normalised. */
  readonly embeddings: Float32Array;
  readonly labels: readonly string[];
  /** Near-duplicates of one another carry one number. */
  readonly groups: readonly number[];
}

/** What a gallery, or a part of it, answers to one of its exemplars. */
export interface HeldOutAnswer {
  readonly query: number;
  /** Nearest first. */
  readonly neighbours: readonly Neighbour[];
  /** Exemplars by label in the part that was asked. */
  readonly counts: ReadonlyMap<string, number>;
  /** By measure, before what is usual for a class is taken off. */
  readonly nearness: readonly number[];
}

/**
 * Asks parts of a gallery for its own exemplars, which are never found as themselves or as a near-duplicate. Exact.
 * @param members Exemplars that the part consists of.
 * @param k Neighbours that an answer has.
 */
export function heldOutSearch(
  gallery: LabelledEmbeddings,
  members: readonly number[],
  k: number,
  measures: readonly NearnessMeasure[],
): (query: number, known: boolean) => HeldOutAnswer {
  const { embeddings, labels, groups } = gallery;
  const dimension = embeddings.length / labels.length;
  const kinship = new Map<string, ReadonlySet<string>>();
  const densities = new Map<string, number>();
  const seen = Math.max(k, ...measures.map(({ neighbours }) => neighbours));
  const row = (exemplar: number): Float32Array => embeddings.subarray(exemplar * dimension, (exemplar + 1) * dimension);

  /** The label, the classes that it is a part of, and its parts among the gallery's labels. */
  function kinOf(label: string): ReadonlySet<string> {
    let kin = kinship.get(label);
    if (kin === undefined) {
      kin = new Set([label, ...classesAround(label), ...labels.filter((other) => classesAround(other).includes(label))]);
      kinship.set(label, kin);
    }
    return kin;
  }

  function nearest(query: number, count: number, without: ReadonlySet<string> | null): Nearest {
    const found = new Nearest(count);
    const vector = row(query);
    for (const member of members) {
      if (groups[member] === groups[query] || without?.has(labels[member] ?? '') === true) continue;
      const near = similarity(embeddings, member, vector);
      if (near > found.floor) found.add(member, near);
    }
    return found;
  }

  function densityOf(exemplar: number, withoutKinOf: string | null): number {
    const key = `${exemplar} ${withoutKinOf ?? ''}`;
    let density = densities.get(key);
    if (density === undefined) {
      density = meanSimilarity(nearest(exemplar, DENSITY_NEIGHBOURS, withoutKinOf === null ? null : kinOf(withoutKinOf)));
      densities.set(key, density);
    }
    return density;
  }

  return (query, known) => {
    const label = labels[query] ?? '';
    const without = known ? null : kinOf(label);
    const near = nearest(query, seen, without)
      .hits()
      .map(({ exemplar, similarity: cosine }) => ({ exemplar, label: labels[exemplar] ?? '', similarity: cosine }));
    const counts = new Map<string, number>();
    for (const member of members) {
      const own = labels[member] ?? '';
      if (groups[member] !== groups[query] && without?.has(own) !== true) counts.set(own, (counts.get(own) ?? 0) + 1);
    }
    const density = (exemplar: number): number => densityOf(exemplar, known ? null : label);
    return { query, neighbours: near.slice(0, k), counts, nearness: measures.map((measure) => nearnessOf(near, density, measure)) };
  };
}

function meanSimilarity(found: Nearest): number {
  const hits = found.hits();
  return hits.reduce((sum, hit) => sum + hit.similarity, 0) / Math.max(1, hits.length);
}
