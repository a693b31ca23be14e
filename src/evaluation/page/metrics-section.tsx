import { Figure } from '../../report/figure.js';
import { intervalText, percentText } from '../../report/format.js';
import { LineChart } from '../../report/line-chart.js';
import { Table } from '../../report/table.js';
import type { Interval } from '../../common/intervals.js';
import type { EvaluationReport } from '../report.js';
import { DEFINITIONS, type MetricName } from '../retrieval-metrics.js';

const NAMES = Object.keys(DEFINITIONS) as MetricName[];
const number = (title: string): { title: string; align: 'number' } => ({ title, align: 'number' });

/** All retrieval metrics with their definitions, the votes, and precision against recall. */
export function MetricsSection({ report }: { readonly report: EvaluationReport }) {
  const { vote, knn, withoutLookAlikes } = report;
  return (
    <>
      <h2>All numbers</h2>
      <Table
        columns={['Metric', number('Overall'), number('95 %'), number('Class mean'), number('95 %'), 'What it is']}
        rows={NAMES.map((name) => [
          name,
          percentText(report.overall[name]),
          intervalText(report.intervals.overall[name]),
          percentText(report.classMean[name]),
          intervalText(report.intervals.classMean[name]),
          DEFINITIONS[name],
        ])}
      />
      <p class="dim">
        Intervals: bootstrap over groups, since pictures of one group are no independent evidence. With every query taken as independent
        (Wilson), Recall@1 would be {intervalText(report.recallAt1Wilson)}.
      </p>
      <Table
        caption="What a vote of the neighbours answers"
        columns={['Vote', number('Accuracy'), number('95 % (Wilson)'), number('Macro-F1'), number('95 %'), number('MCC'), number('95 %')]}
        rows={[
          [`weighted, ${vote.k} nearest (as galleries answer)`, ...voteCells(vote)],
          [`majority of the ${knn.k} nearest`, ...voteCells(knn)],
        ]}
      />
      <Figure caption="Mean over the queries of the best precision that is still reached at a recall or beyond. A line that stays high means that the pictures of a class stand together.">
        <LineChart
          title="Precision against recall"
          series={[
            { name: 'all queries', points: report.precisionRecall.map(({ recall, precision }): [number, number] => [recall, precision]) },
            ...(withoutLookAlikes === null
              ? []
              : [
                  {
                    name: 'without look-alikes',
                    points: withoutLookAlikes.precisionRecall.map(({ recall, precision }): [number, number] => [recall, precision]),
                  },
                ]),
          ]}
          x={{ label: 'recall', min: 0, max: 1 }}
          y={{ label: 'precision', min: 0, max: 1 }}
          height={300}
        />
      </Figure>
    </>
  );
}

function voteCells({ accuracy, macroF1, mcc, intervals }: EvaluationReport['vote']): string[] {
  const plain = ([lower, upper]: Interval): string => `${lower.toFixed(3)} – ${upper.toFixed(3)}`;
  return [
    percentText(accuracy),
    intervalText(intervals.accuracy),
    macroF1.toFixed(3),
    plain(intervals.macroF1),
    mcc.toFixed(3),
    plain(intervals.mcc),
  ];
}
