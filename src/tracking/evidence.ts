import { classesAround } from '../common/landmarks.js';
import type { Detection } from './detection.js';
import type { ResolvedTrackerOptions } from './options.js';

/** What one frame says about what is in view. */
export interface Evidence {
  /** Likelihood of the frame under nothing (index 0) and under each landmark (1 + k), up to a common factor. */
  readonly likelihoods: readonly number[];
  /** Landmark that the frame speaks for, as its index in the tracker's landmarks; null when it speaks for nothing. */
  readonly supports: number | null;
  /** Share of the vote that the supported landmark itself got, 0…1. */
  readonly score: number;
}

/**
 * Makes the reader of frames for a list of landmarks.
 *
 * A known frame's class scores are posteriors under equal priors, hence proportional to likelihoods; the vote for classes that
 * are no landmarks (findings, quality classes) counts for nothing, and part of the vote for a wider class for what lies within
 * it. An unknown frame speaks for nothing, an out-of-body frame strongly so; any other bad frame yields null: no evidence.
 */
export function createEvidenceReader(
  landmarks: readonly string[],
  options: ResolvedTrackerOptions,
): (detection: Detection) => Evidence | null {
  const around = landmarks.map(classesAround);
  const flat = (share: number): Evidence => ({ likelihoods: [1, ...landmarks.map(() => share)], supports: null, score: 0 });
  const unknown = flat(options.unknownShare);
  const outOfBody = flat(options.outOfBodyShare);

  return ({ quality, match }) => {
    if (quality.verdict === 'out-of-body') return outOfBody;
    if (quality.verdict !== 'good') return null;
    if (!match.known) return unknown;

    const votes = new Map(match.scores.map(({ label, score }) => [label, score]));
    const vote = (label: string): number => votes.get(label) ?? 0;
    const landmarkVotes = landmarks.reduce((sum, label) => sum + vote(label), 0);
    const allVotes = match.scores.reduce((sum, { score }) => sum + score, 0);
    const nothing = options.nothingShare + Math.max(0, allVotes - landmarkVotes);

    const scores = landmarks.map(
      (label, k) => vote(label) + options.widerClassShare * (around[k] ?? []).reduce((sum, wider) => sum + vote(wider), 0),
    );
    const supports = indexOfLargest(scores);
    const best = supports === null ? 0 : (scores[supports] ?? 0);
    // A narrow class without a vote of its own must not win by what it inherits.
    const supported = supports !== null && best > nothing && vote(landmarks[supports] ?? '') > 0 ? supports : null;
    return {
      likelihoods: [nothing, ...scores.map((score) => score + options.scoreFloor)],
      supports: supported,
      score: supported === null ? 0 : vote(landmarks[supported] ?? ''),
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
