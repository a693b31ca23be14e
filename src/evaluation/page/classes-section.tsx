import { classInfo } from '../../common/landmarks.js';
import { BarChart } from '../../report/bar-chart.js';
import { Figure } from '../../report/figure.js';
import { intervalText, percentText } from '../../report/format.js';
import { HeatMap } from '../../report/heat-map.js';
import { Table } from '../../report/table.js';
import type { EvaluationReport } from '../report.js';

/** A matrix of more classes cannot be read. */
const MATRIX_LIMIT = 45;

/** Each class: bars with intervals, the numbers, and what is taken for what. */
export function ClassesSection({ report }: { readonly report: EvaluationReport }) {
  const classes = Object.entries(report.perClass).sort(([, a], [, b]) => b.n - a.n);
  const { labels, confusion } = report.vote;
  const order = [...labels.keys()].sort((a, b) => sizeOf(confusion[b]) - sizeOf(confusion[a]));
  return (
    <>
      <h2>Class by class</h2>
      <Figure caption="Share of queries of a class whose nearest picture is of that class, with the 95 % interval (Wilson). Where the whisker is long, few pictures were asked.">
        <BarChart
          title="Recall@1 of every class"
          axis="Recall@1"
          max={1}
          format={(value) => `${Math.round(value * 100)} %`}
          bars={classes.map(([label, metrics]) => ({
            label: classInfo(label).name,
            values: [{ value: metrics['recall@1'], interval: metrics.interval }],
            note: `n = ${metrics.n}`,
          }))}
        />
      </Figure>
      <Table
        columns={[
          'Class',
          ...['n', 'Recall@1', '95 %', 'Recall@5', 'mAP', 'R-precision', 'F1 of the vote'].map((title) => ({
            title,
            align: 'number' as const,
          })),
          'Mostly taken for',
        ]}
        rows={classes.map(([label, metrics]) => [
          classInfo(label).name,
          metrics.n,
          percentText(metrics['recall@1']),
          intervalText(metrics.interval),
          percentText(metrics['recall@5']),
          percentText(metrics.mAP),
          percentText(metrics.rPrecision),
          (report.vote.f1[label] ?? 0).toFixed(3),
          mistakenFor(report, label),
        ])}
      />
      {labels.length > MATRIX_LIMIT ? (
        <p>The confusion matrix of {labels.length} classes is in the JSON report.</p>
      ) : (
        <Figure caption="Confusion matrix of the weighted vote: a row is what a picture shows, a column what it was taken for; the colour is the share of the row. On the outlined diagonal the answer is right.">
          <HeatMap
            title="Confusion matrix"
            rowAxis="what the picture shows"
            columnAxis="what it was taken for"
            rows={order.map((at) => labels[at] ?? '')}
            columns={order.map((at) => labels[at] ?? '')}
            values={order.map((row) => order.map((column) => confusion[row]?.[column] ?? 0))}
          />
        </Figure>
      )}
    </>
  );
}

function sizeOf(row: readonly number[] | undefined): number {
  return (row ?? []).reduce((sum, count) => sum + count, 0);
}

function mistakenFor({ vote: { labels, confusion } }: EvaluationReport, label: string): string {
  const row = confusion[labels.indexOf(label)] ?? [];
  const [worst] = row
    .map((count, at) => ({ count, other: labels[at] ?? '' }))
    .filter(({ count, other }) => other !== label && count > 0)
    .sort((a, b) => b.count - a.count);
  return worst === undefined ? '–' : `${classInfo(worst.other).name} (${worst.count} of ${sizeOf(row)})`;
}
