import { seededRandom } from '../../src/common/random.js';
import { expectedTensors, type BackboneSpec, type ResnetSpec, type VitSpec } from '../../src/models/backbones/spec.js';
import { sizeOf, type CheckpointTensor } from '../../src/models/checkpoint/tensor.js';

/** The two backbones of the method, at their real size. */
export const DINOV2_VITS14_REG: VitSpec = {
  kind: 'vit',
  family: 'dinov2',
  dimension: 384,
  depth: 12,
  heads: 6,
  patch: 14,
  grid: 37,
  registers: 4,
  layerScale: true,
  mlp: 'gelu',
  hidden: 1536,
};
export const GASTRONET_VITS16: VitSpec = {
  kind: 'vit',
  family: 'dino',
  dimension: 384,
  depth: 12,
  heads: 6,
  patch: 16,
  grid: 14,
  registers: 0,
  layerScale: false,
  mlp: 'gelu',
  hidden: 1536,
};
export const RESNET50: ResnetSpec = {
  kind: 'resnet',
  family: 'resnet',
  block: 'bottleneck',
  stemPool: true,
  dimension: 2048,
  stem: 64,
  blocks: [3, 4, 6, 3],
  widths: [64, 128, 256, 512],
};

export interface NamedArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

/**
 * Weights of the given architecture under the names of the original code, the same for the same seed. Layers keep the scale of what goes through
 * them, so that activations stay in the range of a trained network.
 */
export function randomWeights(spec: BackboneSpec, seed: number): NamedArray[] {
  const random = seededRandom(seed);
  // The sum of three uniform numbers is close enough to a normal one; its variance is 1/4.
  const normal = (): number => 2 * (random() + random() + random() - 1.5);
  const arrays = [...expectedTensors(spec)].map(([name, shape]) => {
    const [offset, spread] = momentsOf(name, shape);
    const values = Float32Array.from({ length: sizeOf(shape) }, () => offset + spread * normal());
    // A variance is never negative.
    return { name, shape, values: name.endsWith('running_var') ? values.map((value) => Math.max(0.3, value)) : values };
  });
  if (spec.kind === 'vit' && spec.family === 'dinov2')
    arrays.push({ name: 'mask_token', shape: [1, spec.dimension], values: new Float32Array(spec.dimension) });
  return arrays;
}

function momentsOf(name: string, shape: readonly number[]): readonly [offset: number, spread: number] {
  if (/(norm\d?|bn\d)\.weight$|downsample\.1\.weight$|running_var$/.test(name)) return [1, 0.1];
  if (name.endsWith('gamma')) return [0.4, 0.1];
  if (/(pos_embed|cls_token|register_tokens)$/.test(name)) return [0, 0.3];
  if (shape.length < 2) return [0, 0.05];
  return [0, 1 / Math.sqrt(sizeOf(shape.slice(1)))];
}

/** The arrays as tensors of a checkpoint that is not a file. */
export function asTensors(arrays: readonly NamedArray[]): Map<string, CheckpointTensor> {
  return new Map(
    arrays.map(({ name, shape, values }) => [name, { name, type: 'float32', shape, read: () => Promise.resolve(values.slice()) }]),
  );
}
