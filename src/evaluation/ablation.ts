import { answerSplit, type AnswerOptions, type QueryAnswer } from './answers.js';
import { holm, mcnemar, type PairedTest } from './mcnemar.js';
import { retrievalReport, type RetrievalReport } from './retrieval-metrics.js';
import type { Split } from './split.js';
import type { Subject } from './subject.js';

/** One variant beside the reference, on the same queries. */
export interface AblationRow {
  readonly name: string;
  readonly retrieval: RetrievalReport;
  /** Against the reference; null for the reference itself. `first` is the reference. */
  readonly test: (PairedTest & { readonly pHolm: number }) | null;
  /** Recall@1 of the variant minus that of the reference. */
  readonly difference: number;
}

export interface Ablation {
  /** The first row. */
  readonly reference: string;
  readonly rows: readonly AblationRow[];
}

/**
 * Asks all variants the same queries of the same split and compares each with the first, query by query.
 * @param reference Answers of the first variant, which are at hand.
 */
export async function ablate(
  variants: readonly Subject[],
  split: Split,
  reference: readonly QueryAnswer[],
  options: AnswerOptions,
): Promise<Ablation> {
  const all: { readonly name: string; readonly answers: readonly QueryAnswer[] }[] = [];
  for (const [at, variant] of variants.entries()) {
    all.push({ name: variant.name, answers: at === 0 ? reference : (await answerSplit(variant, split, options)).answers });
  }
  const rights = all.map(({ answers }) => answers.flatMap(({ measures }) => (measures === null ? [] : [measures.firstHit === 1])));
  const tests = rights.slice(1).map((right) => mcnemar(rights[0] ?? [], right));
  const adjusted = holm(tests.map(({ p }) => p));
  const reports = all.map(({ answers }) =>
    retrievalReport(
      answers.map(({ measures }) => measures),
      (row) => options.groups[row] ?? row,
    ),
  );
  const base = reports[0]?.overall['recall@1'] ?? NaN;
  return {
    reference: all[0]?.name ?? '',
    rows: all.map(({ name }, at) => {
      const test = tests[at - 1];
      const retrieval = reports[at] as RetrievalReport;
      return {
        name,
        retrieval,
        test: test === undefined ? null : { ...test, pHolm: adjusted[at - 1] ?? 1 },
        difference: retrieval.overall['recall@1'] - base,
      };
    }),
  };
}
