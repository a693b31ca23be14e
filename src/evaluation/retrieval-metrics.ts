import { bootstrapSeveral, wilson, type Interval } from './intervals.js';
import type { QueryMeasures } from './ranking.js';

/** How each number is defined; printed with every report. */
export const DEFINITIONS: Readonly<Record<MetricName, string>> = {
  'recall@1': 'share of queries whose nearest exemplar has their label',
  'recall@5': 'share of queries with an exemplar of their label among the 5 nearest',
  'recall@10': 'share of queries with an exemplar of their label among the 10 nearest',
  mAP: 'mean over queries of the average precision over the whole ranking, divided by the number of relevant exemplars',
  rPrecision: 'mean over queries of the share of relevant exemplars among the first R, R being the number of relevant exemplars',
  'mAP@R': 'mean over queries of the average precision over the first R, divided by R',
};

export type MetricName = 'recall@1' | 'recall@5' | 'recall@10' | 'mAP' | 'rPrecision' | 'mAP@R';
export type Metrics = Readonly<Record<MetricName, number>>;
export type Intervals = Readonly<Record<MetricName, Interval>>;

export interface RetrievalReport {
  /** Queries that count. */
  readonly n: number;
  /** Queries whose label the gallery lacks; left out of every mean. */
  readonly queriesWithoutRelevantGallery: number;
  readonly overall: Metrics;
  /** Mean of the means per class. */
  readonly classMean: Metrics;
  readonly perClass: Readonly<Record<string, Metrics & { readonly n: number; readonly interval: Interval }>>;
  /** 95 %: by the bootstrap over groups. */
  readonly intervals: { readonly overall: Intervals; readonly classMean: Intervals };
  /** 95 % of Recall@1 by Wilson, as if queries were independent. */
  readonly recallAt1Wilson: Interval;
}

const METRICS: Readonly<Record<MetricName, (measures: QueryMeasures) => number>> = {
  'recall@1': ({ firstHit }) => (firstHit <= 1 ? 1 : 0),
  'recall@5': ({ firstHit }) => (firstHit <= 5 ? 1 : 0),
  'recall@10': ({ firstHit }) => (firstHit <= 10 ? 1 : 0),
  mAP: ({ averagePrecision }) => averagePrecision,
  rPrecision: ({ rPrecision }) => rPrecision,
  'mAP@R': ({ averagePrecisionAtR }) => averagePrecisionAtR,
};
const NAMES = Object.keys(METRICS) as MetricName[];

/**
 * Averages the measures of single queries. Pure and seeded.
 * @param measures Null for queries without a relevant exemplar.
 * @param groupOf What is drawn together in the bootstrap: patient, examination or near-duplicates of a query.
 */
export function retrievalReport(
  measures: readonly (QueryMeasures | null)[],
  groupOf: (query: number) => string | number = (query) => query,
): RetrievalReport {
  const counted = measures.filter((entry) => entry !== null);
  const byClass = new Map<string, QueryMeasures[]>();
  for (const entry of counted) {
    const entries = byClass.get(entry.label) ?? [];
    entries.push(entry);
    byClass.set(entry.label, entries);
  }
  const groups = counted.map(({ query }) => groupOf(query));
  const means = meansOf(counted);
  const bounds = bootstrapSeveral(groups, means);
  const everyone = means(counted.map((_, item) => item));
  const hits = (entries: readonly QueryMeasures[]): number => entries.filter(({ firstHit }) => firstHit === 1).length;

  return {
    n: counted.length,
    queriesWithoutRelevantGallery: measures.length - counted.length,
    overall: forEachMetric((_, at) => everyone[at] ?? NaN),
    classMean: forEachMetric((_, at) => everyone[NAMES.length + at] ?? NaN),
    perClass: Object.fromEntries(
      [...byClass].map(([label, entries]) => [
        label,
        { n: entries.length, ...forEachMetric((name) => meanOf(entries, name)), interval: wilson(hits(entries), entries.length) },
      ]),
    ),
    intervals: {
      overall: forEachMetric((_, at) => bounds[at] ?? NOTHING),
      classMean: forEachMetric((_, at) => bounds[NAMES.length + at] ?? NOTHING),
    },
    recallAt1Wilson: wilson(hits(counted), counted.length),
  };
}

function meanOf(entries: readonly QueryMeasures[], name: MetricName): number {
  return entries.reduce((sum, entry) => sum + METRICS[name](entry), 0) / entries.length;
}

/** Of a sample: the mean of every metric over all queries, then the mean of its class means, over the classes that the sample has. */
function meansOf(counted: readonly QueryMeasures[]): (items: readonly number[]) => number[] {
  const labels = [...new Set(counted.map(({ label }) => label))];
  const position = new Map(labels.map((label, at) => [label, at]));
  const classOf = Int32Array.from(counted, ({ label }) => position.get(label) ?? 0);
  const width = NAMES.length;
  const values = Float64Array.from(counted.flatMap((entry) => NAMES.map((name) => METRICS[name](entry))));
  return (items) => {
    const sums = new Float64Array(labels.length * width);
    const sizes = new Uint32Array(labels.length);
    for (const item of items) {
      const at = classOf[item] ?? 0;
      sizes[at] = (sizes[at] ?? 0) + 1;
      for (let metric = 0; metric < width; metric++) {
        sums[at * width + metric] = (sums[at * width + metric] ?? 0) + (values[item * width + metric] ?? 0);
      }
    }
    const classes = sizes.filter((size) => size > 0).length;
    const overall = new Array<number>(width).fill(0);
    const classMeans = new Array<number>(width).fill(0);
    sizes.forEach((size, at) => {
      if (size === 0) return;
      for (let metric = 0; metric < width; metric++) {
        const sum = sums[at * width + metric] ?? 0;
        overall[metric] = (overall[metric] ?? 0) + sum;
        classMeans[metric] = (classMeans[metric] ?? 0) + sum / size;
      }
    });
    return [...overall.map((sum) => sum / items.length), ...classMeans.map((sum) => sum / classes)];
  };
}

const NOTHING: Interval = [NaN, NaN];

function forEachMetric<Value>(make: (name: MetricName, at: number) => Value): Readonly<Record<MetricName, Value>> {
  return Object.fromEntries(NAMES.map((name, at) => [name, make(name, at)])) as Record<MetricName, Value>;
}
