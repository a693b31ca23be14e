import { bootstrapSeveral, wilson, type Interval } from './intervals.js';

/** What a classifier made of labelled queries. */
export interface ClassificationReport {
  readonly labels: readonly string[];
  /** `confusion[i][j]`: queries of `labels[i]` that were taken for `labels[j]`. */
  readonly confusion: readonly (readonly number[])[];
  readonly accuracy: number;
  /** Mean over the classes that occur among the queries of the harmonic mean of precision and recall. */
  readonly macroF1: number;
  /** Matthews correlation for several classes (Gorodkin 2004), −1…1; 0 when all answers or all queries are of one class. */
  readonly mcc: number;
}

/** What a classifier made of the queries, with 95 % intervals: of the accuracy by Wilson, of the others by the bootstrap over groups. */
export interface ClassificationSummary extends ClassificationReport {
  /** By label: harmonic mean of precision and recall. */
  readonly f1: Readonly<Record<string, number>>;
  readonly intervals: { readonly accuracy: Interval; readonly macroF1: Interval; readonly mcc: Interval };
}

const NOTHING: Interval = [NaN, NaN];

/** @param groups What is drawn together in the bootstrap, of each query. */
export function summariseClassification(
  truth: readonly string[],
  answers: readonly string[],
  groups: readonly (string | number)[],
): ClassificationSummary {
  const report = classificationReport(truth, answers);
  const [macroF1 = NOTHING, mcc = NOTHING] = bootstrapSeveral(
    groups,
    (items) => {
      const sample = classificationReport(
        items.map((item) => truth[item] ?? ''),
        items.map((item) => answers[item] ?? ''),
      );
      return [sample.macroF1, sample.mcc];
    },
    { samples: 400 },
  );
  const right = truth.filter((label, query) => answers[query] === label).length;
  const f1 = report.labels.map((label, at): [string, number] => {
    const actual = (report.confusion[at] ?? []).reduce((sum, count) => sum + count, 0);
    const answered = report.confusion.reduce((sum, row) => sum + (row[at] ?? 0), 0);
    return [label, actual + answered === 0 ? 0 : (2 * (report.confusion[at]?.[at] ?? 0)) / (actual + answered)];
  });
  return { ...report, f1: Object.fromEntries(f1), intervals: { accuracy: wilson(right, truth.length), macroF1, mcc } };
}

export function classificationReport(truth: readonly string[], answers: readonly string[]): ClassificationReport {
  const labels = [...new Set([...truth, ...answers])].sort();
  const position = new Map(labels.map((label, at) => [label, at]));
  const confusion = labels.map(() => labels.map(() => 0));
  truth.forEach((label, query) => {
    const row = confusion[position.get(label) ?? 0];
    const column = position.get(answers[query] ?? '') ?? 0;
    if (row !== undefined) row[column] = (row[column] ?? 0) + 1;
  });

  const total = truth.length;
  const right = labels.reduce((sum, _, at) => sum + (confusion[at]?.[at] ?? 0), 0);
  const actual = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  const answered = labels.map((_, column) => confusion.reduce((sum, row) => sum + (row[column] ?? 0), 0));
  const f1 = labels.flatMap((_, at) =>
    actual[at] === 0 ? [] : [(2 * (confusion[at]?.[at] ?? 0)) / ((actual[at] ?? 0) + (answered[at] ?? 0))],
  );

  const square = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count * count, 0);
  const cross = actual.reduce((sum, count, at) => sum + count * (answered[at] ?? 0), 0);
  const scale = Math.sqrt((total ** 2 - square(answered)) * (total ** 2 - square(actual)));
  return {
    labels,
    confusion,
    accuracy: right / total,
    macroF1: f1.reduce((sum, value) => sum + value, 0) / f1.length,
    mcc: scale === 0 ? 0 : (right * total - cross) / scale,
  };
}
