import { sha256Of } from '../common/sha256.js';
import { version } from '../common/version.js';
import type { FittableModel, Model } from '../models/model.js';
import type { RetrievalEvaluation } from './evaluate-retrieval.js';
import { worstFailures, type Failure } from './failures.js';
import type { PictureSet } from './picture-set.js';
import { DEFINITIONS, type RetrievalReport } from './retrieval-metrics.js';
import type { RowGroups } from './row-groups.js';
import type { Split } from './split.js';

/** What was left out, and why; nothing is dropped in silence. */
export interface LeftOut {
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[];
  /** In no class folder, or without a label. */
  readonly unlabelled: readonly string[];
  /** Named in a table, but not there. */
  readonly missing: readonly string[];
  readonly copies: readonly { readonly path: string; readonly of: string }[];
  /** Pictures that the split puts nowhere. */
  readonly bySplit: number;
}

export interface DataFacts {
  readonly title: string;
  readonly pictures: number;
  readonly labels: Readonly<Record<string, number>>;
  /** Labels that the table of known classes lacks, kept as they are. */
  readonly unknownLabels: readonly string[];
  /** Labels of a single picture: nothing of theirs can be found. */
  readonly singleLabels: readonly string[];
  readonly groups: number;
  /** Pictures of the largest group. One that holds most of them leaves little to ask. */
  readonly largestGroup: number;
  /** Rows that look like another one, and the similarity from which on they do. */
  readonly lookAlikes: { readonly pictures: number; readonly minSimilarity: number | null };
  readonly notes: readonly string[];
  readonly licence: string | null;
  /** SHA-256 over label and SHA-256 of every picture, wherever they lie; null without pictures. */
  readonly sha256: string | null;
}

/** All that one `evaluate` found; as JSON it is what `--json` prints. */
export interface EvaluationReport extends RetrievalReport {
  readonly software: string;
  readonly command: string;
  readonly madeAt: string;
  readonly title: string;
  /** How pictures were parted. */
  readonly how: string;
  readonly model: { readonly name: string; readonly fingerprint: string; readonly fitted: boolean } | null;
  readonly data: DataFacts;
  readonly leftOut: LeftOut;
  readonly vote: RetrievalEvaluation['all']['vote'];
  readonly knn: RetrievalEvaluation['all']['knn'];
  readonly precisionRecall: RetrievalEvaluation['all']['precisionRecall'];
  readonly withoutLookAlikes: RetrievalEvaluation['withoutLookAlikes'];
  readonly ungrouped: RetrievalEvaluation['ungrouped'];
  readonly openSet: RetrievalEvaluation['openSet'];
  readonly ablation: RetrievalEvaluation['ablation'];
  readonly indexes: RetrievalEvaluation['indexes'];
  /** Where the model was surest and wrong. Rows are positions in `paths`. */
  readonly failures: readonly Failure[];
  readonly paths: readonly string[] | null;
  readonly timings: {
    /** Reading, decoding and embedding, a picture. */
    readonly embeddingMs: number | null;
    readonly embedded: number;
    readonly fromCache: number;
    /** Ranking the whole gallery, a query. */
    readonly rankingMs: number;
  };
  readonly definitions: Readonly<Record<string, string>>;
}

export interface ReportInput {
  readonly command: string;
  readonly title: string;
  readonly split: Split & { readonly leftOut?: number };
  readonly model: Model | FittableModel | null;
  /** Null for embeddings of other software. */
  readonly set: PictureSet | null;
  readonly labels: readonly string[];
  readonly grouping: RowGroups;
  readonly evaluation: RetrievalEvaluation;
  readonly failures?: number;
}

const FAILURES = 12;

export function makeReport({
  command,
  title,
  split,
  model,
  set,
  labels,
  grouping,
  evaluation,
  failures = FAILURES,
}: ReportInput): EvaluationReport {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const listing = set?.listing;
  return {
    software: `lumenmark ${version}`,
    command,
    madeAt: new Date().toISOString(),
    title,
    how: split.how,
    model:
      model === null
        ? null
        : { name: model.name, fingerprint: 'fitted' in model ? model.base.fingerprint : model.fingerprint, fitted: 'fitted' in model },
    ...evaluation.all.retrieval,
    data: {
      title: listing?.title ?? title,
      pictures: labels.length,
      labels: Object.fromEntries([...counts].sort(([, a], [, b]) => b - a)),
      unknownLabels: (listing?.unknownLabels ?? []).filter((label) => counts.has(label)),
      singleLabels: [...counts].filter(([, count]) => count === 1).map(([label]) => label),
      groups: new Set(grouping.groups).size,
      largestGroup: largestOf(grouping.groups),
      lookAlikes: { pictures: grouping.alikeRows, minSimilarity: grouping.minSimilarity },
      notes: listing?.notes ?? [],
      licence: listing?.licence ?? null,
      sha256: set === null ? null : pictureHash(set),
    },
    leftOut: {
      unreadable: set?.unreadable ?? [],
      unlabelled: listing?.unlabelled ?? [],
      missing: listing?.missing ?? [],
      copies: set?.copies ?? [],
      bySplit: split.leftOut ?? 0,
    },
    vote: evaluation.all.vote,
    knn: evaluation.all.knn,
    precisionRecall: evaluation.all.precisionRecall,
    withoutLookAlikes: evaluation.withoutLookAlikes,
    ungrouped: evaluation.ungrouped,
    openSet: evaluation.openSet,
    ablation: evaluation.ablation,
    indexes: evaluation.indexes,
    failures: worstFailures(evaluation.answers, failures),
    paths: set?.exemplars.map(({ path }) => path) ?? null,
    timings: {
      embeddingMs: set === null || set.embedded === 0 ? null : set.elapsedMs / set.embedded,
      embedded: set?.embedded ?? 0,
      fromCache: set?.cached ?? 0,
      rankingMs: evaluation.rankingMs,
    },
    definitions: { ...DEFINITIONS, ...MORE_DEFINITIONS },
  };
}

/** Of the numbers beside the retrieval metrics. */
const MORE_DEFINITIONS = {
  vote: 'share of queries whose label gets the largest vote of the 31 nearest exemplars, weighted by similarity and by class size',
  knn: 'share of queries whose label is the most frequent among the 5 nearest exemplars',
  macroF1: 'mean over classes of the harmonic mean of precision and recall of that vote',
  mcc: 'Matthews correlation of that vote for several classes (Gorodkin 2004), −1 to 1',
  'class mean': 'mean over classes of the mean over their queries: every class counts alike, however many queries it has',
  '95 %': 'overall and class means: percentile bootstrap over groups; Recall@1 of a class and accuracies: Wilson',
  'false acceptance': 'share of queries of a class that the gallery lacks which are taken for known, each class counted alike',
  loss: 'share of queries of a class that the gallery has which are taken for unknown, each class counted alike',
  'look-alike': 'a picture of the gallery that differs in at most 48 of 256 bits of a perceptual hash, or is as similar as such pairs are',
} as const;

function pictureHash({ exemplars }: PictureSet): string {
  const lines = exemplars.map(({ label, sha256 }) => `${label}\t${sha256}`).sort();
  return sha256Of(lines.join('\n'));
}

function largestOf(groups: readonly number[]): number {
  const sizes = new Map<number, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  return Math.max(0, ...sizes.values());
}
