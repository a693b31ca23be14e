import { classesAround, classInfo, type Tract } from '../common/landmarks.js';
import { ratioAt } from '../retrieval/likelihood-ratio.js';
import type { Match } from '../retrieval/match.js';
import type { Detection } from './detection.js';
import type { ResolvedTrackerOptions } from './options.js';

/** Whether a class can be in view when `tract` is examined; null when that is not known. */
export function isOfTract(label: string, tract: Tract | null): boolean {
  const of = classInfo(label).tract;
  return tract === null || of === undefined || of === tract;
}

/** What one frame says about what is in view. */
export interface Evidence {
  /** Likelihood of the frame under nothing (index 0) and under each landmark (1 + k), up to a common factor. */
  readonly likelihoods: readonly number[];
  /** Landmark that the frame speaks for most, as its index in the tracker's landmarks; null when it speaks for nothing. */
  readonly supports: number | null;
  /** Share of the vote that the supported landmark itself got, 0…1. */
  readonly score: number;
}

/**
 * Makes the reader of frames for a list of landmarks.
 *
 * Class scores are posteriors under equal priors, hence proportional to likelihoods. Part of the vote for a wider class counts for what
 * lies within it. Nothing is in view in two ways: a place that the gallery does not hold, under which any scores are as likely as
 * others (`nothingShare`), or a class that is no landmark (findings, quality classes), which has a vote of its own.
 *
 * A landmark is seen in two ways as well. A typical view is near the gallery, and its vote counts. An odd one (`oddShareOf`) looks like a
 * place that the gallery does not hold, and then what happens to be nearest says little about which landmark it is: at most twice as much for
 * it as for the others. So a far frame counts for the landmarks that are often far, against those that never are; and a gallery that
 * refuses most of its own places, or is asked about a video unlike its stills, cannot make them invisible.
 *
 * An out-of-body frame speaks strongly for nothing; any other bad frame yields null: no evidence.
 */
export function createEvidenceReader(
  landmarks: readonly string[],
  options: ResolvedTrackerOptions,
): (detection: Detection) => Evidence | null {
  const around = landmarks.map(classesAround);
  const { scoreFloor, nothingShare, oddScore, widerClassShare, falseAcceptance, falseRejection, confidenceRatios } = options;
  const oddShares = landmarks.map((label) => options.oddShareOf[label] ?? falseRejection);
  const isState = new Set(landmarks);
  const isElsewhere = (label: string): boolean => !isOfTract(label, options.tract);
  const outOfBody: Evidence = {
    likelihoods: [1, ...landmarks.map(() => options.outOfBodyShare)],
    supports: null,
    score: 0,
  };

  /**
   * Share of the typical views of what the gallery holds among the frames that are as near to it as this one, when there are as many of what
   * it does not hold.
   */
  function nearnessOf({ known, confidence }: Match): number {
    if (confidenceRatios.length === 0) return known ? 1 : 0;
    const ratio = ratioAt(confidenceRatios, confidence);
    return ratio / (1 + ratio);
  }

  return ({ quality, match }) => {
    if (quality.verdict === 'out-of-body') return outOfBody;
    if (quality.verdict !== 'good') return null;

    const votes = new Map(match.scores.map(({ label, score }) => [label, score]));
    const vote = (label: string): number => votes.get(label) ?? 0;
    const otherVotes = match.scores.reduce((sum, { label, score }) => (isState.has(label) || isElsewhere(label) ? sum : sum + score), 0);
    const near = nearnessOf(match);
    // On video what is not held now and then looks like what is, whatever it would do as a still.
    const foreign = falseAcceptance * near + (1 - falseAcceptance) * (1 - near);
    const held = (1 - falseRejection) * near + falseRejection * (1 - near);
    const nothing = foreign * nothingShare + held * otherVotes;

    const scores = landmarks.map(
      (label, k) => vote(label) + widerClassShare * (around[k] ?? []).reduce((sum, wider) => sum + vote(wider), 0),
    );
    const likelihoodOf = (k: number, score: number): number => {
      const odd = oddShares[k] ?? falseRejection;
      return (1 - odd) * near * score + odd * (1 - near) * oddScore * (1 + score);
    };
    const likeliest = indexOfLargest(scores);
    // A narrow class without a vote of its own must not win by what it inherits.
    const supports =
      likeliest !== null && likelihoodOf(likeliest, scores[likeliest] ?? 0) > nothing && vote(landmarks[likeliest] ?? '') > 0
        ? likeliest
        : null;
    return {
      likelihoods: [nothing, ...scores.map((score, k) => likelihoodOf(k, score + scoreFloor))],
      supports,
      score: supports === null ? 0 : vote(landmarks[supports] ?? ''),
    };
  };
}

function indexOfLargest(values: readonly number[]): number | null {
  let largest: number | null = null;
  for (let index = 0; index < values.length; index++) {
    if (largest === null || (values[index] ?? 0) > (values[largest] ?? 0)) largest = index;
  }
  return largest;
}
