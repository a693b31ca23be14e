import type { OperatingPoint } from './manifest.js';

/** How much likelier a match of this confidence is for a place that the gallery holds than for one that it does not. */
export interface ConfidenceRatio {
  readonly confidence: number;
  readonly ratio: number;
}

/** Rates of a few hundred queries say no more than this about how rare a thing is. */
const RATE_FLOOR = 0.01;

/**
 * The likelihood ratio of `known` as a function of the confidence, from the open-set curve of a gallery's calibration: the slope of the convex
 * hull of the ROC curve, which rises with the confidence by construction (Fawcett and Niculescu-Mizil 2007). Points by rising confidence, to be
 * read with straight lines between logarithms; the ends go on level.
 * @param curve Any order.
 */
export function confidenceRatios(curve: readonly Pick<OperatingPoint, 'threshold' | 'falseAcceptance' | 'loss'>[]): ConfidenceRatio[] {
  const points = [...curve].sort((a, b) => a.threshold - b.threshold);
  // From everything known to nothing known; what turns the wrong way lies below the hull.
  const hull: (typeof points)[number][] = [];
  for (const point of points) {
    while (hull.length > 1 && slope(hull.at(-2), hull.at(-1)) >= slope(hull.at(-1), point)) hull.pop();
    hull.push(point);
  }
  let highest = 0;
  return hull.slice(1).map((upper, at) => {
    const lower = hull[at] ?? upper;
    const ratio = (upper.loss - lower.loss + RATE_FLOOR) / (lower.falseAcceptance - upper.falseAcceptance + RATE_FLOOR);
    // The floor can turn what short pieces of the hull say.
    highest = Math.max(highest, ratio);
    return { confidence: (lower.threshold + upper.threshold) / 2, ratio: highest };
  });
}

/** The ratio at a confidence; 1 without points. */
export function ratioAt(points: readonly ConfidenceRatio[], confidence: number): number {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return 1;
  if (confidence <= first.confidence) return first.ratio;
  const at = points.findIndex((point) => point.confidence >= confidence);
  const [lower, upper] = [points[at - 1], points[at]];
  if (lower === undefined || upper === undefined) return last.ratio;
  const way = (confidence - lower.confidence) / Math.max(upper.confidence - lower.confidence, 1e-12);
  return Math.exp((1 - way) * Math.log(lower.ratio) + way * Math.log(upper.ratio));
}

type Point = Pick<OperatingPoint, 'falseAcceptance' | 'loss'> | undefined;

/** Known lost per foreign refused, from one threshold to a stricter one. */
function slope(lower: Point, upper: Point): number {
  const lost = (upper?.loss ?? 0) - (lower?.loss ?? 0);
  const refused = (lower?.falseAcceptance ?? 0) - (upper?.falseAcceptance ?? 0);
  if (lost <= 0 && refused <= 0) return 0;
  return refused <= 0 ? Infinity : lost / refused;
}
