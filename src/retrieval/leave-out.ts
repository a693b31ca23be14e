import { classesAround } from '../common/landmarks.js';
import { similarity } from './exact-index.js';
import type { ClassScore, Neighbour } from './match.js';
import { Nearest } from './nearest.js';
import { scoreClasses, type VoteOptions } from './vote.js';

export interface LabelledEmbeddings {
  /** `[labels.length, dimension]`, L2-normalised. */
  readonly embeddings: Float32Array;
  readonly dimension: number;
  readonly labels: readonly string[];
  /** Near-duplicates of one another carry one number. */
  readonly groups: readonly number[];
}

export interface Answer {
  readonly neighbours: readonly Neighbour[];
  readonly scores: readonly ClassScore[];
}

/** What the gallery answers to one of its own exemplars when parts of it are left out. */
export interface LeaveOut {
  readonly query: number;
  /** Without the exemplar and its near-duplicates; null when its class has no other exemplar. */
  readonly oneOut: Answer | null;
  /** Without its class, the classes that it is a part of and its parts: what it shows is not in the gallery. */
  readonly classOut: Answer | null;
}

/** Answers for one exemplar, to calibrate and evaluate a gallery with. Exact. */
export function leaveOut(gallery: LabelledEmbeddings, query: number, k: number, vote: VoteOptions): LeaveOut {
  const { embeddings, dimension, labels, groups } = gallery;
  const own = labels[query] ?? '';
  const around = new Set([own, ...classesAround(own)]);
  const vector = embeddings.subarray(query * dimension, (query + 1) * dimension);
  const one = new Nearest(k);
  const other = new Nearest(k);
  const oneCounts = new Map<string, number>();
  const otherCounts = new Map<string, number>();
  const related = new Map<string, boolean>();

  for (let row = 0; row < labels.length; row++) {
    if (groups[row] === groups[query]) continue;
    const label = labels[row] ?? '';
    let kin = related.get(label);
    if (kin === undefined) related.set(label, (kin = around.has(label) || classesAround(label).includes(own)));
    const near = similarity(embeddings, row, vector);
    oneCounts.set(label, (oneCounts.get(label) ?? 0) + 1);
    if (near > one.floor) one.add(row, near);
    if (kin) continue;
    otherCounts.set(label, (otherCounts.get(label) ?? 0) + 1);
    if (near > other.floor) other.add(row, near);
  }

  const answer = (nearest: Nearest, counts: ReadonlyMap<string, number>): Answer => {
    const neighbours = nearest
      .hits()
      .map(({ exemplar, similarity: near }) => ({ exemplar, label: labels[exemplar] ?? '', similarity: near }));
    return { neighbours, scores: scoreClasses(neighbours, (label) => counts.get(label) ?? 0, vote) };
  };
  return {
    query,
    oneOut: oneCounts.has(own) ? answer(one, oneCounts) : null,
    classOut: otherCounts.size > 0 ? answer(other, otherCounts) : null,
  };
}
