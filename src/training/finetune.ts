import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ModelError } from '../common/errors.js';
import { resolveDevice, type Device } from '../inference/device.js';
import { sizeOf } from '../models/checkpoint/tensor.js';
import { percentText } from '../report/format.js';
import { openBackbones, trainable, type OpenBackbonesOptions, type OpenedBackbones } from './backbones.js';
import { createTrainingStep } from './create-step.js';
import { loadCheckpoint, type RunIdentity } from './checkpoint.js';
import { readData, type DataOptions, type TrainingData } from './data.js';
import { embedSide } from './embed-side.js';
import { classesOf } from './feed.js';
import { freshRunning, readInit } from './init.js';
import { automaticMicroBatch } from './micro-batch.js';
import type { BackboneTraining, TrainableModel } from './model.js';
import { cardText, importCommand } from './model-card.js';
import { initialParameters, parametersOf, PROXIES } from './parameters.js';
import { createCache, type PictureCache } from './picture-cache.js';
import { putText, writeResult, type WrittenResult } from './result.js';
import { runPage } from './run-page.js';
import { RunLog, type EpochRecord } from './run-log.js';
import type { TrainingSettings } from './settings.js';
import { createState, valuesOf, type TrainingState } from './state.js';
import type { TrainingStep } from './step.js';
import { BEST_CHECKPOINT, LAST_CHECKPOINT, trainToEnd, type TrainerProgress } from './trainer.js';
import { validate, type Validation } from './validation.js';

export interface FinetuneOptions {
  readonly backbones: Omit<OpenBackbonesOptions, 'seed'>;
  /** The same for all backbones. */
  readonly training: BackboneTraining;
  /** Length of the embedding: outputs of the fusion head. */
  readonly fusionDim: number;
  readonly data: Omit<DataOptions, 'size' | 'seed' | 'folder'>;
  readonly settings: TrainingSettings;
  /** Adapter to start from. */
  readonly init?: string;
  readonly device?: Device;
  readonly threads?: number;
  /** Pictures that go through the backbones at once; `auto` as many as fit into memory. */
  readonly microBatch: number | 'auto';
  readonly recompute: boolean;
  /** Folder of the run and of its result. */
  readonly out: string;
  /** Goes on from the last checkpoint in `out`. */
  readonly resume: boolean;
  /** As it was typed, for the report. */
  readonly command?: string;
  /** Default: graphs on the device. */
  readonly createStep?: typeof createTrainingStep;
  readonly onReport?: (line: string) => void;
  readonly onProgress?: (progress: FinetuneProgress) => void;
  /** Ends the run after the step at hand, with a checkpoint. */
  readonly signal?: AbortSignal;
}

export interface FinetuneProgress {
  readonly stage: 'pictures' | 'cache' | TrainerProgress['stage'];
  readonly done: number;
  readonly total: number;
  readonly note?: string;
}

/** What a run came to. */
export interface FinetuneReport {
  /** False: it was interrupted, and `resume` goes on. */
  readonly finished: boolean;
  readonly steps: number;
  readonly device: string;
  readonly data: TrainingData['summary'];
  /** Trained numbers. */
  readonly parameters: number;
  /** On the pictures held back, searched in all training pictures; null where none are held back or the run is not finished. */
  readonly before: Validation | null;
  readonly after: Validation | null;
  /** Epoch whose state was taken; null for the last. */
  readonly bestEpoch: number | null;
  readonly result: WrittenResult | null;
  /** Command that makes a model of the result. */
  readonly importCommand: string | null;
  /** Side of the input, px. */
  readonly inputSize: number;
}

/**
 * Trains a model on labelled pictures: reads and splits them, trains, and writes the adapter, its card and the run's report into `out`.
 *
 * @throws UsageError, ModelError, GalleryError with what is wrong
 */
export async function finetune(options: FinetuneOptions): Promise<FinetuneReport> {
  const { out, settings, signal } = options;
  await mkdir(join(out, 'checkpoints'), { recursive: true }).catch((error: unknown) => {
    throw new ModelError('training-out', `${out} cannot be written to: ${messageOf(error)}.`, {
      cause: error,
      remedy: 'Choose another folder.',
    });
  });
  const opened = await openBackbones({ ...options.backbones, seed: settings.seed });
  // Decoded pictures of patients do not outlive the run.
  const scratch = join(out, '.scratch');
  let data: TrainingData | null = null;
  try {
    await mkdir(scratch, { recursive: true });
    for (const { name, origin, licence } of opened.backbones) options.onReport?.(`${name}: ${origin}; licence ${licence}`);
    for (const line of checkTrained(opened, options.training)) options.onReport?.(line);
    data = await readData({
      ...options.data,
      size: opened.inputSize,
      seed: settings.seed,
      folder: scratch,
      ...(signal === undefined ? {} : { signal }),
      onProgress: (done, total) => options.onProgress?.({ stage: 'pictures', done, total }),
    });
    for (const line of data.report) options.onReport?.(line);
    return await run(options, opened, data, scratch);
  } finally {
    await data?.close();
    await opened.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** @returns What is not trained although backbones are to be. @throws ModelError `backbone-trainable` when nothing but the head can be trained. */
function checkTrained({ backbones }: OpenedBackbones, training: BackboneTraining): string[] {
  if (training.kind === 'frozen') return [];
  const fixed = backbones.filter((backbone) => trainable(backbone, training).training.kind === 'frozen');
  if (fixed.length < backbones.length)
    return fixed.map(({ name }) => `${name}: taken as it is; only transformers and, with --tune all, ResNets without max pool are trained`);
  const isTrainableWhole = backbones.some((backbone) => trainable(backbone, { kind: 'all' }).training.kind !== 'frozen');
  const names = fixed.map(({ name, architecture }) => `${name} is a ${architecture}`).join(', ');
  throw new ModelError(
    'backbone-trainable',
    `Only transformers and, with --tune all, ResNets without max pool are trained inside: ${names}.`,
    {
      remedy: isTrainableWhole
        ? 'Train all of their weights with --tune all, or a fusion head on them as they are with --tune head.'
        : 'Train a fusion head on them as they are, with --tune head.',
    },
  );
}

async function run(options: FinetuneOptions, opened: OpenedBackbones, data: TrainingData, scratch: string): Promise<FinetuneReport> {
  const { settings, training, signal, out } = options;
  const model: TrainableModel = {
    inputSize: opened.inputSize,
    backbones: opened.backbones.map((backbone) => trainable(backbone, training)),
    head: { outputs: options.fusionDim },
    ...(settings.loss.kind === 'normalised-softmax' ? { proxies: classesOf(data.train).length } : {}),
  };
  const microBatch = options.microBatch === 'auto' ? automaticMicroBatch(model, settings.batchSize) : options.microBatch;
  const identity = identityOf(options, microBatch, model, opened, data);
  const state = await initialState(options, model);
  const device = await resolveDevice(options);
  options.onReport?.(`device ${device.name}: ${device.reason}`);
  if (microBatch !== null) options.onReport?.(`${microBatch} pictures go through the backbones at once`);
  const checkpoints = join(out, 'checkpoints');
  if (options.resume) await loadCheckpoint(join(checkpoints, LAST_CHECKPOINT), state, identity);
  const logPath = join(out, 'run.ndjson');
  const log = options.resume ? await RunLog.resume(logPath, state.position) : await RunLog.create(logPath);
  const step = await (options.createStep ?? createTrainingStep)(model, {
    loss: settings.loss,
    dropout: settings.dropout,
    recompute: options.recompute,
    microBatch,
    device,
  });
  let cache: PictureCache | null = null;
  try {
    if (settings.cache) {
      cache = await createCache(step, data.train.pictures, scratch, {
        ...(signal === undefined ? {} : { signal }),
        onProgress: (done, total) => options.onProgress?.({ stage: 'cache', done, total }),
      });
      if (cache === null) options.onReport?.('nothing is cached: everything from the patches on is trained');
    }
    const facts = { options, model, opened: opened.backbones, data, device: device.name };
    const writePage = (final: Finals | null): Promise<void> => putText(join(out, 'run.html'), runPage(facts, log.records, final));
    const { finished, steps } = await trainToEnd({
      step,
      settings,
      train: data.train,
      val: data.val,
      state,
      identity,
      folder: checkpoints,
      log,
      cache,
      ...(signal === undefined ? {} : { signal }),
      onProgress: (progress) => options.onProgress?.({ ...progress, note: noteOf(progress) }),
      onEpoch: () => {
        const latest = log.records.at(-1);
        if (latest?.type === 'epoch') options.onReport?.(epochText(latest));
        return writePage(null);
      },
    });
    const learnt = [...parametersOf(model)].filter(([name, { group }]) => group !== 'statistics' && name !== PROXIES);
    const parameters = learnt.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
    const common = { steps, device: device.name, data: data.summary, parameters, inputSize: model.inputSize };
    if (!finished) {
      return { ...common, finished, before: null, after: null, bestEpoch: state.best?.epoch ?? null, result: null, importCommand: null };
    }
    const initial = await initialState(options, model);
    const before = await finalValidation(step, data, initial);
    const bestEpoch = state.best?.epoch ?? null;
    if (state.best !== null) await loadCheckpoint(join(checkpoints, BEST_CHECKPOINT), state, identity);
    const after = await finalValidation(step, data, state);
    const final = { before, after, bestEpoch };
    const result = await writeResult(out, model, opened.backbones, valuesOf(state.parameters), state.running);
    await writePage(final);
    await putText(join(out, 'README.md'), cardText(facts, { ...final, steps, parameters, result }));
    return { ...common, ...final, finished, result, importCommand: importCommand(facts, result) };
  } finally {
    await cache?.close();
    await step.dispose();
  }
}

export interface Finals {
  readonly before: Validation | null;
  readonly after: Validation | null;
  readonly bestEpoch: number | null;
}

/** What a page or card about a run may want to tell. */
export interface RunFacts {
  readonly options: FinetuneOptions;
  readonly model: TrainableModel;
  readonly opened: OpenedBackbones['backbones'];
  readonly data: TrainingData;
  readonly device: string;
}

async function initialState({ init, settings }: FinetuneOptions, model: TrainableModel): Promise<TrainingState> {
  const fresh = { parameters: await initialParameters(model, settings.seed), running: freshRunning(model) };
  const start = init === undefined ? fresh : await readInit(init, model);
  // What was trained before has no proxies: they begin anew.
  return createState(parametersOf(model), new Map([...fresh.parameters, ...start.parameters]), start.running, settings.weightDecay);
}

/** Against all training pictures. */
async function finalValidation(step: TrainingStep, { train, val }: TrainingData, state: TrainingState): Promise<Validation | null> {
  if (val === null) return null;
  const context = { step, parameters: valuesOf(state.parameters), running: state.running, cache: null };
  const [gallery, queries] = [await embedSide(train, context), await embedSide(val, context)];
  return gallery === null || queries === null ? null : validate(gallery, queries, val.groups);
}

function identityOf(
  options: FinetuneOptions,
  microBatch: number | null,
  model: TrainableModel,
  opened: OpenedBackbones,
  data: TrainingData,
): RunIdentity {
  const hash = (content: object): string => createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return {
    model: hash({
      inputSize: model.inputSize,
      backbones: opened.backbones.map(({ name, sha256, graph }) => ({
        name,
        sha256,
        positions: 'positions' in graph ? graph.positions : null,
      })),
      training: options.training,
      head: model.head,
    }),
    data: data.identity,
    settings: hash({ ...options.settings, microBatch, recompute: options.recompute }),
  };
}

function epochText({ epoch, loss, validation, best }: EpochRecord): string {
  const parts = [`epoch ${epoch + 1}: loss ${(loss ?? NaN).toFixed(4)}`];
  if (validation !== null) parts.push(`Recall@1 ${percentText(validation.recallAt1)}${best ? ', the best so far' : ''}`);
  return parts.join(', ');
}

function noteOf({ loss, recallAt1, epoch }: TrainerProgress): string {
  const parts = [`epoch ${epoch + 1}`];
  if (loss !== null) parts.push(`loss ${loss.toFixed(4)}`);
  if (recallAt1 !== null) parts.push(`Recall@1 ${percentText(recallAt1)}`);
  return parts.join('  ');
}
