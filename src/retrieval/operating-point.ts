import type { Calibration, OperatingPoint } from './manifest.js';

/** A query of the open-set calibration. */
export interface OpenSetQuery {
  /** What the picture shows. */
  readonly label: string;
  readonly confidence: number;
  /** Whether the best class is what it shows. */
  readonly right: boolean;
}

/** Rates at the chosen threshold and over all of them. */
export type OpenSetCurve = Pick<Calibration, 'wantedFalseAcceptance' | 'chosen' | 'knownQueries' | 'unknownQueries' | 'auroc' | 'curve'>;

const CURVE_POINTS = 64;
/** Classes with fewer queries than this count less: a single picture is no class. */
const FULL_CLASS = 5;

/** Sums over queries from some confidence on. */
class Weighted {
  readonly #confidences: readonly number[];
  readonly #weightFrom: readonly number[];
  readonly #rightFrom: readonly number[];
  readonly total: number;

  constructor(queries: readonly OpenSetQuery[]) {
    const sizes = new Map<string, number>();
    for (const { label } of queries) sizes.set(label, (sizes.get(label) ?? 0) + 1);
    const weigh = ({ label }: OpenSetQuery): number => 1 / Math.max(FULL_CLASS, sizes.get(label) ?? 1);
    const sorted = [...queries].sort((a, b) => a.confidence - b.confidence);
    this.#confidences = sorted.map(({ confidence }) => confidence);
    this.#weightFrom = suffixSums(sorted.map(weigh));
    this.#rightFrom = suffixSums(sorted.map((query) => (query.right ? weigh(query) : 0)));
    this.total = this.#weightFrom[0] ?? 0;
  }

  /** Share of the weight with a confidence of at least `threshold`. */
  from(threshold: number): number {
    return (this.#weightFrom[this.#position(threshold)] ?? 0) / this.total;
  }

  /** Share of that weight that was right. */
  precisionFrom(threshold: number): number {
    const at = this.#position(threshold);
    const weight = this.#weightFrom[at] ?? 0;
    return weight === 0 ? 0 : (this.#rightFrom[at] ?? 0) / weight;
  }

  #position(threshold: number): number {
    let from = 0;
    let to = this.#confidences.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.#confidences[middle] ?? 0) >= threshold) to = middle;
      else from = middle + 1;
    }
    return from;
  }
}

/**
 * Chooses, of the thresholds whose false acceptance is at most the wanted one, the one with the smallest sum of false acceptance and
 * loss, in the middle between the two confidences that it parts. In all rates each class counts alike. Pure.
 * @param foreign Queries whose class the gallery lacks.
 */
export function operatingPoint(
  known: readonly OpenSetQuery[],
  foreign: readonly OpenSetQuery[],
  wantedFalseAcceptance: number,
): OpenSetCurve {
  const held = new Weighted(known);
  const lacked = new Weighted(foreign);
  const confidences = [...new Set([...known, ...foreign].map(({ confidence }) => confidence))].sort((a, b) => a - b);
  const points = [...confidences, Infinity].map((upper, at): OperatingPoint => {
    const lower = confidences[at - 1] ?? upper - 0.01;
    const threshold = upper === Infinity ? lower + 0.01 : (lower + upper) / 2;
    return {
      threshold,
      falseAcceptance: clamp(lacked.from(threshold)),
      loss: clamp(1 - held.from(threshold)),
      precision: clamp(held.precisionFrom(threshold)),
    };
  });
  const cost = (point: OperatingPoint): number => point.falseAcceptance + point.loss;
  const chosen = points
    .filter(({ falseAcceptance }) => falseAcceptance <= wantedFalseAcceptance + 1e-12)
    .reduce((best, point) => (cost(point) < cost(best) ? point : best));
  const curve = Array.from({ length: CURVE_POINTS + 1 }, (_, step) => points[Math.round((step * (points.length - 1)) / CURVE_POINTS)]);

  return {
    wantedFalseAcceptance,
    chosen,
    knownQueries: known.length,
    unknownQueries: foreign.length,
    auroc: areaUnder(points),
    curve: [...new Set(curve)].filter((point) => point !== undefined),
  };
}

/** Queries of the mean loss that each class is granted: three pictures of a class say little about how often it is refused. */
const LOSS_WEIGHT = 5;

/** By label: share of the queries that are refused at an operating point, small classes drawn towards the loss of all. Pure. */
export function lossByLabel(
  known: readonly OpenSetQuery[],
  { threshold, loss }: Pick<OperatingPoint, 'threshold' | 'loss'>,
): Readonly<Record<string, number>> {
  const refused = new Map<string, boolean[]>();
  for (const { label, confidence } of known) refused.set(label, [...(refused.get(label) ?? []), confidence < threshold]);
  return Object.fromEntries(
    [...refused].map(([label, answers]) => [label, (answers.filter(Boolean).length + LOSS_WEIGHT * loss) / (answers.length + LOSS_WEIGHT)]),
  );
}

/** Trapezoids under acceptance of the known over acceptance of the foreign; `points` by rising threshold. */
function areaUnder(points: readonly OperatingPoint[]): number {
  let area = 0;
  points.slice(1).forEach((point, at) => {
    const before = points[at] ?? point;
    area += ((before.falseAcceptance - point.falseAcceptance) * (2 - before.loss - point.loss)) / 2;
  });
  return clamp(area);
}

/** Sums of weights leave 0…1 by a rounding. */
function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

function suffixSums(values: readonly number[]): number[] {
  const sums = new Array<number>(values.length + 1).fill(0);
  for (let at = values.length - 1; at >= 0; at--) sums[at] = (sums[at + 1] ?? 0) + (values[at] ?? 0);
  return sums;
}
