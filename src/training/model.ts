import type { GraphBackbone } from '../models/graph/model-graph.js';
import type { ResnetSpec, VitSpec } from '../models/backbones/spec.js';
import type { BackboneReader } from '../models/graph/weights.js';
import type { PositionRecipe } from '../models/positions.js';

/** Layers that can get a low-rank update; `patch` is the patch convolution. */
export type LoraTarget = 'qkv' | 'proj' | 'fc1' | 'fc2' | 'patch';

export const LORA_TARGETS: readonly LoraTarget[] = ['qkv', 'proj', 'fc1', 'fc2', 'patch'];

/** Low-rank updates W + (alpha / rank) · B·A beside frozen weights. Source: Hu et al. 2021. */
export interface LoraTraining {
  readonly kind: 'lora';
  readonly rank: number;
  readonly alpha: number;
  readonly targets: readonly LoraTarget[];
  /** Only the last so many blocks; null for all of them. The patch convolution counts as below the first block. */
  readonly lastBlocks: number | null;
}

/** What of a backbone is trained. */
export type BackboneTraining = { readonly kind: 'frozen' } | LoraTraining | { readonly kind: 'all' };

/** A transformer that is trained, in part or as a whole. */
export interface TrainedTransformer {
  /** Starts the names of its parameters and names its output; unique in the model. */
  readonly name: string;
  readonly spec: VitSpec;
  readonly positions: PositionRecipe;
  /** Opens the weights: what LoRA stands beside, or where training starts from with `all`. Called once for each graph that is made of them. */
  readonly weights: () => BackboneReader;
  readonly training: Exclude<BackboneTraining, { readonly kind: 'frozen' }>;
}

/** A ResNet that is trained as a whole, BatchNorm with the moments of the batch. */
export interface TrainedResnet {
  /** Starts the names of its parameters and names its output; unique in the model. */
  readonly name: string;
  readonly spec: ResnetSpec;
  /** Of no use to it; a backbone of weights has them. */
  readonly positions: PositionRecipe;
  /** Opens the weights that training starts from. */
  readonly weights: () => BackboneReader;
  readonly training: { readonly kind: 'all' };
}

export type TrainedBackbone = TrainedTransformer | TrainedResnet;

/** A backbone of any kind that is taken as it is: its features are what the head learns from. */
export type FixedBackbone = GraphBackbone & { readonly training: { readonly kind: 'frozen' } };

export type TrainableBackbone = TrainedBackbone | FixedBackbone;

export function isTrained(backbone: TrainableBackbone): backbone is TrainedBackbone {
  return backbone.training.kind !== 'frozen';
}

export function isTrainedTransformer(backbone: TrainableBackbone): backbone is TrainedTransformer {
  return isTrained(backbone) && backbone.spec.kind === 'vit';
}

/** Its BatchNorm has to see the whole batch at once. */
export function isTrainedResnet(backbone: TrainableBackbone): backbone is TrainedResnet {
  return isTrained(backbone) && backbone.spec.kind === 'resnet';
}

/** A model in training: one or more backbones and, unless null, a fusion head, which is always trained. */
export interface TrainableModel {
  /** Side of the square input, px. */
  readonly inputSize: number;
  readonly backbones: readonly TrainableBackbone[];
  /** Without a head, the embedding is the concatenation of the L2-normalised features, L2-normalised again. */
  readonly head: { readonly outputs: number } | null;
  /** Classes that the loss has a proxy of, a parameter of training alone; none with losses of pairs. */
  readonly proxies?: number;
}

/** Length of the embedding. */
export function dimensionOf({ head, backbones }: TrainableModel): number {
  return head?.outputs ?? backbones.reduce((sum, { spec }) => sum + spec.dimension, 0);
}
