/**
 * Recall@1 of the descriptors model on labelled pictures: both backbones, and each alone.
 *
 *   npm run bench -- descriptors DIR [--folds N] [--json]
 *
 * DIR holds a folder per class, as for `gallery build`. Every picture is asked once of the other folds, with the statistics fitted on those alone;
 * near-duplicates stay together. A second table leaves out one source at a time, where file names begin with `SOURCE--`: classes that only one
 * source shows do not count there. Landmark and quality classes with at least 13 pictures.
 */
import { parseArgs } from 'node:util';
import { classInfo } from '../../src/common/landmarks.js';
import { crossValidate } from '../../src/evaluation/cross-validation.js';
import type { Interval } from '../../src/evaluation/intervals.js';
import { readPictureSet, type PictureSet } from '../../src/evaluation/picture-set.js';
import { descriptors } from '../../src/models/descriptors.js';
import type { FittableModel } from '../../src/models/model.js';

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
  const set = await readPictureSet(directory, {
    model,
    fieldOfView: 'auto',
    keepLabels: false,
    minPictures: MIN_PICTURES,
    keep: ({ label }) => ['landmark', 'quality'].includes(classInfo(label).kind),
  });
  const rows: Row[] = [];
  for (const [name, split] of Object.entries(splitsInto(Number(values.folds)))) {
    for (const [backbones, variant] of variants(model, set.labels.length)) rows.push(await measure(name, backbones, variant, set, split));
  }
  if (values.json) console.log(JSON.stringify({ pictures: set.labels.length, unreadable: set.unreadable.length, rows }));
  else print(rows);
}

interface Split {
  /** Null leaves out one group at a time. */
  readonly folds: number | null;
  readonly groupOf?: (path: string) => string | null;
}

function splitsInto(folds: number): Readonly<Record<string, Split>> {
  const sourceOf = (path: string): string | null => /([^/\\]+?)--/.exec(path)?.[1] ?? null;
  return {
    [`${String(folds)} folds, near-duplicates together`]: { folds },
    'one source left out at a time': { folds: null, groupOf: sourceOf },
  };
}

/** The model, and models that answer from one of its backbones alone. Cross-validation projects the whole set at once. */
function variants(model: FittableModel, count: number): readonly (readonly [name: string, model: FittableModel])[] {
  const names = model.base.backbones;
  const alone = names.map((backbone, index): [string, FittableModel] => [
    backbone,
    {
      ...model,
      project: (features, statistics) => {
        const embeddings = model.project(features, statistics);
        const width = embeddings.length / count;
        // Both backbones keep the same number of directions, one after the other.
        const share = width / names.length;
        const kept = (_: number, at: number): number => embeddings[Math.floor(at / share) * width + index * share + (at % share)] ?? 0;
        return Float32Array.from({ length: count * share }, kept).map((value) => value * Math.sqrt(names.length));
      },
    },
  ]);
  return [['both', model], ...alone];
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

async function measure(split: string, name: string, model: FittableModel, set: PictureSet, { folds, groupOf }: Split): Promise<Row> {
  const { retrieval, groups } = await crossValidate(set, { model, folds, ...(groupOf === undefined ? {} : { groupOf }) });
  const { n, overall, classMean, intervals, perClass } = retrieval;
  return {
    split,
    model: name,
    n,
    groups,
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
      `${row.split} · ${row.model.padEnd(9)} n ${String(row.n)} in ${String(row.groups)} groups  ` +
        `Recall@1 ${row.recallAt1.toFixed(3)} (${range(row.recallAt1Interval)})  class mean ${row.classMean.toFixed(3)} (${range(row.classMeanInterval)})`,
    );
    if (row.model === 'both') {
      console.log(
        `    ${Object.entries(row.perClass)
          .map(([label, share]) => `${label} ${share}`)
          .join('  ')}`,
      );
    }
  }
}
