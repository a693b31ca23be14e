import { join } from 'node:path';
import { ModelError } from '../common/errors.js';
import { randomStream } from '../common/random.js';
import { saveCheckpoint, type RunIdentity } from './checkpoint.js';
import { embedSide, stratified } from './embed-side.js';
import { classesOf, feed, type PictureSide } from './feed.js';
import { clipGradients } from './gradient-norm.js';
import type { PictureCache } from './picture-cache.js';
import type { RunLog } from './run-log.js';
import { createSampler } from './sampler.js';
import { rateFactor } from './schedule.js';
import type { TrainingSettings } from './settings.js';
import { updateRunning, updateStatistics, valuesOf, type TrainingState } from './state.js';
import type { TrainingStep } from './step.js';
import { isBetter, validate, type Validation } from './validation.js';

export const LAST_CHECKPOINT = 'last.checkpoint';
export const BEST_CHECKPOINT = 'best.checkpoint';

export interface TrainerOptions {
  readonly step: TrainingStep;
  readonly settings: TrainingSettings;
  readonly train: PictureSide;
  /** Null: nothing is held back, and the last state is the result. */
  readonly val: (PictureSide & { readonly groups: readonly number[] }) | null;
  /** Changed in place; a resumed one goes on where it is. */
  readonly state: TrainingState;
  readonly identity: RunIdentity;
  /** Folder of the checkpoints. */
  readonly folder: string;
  readonly log: RunLog;
  /** Activations below the first trained block, where nothing below it varies. */
  readonly cache: PictureCache | null;
  readonly onProgress?: (progress: TrainerProgress) => void;
  /** After each epoch and after validation before the first. */
  readonly onEpoch?: () => Promise<void>;
  /** Ends the run after the step at hand, with a checkpoint. */
  readonly signal?: AbortSignal;
}

export interface TrainerProgress {
  readonly stage: 'training' | 'validating';
  readonly done: number;
  readonly total: number;
  readonly epoch: number;
  readonly loss: number | null;
  readonly recallAt1: number | null;
}

export interface TrainerResult {
  /** False: it was interrupted and can be resumed. */
  readonly finished: boolean;
  readonly steps: number;
}

/**
 * Trains to the end, or until it is interrupted. Saves `last.checkpoint` after each epoch and `best.checkpoint` when validation found none
 * better; with a validation set, the best state is the one to be taken.
 *
 * @throws ModelError `training-diverged` with the batch when the loss or a gradient is not finite; `disk-full`
 */
export async function trainToEnd(options: TrainerOptions): Promise<TrainerResult> {
  const { settings, state, train, log, signal, folder, identity } = options;
  const labels = train.rows.map((row) => train.pictures.labels[row] ?? '');
  const sampler = createSampler({ ...settings, labels });
  const classes = new Map(classesOf(train).map((label, index) => [label, index]));
  const totalSteps = Math.min(settings.steps ?? Infinity, settings.epochs * sampler.stepsPerEpoch);
  const epochs = Math.ceil(totalSteps / sampler.stepsPerEpoch);
  const save = (name: string): Promise<void> => saveCheckpoint(join(folder, name), state, identity);
  let recallAt1 = state.best?.validation.recallAt1 ?? state.baseline?.recallAt1 ?? null;
  const progress = (stage: TrainerProgress['stage'], loss: number | null): void => {
    options.onProgress?.({ stage, done: state.position.totalSteps, total: totalSteps, epoch: state.position.epoch, loss, recallAt1 });
  };

  if (state.position.totalSteps === 0 && options.val !== null && state.baseline === null) {
    progress('validating', null);
    state.baseline = await validateNow(options, options.val);
    recallAt1 = state.baseline?.recallAt1 ?? null;
    if (state.baseline !== null)
      await log.write({ type: 'epoch', epoch: -1, steps: 0, loss: null, validation: state.baseline, best: false });
  }
  // A run that was interrupted in its last validation has no step left, but that.
  while (state.position.totalSteps < totalSteps || state.position.step > 0) {
    const { epoch } = state.position;
    const source = {
      side: train,
      sampler,
      augment: settings.augment,
      seed: settings.seed,
      epoch,
      skip: state.position.step,
    };
    for await (const batch of feed(source)) {
      if (signal?.aborted === true) {
        await save(LAST_CHECKPOINT);
        return { finished: false, steps: state.position.totalSteps };
      }
      if (state.position.totalSteps >= totalSteps) break;
      const { step, totalSteps: number, lossSum } = state.position;
      const began = performance.now();
      const result = await options.step.run(
        {
          pictures:
            options.cache === null
              ? { pixels: batch.pixels }
              : { activations: await options.cache.read(batch.members.map((member) => train.rows[member] ?? 0)) },
          labels: batch.members.map((member) => classes.get(labels[member] ?? '') ?? 0),
          seed: Math.floor(randomStream(settings.seed, 'dropout', number)() * 2 ** 31),
        },
        valuesOf(state.parameters),
      );
      const norm = clipGradients(result.gradients, settings.clip);
      if (!Number.isFinite(result.loss) || !Number.isFinite(norm)) throw diverged(options, batch.members, result.loss, norm);
      const factor = rateFactor({ ...settings, epochs }, epoch, (step + 1) / sampler.stepsPerEpoch);
      const rates = { backbone: settings.lr * factor, head: settings.headLr * factor };
      state.optimizer.step(state.parameters, result.gradients, rates);
      updateStatistics(state.parameters, result.statistics);
      if (state.running !== null && result.batchStatistics !== null) updateRunning(state.running, result.batchStatistics);
      state.position = { epoch, step: step + 1, totalSteps: number + 1, lossSum: lossSum + result.loss };
      await log.write({
        type: 'step',
        step: number,
        epoch,
        loss: result.loss,
        minedTriplets: result.minedTriplets,
        gradientNorm: norm,
        learningRate: rates.backbone,
        headLearningRate: rates.head,
        elapsedMs: Math.round(performance.now() - began),
      });
      progress('training', result.loss);
    }
    const loss = state.position.lossSum / Math.max(1, state.position.step);
    progress('validating', loss);
    const validation = options.val === null ? null : await validateNow(options, options.val);
    if (options.val !== null && validation === null) {
      // Validation is repeated when the run goes on.
      await save(LAST_CHECKPOINT);
      return { finished: false, steps: state.position.totalSteps };
    }
    const best = validation !== null && (state.best === null || isBetter(validation, state.best.validation));
    if (best) state.best = { epoch, validation };
    recallAt1 = validation?.recallAt1 ?? null;
    state.position = { epoch: epoch + 1, step: 0, totalSteps: state.position.totalSteps, lossSum: 0 };
    await log.write({ type: 'epoch', epoch, steps: state.position.totalSteps, loss, validation, best });
    if (best) await save(BEST_CHECKPOINT);
    await save(LAST_CHECKPOINT);
    await options.onEpoch?.();
  }
  return { finished: true, steps: state.position.totalSteps };
}

/** Null when it was interrupted. */
async function validateNow(options: TrainerOptions, val: NonNullable<TrainerOptions['val']>): Promise<Validation | null> {
  const { settings, state, step, signal, cache } = options;
  const labels = options.train.rows.map((row) => options.train.pictures.labels[row] ?? '');
  const chosen = stratified(labels, settings.valGallery, settings.seed).map((member) => options.train.rows[member] ?? 0);
  const gallery = { pictures: options.train.pictures, rows: chosen };
  const context = { step, parameters: valuesOf(state.parameters), running: state.running, cache, signal };
  const [searched, asked] = [await embedSide(gallery, context), await embedSide(val, { ...context, cache: null })];
  return searched === null || asked === null ? null : validate(searched, asked, val.groups);
}

function diverged({ state, train, folder }: TrainerOptions, members: readonly number[], loss: number, norm: number): ModelError {
  const names = members.map((member) => train.pictures.names[train.rows[member] ?? 0] ?? '');
  const { totalSteps, epoch } = state.position;
  const kept =
    epoch > 0 ? `The last good state is ${join(folder, LAST_CHECKPOINT)}, after epoch ${epoch - 1}.` : 'There is no checkpoint yet.';
  return new ModelError(
    'training-diverged',
    `Step ${totalSteps} (epoch ${epoch}) gave a loss of ${loss} and a gradient norm of ${norm}. Its batch: ${names.join(', ')}. ${kept}`,
    { remedy: 'Look at these pictures; lower --lr and --head-lr, or --clip.' },
  );
}
