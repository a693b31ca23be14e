import type { ClassScore, Neighbour } from './match.js';

export interface VoteOptions {
  /** Similarity by which a neighbour counts e times less than the nearest one. */
  readonly temperature: number;
  /**
   * Power of a class's size by which its vote is divided: 0 leaves the prior in, 1 removes all of it. Below 1 where the few exemplars of
   * a small class lie too far apart to speak for it alone.
   */
  readonly priorExponent: number;
}

/** The neighbours shown and counted in the published method (doi 10.3389/fmed.2025.1727884). */
export const DEFAULT_K = 31;
export const DEFAULT_VOTE: VoteOptions = { temperature: 0.15, priorExponent: 0.5 };

const TEMPERATURES = [0.03, 0.05, 0.1, 0.15, 0.2, 0.3];
const PRIOR_EXPONENTS = [0.25, 0.5, 0.75, 1];
/** Fewer queries than this choose by chance. */
const MIN_QUERIES = 50;
/** Added to the size of every class: the density of a class of three is a guess, and one chance neighbour must not carry the vote. */
const PSEUDO_COUNT = 5;
/** A class that gets no vote costs as much as one that gets this share. */
const SCORE_FLOOR = 0.01;

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
    const weight = Math.exp((similarity - nearest) / temperature) / (countOf(label) + PSEUDO_COUNT) ** priorExponent;
    votes.set(label, (votes.get(label) ?? 0) + weight);
  }
  const sum = [...votes.values()].reduce((total, vote) => total + vote, 0);
  return [...votes]
    .map(([label, vote]) => ({ label, score: vote / sum }))
    .sort((a, b) => b.score - a.score || (a.label < b.label ? -1 : 1));
}

export interface AnsweredQuery {
  readonly label: string;
  readonly neighbours: readonly Neighbour[];
  readonly counts: ReadonlyMap<string, number>;
}

/**
 * The options whose scores are the best probabilities: smallest log loss. Classes weigh as the square root of their size, between
 * counting every class alike, where tiny ones decide, and every query alike, where large ones do.
 */
export function chooseVote(queries: readonly AnsweredQuery[]): VoteOptions {
  if (queries.length < MIN_QUERIES) return DEFAULT_VOTE;
  const sizes = new Map<string, number>();
  for (const { label } of queries) sizes.set(label, (sizes.get(label) ?? 0) + 1);

  const lossOf = (vote: VoteOptions): number => {
    let loss = 0;
    for (const { label, neighbours, counts } of queries) {
      const own = scoreClasses(neighbours, (other) => counts.get(other) ?? 0, vote).find((score) => score.label === label);
      loss -= Math.log(Math.max(own?.score ?? 0, SCORE_FLOOR)) / Math.sqrt(sizes.get(label) ?? 1);
    }
    return loss;
  };
  const candidates = TEMPERATURES.flatMap((temperature) => PRIOR_EXPONENTS.map((priorExponent) => ({ temperature, priorExponent })));
  return candidates.map((vote) => ({ vote, loss: lossOf(vote) })).reduce((best, next) => (next.loss < best.loss ? next : best)).vote;
}
