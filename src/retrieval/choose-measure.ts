import {
  confidenceOf,
  DEFAULT_MEASURE,
  learnUsualNearness,
  OTHER_MEASURES,
  type NearnessMeasure,
  type UsualNearness,
} from './confidence.js';
import { operatingPoint, type OpenSetCurve, type OpenSetQuery } from './operating-point.js';

export const MEASURES: readonly NearnessMeasure[] = [DEFAULT_MEASURE, ...OTHER_MEASURES];
/** Fewer queries than this on either side cannot choose … */
const QUERIES_TO_CHOOSE = 200;
/** … and the default, which is better proven, serves unless another errs at most this often as often, by the area over the ROC curve. */
const CLEARLY_LESS = 0.9;

/** What a gallery answers to one of its own exemplars. */
export interface JudgedAnswer {
  /** What it shows. */
  readonly label: string;
  /** What it was taken for. */
  readonly best: string | undefined;
  /** By measure, in the order of `MEASURES`. */
  readonly nearness: readonly number[];
}

/** What a measure makes of all answers. */
export interface JudgedMeasure {
  readonly measure: NearnessMeasure;
  readonly usual: Readonly<Record<string, UsualNearness>>;
  readonly known: readonly OpenSetQuery[];
  readonly openSet: OpenSetCurve;
}

/**
 * The measure that parts held from foreign queries best, if clearly better than the default one, with its open-set curve. Pure.
 * @param known Answers with the query's class in the gallery.
 * @param foreign Answers without it.
 */
export function chooseMeasure(
  known: readonly JudgedAnswer[],
  foreign: readonly JudgedAnswer[],
  labels: readonly string[],
  falseAcceptance: number,
): JudgedMeasure {
  const judged = (measure: NearnessMeasure, at: number): JudgedMeasure => {
    const nearnessOf = ({ nearness }: JudgedAnswer): number => nearness[at] ?? 0;
    const recognised = known.filter(({ label, best }) => label === best).map((answer) => ({ ...answer, nearness: nearnessOf(answer) }));
    const usual = measure.byClass ? learnUsualNearness(recognised, labels) : {};
    const toQuery = (answer: JudgedAnswer): OpenSetQuery => ({
      label: answer.label,
      confidence: confidenceOf(nearnessOf(answer), answer.best, usual),
      right: answer.best === answer.label,
    });
    const queries = known.map(toQuery);
    return { measure, usual, known: queries, openSet: operatingPoint(queries, foreign.map(toQuery), falseAcceptance) };
  };
  const standard = judged(DEFAULT_MEASURE, 0);
  if (Math.min(known.length, foreign.length) < QUERIES_TO_CHOOSE) return standard;
  const best = OTHER_MEASURES.map((measure, at) => judged(measure, at + 1)).reduce((one, other) =>
    other.openSet.auroc > one.openSet.auroc ? other : one,
  );
  return 1 - best.openSet.auroc < CLEARLY_LESS * (1 - standard.openSet.auroc) ? best : standard;
}
