import { describe, expect, it } from 'vitest';
import { evaluateRetrieval } from '../../src/evaluation/evaluate-retrieval.js';
import { evaluationPage } from '../../src/evaluation/page/evaluation-page.js';
import { makeReport, type EvaluationReport } from '../../src/evaluation/report.js';
import { foldSplit, pairSplit } from '../../src/evaluation/split.js';
import { fixedSubject } from '../../src/evaluation/subject.js';
import { seededRandom } from '../../src/common/random.js';

const random = seededRandom(3);
const LABELS = Array.from({ length: 60 }, (_, row) => ['pylorus', 'cecum', 'z-line', '<b>own</b>'][row % 4]!);
const unit = (vector: number[]): number[] => vector.map((value) => value / Math.hypot(...vector));
const embeddingsOf = (noise: number): Float32Array =>
  Float32Array.from(
    LABELS.flatMap((label) =>
      unit(['pylorus', 'cecum', 'z-line', '<b>own</b>'].map((other) => (other === label ? 1 : 0) + noise * (random() - 0.5))),
    ),
  );

async function report(options: { ablation: boolean; pair: boolean }): Promise<EvaluationReport> {
  const rows = LABELS.map((_, row) => row);
  const subjects = [fixedSubject('good', LABELS, embeddingsOf(1.6)), fixedSubject('poor', LABELS, embeddingsOf(6))];
  const lookAlikes = options.pair ? rows.map((row) => (row >= 50 ? row - 50 : row)) : rows;
  const grouping = { groups: rows, lookAlikes, minSimilarity: 0.98, alikeRows: options.pair ? 20 : 0 };
  const split = options.pair ? pairSplit(30, 60) : foldSplit(LABELS, rows, 3);
  const evaluation = await evaluateRetrieval({
    subjects: options.ablation ? subjects : subjects.slice(0, 1),
    split,
    ungrouped: options.pair ? null : foldSplit(LABELS, rows, 3),
    grouping,
    falseAcceptance: 0.2,
    indexes: options.ablation,
  });
  const made = makeReport({
    command: 'lumenmark evaluate --dataset "<x>"',
    title: 'Tiny <set>',
    split,
    model: null,
    set: null,
    labels: LABELS,
    grouping,
    evaluation,
  });
  return { ...made, paths: LABELS.map((label, row) => `${label}/${row}.jpg`) };
}

describe('evaluationPage', () => {
  it('shows every part of a report, with its pictures inside and everything escaped', async () => {
    const page = await evaluationPage(await report({ ablation: true, pair: false }), (row) =>
      Promise.resolve(row % 5 === 0 ? null : Uint8Array.from([255, 216, row])),
    );
    for (const heading of [
      'All numbers',
      'Class by class',
      'What contributes how much',
      'Known or unknown',
      'surest and wrong',
      'Definitions',
    ])
      expect(page).toContain(heading);
    for (const chart of ['Recall@1 of every class', 'Confusion matrix', 'Precision against recall', 'False acceptance against loss'])
      expect(page).toContain(`aria-label="${chart}"`);
    expect(page).toContain('src="data:image/jpeg;base64,');
    expect(page).toContain('Pictures of one examination were held together');
    expect(page).toMatch(/lumenmark evaluate --dataset "&lt;x>|lumenmark evaluate --dataset &quot;&lt;x>/);
    expect(page).not.toMatch(/<b>own|<script|NaN|undefined|\[object/);
  });

  it('says how many queries have a look-alike in the gallery, and what is left without them', async () => {
    const page = await evaluationPage(await report({ ablation: false, pair: true }), () => Promise.resolve(null));
    expect(page).toContain('10 of the queries have a look-alike in the gallery');
    expect(page).not.toContain('What contributes how much');
  });
});
