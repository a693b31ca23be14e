import { setImmediate as nextTurn } from 'node:timers/promises';
import { seededRandom } from '../common/random.js';
import { CONFIDENCE_NAME, confidenceOf } from './confidence.js';
import { leaveOut, type LabelledEmbeddings } from './leave-out.js';
import type { Calibration, OperatingPoint } from './manifest.js';
import type { VoteOptions } from './vote.js';

/** One query of the calibration. */
export interface CalibrationQuery {
  readonly confidence: number;
  /** Whether the best class is the query's own. */
  readonly right: boolean;
}

export interface CalibrateOptions {
  readonly k: number;
  readonly vote: VoteOptions;
  /** Share of queries of a foreign class that may be taken for known. */
  readonly falseAcceptance: number;
  /** Exemplars asked, at most, spread over the classes. */
  readonly maxQueries?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (share: number) => void;
}

/** Fewer queries than this on either side say nothing about a rate. */
const MIN_QUERIES = 20;
const CURVE_POINTS = 64;
const SLICE_MS = 20;

/**
 * Calibrates the threshold of `known` on the gallery itself: every exemplar is asked twice, once with itself and its near-duplicates
 * left out (its class is in the gallery) and once with its class left out (it is not). Null when there are too few to tell.
 */
export async function calibrate(gallery: LabelledEmbeddings, options: CalibrateOptions): Promise<Calibration | null> {
  const queries = spread(gallery.labels, options.maxQueries ?? 2000);
  const known: CalibrationQuery[] = [];
  const unknown: number[] = [];
  let turnBegan = performance.now();
  for (const [at, query] of queries.entries()) {
    const { oneOut, classOut } = leaveOut(gallery, query, options.k, options.vote);
    if (oneOut !== null) {
      known.push({ confidence: confidenceOf(oneOut.neighbours), right: oneOut.scores[0]?.label === gallery.labels[query] });
    }
    if (classOut !== null) unknown.push(confidenceOf(classOut.neighbours));
    if (performance.now() - turnBegan > SLICE_MS) {
      options.onProgress?.(at / queries.length);
      await nextTurn();
      options.signal?.throwIfAborted();
      turnBegan = performance.now();
    }
  }
  if (known.length < MIN_QUERIES || unknown.length < MIN_QUERIES) return null;
  return calibrationOf(known, unknown, options.falseAcceptance);
}

/** Chooses the smallest threshold that keeps the false acceptance at or below the wanted one. Pure. */
export function calibrationOf(known: readonly CalibrationQuery[], unknown: readonly number[], wantedFalseAcceptance: number): Calibration {
  const accepted = [...known].sort((a, b) => a.confidence - b.confidence);
  const foreign = [...unknown].sort((a, b) => a - b);
  const right = suffixSums(accepted.map((query) => (query.right ? 1 : 0)));

  const pointAt = (threshold: number): OperatingPoint => {
    const lost = lowerBound(accepted.length, (at) => (accepted[at]?.confidence ?? 0) >= threshold);
    const refused = lowerBound(foreign.length, (at) => (foreign[at] ?? 0) >= threshold);
    const kept = accepted.length - lost;
    return {
      threshold,
      falseAcceptance: (foreign.length - refused) / foreign.length,
      loss: lost / accepted.length,
      precision: kept === 0 ? 0 : (right[lost] ?? 0) / kept,
    };
  };

  const allowed = Math.floor(wantedFalseAcceptance * foreign.length + 1e-9);
  const strictest = foreign[foreign.length - 1 - allowed];
  // Just above the most confident foreign query that must be refused; without one, everything is known.
  const threshold = strictest === undefined ? -1 : nextAbove(strictest);
  const thresholds = [...accepted.map(({ confidence }) => confidence), ...foreign].sort((a, b) => a - b);
  const curve = Array.from(
    { length: CURVE_POINTS + 1 },
    (_, step) => thresholds[Math.floor((step * (thresholds.length - 1)) / CURVE_POINTS)] ?? 0,
  );

  return {
    confidence: CONFIDENCE_NAME,
    weights: [],
    wantedFalseAcceptance,
    chosen: pointAt(threshold),
    knownQueries: known.length,
    unknownQueries: unknown.length,
    auroc: auroc(
      accepted.map(({ confidence }) => confidence),
      foreign,
    ),
    curve: [...new Set(curve)].map(pointAt),
  };
}

/** Probability that a known query is surer than a foreign one, ties counted half; both ascending. */
function auroc(known: readonly number[], foreign: readonly number[]): number {
  let sum = 0;
  for (const confidence of known) {
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

function nextAbove(value: number): number {
  return value + Math.max(Math.abs(value), 1) * Number.EPSILON * 2;
}

/** At most `max` positions, every class with as many as the others as far as it has them; seeded. */
function spread(labels: readonly string[], max: number): number[] {
  if (labels.length <= max) return labels.map((_, at) => at);
  const random = seededRandom(1);
  const byLabel = new Map<string, { order: number; at: number }[]>();
  labels.forEach((label, at) => {
    const entries = byLabel.get(label) ?? [];
    entries.push({ order: random(), at });
    byLabel.set(label, entries);
  });
  const turns = [...byLabel.values()].map((entries) => entries.sort((a, b) => a.order - b.order));
  const chosen: number[] = [];
  for (let turn = 0; chosen.length < max; turn++) {
    for (const entries of turns) {
      const entry = entries[turn];
      if (entry !== undefined && chosen.length < max) chosen.push(entry.at);
    }
  }
  return chosen;
}
