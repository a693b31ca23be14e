import { Figure } from '../../report/figure.js';
import { percentText } from '../../report/format.js';
import { LineChart } from '../../report/line-chart.js';
import type { EvaluationReport } from '../report.js';

/** How well pictures of something that the gallery does not hold are refused. */
export function OpenSetSection({ report: { openSet } }: { readonly report: EvaluationReport }) {
  if (openSet === null) return null;
  const { chosen, curve, knownQueries, unknownQueries, auroc } = openSet;
  const points = [...curve].sort((a, b) => a.falseAcceptance - b.falseAcceptance || b.loss - a.loss);
  return (
    <>
      <h2>Known or unknown</h2>
      <p>
        A fifth of the classes at a time was taken out of the gallery and asked for: such pictures should be refused. At the chosen
        threshold {percentText(chosen.falseAcceptance)} of them are taken for known all the same ({unknownQueries} queries), and{' '}
        {percentText(chosen.loss)} of the pictures whose class is there are refused ({knownQueries} queries). Every class counts alike.
      </p>
      <Figure
        caption={`Every threshold: what is wrongly accepted against what is wrongly refused. Nearer to the lower left is better; area under the ROC curve ${auroc.toFixed(3)} (0.5 is chance, 1 perfect).`}
      >
        <LineChart
          title="False acceptance against loss"
          series={[
            {
              name: 'thresholds',
              points: points.map(({ falseAcceptance, loss }): [number, number] => [falseAcceptance, loss]),
              marks: [{ x: chosen.falseAcceptance, y: chosen.loss, label: 'chosen' }],
            },
            {
              name: 'chance',
              points: [
                [0, 1],
                [1, 0],
              ],
            },
          ]}
          x={{ label: 'false acceptance', min: 0, max: 1 }}
          y={{ label: 'loss', min: 0, max: 1 }}
          height={300}
        />
      </Figure>
    </>
  );
}
