import { join } from 'node:path';
import type { Device } from '../../inference/device.js';
import { runModel } from '../../inference/run-model.js';
import { importModel } from '../../models/import/import-model.js';
import type { FittableModel, Model } from '../../models/model.js';
import { openModel } from '../../models/registry.js';
import type { EmbeddingCache } from '../../retrieval/embedding-cache.js';
import { finetune } from '../../training/finetune.js';
import { trainingSettings } from '../../training/settings.js';
import type { DatasetListing } from '../datasets/listing.js';
import { evaluateRetrieval } from '../evaluate-retrieval.js';
import { readPictureSet, type PictureSet } from '../picture-set.js';
import { makeReport, type EvaluationReport } from '../report.js';
import { rowGroups, type RowGroups } from '../row-groups.js';
import { givenSplit } from '../split.js';
import { modelSubject } from '../subject.js';
import { normaliseRows } from '../variants.js';
import { assembleKim2025, partsByGroup, partsByPicture, type Assembled, type ProtocolPart } from './assemble.js';
import { KIM2025, KIM2025_CHOICES, KIM2025_FAULTS } from './kim2025.js';
import { layOut } from './training-folders.js';

export interface RunKim2025Options {
  readonly kvasir: string;
  readonly hyperkvasir: string;
  /** Model whose backbones are trained, or which is evaluated as it is. */
  readonly model: string;
  readonly home: string;
  /** Folder of the assembled pictures and the runs. */
  readonly out: string;
  /** Default 500. */
  readonly perClass?: number;
  /** Evaluate the model as it is. */
  readonly untrained: boolean;
  /** Ends training after so many steps, for a trial. */
  readonly steps?: number;
  readonly device?: Device;
  readonly cache?: EmbeddingCache;
  readonly command: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: string, done: number, total: number) => void;
}

export interface ProtocolRun {
  /** How pictures were parted. */
  readonly name: 'as published' | 'held apart';
  readonly report: EvaluationReport;
  /** Name of the trained model; null when nothing was trained. */
  readonly trained: string | null;
}

export interface ProtocolResult {
  readonly protocol: typeof KIM2025.id;
  readonly title: string;
  readonly reported: typeof KIM2025.reported;
  readonly choices: readonly string[];
  readonly faults: readonly string[];
  readonly assembled: Omit<Assembled, 'pictures'> & { readonly pictures: number; readonly perClass: number };
  /** Why nothing was trained; null when something was. */
  readonly untrained: string | null;
  readonly runs: readonly ProtocolRun[];
}

/**
 * Assembles the pictures of the protocol, trains and tests as far as the paper tells, once parted picture by picture as published and once
 * with look-alikes held apart.
 * @throws UsageError when a data set lacks pictures; what training throws.
 */
export async function runKim2025(
  options: RunKim2025Options,
): Promise<{ readonly result: ProtocolResult; readonly files: readonly string[] }> {
  const { signal, onProgress, perClass = KIM2025.perClass } = options;
  const abortable = signal === undefined ? {} : { signal };
  const model = await openModel(options.model, { home: options.home });
  const { pictures, ...assembled } = await assembleKim2025({
    kvasir: options.kvasir,
    hyperkvasir: options.hyperkvasir,
    perClass,
    seed: KIM2025.seed,
    ...abortable,
    onProgress: (done, total) => onProgress?.('assembling', done, total),
  });
  const listing: DatasetListing = {
    directory: '',
    title: titleOf(perClass),
    pictures: pictures.map(({ file, label }) => ({ path: file, label, group: null, part: null })),
    unknownLabels: [],
    unlabelled: [],
    missing: [],
    split: null,
    notes: KIM2025_CHOICES,
    licence: 'Kvasir and HyperKvasir: for research and education; see the terms of both at datasets.simula.no.',
  };
  const read = (of: Model | FittableModel): Promise<PictureSet> =>
    readPictureSet(listing, {
      model: of,
      fieldOfView: 'auto',
      ...(options.device === undefined ? {} : { device: options.device }),
      ...(options.cache === undefined ? {} : { cache: options.cache }),
      ...abortable,
      onProgress: (done, total) => onProgress?.('embedding', done, total),
    });
  const set = await read(model);
  const grouping = await rowGroups(set.hashes, set.groups, {
    embeddings: normaliseRows(set.embeddings, set.labels.length),
    ...abortable,
    onProgress: (done) => onProgress?.('look-alikes', done, set.labels.length),
  });
  const untrained = 'fitted' in model ? `${model.name} has nothing to train` : options.untrained ? 'it was asked for (--untrained)' : null;

  const runs: ProtocolRun[] = [];
  const splits: [ProtocolRun['name'], ProtocolPart[]][] = [
    ['as published', partsByPicture(set.labels, KIM2025.seed)],
    ['held apart', partsByGroup(set.labels, grouping.groups)],
  ];
  for (const [name, parts] of splits) {
    const trained = untrained === null ? await train(name, set, parts, options) : null;
    const tested = trained === null ? model : await openModel(trained, { home: options.home });
    const own = trained === null ? set : await read(tested);
    runs.push({ name, trained, report: await test({ name, model: tested, set: own, parts, grouping, untrained }, options) });
  }
  return {
    files: set.exemplars.map(({ path }) => path),
    result: {
      protocol: KIM2025.id,
      title: titleOf(perClass),
      reported: KIM2025.reported,
      choices: KIM2025_CHOICES,
      faults: KIM2025_FAULTS,
      assembled: { ...assembled, pictures: pictures.length, perClass },
      untrained,
      runs,
    },
  };
}

/** Trains the model's backbones and a fusion head on the training part; the name under which the result is a model. */
async function train(
  name: ProtocolRun['name'],
  set: PictureSet,
  parts: readonly ProtocolPart[],
  options: RunKim2025Options,
): Promise<string> {
  const slug = name.replace(' ', '-');
  const folder = join(options.out, slug);
  const laidOut = set.exemplars.map(({ path, label, sha256 }) => ({ file: path, label, sha256 }));
  await layOut(join(folder, 'pictures'), laidOut, parts);
  const { result, inputSize } = await finetune({
    backbones: { home: options.home, model: options.model, backbones: [] },
    training: { kind: 'lora', rank: 8, alpha: 16, targets: ['qkv', 'proj', 'fc1', 'fc2', 'patch'], lastBlocks: null },
    fusionDim: 512,
    data: {
      origin: { kind: 'folders', train: join(folder, 'pictures/train'), val: join(folder, 'pictures/validation') },
      valFraction: 0,
      groupOf: null,
      fieldOfView: 'auto',
      keepLabels: false,
    },
    settings: trainingSettings({
      augment: 'none',
      seed: KIM2025.seed,
      ...(options.steps === undefined ? {} : { steps: options.steps }),
    }),
    ...(options.device === undefined ? {} : { device: options.device }),
    microBatch: 'auto',
    recompute: false,
    out: join(folder, 'run'),
    resume: false,
    command: options.command,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onProgress: ({ done, total }) => options.onProgress?.(`training ${name}`, done, total),
  });
  if (result === null) {
    options.signal?.throwIfAborted();
    throw new TypeError('Training ended without a result.');
  }
  const trained = `${KIM2025.id}-${slug}`;
  await importModel({
    name: trained,
    home: options.home,
    backbones: result.backbones.map(({ name: backbone, path }) => ({ name: backbone, path })),
    adapter: result.folder,
    inputSize,
    replace: true,
    run: runModel,
  });
  return trained;
}

interface Tested {
  readonly name: ProtocolRun['name'];
  readonly model: Model | FittableModel;
  readonly set: PictureSet;
  readonly parts: readonly ProtocolPart[];
  readonly grouping: RowGroups;
  readonly untrained: string | null;
}

async function test({ name, model, set, parts, grouping, untrained }: Tested, options: RunKim2025Options): Promise<EvaluationReport> {
  const split = givenSplit(parts, `${name}: training pictures as gallery, test pictures as queries`);
  const evaluation = await evaluateRetrieval({
    subjects: [modelSubject(model, set)],
    split,
    ungrouped: null,
    grouping,
    falseAcceptance: 0.2,
    indexes: false,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onProgress: (stage, done, total) => options.onProgress?.(stage, done, total),
  });
  const title = `${titleOf(options.perClass ?? KIM2025.perClass)}, ${name}, ${model.name}${untrained === null ? ', trained' : ', not trained'}`;
  return makeReport({ command: options.command, title, split, model, set, labels: set.labels, grouping, evaluation });
}

function titleOf(perClass: number): string {
  return `${KIM2025.title}: ${KIM2025.classes.length} classes × ${perClass} pictures of Kvasir and HyperKvasir`;
}
