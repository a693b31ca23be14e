import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { messageOf, ModelError } from '../common/errors.js';
import { openRandomAccess } from '../models/checkpoint/random-access.js';
import { readSafetensors, safetensorsChunks, type SafetensorsFile, type WritableTensor } from '../models/checkpoint/safetensors.js';
import { diskFull, writeChunks } from '../models/files.js';
import type { Moments } from './optimizer.js';
import type { TrainingState } from './state.js';
import type { Validation } from './validation.js';

/** What a run has to agree in with its checkpoint. */
export interface RunIdentity {
  /** SHA-256 over backbones, what of them is trained, and the head. */
  readonly model: string;
  /** SHA-256 over the pictures, their labels and their sides. */
  readonly data: string;
  /** SHA-256 over everything that decides a step. */
  readonly settings: string;
}

const FORMAT = 'lumenmark-checkpoint';
const VERSION = 1;

const share = z.number();
const interval = z.tuple([z.number(), z.number()]);
const validation: z.ZodType<Validation> = z.object({
  n: share,
  gallery: share,
  recallAt1: share,
  classMeanRecallAt1: share,
  margin: share,
  perClass: z.record(z.string(), z.object({ n: share, recallAt1: share })),
  wilson: interval,
  byGroup: z.object({ recallAt1: interval, classMeanRecallAt1: interval }),
});
const sha256 = z.string().length(64);
const metadataSchema = z.object({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  identity: z.object({ model: sha256, data: sha256, settings: sha256 }),
  position: z.object({ epoch: share, step: share, totalSteps: share, lossSum: share }),
  optimizerSteps: share,
  best: z.object({ epoch: share, validation }).nullable(),
  baseline: validation.nullable(),
});

/**
 * Writes the state of a run into one file, which appears whole or not at all. All numbers are kept to the bit; what is drawn at random
 * depends on the seed and the position, so that nothing else has to be kept.
 *
 * @throws ModelError `disk-full`; the checkpoint before it is still there.
 */
export async function saveCheckpoint(path: string, state: TrainingState, identity: RunIdentity): Promise<void> {
  const tensors: WritableTensor[] = [];
  const put = (name: string, values: Float32Array): void => {
    tensors.push({ name, shape: [values.length], read: () => Promise.resolve(new Float32Array(values)) });
  };
  for (const { name, values } of state.parameters) put(`parameter/${name}`, values);
  for (const [name, { first, second }] of state.optimizer.moments) {
    put(`first/${name}`, first);
    put(`second/${name}`, second);
  }
  if (state.running !== null) {
    put('running/mean', state.running.mean);
    put('running/variance', state.running.variance);
  }
  const metadata: z.input<typeof metadataSchema> = {
    format: FORMAT,
    version: VERSION,
    identity,
    position: state.position,
    optimizerSteps: state.optimizer.steps,
    best: state.best,
    baseline: state.baseline,
  };
  await mkdir(dirname(path), { recursive: true });
  const partial = join(dirname(path), `.${basename(path)}-${randomBytes(4).toString('hex')}`);
  try {
    await writeChunks(partial, safetensorsChunks(tensors, { state: JSON.stringify(metadata) }));
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    if (diskFull(error, dirname(path)) === null) throw error;
    throw new ModelError('disk-full', `The disk of ${dirname(path)} is full; the checkpoint could not be written.`, {
      cause: error,
      remedy: 'Free some space and continue with --resume; the checkpoint before this one is still there.',
    });
  }
}

/**
 * Puts the state of a checkpoint into a run.
 *
 * @throws ModelError `checkpoint-missing`, `checkpoint-damaged`, `checkpoint-other` when it is of another model, other data or settings, or
 * of another version.
 */
export async function loadCheckpoint(path: string, state: TrainingState, identity: RunIdentity): Promise<void> {
  const file = await openRandomAccess(path).catch((error: unknown) => {
    throw new ModelError('checkpoint-missing', `There is no checkpoint to go on from: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Start the run anew, without --resume.',
    });
  });
  try {
    const saved = await readSafetensors(file);
    const metadata = readMetadata(saved, path);
    for (const part of ['model', 'data', 'settings'] as const) {
      if (metadata.identity[part] !== identity[part]) throw otherRun(path, OTHER[part]);
    }
    const read = async (name: string, into: Float32Array): Promise<void> => {
      const values = await saved.tensors.get(name)?.read();
      if (values?.length !== into.length) throw otherRun(path, `it lacks ${name}`);
      into.set(values);
    };
    for (const { name, values } of state.parameters) await read(`parameter/${name}`, values);
    const moments = new Map<string, Moments>();
    for (const [name, { first, second }] of state.optimizer.moments) {
      const copy = { first: new Float32Array(first.length), second: new Float32Array(second.length) };
      await read(`first/${name}`, copy.first);
      await read(`second/${name}`, copy.second);
      moments.set(name, copy);
    }
    state.optimizer.restore(metadata.optimizerSteps, moments);
    if (state.running !== null) {
      await read('running/mean', state.running.mean);
      await read('running/variance', state.running.variance);
    }
    state.position = metadata.position;
    state.best = metadata.best;
    state.baseline = metadata.baseline;
  } finally {
    await file.close();
  }
}

const OTHER = {
  model: 'it is of another model',
  data: 'it is of other pictures, labels or another split',
  settings: 'it was trained with other settings',
} as const;

function readMetadata({ metadata }: SafetensorsFile, path: string): z.output<typeof metadataSchema> {
  try {
    return metadataSchema.parse(JSON.parse(metadata['state'] ?? ''));
  } catch (error) {
    throw new ModelError('checkpoint-other', `${path} is no checkpoint of this version of training.`, {
      cause: error,
      remedy: 'Start the run anew, without --resume.',
    });
  }
}

function otherRun(path: string, why: string): ModelError {
  return new ModelError('checkpoint-other', `${path} does not go with this run: ${why}.`, {
    remedy: 'Give the model, the pictures and the options that the run began with, or start it anew.',
  });
}
