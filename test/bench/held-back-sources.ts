/**
 * What a fusion head learns on given backbones, asked for pictures of sources (centres, processors) that it has never seen, beside the built-in `descriptors`.
 *
 *   npm run bench -- held-back-sources PICTURES --backbone NAME=FILE … [--head-lr 1e-3] [--epochs 30] [--draws 40] [--within N] [--seed 1] [--json]
 *
 * PICTURES holds a folder per class, with file names that begin with `SOURCE--`; classes with at least 15 pictures count. Each source is left out in turn, then random
 * thirds of the sources. What looks like a query is no training picture, for either model. Nothing is chosen by the pictures that are held back: the state is that of
 * the last epoch. `--within N` asks only within the training part of draw N of `splitByGroup`, so that settings can be chosen without its test part.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bootstrapSeveral, type Interval } from '../../src/common/intervals.js';
import { randomStream, shuffled } from '../../src/common/random.js';
import { resolveDevice } from '../../src/inference/device.js';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import { descriptors } from '../../src/models/descriptors/descriptors.js';
import { similarity } from '../../src/retrieval/exact-index.js';
import { lookAlikes } from '../../src/retrieval/look-alikes.js';
import { openBackbones, trainable } from '../../src/training/backbones.js';
import { createTrainingStep } from '../../src/training/create-step.js';
import { embedSide } from '../../src/training/embed-side.js';
import { freshRunning } from '../../src/training/init.js';
import { initialParameters, parametersOf } from '../../src/training/parameters.js';
import { createCache } from '../../src/training/picture-cache.js';
import { readPictures, type Pictures } from '../../src/training/pictures.js';
import { RunLog } from '../../src/training/run-log.js';
import { trainingSettings, type TrainingSettings } from '../../src/training/settings.js';
import { splitByGroup } from '../../src/training/split.js';
import { createState, valuesOf } from '../../src/training/state.js';
import { trainToEnd } from '../../src/training/trainer.js';

const SIDE = 224;
const MIN_PICTURES = 15;
const SHARE = 0.3;

export default async function bench(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      backbone: { type: 'string', multiple: true, default: [] },
      'head-lr': { type: 'string', default: '1e-3' },
      epochs: { type: 'string', default: '30' },
      draws: { type: 'string', default: '40' },
      within: { type: 'string' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  });
  const [directory] = positionals;
  if (directory === undefined || values.backbone.length === 0)
    throw new TypeError('Usage: npm run bench -- held-back-sources PICTURES --backbone NAME=FILE …');
  const folder = mkdtempSync(join(tmpdir(), 'lumenmark-bench-'));
  const file = join(folder, 'pictures.rgb');
  const pictures = await readPictures(directory, { size: SIDE, fieldOfView: 'auto', keepLabels: false, minPictures: MIN_PICTURES, file });
  const sources = pictures.names.map((name) => /([^/\\]+?)--/.exec(name)?.[1] ?? name);
  const seed = Number(values.seed);
  const whole = pictures.labels.map((_, row) => row);
  const pool = values.within === undefined ? whole : splitByGroup(pictures.labels, sources, SHARE, Number(values.within)).train;
  const baseline = await describe(pictures);
  const looks = await lookAlikes(pictures.hashes, { embeddings: baseline(whole) });
  const lookOf = (row: number): number => looks.groups.of(row);
  const rounds = (draws: readonly Round[]): Round[] => draws.map((round) => answerable(round, pictures.labels, lookOf));
  const settings = trainingSettings({
    epochs: Number(values.epochs),
    headLr: Number(values['head-lr']),
    batchSize: 64,
    augment: 'none',
    cache: true,
    seed,
  });
  const learn = await learner(pictures, values.backbone, settings, folder);
  try {
    const report = [];
    for (const [protocol, list] of [
      ['each source left out', rounds(eachSource(pool, sources))],
      [`a third of the sources, ${values.draws} draws`, rounds(drawnSources(pool, sources, Number(values.draws), seed))],
    ] as const) {
      const answers: Answer[][] = [];
      for (const { train, queries } of list.filter(({ queries }) => queries.length > 0)) {
        const asked = [
          nearest(baseline(train), pictures.labels, train, queries),
          nearest(await learn.embed(train), pictures.labels, train, queries),
        ];
        answers.push(
          queries.map((row, at) =>
            answerOf(
              row,
              pictures.labels,
              sources,
              asked.map((found) => found[at] ?? ''),
            ),
          ),
        );
      }
      report.push({ protocol, ...summary(answers) });
    }
    if (values.json) console.log(JSON.stringify(report));
    else for (const row of report) print(row);
  } finally {
    await learn.close();
    await pictures.pixels.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Round {
  readonly train: readonly number[];
  readonly queries: readonly number[];
}

function eachSource(pool: readonly number[], sources: readonly string[]): Round[] {
  return [...new Set(pool.map((row) => sources[row]!))].sort().map((source) => parted(pool, (row) => sources[row] === source));
}

/** Sources in random order, until a share of the pictures is held back; one that would bring more than half as much again stays. */
function drawnSources(pool: readonly number[], sources: readonly string[], draws: number, seed: number): Round[] {
  const names = [...new Set(pool.map((row) => sources[row]!))].sort();
  return Array.from({ length: draws }, (_, draw) => {
    const held = new Set<string>();
    let count = 0;
    for (const name of shuffled(randomStream(seed, 'sources', draw), names)) {
      const more = pool.filter((row) => sources[row] === name).length;
      if (count >= SHARE * pool.length || count + more > 1.5 * SHARE * pool.length) continue;
      held.add(name);
      count += more;
    }
    return parted(pool, (row) => held.has(sources[row]!));
  });
}

function parted(pool: readonly number[], isHeld: (row: number) => boolean): Round {
  return { train: pool.filter((row) => !isHeld(row)), queries: pool.filter(isHeld) };
}

/** Without training pictures that look like a query, and without queries whose class has then fewer than two. */
function answerable({ train, queries }: Round, labels: readonly string[], lookOf: (row: number) => number): Round {
  const asked = new Set(queries.map(lookOf));
  const counts = new Map<string, number>();
  const kept = train.filter((row) => !asked.has(lookOf(row)));
  for (const row of kept) counts.set(labels[row]!, (counts.get(labels[row]!) ?? 0) + 1);
  return {
    train: kept.filter((row) => counts.get(labels[row]!)! > 1),
    queries: queries.filter((row) => (counts.get(labels[row]!) ?? 0) > 1),
  };
}

type Embed<Result> = (train: readonly number[]) => Result;

/** Embeddings of all pictures by `descriptors` fitted on some. */
async function describe(pictures: Pictures): Promise<Embed<Float32Array>> {
  const model = descriptors();
  const embedder = await createEmbedder(model.base, { device: 'cpu', threads: 1, features: true });
  const rows = new Map<string, number[][]>();
  for (let row = 0; row < pictures.labels.length; row++) {
    const { features } = await embedder.embed({ count: 1, width: SIDE, height: SIDE, pixels: await pictures.pixels.read([row]) });
    for (const [name, values] of Object.entries(features ?? {})) rows.set(name, [...(rows.get(name) ?? []), [...values]]);
  }
  await embedder.dispose();
  const take = (chosen: readonly number[]): Record<string, Float32Array> =>
    Object.fromEntries([...rows].map(([name, all]) => [name, Float32Array.from(chosen.flatMap((row) => all[row] ?? []))]));
  const everything = take(pictures.labels.map((_, row) => row));
  return (train) =>
    model.project(
      everything,
      model.fit(
        take(train),
        train.map((row) => pictures.labels[row]!),
      ),
    );
}

interface Learner {
  readonly embed: Embed<Promise<Float32Array>>;
  close(): Promise<void>;
}

/** Embeddings of all pictures by the backbones with a head trained on some. */
async function learner(pictures: Pictures, files: readonly string[], settings: TrainingSettings, folder: string): Promise<Learner> {
  const opened = await openBackbones({ home: folder, backbones: files, inputSize: SIDE, seed: settings.seed });
  const backbones = opened.backbones.map((backbone) => trainable(backbone, { kind: 'frozen' }));
  const model = { inputSize: SIDE, backbones, head: { outputs: 512 } };
  const device = await resolveDevice({ device: 'cpu', threads: 1 });
  const { loss, dropout } = settings;
  const step = await createTrainingStep(model, { loss, dropout, microBatch: 16, recompute: false, device });
  const cache = await createCache(step, pictures, folder);
  return {
    async embed(rows) {
      const parameters = await initialParameters(model, settings.seed);
      const state = createState(parametersOf(model), parameters, freshRunning(model), settings.weightDecay);
      const log = await RunLog.create(join(folder, 'run.ndjson'));
      const identity = { model: '', data: '', settings: '' };
      await trainToEnd({ step, settings, train: { pictures, rows }, val: null, state, identity, folder, log, cache });
      const side = { pictures, rows: pictures.labels.map((_, row) => row) };
      const embedded = await embedSide(side, { step, parameters: valuesOf(state.parameters), running: state.running, cache });
      return embedded?.embeddings ?? new Float32Array();
    },
    async close() {
      await cache?.close();
      await step.dispose();
      await opened.close();
    },
  };
}

/** Label of the training picture that is nearest to each query. */
function nearest(embeddings: Float32Array, labels: readonly string[], train: readonly number[], queries: readonly number[]): string[] {
  const dimension = embeddings.length / labels.length;
  return queries.map((query) => {
    const vector = embeddings.subarray(query * dimension, (query + 1) * dimension);
    let [best, most] = ['', -Infinity];
    for (const row of train) {
      const near = similarity(embeddings, row, vector);
      if (near > most) [best, most] = [labels[row]!, near];
    }
    return best;
  });
}

interface Answer {
  readonly label: string;
  readonly source: string;
  /** Of `descriptors`, and of what was trained. */
  readonly hits: readonly [number, number];
}

function answerOf(row: number, labels: readonly string[], sources: readonly string[], found: readonly string[]): Answer {
  const hit = (label: string | undefined): number => (label === labels[row] ? 1 : 0);
  return { label: labels[row]!, source: sources[row]!, hits: [hit(found[0]), hit(found[1])] };
}

interface Summary {
  readonly n: number;
  readonly rounds: number;
  readonly recallAt1: Compared;
  readonly classMean: Compared;
}
interface Compared {
  readonly descriptors: number;
  readonly trained: number;
  readonly difference: number;
  /** Sources drawn with replacement. */
  readonly interval: Interval;
  /** Share of the rounds in which what was trained is ahead, equal ones by half. */
  readonly ahead: number;
}

/** Over the answers of all rounds together. */
function summary(rounds: readonly (readonly Answer[])[]): Summary {
  const answers = rounds.flat();
  const statistics = (chosen: readonly Answer[]): number[] => [...overall(chosen), ...classMean(chosen)];
  const all = statistics(answers);
  const intervals = bootstrapSeveral(
    answers.map(({ source }) => source),
    (items) => {
      const [a = 0, b = 0, c = 0, d = 0] = statistics(items.map((item) => answers[item]!));
      return [b - a, d - c];
    },
  );
  const perRound = rounds.map(statistics);
  const compared = (at: number): Compared => ({
    descriptors: all[at]!,
    trained: all[at + 1]!,
    difference: all[at + 1]! - all[at]!,
    interval: intervals[at / 2]!,
    ahead: mean(perRound.map((row) => (row[at + 1]! > row[at]! ? 1 : row[at + 1]! === row[at]! ? 0.5 : 0))),
  });
  return { n: answers.length, rounds: rounds.length, recallAt1: compared(0), classMean: compared(2) };
}

function overall(answers: readonly Answer[]): [number, number] {
  return [mean(answers.map(({ hits }) => hits[0])), mean(answers.map(({ hits }) => hits[1]))];
}

function classMean(answers: readonly Answer[]): [number, number] {
  const classes = new Map<string, Answer[]>();
  for (const answer of answers) classes.set(answer.label, [...(classes.get(answer.label) ?? []), answer]);
  const means = [...classes.values()].map(overall);
  return [mean(means.map(([first]) => first)), mean(means.map(([, second]) => second))];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function print({ protocol, n, rounds, recallAt1, classMean: perClass }: Summary & { readonly protocol: string }): void {
  console.log(`${protocol}: ${n} answers in ${rounds} rounds`);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  for (const [name, { descriptors: base, trained, difference, interval, ahead }] of [
    ['Recall@1', recallAt1],
    ['class mean', perClass],
  ] as const)
    console.log(
      `  ${name.padEnd(10)}  descriptors ${percent(base)}  trained ${percent(trained)}  difference ${percent(difference)} (${interval.map(percent).join(' to ')})  ahead in ${percent(ahead)} of the rounds`,
    );
}
