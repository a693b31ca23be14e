import { seededRandom } from '../common/random.js';
import { expectedTensors, type VitSpec } from '../models/backbones/spec.js';
import { sizeOf, type CheckpointTensor } from '../models/checkpoint/tensor.js';
import { buildModelGraph } from '../models/graph/model-graph.js';
import { BackboneReader } from '../models/graph/weights.js';
import { encodeModel } from '../onnx/encode.js';

/** A transformer of random weights, made of the operators of the real ones. */
export interface ProbeModel {
  readonly graph: Uint8Array;
  readonly side: number;
}

/** `small` shows whether a device computes rightly, `real` (two blocks of a ViT-S) how fast it is. */
export async function probeModel(size: 'small' | 'real'): Promise<ProbeModel> {
  const small = size === 'small';
  const dimension = small ? 64 : 384;
  const side = small ? 64 : 224;
  const spec: VitSpec = {
    kind: 'vit',
    family: 'dino',
    dimension,
    depth: small ? 1 : 2,
    heads: dimension / 64,
    patch: 16,
    grid: side / 16,
    registers: 0,
    layerScale: false,
    mlp: 'gelu',
    hidden: 4 * dimension,
  };
  const random = seededRandom(7);
  const arrays = new Map<string, Pick<CheckpointTensor, 'read'>>();
  for (const [name, shape] of expectedTensors(spec)) {
    const isGain = /norm\d?\.weight$/.test(name);
    const spread = isGain || shape.length < 2 ? 0.1 : 2 / Math.sqrt(sizeOf(shape) / (shape[0] ?? 1));
    const values = Float32Array.from({ length: sizeOf(shape) }, () => (isGain ? 1 : 0) + spread * (random() - 0.5));
    arrays.set(name, { read: () => Promise.resolve(values) });
  }
  const { model } = await buildModelGraph({
    name: 'probe',
    inputSize: side,
    backbones: [{ name: 'probe', spec, positions: 'plain', weights: () => new BackboneReader(arrays, 'probe') }],
    head: null,
    precision: 'fp32',
    quality: false,
  });
  return { graph: encodeModel(model), side };
}

/** Any picture will do, as long as it is the same on every device. */
export function probePixels(side: number): Uint8Array<ArrayBuffer> {
  const random = seededRandom(11);
  return Uint8Array.from({ length: side * side * 3 }, () => random() * 256);
}
