import { BarChart } from '../../report/bar-chart.js';
import { Figure } from '../../report/figure.js';
import { intervalText, percentText } from '../../report/format.js';
import { Table } from '../../report/table.js';
import type { EvaluationReport } from '../report.js';

const numbers = (...titles: string[]) => titles.map((title) => ({ title, align: 'number' as const }));

/** What each part of the model contributes; nothing without `--ablation`. */
export function AblationSection({ report: { ablation, indexes } }: { readonly report: EvaluationReport }) {
  if (ablation === null && indexes === null) return null;
  return (
    <>
      <h2>What contributes how much</h2>
      {ablation === null ? null : (
        <>
          <Figure caption="The same queries asked of each variant. Whether two bars differ is told by the paired test below, not by their intervals.">
            <BarChart
              title="Recall@1 of every variant"
              axis="Recall@1"
              max={1}
              format={(value) => `${Math.round(value * 100)} %`}
              bars={ablation.rows.map(({ name, retrieval }) => ({
                label: name,
                values: [{ value: retrieval.overall['recall@1'], interval: retrieval.intervals.overall['recall@1'] }],
                note: `n = ${retrieval.n}`,
              }))}
            />
          </Figure>
          <Table
            caption={`Against ${ablation.reference}: queries that only one of the two got right, and McNemar’s exact test, corrected for the number of comparisons (Holm)`}
            columns={[
              'Variant',
              ...numbers('Recall@1', '95 %', 'Class mean', 'mAP', 'Difference', `only ${ablation.reference}`, 'only this', 'p'),
            ]}
            rows={ablation.rows.map(({ name, retrieval, difference, test }) => [
              name,
              percentText(retrieval.overall['recall@1']),
              intervalText(retrieval.intervals.overall['recall@1']),
              percentText(retrieval.classMean['recall@1']),
              percentText(retrieval.overall.mAP),
              test === null ? '' : `${difference < 0 ? '−' : '+'}${(Math.abs(difference) * 100).toFixed(1)} points`,
              test?.onlyFirst ?? '',
              test?.onlySecond ?? '',
              test === null ? 'reference' : test.pHolm < 0.001 ? '< 0.001' : test.pHolm.toFixed(3),
            ])}
          />
          <p class="dim">The test takes queries as independent; where many pictures look alike it is too sure.</p>
        </>
      )}
      {indexes === null ? null : 'reason' in indexes ? (
        <p>Approximate search (HNSW) was not compared: {indexes.reason}.</p>
      ) : (
        <p>
          Approximate search (HNSW) finds {percentText(indexes.recallAt10, 2)} of the 10 nearest that exact search finds (
          {indexes.exemplars} exemplars, {indexes.queries} queries); the nearest is right {indexes.rightHnsw} times with it and{' '}
          {indexes.rightExact} times with exact search. A query takes {indexes.hnswMs.toFixed(2)} ms with it and{' '}
          {indexes.exactMs.toFixed(2)} ms exactly.
        </p>
      )}
    </>
  );
}
