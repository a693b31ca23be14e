import type { ParameterSpec } from './parameters.js';
import { AdamW, type Trainable } from './optimizer.js';
import type { BatchStatistics, Parameters, RunningStatistics } from './step.js';
import type { Validation } from './validation.js';

/** How far a run has come. Everything drawn at random depends on the seed and on this alone. */
export interface Position {
  /** From 0. */
  readonly epoch: number;
  /** Steps of the epoch that are done. */
  readonly step: number;
  /** Steps of the run that are done. */
  readonly totalSteps: number;
  /** Sum of the losses of the epoch so far. */
  readonly lossSum: number;
}

export interface Best {
  readonly epoch: number;
  readonly validation: Validation;
}

/** Everything that changes while a run goes on. */
export interface TrainingState {
  readonly parameters: readonly Trainable[];
  /** Of the fusion head's BatchNorm; null without a head. */
  readonly running: RunningStatistics | null;
  readonly optimizer: AdamW;
  position: Position;
  best: Best | null;
  /** Before the first step. */
  baseline: Validation | null;
}

export function createState(
  specs: ReadonlyMap<string, ParameterSpec>,
  values: ReadonlyMap<string, Float32Array>,
  running: RunningStatistics | null,
  weightDecay: number,
): TrainingState {
  const parameters = [...specs].map(([name, { group }]): Trainable => {
    const array = values.get(name);
    if (array === undefined) throw new TypeError(`No initial values of ${name}`);
    // Statistics follow the batches: the optimizer is given no gradient of them and leaves them alone.
    return { name, group: group === 'head' ? 'head' : 'backbone', values: array.slice() };
  });
  return {
    parameters,
    running: running === null ? null : { mean: running.mean.slice(), variance: running.variance.slice() },
    optimizer: new AdamW(parameters, { weightDecay }),
    position: { epoch: 0, step: 0, totalSteps: 0, lossSum: 0 },
    best: null,
    baseline: null,
  };
}

/** Default of torch.nn's BatchNorm. */
const MOMENTUM = 0.1;

/** Moves BatchNorm's running moments of the backbones towards those of a batch, in place. The variance is over n: a batch has thousands of places. */
export function updateStatistics(parameters: readonly Trainable[], statistics: ReadonlyMap<string, Float32Array>): void {
  for (const { name, values } of parameters) {
    const ofBatch = statistics.get(name);
    if (ofBatch === undefined) continue;
    for (let index = 0; index < values.length; index++)
      values[index] = (1 - MOMENTUM) * (values[index] ?? 0) + MOMENTUM * (ofBatch[index] ?? 0);
  }
}

export function valuesOf(parameters: readonly Trainable[]): Parameters {
  return new Map(parameters.map(({ name, values }) => [name, values]));
}

/** Moves the running statistics towards those of a batch, in place; the variance is counted over n − 1, as PyTorch does it. */
export function updateRunning(running: RunningStatistics, { mean, variance, count }: BatchStatistics): void {
  const unbiased = count / Math.max(1, count - 1);
  for (let index = 0; index < mean.length; index++) {
    running.mean[index] = (1 - MOMENTUM) * (running.mean[index] ?? 0) + MOMENTUM * (mean[index] ?? 0);
    running.variance[index] = (1 - MOMENTUM) * (running.variance[index] ?? 1) + MOMENTUM * unbiased * (variance[index] ?? 0);
  }
}
