import type { Interval } from '../../common/intervals.js';
import type { EvaluationReport } from '../../evaluation/report.js';
import { DEFINITIONS, type MetricName, type RetrievalReport } from '../../evaluation/retrieval-metrics.js';
import { listed } from '../terminal/listed.js';
import { percent as percentOf, tableLines } from '../terminal/table.js';

const METRICS = Object.keys(DEFINITIONS) as MetricName[];

/** The report as lines for a terminal. */
export function evaluationLines(report: EvaluationReport): string[] {
  const { data, leftOut, vote, knn, openSet, ablation, indexes, timings } = report;
  return [
    report.title,
    ...(data.licence === null ? [] : [`licence: ${data.licence}`]),
    ...data.notes.map((note) => `note: ${note}`),
    `split: ${report.how}; ${data.pictures} pictures in ${data.groups} groups` +
      (data.lookAlikes.pictures === 0 ? '' : `, ${data.lookAlikes.pictures} of them look like another one`),
    ...(data.largestGroup > data.pictures * 0.25
      ? [`WARNING: the largest group holds ${data.largestGroup} of ${data.pictures} pictures, which are asked of what little is left`]
      : []),
    ...(report.n === 0 ? ['WARNING: no query has a label of which the gallery has a picture: nothing was measured'] : []),
    `n = ${report.n} queries of ${Object.keys(report.perClass).length} classes; ${report.queriesWithoutRelevantGallery} more have a label that the gallery lacks and are left out`,
    '',
    ...metricLines(report),
    `recall@1 with every query counted as independent (Wilson): ${interval(report.recallAt1Wilson)}`,
    ...[vote, knn].map(
      (one, at) =>
        `${at === 0 ? 'weighted vote' : 'majority'} of ${one.k} nearest: accuracy ${percent(one.accuracy)} (${interval(one.intervals.accuracy)}), ` +
        `macro-F1 ${decimal(one.macroF1)} (${numbers(one.intervals.macroF1)}), MCC ${decimal(one.mcc)} (${numbers(one.intervals.mcc)})`,
    ),
    ...(report.withoutLookAlikes === null
      ? []
      : [
          `without the ${report.withoutLookAlikes.removed} queries that have a look-alike in the gallery: ${short(report.withoutLookAlikes.retrieval)}`,
        ]),
    ...(report.ungrouped === null ? [] : [`if pictures of one group were parted at random (too good): ${short(report.ungrouped)}`]),
    ...(openSet === null
      ? []
      : [
          `open set: at a false acceptance of ${percent(openSet.chosen.falseAcceptance)} (${openSet.unknownQueries} queries) the loss is ` +
            `${percent(openSet.chosen.loss)} (${openSet.knownQueries} queries); AUROC ${openSet.auroc.toFixed(3)}`,
        ]),
    '',
    ...classLines(report),
    ...(ablation === null ? [] : ['', ...ablationLines(ablation)]),
    ...(indexes === null
      ? []
      : [
          'reason' in indexes
            ? `HNSW against exact search: not compared, ${indexes.reason}`
            : `HNSW against exact search (${indexes.exemplars} exemplars, ${indexes.queries} queries): recall@10 ${indexes.recallAt10.toFixed(4)}, ` +
              `nearest right ${indexes.rightHnsw} against ${indexes.rightExact}, ${indexes.hnswMs.toFixed(2)} against ${indexes.exactMs.toFixed(2)} ms`,
        ]),
    '',
    ...listed(
      `${leftOut.unreadable.length} unreadable, left out`,
      leftOut.unreadable.map(({ path, reason }) => `${path}: ${reason}`),
    ),
    ...listed(`${leftOut.unlabelled.length} without a label, left out`, leftOut.unlabelled),
    ...listed(`${leftOut.missing.length} named in a table but not there`, leftOut.missing),
    ...listed(
      `${leftOut.copies.length} copies of the same file, left out`,
      leftOut.copies.map(({ path, of }) => `${path} = ${of}`),
    ),
    ...(leftOut.bySplit === 0 ? [] : [`${leftOut.bySplit} pictures are in no part of the split that is used`]),
    ...listed(`${data.unknownLabels.length} labels not in the table of known classes, kept as they are`, data.unknownLabels),
    ...listed(`${data.singleLabels.length} labels of a single picture, which nothing can be found for`, data.singleLabels),
    ...(timings.embeddingMs === null
      ? []
      : [
          `${timings.embeddingMs.toFixed(1)} ms a picture to read and embed (${timings.fromCache} of ${timings.embedded} from the cache), ${timings.rankingMs.toFixed(2)} ms a query to rank`,
        ]),
    '',
    ...Object.entries(report.definitions).map(([name, text]) => `${name}: ${text}.`),
  ];
}

function metricLines(report: RetrievalReport): readonly string[] {
  return tableLines(
    ['metric', 'overall', '95 % (groups drawn)', 'class mean', '95 % (groups drawn)'],
    METRICS.map((name) => [
      name,
      percent(report.overall[name]),
      interval(report.intervals.overall[name]),
      percent(report.classMean[name]),
      interval(report.intervals.classMean[name]),
    ]),
  );
}

function classLines(report: EvaluationReport): readonly string[] {
  return tableLines(
    ['n', 'label', 'recall@1', '95 % (Wilson)', 'recall@5', 'mAP', 'F1 (vote)'],
    Object.entries(report.perClass)
      .sort(([, a], [, b]) => b.n - a.n)
      .map(([label, metrics]) => [
        metrics.n,
        label,
        percent(metrics['recall@1']),
        interval(metrics.interval),
        percent(metrics['recall@5']),
        percent(metrics.mAP),
        (report.vote.f1[label] ?? 0).toFixed(3),
      ]),
  );
}

function ablationLines(ablation: NonNullable<EvaluationReport['ablation']>): readonly string[] {
  return tableLines(
    [
      'variant',
      'recall@1',
      '95 % (groups drawn)',
      'class mean',
      'mAP',
      `only ${ablation.reference} right`,
      'only it right',
      'p (McNemar, Holm)',
    ],
    ablation.rows.map(({ name, retrieval, test }) => [
      name,
      percent(retrieval.overall['recall@1']),
      interval(retrieval.intervals.overall['recall@1']),
      percent(retrieval.classMean['recall@1']),
      percent(retrieval.overall.mAP),
      test?.onlyFirst ?? '–',
      test?.onlySecond ?? '–',
      test === null ? 'reference' : pText(test.pHolm),
    ]),
  );
}

/** `0.013`, `< 0.001` */
function pText(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

function short(report: RetrievalReport): string {
  return `recall@1 ${percent(report.overall['recall@1'])} (${interval(report.intervals.overall['recall@1'])}), class mean ${percent(report.classMean['recall@1'])}, mAP ${percent(report.overall.mAP)}, n = ${report.n}`;
}

function percent(share: number): string {
  return Number.isFinite(share) ? percentOf(share) : '–';
}

function interval([lower, upper]: Interval): string {
  return `${percent(lower)} – ${percent(upper)}`;
}

function decimal(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : '–';
}

function numbers([lower, upper]: Interval): string {
  return `${decimal(lower)} – ${decimal(upper)}`;
}
