import { ModelError } from '../../common/errors.js';
import { placeOf } from '../backbones/huggingface.js';
import { listNames, type TensorMap } from '../backbones/state-dict.js';
import { shapeText, sizeOf, type CheckpointTensor } from '../checkpoint/tensor.js';

/**
 * One low-rank update W + scale · B·A of a linear layer or of the patch convolution, by the module's name in the original code.
 * Source: Hu et al. 2021; Hugging Face PEFT, tuners/lora/layer.py.
 */
export interface LoraLayer {
  readonly module: string;
  /** `[rank, inputs]`, or `[rank, channels, height, width]` of a convolution. */
  readonly a: CheckpointTensor;
  /** `[outputs, rank]`, or `[outputs, rank, 1, 1]`. */
  readonly b: CheckpointTensor;
  readonly scale: number;
  /** Which of `parts` equal row blocks of the weight this updates; 0 of 1 except where query, key and value are layers of their own. */
  readonly part: number;
  readonly parts: number;
}

/** A tensor name of PEFT taken apart; null when it is no LoRA matrix. `.default` is the adapter's name inside a live PEFT model. */
export function parseLoraName(name: string): { readonly module: string; readonly matrix: 'A' | 'B' } | null {
  const found = /^(?<module>.+)\.lora_(?<matrix>[AB])(?:\.[^.]+)?\.weight$/.exec(name)?.groups;
  if (found === undefined) return null;
  return { module: found['module'] ?? '', matrix: found['matrix'] === 'A' ? 'A' : 'B' };
}

/** A module name as PEFT or the published code has it, in the names of the original code. */
function plainModule(module: string): { readonly module: string; readonly part: number; readonly parts: number } {
  const bare = module
    .replace(/^(?:(?:base_model|model|module|backbone|_orig_mod|dinov2|dinov2_with_registers|vit)\.)+/, '')
    .replace(/^blocks\.\d+\.(\d+\.)/, 'blocks.$1');
  const place = placeOf(bare);
  return place === null ? { module: bare, part: 0, parts: 1 } : { module: place.name, part: place.part, parts: place.parts };
}

/** Tells the factor of each module from its rank: alpha / r, unless the configuration says otherwise. */
export type LoraScale = (module: string, rank: number) => number;

/**
 * Pairs the LoRA matrices among `tensors`.
 *
 * @throws ModelError `adapter-tensors` for a matrix without its other half or of a shape that is none.
 */
export function pairLora(tensors: TensorMap, scaleOf: LoraScale, path: string): LoraLayer[] {
  const halves = new Map<string, { a?: CheckpointTensor; b?: CheckpointTensor }>();
  for (const [name, tensor] of tensors) {
    const parsed = parseLoraName(name);
    if (parsed === null) continue;
    const half = halves.get(parsed.module) ?? {};
    if (parsed.matrix === 'A') half.a = tensor;
    else half.b = tensor;
    halves.set(parsed.module, half);
  }
  return [...halves].map(([module, { a, b }]) => {
    const rank = a?.shape[0] ?? 0;
    if (a === undefined || b === undefined || rank === 0 || b.shape[1] !== rank || sizeOf(b.shape) !== rank * (b.shape[0] ?? 0)) {
      throw new ModelError(
        'adapter-tensors',
        `${path}: the LoRA matrices of ${module} do not go together (A ${shapeOf(a)}, B ${shapeOf(b)}).`,
        {
          remedy: 'The adapter file is incomplete; save it again with PEFT or “lumenmark finetune”.',
        },
      );
    }
    return { ...plainModule(module), a, b, scale: scaleOf(module, rank) };
  });
}

function shapeOf(tensor: CheckpointTensor | undefined): string {
  return tensor === undefined ? 'missing' : shapeText(tensor.shape);
}

/**
 * The backbone with its updates added to the weights.
 *
 * @throws ModelError `adapter-base` when a layer of the adapter does not exist in the backbone, or has another shape there.
 */
export function mergeLora(tensors: TensorMap, layers: readonly LoraLayer[], path: string): TensorMap {
  const faults: string[] = [];
  const merged = new Map(tensors);
  for (const layer of layers) {
    const name = `${layer.module}.weight`;
    const base = merged.get(name);
    if (base === undefined) {
      faults.push(`${layer.module} does not exist`);
      continue;
    }
    const [outputs = 0, ...inputs] = base.shape;
    if (layer.b.shape[0] !== outputs / layer.parts || sizeOf(layer.a.shape.slice(1)) !== sizeOf(inputs)) {
      faults.push(
        `${layer.module} is ${shapeText(base.shape)}, its update ${shapeText([layer.b.shape[0] ?? 0, ...layer.a.shape.slice(1)])}`,
      );
      continue;
    }
    merged.set(name, { ...base, read: async () => addUpdate(await base.read(), await layer.a.read(), await layer.b.read(), layer) });
  }
  if (faults.length > 0) {
    throw new ModelError('adapter-base', `${path} was trained on another backbone: ${listNames(faults, 20)}.`, {
      remedy: 'Give the backbones that the adapter was trained with, in that order.',
    });
  }
  return merged;
}

/** `weight` is changed in place; sums run in double precision. */
function addUpdate(weight: Float32Array<ArrayBuffer>, a: Float32Array, b: Float32Array, layer: LoraLayer): Float32Array<ArrayBuffer> {
  const rank = layer.a.shape[0] ?? 0;
  const inputs = a.length / rank;
  const outputs = b.length / rank;
  const row = new Float64Array(inputs);
  const firstRow = layer.part * outputs;
  for (let output = 0; output < outputs; output++) {
    row.fill(0);
    for (let index = 0; index < rank; index++) {
      const factor = b[output * rank + index] ?? 0;
      const from = index * inputs;
      for (let input = 0; input < inputs; input++) row[input] = (row[input] ?? 0) + factor * (a[from + input] ?? 0);
    }
    const at = (firstRow + output) * inputs;
    for (let input = 0; input < inputs; input++) weight[at + input] = (weight[at + input] ?? 0) + layer.scale * (row[input] ?? 0);
  }
  return weight;
}
