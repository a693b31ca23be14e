import { DEFAULT_K } from '../retrieval/vote.js';
import { MAJORITY_K, type QueryAnswer } from './answers.js';
import { summariseClassification, type ClassificationSummary } from './classification.js';
import { RECALL_LEVELS } from './ranking.js';
import { retrievalReport, type RetrievalReport } from './retrieval-metrics.js';

/** Retrieval and the class answers of the votes, over the same queries. */
export interface Evaluation {
  readonly retrieval: RetrievalReport;
  /** The best class of the weighted vote, as galleries answer. */
  readonly vote: ClassificationSummary & { readonly k: number };
  /** The most frequent class of the k nearest. */
  readonly knn: ClassificationSummary & { readonly k: number };
  /** Mean over queries of the greatest precision from each recall on. */
  readonly precisionRecall: readonly { readonly recall: number; readonly precision: number }[];
}

/** Sums up answers. Pure. @param groupOf What is drawn together in the bootstrap: patient, examination, look-alikes. */
export function evaluationOf(answers: readonly QueryAnswer[], groupOf: (row: number) => string | number): Evaluation {
  const answered = answers.filter(({ measures }) => measures !== null);
  const truth = answered.map(({ label }) => label);
  const groups = answered.map(({ query }) => groupOf(query));
  const classify = (pick: (answer: QueryAnswer) => string): ClassificationSummary =>
    summariseClassification(truth, answered.map(pick), groups);
  return {
    retrieval: retrievalReport(
      answers.map(({ measures }) => measures),
      groupOf,
    ),
    vote: { k: DEFAULT_K, ...classify(({ voted }) => voted) },
    knn: { k: MAJORITY_K, ...classify(({ majority }) => majority) },
    precisionRecall: RECALL_LEVELS.map((recall, level) => ({
      recall,
      precision: answered.reduce((sum, { measures }) => sum + (measures?.precisionAtRecall[level] ?? 0), 0) / answered.length,
    })),
  };
}
