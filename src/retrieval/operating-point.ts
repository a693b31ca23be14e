import { CONFIDENCE_NAME } from './confidence.js';
import type { Calibration, OperatingPoint } from './manifest.js';

/** A query whose class the gallery holds. */
export interface KnownQuery {
  readonly confidence: number;
  /** Whether the best class is the query's own. */
  readonly right: boolean;
}

const CURVE_POINTS = 64;

/**
 * Chooses, of the thresholds whose false acceptance is at most the wanted one, the one with the smallest sum of false acceptance and
 * loss, in the middle between the two confidences that it parts. Pure.
 * @param foreign Confidences of queries whose class the gallery lacks.
 */
export function operatingPoint(
  known: readonly KnownQuery[],
  foreign: readonly number[],
  wantedFalseAcceptance: number,
): Omit<Calibration, 'method'> {
  const accepted = [...known].sort((a, b) => a.confidence - b.confidence);
  const refused = [...foreign].sort((a, b) => a - b);
  const right = suffixSums(accepted.map((query) => (query.right ? 1 : 0)));

  const pointAt = (threshold: number): OperatingPoint => {
    const lost = lowerBound(accepted.length, (at) => (accepted[at]?.confidence ?? 0) >= threshold);
    const kept = accepted.length - lost;
    return {
      threshold,
      falseAcceptance: (refused.length - lowerBound(refused.length, (at) => (refused[at] ?? 0) >= threshold)) / refused.length,
      loss: lost / accepted.length,
      precision: kept === 0 ? 0 : (right[lost] ?? 0) / kept,
    };
  };

  const confidences = [...new Set([...accepted.map(({ confidence }) => confidence), ...refused])].sort((a, b) => a - b);
  const points = [...confidences, Infinity].map((upper, at) => {
    const lower = confidences[at - 1] ?? upper - 0.01;
    return pointAt(upper === Infinity ? lower + 0.01 : (lower + upper) / 2);
  });
  const cost = (point: OperatingPoint): number => point.falseAcceptance + point.loss;
  const chosen = points
    .filter(({ falseAcceptance }) => falseAcceptance <= wantedFalseAcceptance + 1e-12)
    .reduce((best, point) => (cost(point) < cost(best) ? point : best));
  const curve = Array.from({ length: CURVE_POINTS + 1 }, (_, step) => points[Math.round((step * (points.length - 1)) / CURVE_POINTS)]);

  return {
    confidence: CONFIDENCE_NAME,
    wantedFalseAcceptance,
    chosen,
    knownQueries: known.length,
    unknownQueries: foreign.length,
    auroc: auroc(accepted, refused),
    curve: [...new Set(curve)].filter((point) => point !== undefined),
  };
}

/** Probability that a known query is surer than a foreign one, ties counted half; `foreign` ascending. */
function auroc(known: readonly KnownQuery[], foreign: readonly number[]): number {
  let sum = 0;
  for (const { confidence } of known) {
    const below = lowerBound(foreign.length, (at) => (foreign[at] ?? 0) >= confidence);
    const upTo = lowerBound(foreign.length, (at) => (foreign[at] ?? 0) > confidence);
    sum += (below + upTo) / 2;
  }
  return sum / (known.length * foreign.length);
}

/** First position at which `reached` holds; it must hold from some position on. */
function lowerBound(length: number, reached: (at: number) => boolean): number {
  let from = 0;
  let to = length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (reached(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

function suffixSums(values: readonly number[]): number[] {
  const sums = new Array<number>(values.length + 1).fill(0);
  for (let at = values.length - 1; at >= 0; at--) sums[at] = (sums[at + 1] ?? 0) + (values[at] ?? 0);
  return sums;
}
