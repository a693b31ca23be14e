/**
 * Recall@1 of the descriptors model on labelled pictures: both backbones, and each alone.
 *
 *   npm run bench -- descriptors DIR [--folds N] [--json]
 *
 * DIR holds a folder per class, as for `gallery build`. Every picture is asked once of the other folds, with the statistics fitted on those alone;
 * look-alikes stay together. A second table leaves out one source at a time, where file names begin with `SOURCE--`, and nothing else is held together: sources
 * copy from each other, and looks would chain them. Classes that only one source shows do not count there. Landmark and quality classes with at least 13 pictures.
 */
import { parseArgs } from 'node:util';
import { classInfo } from '../../src/common/landmarks.js';
import type { Interval } from '../../src/common/intervals.js';
import { answerSplit } from '../../src/evaluation/answers.js';
import { readFolder } from '../../src/evaluation/datasets/folder.js';
import { readPictureSet } from '../../src/evaluation/picture-set.js';
import { retrievalReport } from '../../src/evaluation/retrieval-metrics.js';
import { rowGroups, type RowGroups } from '../../src/evaluation/row-groups.js';
import { foldSplit, leaveOneOut, type Split } from '../../src/evaluation/split.js';
import type { Subject } from '../../src/evaluation/subject.js';
import { normaliseRows, variantsOf } from '../../src/evaluation/variants.js';
import { descriptors } from '../../src/models/descriptors/descriptors.js';

const MIN_PICTURES = 13;

export default async function bench(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { folds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
  });
  const [directory] = positionals;
  if (directory === undefined) throw new TypeError('Usage: npm run bench -- descriptors DIR [--folds N] [--json]');
  const model = descriptors();
  const set = await readPictureSet(await readFolder(directory, { keepLabels: false }), {
    model,
    fieldOfView: 'auto',
    minPictures: MIN_PICTURES,
    keep: ({ label }) => ['landmark', 'quality'].includes(classInfo(label).kind),
  });
  const count = set.labels.length;
  const embeddings = normaliseRows(set.embeddings, count);
  const sources = set.exemplars.map(({ path }) => /([^/\\]+?)--/.exec(path)?.[1] ?? null);
  const byLook = await rowGroups(set.hashes, set.groups, { embeddings });
  const bySource = await rowGroups(set.hashes, sources, { embeddings, idsOnly: true });
  const settings: [string, RowGroups, Split][] = [
    [`${values.folds} folds, look-alikes together`, byLook, foldSplit(set.labels, byLook.groups, Number(values.folds))],
    ['one source left out at a time', bySource, leaveOneOut(set.labels, bySource.groups)],
  ];
  const rows: Row[] = [];
  for (const [name, grouping, split] of settings)
    for (const subject of variantsOf(model, set)) rows.push(await measure(name, subject, grouping, split));
  if (values.json) console.log(JSON.stringify({ pictures: count, unreadable: set.unreadable.length, rows }));
  else print(rows);
}

interface Row {
  readonly split: string;
  readonly model: string;
  readonly n: number;
  readonly groups: number;
  readonly recallAt1: number;
  readonly recallAt1Interval: Interval;
  readonly classMean: number;
  readonly classMeanInterval: Interval;
  readonly perClass: Readonly<Record<string, string>>;
}

async function measure(name: string, subject: Subject, grouping: RowGroups, split: Split): Promise<Row> {
  const { answers } = await answerSplit(subject, split, grouping);
  const { n, overall, classMean, intervals, perClass } = retrievalReport(
    answers.map(({ measures }) => measures),
    (row) => grouping.groups[row] ?? row,
  );
  return {
    split: name,
    model: subject.name,
    n,
    groups: new Set(grouping.groups).size,
    recallAt1: overall['recall@1'],
    recallAt1Interval: intervals.overall['recall@1'],
    classMean: classMean['recall@1'],
    classMeanInterval: intervals.classMean['recall@1'],
    perClass: Object.fromEntries(
      Object.entries(perClass).map(([label, { n: asked, 'recall@1': share }]) => [
        label,
        `${String(Math.round(share * asked))}/${String(asked)}`,
      ]),
    ),
  };
}

function print(rows: readonly Row[]): void {
  const range = ([lower, upper]: Interval): string => `${lower.toFixed(3)}–${upper.toFixed(3)}`;
  for (const row of rows) {
    console.log(
      `${row.split} · ${row.model.padEnd(15)} n ${String(row.n)} in ${String(row.groups)} groups  ` +
        `Recall@1 ${row.recallAt1.toFixed(3)} (${range(row.recallAt1Interval)})  class mean ${row.classMean.toFixed(3)} (${range(row.classMeanInterval)})`,
    );
    if (row.model === 'descriptors') {
      console.log(
        `    ${Object.entries(row.perClass)
          .map(([label, share]) => `${label} ${share}`)
          .join('  ')}`,
      );
    }
  }
}
