import type { OpenSetCurve } from '../retrieval/operating-point.js';
import { ablate, type Ablation } from './ablation.js';
import { answerSplit, type QueryAnswer } from './answers.js';
import { evaluationOf, type Evaluation } from './evaluation.js';
import { compareIndexes, type IndexComparison } from './index-comparison.js';
import { openSet } from './open-set.js';
import { retrievalReport, type RetrievalReport } from './retrieval-metrics.js';
import type { RowGroups } from './row-groups.js';
import type { Split } from './split.js';
import type { Subject } from './subject.js';

export interface EvaluateRetrievalOptions {
  /** What is evaluated first; the others are compared with it. */
  readonly subjects: readonly Subject[];
  readonly split: Split;
  /** The split as it would be if nothing were held together; null where the split is given. */
  readonly ungrouped: Split | null;
  readonly grouping: RowGroups;
  /** Also the open-set curve, at this false acceptance; null: not. */
  readonly falseAcceptance: number | null;
  /** Also exact against approximate search. */
  readonly indexes: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: string, done: number, total: number) => void;
}

export interface RetrievalEvaluation {
  readonly all: Evaluation;
  /** Queries whose gallery holds a look-alike of theirs are left out, `removed` of those that could be answered; null when there are none. */
  readonly withoutLookAlikes: (Evaluation & { readonly removed: number }) | null;
  /** What the same pictures give when each is a group of its own: how much of the result is recognising an examination. */
  readonly ungrouped: RetrievalReport | null;
  readonly openSet: OpenSetCurve | null;
  readonly ablation: Ablation | null;
  readonly indexes: IndexComparison | { readonly reason: string } | null;
  /** Of the first subject. */
  readonly answers: readonly QueryAnswer[];
  readonly rankingMs: number;
}

/** Evaluates subjects on one split: the first in full, the others against it. */
export async function evaluateRetrieval(options: EvaluateRetrievalOptions): Promise<RetrievalEvaluation> {
  const { subjects, split, grouping, signal, onProgress } = options;
  const [subject] = subjects;
  if (subject === undefined) throw new RangeError('There is nothing to evaluate.');
  const asking = {
    groups: grouping.groups,
    lookAlikes: grouping.lookAlikes,
    ...(signal === undefined ? {} : { signal }),
    onProgress: (done: number, total: number) => onProgress?.('asking', done, total),
  };
  const { answers, rankingMs } = await answerSplit(subject, split, asking);
  const groupOf = (row: number): number => grouping.groups[row] ?? row;
  const fresh = answers.filter(({ lookAlike }) => !lookAlike);
  const removed = answers.filter(({ lookAlike, measures }) => lookAlike && measures !== null).length;

  const ownGroups = subject.labels.map((_, row) => row);
  const ungrouped = options.ungrouped === null ? null : await answerSplit(subject, options.ungrouped, { ...asking, groups: ownGroups });
  onProgress?.('open set', 0, 1);
  const curve =
    options.falseAcceptance === null
      ? null
      : await openSet(subject, {
          gallery: [...new Set(split.rounds.flatMap(({ gallery }) => gallery))],
          queries: [...new Set(split.rounds.flatMap(({ queries }) => queries))],
          groups: grouping.groups,
          wantedFalseAcceptance: options.falseAcceptance,
          ...(signal === undefined ? {} : { signal }),
        });
  return {
    all: evaluationOf(answers, groupOf),
    withoutLookAlikes: removed === 0 ? null : { ...evaluationOf(fresh, groupOf), removed },
    ungrouped:
      ungrouped === null
        ? null
        : retrievalReport(
            ungrouped.answers.map(({ measures }) => measures),
            groupOf,
          ),
    openSet: curve,
    ablation: subjects.length < 2 ? null : await ablate(subjects, split, answers, asking),
    indexes: options.indexes ? await compareIndexes(subject, split, signal) : null,
    answers,
    rankingMs,
  };
}
