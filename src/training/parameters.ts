import { seededRandom } from '../common/random.js';
import { expectedTensors, isStatistic, type VitSpec } from '../models/backbones/spec.js';
import { sizeOf } from '../models/checkpoint/tensor.js';
import {
  dimensionOf,
  isTrained,
  isTrainedTransformer,
  type LoraTarget,
  type LoraTraining,
  type TrainableBackbone,
  type TrainableModel,
} from './model.js';

/** One trained tensor. */
export interface ParameterSpec {
  /** As PyTorch stores it. */
  readonly shape: readonly number[];
  /** Backbone weights and the fusion head may have learning rates of their own. Statistics, BatchNorm's running moments, have no gradient. */
  readonly group: 'backbone' | 'head' | 'statistics';
}

export const FUSION_PREFIX = 'fusion_fc';

/** A direction per class, which the loss compares embeddings with; no part of what is trained for use. */
export const PROXIES = 'proxies.weight';

/**
 * The trained tensors of a model in a fixed order, by name: `<backbone>.<module>.lora_A.weight` `[rank, inputs]` and `.lora_B.weight`
 * `[outputs, rank]` as in PEFT (of the patch convolution `[rank, 3, P, P]` and `[D, rank, 1, 1]`), `<backbone>.<tensor>` with all weights trained,
 * with the running moments of its BatchNorm, `fusion_fc.0.{weight,bias}` and `fusion_fc.1.{weight,bias}` for Linear and BatchNorm of the head,
 * `proxies.weight` `[classes, dimension]` with a loss that has them.
 */
export function parametersOf(model: TrainableModel): ReadonlyMap<string, ParameterSpec> {
  const parameters = new Map<string, ParameterSpec>();
  for (const backbone of model.backbones) {
    for (const [name, shape] of backboneParameters(backbone))
      parameters.set(`${backbone.name}.${name}`, { shape, group: isStatistic(name) ? 'statistics' : 'backbone' });
  }
  if (model.head !== null) {
    const { outputs } = model.head;
    const inputs = model.backbones.reduce((sum, { spec }) => sum + spec.dimension, 0);
    parameters.set(`${FUSION_PREFIX}.0.weight`, { shape: [outputs, inputs], group: 'head' });
    for (const name of ['0.bias', '1.weight', '1.bias']) parameters.set(`${FUSION_PREFIX}.${name}`, { shape: [outputs], group: 'head' });
  }
  if (model.proxies !== undefined) parameters.set(PROXIES, { shape: [model.proxies, dimensionOf(model)], group: 'head' });
  return parameters;
}

function backboneParameters(backbone: TrainableBackbone): ReadonlyMap<string, readonly number[]> {
  if (!isTrained(backbone)) return new Map();
  if (!isTrainedTransformer(backbone) || backbone.training.kind === 'all') return expectedTensors(backbone.spec);
  const { spec, training } = backbone;
  const parameters = new Map<string, readonly number[]>();
  for (const module of loraModules(spec, training)) {
    const [outputs = 0, ...inputs] = expectedTensors(spec).get(`${module}.weight`) ?? [];
    parameters.set(`${module}.lora_A.weight`, [training.rank, ...inputs]);
    parameters.set(`${module}.lora_B.weight`, [outputs, training.rank, ...inputs.slice(1).map(() => 1)]);
  }
  return parameters;
}

const MODULES: Readonly<Record<Exclude<LoraTarget, 'patch'>, string>> = {
  qkv: 'attn.qkv',
  proj: 'attn.proj',
  fc1: 'mlp.fc1',
  fc2: 'mlp.fc2',
};

/** Names of the layers that are updated, from the patches upwards. */
export function loraModules(spec: VitSpec, training: LoraTraining): readonly string[] {
  const modules = training.targets.includes('patch') ? ['patch_embed.proj'] : [];
  const first = training.lastBlocks === null ? 0 : Math.max(0, spec.depth - training.lastBlocks);
  for (let block = first; block < spec.depth; block++) {
    for (const [target, module] of Object.entries(MODULES)) {
      if (training.targets.includes(target as LoraTarget)) modules.push(`blocks.${block}.${module}`);
    }
  }
  return modules;
}

/**
 * Where training starts: LoRA's A, the head's Linear and the proxies uniform in ±1/√inputs (PyTorch's default for linear layers), B zero,
 * BatchNorm 1 and 0, all other weights as the backbone has them.
 */
export async function initialParameters(model: TrainableModel, seed: number): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const random = seededRandom(seed);
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  for (const backbone of model.backbones) {
    if (!isTrained(backbone) || backbone.training.kind !== 'all') continue;
    const reader = backbone.weights();
    await reader.fetch('');
    for (const name of expectedTensors(backbone.spec).keys()) values.set(`${backbone.name}.${name}`, reader.take(name).slice());
  }
  const headInputs = model.backbones.reduce((sum, { spec }) => sum + spec.dimension, 0);
  for (const [name, { shape }] of parametersOf(model)) {
    if (values.has(name)) continue;
    const array = new Float32Array(sizeOf(shape));
    const isUniform = name.endsWith('.lora_A.weight') || name.startsWith(`${FUSION_PREFIX}.0.`) || name === PROXIES;
    const bound = 1 / Math.sqrt(name.startsWith(FUSION_PREFIX) ? headInputs : sizeOf(shape.slice(1)));
    if (isUniform) for (let index = 0; index < array.length; index++) array[index] = bound * (2 * random() - 1);
    else if (name === `${FUSION_PREFIX}.1.weight`) array.fill(1);
    values.set(name, array);
  }
  return values;
}
