import type { ClassScore, Neighbour } from './match.js';

export interface VoteOptions {
  /** Similarity by which a neighbour counts e times less than the nearest one. */
  readonly temperature: number;
  /**
   * Power of a class's share of the gallery by which its vote is divided: 0 leaves the prior in, 1 removes all of it. Below 1
   * because the count of a small class is itself uncertain.
   */
  readonly priorExponent: number;
}

/**
 * Similarity-weighted vote of the nearest exemplars with the classes' priors divided out: with `priorExponent` 1 it is the
 * posterior, under equal priors, of a kernel density estimate per class, cut off at the k nearest.
 * @param countOf Exemplars of a label in the whole gallery.
 */
export function scoreClasses(
  neighbours: readonly Neighbour[],
  countOf: (label: string) => number,
  { temperature, priorExponent }: VoteOptions,
): ClassScore[] {
  const nearest = neighbours[0]?.similarity ?? 0;
  const votes = new Map<string, number>();
  for (const { label, similarity } of neighbours) {
    const weight = Math.exp((similarity - nearest) / temperature) / Math.max(1, countOf(label)) ** priorExponent;
    votes.set(label, (votes.get(label) ?? 0) + weight);
  }
  const sum = [...votes.values()].reduce((total, vote) => total + vote, 0);
  return [...votes]
    .map(([label, vote]) => ({ label, score: vote / sum }))
    .sort((a, b) => b.score - a.score || (a.label < b.label ? -1 : 1));
}

/** The neighbours shown and counted in the published method (Kim 2025). */
export const DEFAULT_K = 31;
export const DEFAULT_VOTE: VoteOptions = { temperature: 0.1, priorExponent: 0.5 };
