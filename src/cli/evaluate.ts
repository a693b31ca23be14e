import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import * as z from 'zod';
import { lumenmarkHome } from '../common/home.js';
import { messageOf, UsageError } from '../common/errors.js';
import { classInfo, type ClassKind } from '../common/landmarks.js';
import { progressBar } from '../common/progress.js';
import { version } from '../common/version.js';
import { crossValidate, evaluatePair, type Evaluation } from '../evaluation/cross-validation.js';
import { readPictureSet, type PictureSet } from '../evaluation/picture-set.js';
import { rankQuery } from '../evaluation/ranking.js';
import { DEFINITIONS, retrievalReport, type MetricName, type RetrievalReport } from '../evaluation/retrieval-metrics.js';
import type { Interval } from '../evaluation/intervals.js';
import { DEVICES, type Device } from '../inference/device.js';
import { openModel } from '../models/registry.js';
import { evaluateTrackingCommand } from './evaluate-tracking.js';
import { cacheOf, noCacheOption } from './cache.js';
import { abortable } from './interrupt.js';
import { percent, tableLines } from './table.js';

interface EvaluateFlags {
  readonly gallery?: string;
  readonly query?: string;
  readonly dataset?: string;
  readonly folds: number;
  readonly leaveOneOut: boolean;
  readonly groupPattern?: string;
  readonly galleryEmbeddings?: string;
  readonly queryEmbeddings?: string;
  readonly dim?: number;
  readonly labels?: string;
  readonly tracking?: string;
  readonly checklist: string;
  readonly analysisFps?: number;
  readonly model: string;
  readonly kinds?: ClassKind[];
  readonly minExemplars: number;
  readonly keepLabels: boolean;
  readonly fieldOfView: string;
  readonly device: Device;
  readonly cache: boolean;
  readonly json: boolean;
}

/** One measured setting. */
interface Result {
  readonly title: string;
  readonly retrieval: RetrievalReport;
  readonly vote: Evaluation['vote'] | null;
}

const KINDS: readonly ClassKind[] = ['landmark', 'quality', 'finding', 'intervention'];
const METRICS = Object.keys(DEFINITIONS) as MetricName[];

/** `lumenmark evaluate`: retrieval metrics, with intervals and definitions. */
export function register(program: Command): void {
  program
    .command('evaluate')
    .description('measure retrieval (a folder against a folder, by cross-validation, or embeddings of other software) or tracking')
    .option('--gallery <dir>', 'folder of pictures to search, a folder per label (with --query)')
    .option('--query <dir>', 'folder of pictures to ask with, a folder per label')
    .option('--dataset <dir>', 'folder of pictures, a folder per label, to cross-validate')
    .option('--folds <n>', 'folds of the cross-validation', wholeNumber, 5)
    .option('--leave-one-out', 'leave out one picture (or group) at a time instead', false)
    .option('--group-pattern <regex>', 'pictures whose path gives the same first group stay together in a split, e.g. a patient number')
    .option('--gallery-embeddings <file>', 'float32 embeddings, one row per exemplar; without --query-embeddings asked for itself')
    .option('--query-embeddings <file>', 'float32 embeddings, one row per query')
    .option('--dim <d>', 'length of a row', wholeNumber)
    .option('--labels <file>', 'JSON: {"galleryLabels": […], "queryLabels": […]}')
    .option('--tracking <dir>', 'recordings with truth (video.mp4 and truth.ndjson) to track, with --gallery naming a built gallery')
    .option('--checklist <id>', 'checklist of the recordings', 'esge-2016')
    .option('--analysis-fps <fps>', 'frames of a recording analysed per second (default: all)', wholeNumber)
    .option('-m, --model <name>', 'model to embed with', 'descriptors')
    .option('--kinds <list>', `only labels of these kinds: ${KINDS.join(', ')}`, kinds)
    .option('--min-exemplars <n>', 'leave out labels with fewer pictures', wholeNumber, 1)
    .option('--keep-labels', 'keep folder names as labels', false)
    .option('--field-of-view <how>', 'auto, none or WxH+X+Y', 'auto')
    .addOption(new Option('--device <device>', 'where inference runs').choices(DEVICES).default('auto'))
    .addOption(noCacheOption())
    .option('--json', 'print the report as JSON', false)
    .action(evaluate);
}

async function evaluate(flags: EvaluateFlags): Promise<void> {
  if (flags.tracking !== undefined) {
    await evaluateTrackingCommand({ ...flags, tracking: flags.tracking });
    return;
  }
  const results = await abortable((signal) => measure(flags, signal));
  if (flags.json) {
    const [first] = results;
    console.log(
      JSON.stringify({
        software: `lumenmark ${version}`,
        ...first?.retrieval,
        definitions: DEFINITIONS,
        results: results.map(({ title, retrieval, vote }) => ({ title, ...retrieval, vote })),
      }),
    );
    return;
  }
  console.log(results.flatMap(textOf).join('\n'));
  console.log(METRICS.map((name) => `${name}: ${DEFINITIONS[name]}.`).join('\n'));
}

async function measure(flags: EvaluateFlags, signal: AbortSignal): Promise<Result[]> {
  if (flags.galleryEmbeddings !== undefined) return [await measureEmbeddings(flags.galleryEmbeddings, flags)];
  const model = await openModel(flags.model, { home: lumenmarkHome() });
  const bar = progressBar();
  const read = async (directory: string): Promise<PictureSet> => {
    const options = {
      model,
      ...cacheOf(flags),
      fieldOfView: flags.fieldOfView,
      keepLabels: flags.keepLabels,
      device: flags.device,
      signal,
    };
    const set = await readPictureSet(directory, {
      ...options,
      keep: ({ label }) => flags.kinds?.includes(classInfo(label).kind) ?? true,
      minPictures: flags.minExemplars,
      onProgress: (done, total) => {
        bar.update({ label: 'embedding', done, total });
      },
    });
    bar.end();
    for (const { path, reason } of set.unreadable) console.error(`left out: ${path}: ${reason}`);
    if (set.labels.length === 0) {
      throw new UsageError('evaluate-empty', `${directory}: holds no labelled picture that can be read`, {
        remedy: 'It must hold a folder per label with pictures in it.',
      });
    }
    return set;
  };

  try {
    if (flags.dataset !== undefined) {
      const set = await read(flags.dataset);
      const pattern = flags.groupPattern === undefined ? null : groupPattern(flags.groupPattern);
      const done = await crossValidate(set, {
        model,
        folds: flags.leaveOneOut ? null : flags.folds,
        ...(pattern === null ? {} : { groupOf: (path: string) => pattern.exec(path)?.[1] ?? null }),
        signal,
      });
      const how = flags.leaveOneOut ? 'one group left out at a time' : `${done.folds} folds`;
      const title = `${flags.dataset}, ${flags.model}: ${how}, ${set.labels.length} pictures in ${done.groups} groups`;
      return [{ title, retrieval: done.retrieval, vote: done.vote }];
    }
    if (flags.gallery === undefined || flags.query === undefined) {
      throw new UsageError('evaluate-what', 'evaluate: nothing to evaluate was named', {
        remedy: 'Name --gallery DIR and --query DIR, or --dataset DIR, or --gallery-embeddings FILE with --dim and --labels.',
      });
    }
    const [gallery, queries] = [await read(flags.gallery), await read(flags.query)];
    const { all, withoutNearDuplicates } = await evaluatePair(gallery, queries, { model, signal });
    const title = `${flags.query} against ${flags.gallery}, ${flags.model}`;
    return [
      { title: `${title}: all queries`, retrieval: all.retrieval, vote: all.vote },
      ...(all.queriesWithNearDuplicate === 0
        ? []
        : [
            {
              title: `${title}: without the ${all.queriesWithNearDuplicate} queries that have a near-duplicate in the gallery`,
              retrieval: withoutNearDuplicates.retrieval,
              vote: withoutNearDuplicates.vote,
            },
          ]),
    ];
  } finally {
    bar.end();
  }
}

const LABELS = z.object({ galleryLabels: z.array(z.coerce.string()), queryLabels: z.array(z.coerce.string()).optional() });

async function measureEmbeddings(galleryFile: string, flags: EvaluateFlags): Promise<Result> {
  const { dim, labels: labelsFile, queryEmbeddings } = flags;
  if (dim === undefined || labelsFile === undefined) {
    throw new UsageError('evaluate-embeddings', 'evaluate: embeddings need --dim and --labels', {
      remedy: 'Give the length of a row and a JSON file with galleryLabels and queryLabels.',
    });
  }
  const labels = await readLabels(labelsFile);
  const gallery = { embeddings: await readRows(galleryFile, dim, labels.galleryLabels.length), labels: labels.galleryLabels };
  if (queryEmbeddings === undefined) {
    const exclude = (query: number, exemplar: number): boolean => query === exemplar;
    const measures = gallery.labels.map((_, query) => rankQuery(gallery, gallery, query, { dimension: dim, exclude }));
    return { title: `${galleryFile}: asked for itself, one left out`, retrieval: retrievalReport(measures), vote: null };
  }
  const queryLabels = labels.queryLabels ?? [];
  const queries = { embeddings: await readRows(queryEmbeddings, dim, queryLabels.length), labels: queryLabels };
  const measures = queries.labels.map((_, query) => rankQuery(gallery, queries, query, { dimension: dim }));
  return { title: `${queryEmbeddings} against ${galleryFile}`, retrieval: retrievalReport(measures), vote: null };
}

async function readLabels(file: string): Promise<z.output<typeof LABELS>> {
  try {
    return LABELS.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new UsageError('evaluate-labels', `${file}: is no list of labels (${messageOf(error).split('\n', 1)[0] ?? ''})`, {
      remedy: 'It must be JSON: {"galleryLabels": […], "queryLabels": […]}.',
      cause: error,
    });
  }
}

/** Rows of float32, normalised. @throws UsageError when they do not fit their labels, or are not finite. */
async function readRows(file: string, dimension: number, count: number): Promise<Float32Array> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new UsageError('evaluate-embeddings', `${file}: cannot be read (${messageOf(error)})`, {
      remedy: 'Check the path.',
      cause: error,
    });
  });
  if (bytes.length !== count * dimension * 4) {
    throw new UsageError('evaluate-embeddings', `${file}: has ${bytes.length} bytes, not ${count} rows of ${dimension} float32`, {
      remedy: 'Check --dim and the number of labels.',
    });
  }
  const rows = new Float32Array(new Uint8Array(bytes).buffer);
  for (let row = 0; row < count; row++) {
    const values = rows.subarray(row * dimension, (row + 1) * dimension);
    const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    if (!Number.isFinite(norm) || norm === 0) {
      throw new UsageError('evaluate-embeddings', `${file}: row ${row} is zero or not finite`, { remedy: 'Embed that picture again.' });
    }
    // What is normalised already stays as it is, to the last bit.
    if (Math.abs(norm - 1) > 1e-5) values.set(values.map((value) => value / norm));
  }
  return rows;
}

function textOf({ title, retrieval, vote }: Result): string[] {
  const interval = ([lower, upper]: Interval): string => `${percent(lower)} – ${percent(upper)}`;
  const classes = Object.entries(retrieval.perClass).sort(([, a], [, b]) => b.n - a.n);
  return [
    title,
    `n = ${retrieval.n} queries of ${classes.length} classes; ${retrieval.queriesWithoutRelevantGallery} more have a label that the gallery lacks and are left out`,
    '',
    ...tableLines(
      ['metric', 'overall', '95 % (groups drawn)', 'class mean', '95 % (groups drawn)'],
      METRICS.map((name) => [
        name,
        percent(retrieval.overall[name]),
        interval(retrieval.intervals.overall[name]),
        percent(retrieval.classMean[name]),
        interval(retrieval.intervals.classMean[name]),
      ]),
    ),
    `recall@1 with every query counted as independent (Wilson): ${interval(retrieval.recallAt1Wilson)}`,
    ...(vote === null
      ? []
      : [`vote of ${vote.k} nearest: accuracy ${percent(vote.accuracy)}, macro-F1 ${vote.macroF1.toFixed(3)}, MCC ${vote.mcc.toFixed(3)}`]),
    '',
    ...tableLines(
      ['n', 'label', 'recall@1', '95 % (Wilson)', 'recall@5', 'mAP'],
      classes.map(([label, metrics]) => [
        metrics.n,
        label,
        percent(metrics['recall@1']),
        interval(metrics.interval),
        percent(metrics['recall@5']),
        percent(metrics.mAP),
      ]),
    ),
    '',
  ];
}

function groupPattern(text: string): RegExp {
  try {
    const pattern = new RegExp(text, 'u');
    if (!text.includes('(')) throw new Error('it has no group in parentheses');
    return pattern;
  } catch (error) {
    throw new UsageError('evaluate-group-pattern', `group pattern ${text}: ${messageOf(error)}`, {
      remedy: 'For files named PATIENT_NUMBER.jpg write --group-pattern "([^/]+)_[0-9]+[.]jpg$".',
    });
  }
}

function kinds(text: string): ClassKind[] {
  return text.split(',').map((item) => {
    const kind = KINDS.find((name) => name === item.trim());
    if (kind === undefined) throw new InvalidArgumentError(`It takes a list of ${KINDS.join(', ')}.`);
    return kind;
  });
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It takes a whole number from 1 on.');
  return value;
}
