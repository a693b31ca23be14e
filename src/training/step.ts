import type { ResolvedDevice } from '../inference/device.js';
import type { TrainableModel } from './model.js';

/** Which triplets count. Source: pytorch-metric-learning, `TripletMarginMiner`. */
export type TripletMiner = 'semihard' | 'hard' | 'all';

/** Similarities are cosines throughout. */
export type LossOptions =
  /**
   * relu(s_an − s_ap + margin), mean over the mined triplets whose loss is not zero; over all triplets when none is mined. The miner keeps
   * those with s_ap − s_an ≤ minerMargin, `semihard` of them the ones above 0, `hard` the others.
   */
  | { readonly kind: 'triplet'; readonly margin: number; readonly miner: TripletMiner; readonly minerMargin: number }
  /** Wang et al. 2019. Defaults of the paper: alpha 2, beta 50, base 0.5, epsilon 0.1; `epsilon` null mines nothing and takes all pairs. */
  | {
      readonly kind: 'multi-similarity';
      readonly alpha: number;
      readonly beta: number;
      readonly base: number;
      readonly epsilon: number | null;
    }
  /** Khosla et al. 2020, the form with the sum outside the logarithm. Default of the paper: temperature 0.1. */
  | { readonly kind: 'supervised-contrastive'; readonly temperature: number }
  /** Zhai and Wu 2019: a cosine softmax over a proxy per class. `smoothing` is the share of the target that goes to all classes alike. */
  | { readonly kind: 'normalised-softmax'; readonly temperature: number; readonly smoothing: number };

export interface StepOptions {
  readonly loss: LossOptions;
  /** Share of the inputs of each LoRA update that is dropped, 0…1. Has no effect without LoRA. */
  readonly dropout: number;
  /** Pictures that go through the backbones at once; null for the whole batch. Loss, mining and BatchNorm always see the whole batch. */
  readonly microBatch: number | null;
  /** Computes the inside of each block again instead of keeping it for the way back: less memory, about a third more time. */
  readonly recompute: boolean;
  readonly device: ResolvedDevice;
}

/** `[count, S, S, 3]` uint8 RGB, or per backbone what `TrainingStep.activations` made of such pixels, `[count, …]`. */
export type StepPictures = { readonly pixels: Uint8Array } | { readonly activations: ReadonlyMap<string, Float32Array> };

export interface StepBatch {
  readonly pictures: StepPictures;
  /** Class of each picture, any whole numbers, with proxies from 0 to below their number; their count is the size of the batch. */
  readonly labels: readonly number[];
  /** Decides what is dropped out; the same seed on the same device gives the same result. */
  readonly seed: number;
}

/** By name, in the shapes of `parametersOf(model)`; all of them must be there. */
export type Parameters = ReadonlyMap<string, Float32Array>;

/** Mean and variance of one batch before BatchNorm, per feature. */
export interface BatchStatistics {
  readonly mean: Float32Array;
  /** Over count, not count − 1. */
  readonly variance: Float32Array;
  readonly count: number;
}

export interface StepResult {
  readonly loss: number;
  /** Triplets that the miner kept, before the fallback to all; null with another loss. */
  readonly minedTriplets: number | null;
  /** Of the loss, before any clipping, for every parameter that is no statistic. */
  readonly gradients: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  /** Moments of this batch by the names of the running ones, for trained backbones with BatchNorm; the variance over n. */
  readonly statistics: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  /** Null without a fusion head. */
  readonly batchStatistics: BatchStatistics | null;
  /** `[count, dimension]`, as the loss saw them: with dropout and the statistics of the batch. */
  readonly embeddings: Float32Array<ArrayBuffer>;
}

export interface RunningStatistics {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

/** Loss, gradients and embeddings of a model in training. Holds a thread and the memory of its graphs until `dispose`. */
export interface TrainingStep {
  /** Length of the embedding. */
  readonly dimension: number;
  /**
   * Elements of the activations of one picture, by backbone: the input of the first trained block, or the feature itself of a frozen
   * backbone. Null where the pixels themselves are needed because everything from the patches on is trained.
   */
  readonly activationLengths: ReadonlyMap<string, number> | null;
  /** Computes what lies below all parameters, once and for all; for `StepPictures`. @throws TypeError when `activationLengths` is null. */
  activations(pixels: Uint8Array, count: number): Promise<ReadonlyMap<string, Float32Array<ArrayBuffer>>>;
  run(batch: StepBatch, parameters: Parameters): Promise<StepResult>;
  /** Embeddings `[count, dimension]` as inference gives them: without dropout, with running statistics (null without a head). */
  embed(
    pictures: StepPictures,
    count: number,
    parameters: Parameters,
    running: RunningStatistics | null,
  ): Promise<Float32Array<ArrayBuffer>>;
  dispose(): Promise<void>;
}

/** `createTrainingStep`, for who takes it as an argument. */
export type CreateTrainingStep = (model: TrainableModel, options: StepOptions) => Promise<TrainingStep>;
