import { UsageError } from '../common/errors.js';
import { bell, randomStream } from '../common/random.js';
import { expectedTensors, HEAD_WIDTH, type VitSpec } from '../models/backbones/spec.js';
import { sizeOf, type CheckpointTensor } from '../models/checkpoint/tensor.js';

const PREFIX = 'vit:';
const KEYS = ['dim', 'depth', 'patch', 'registers', 'hidden'] as const;

export function isBackboneSpec(text: string): boolean {
  return text.startsWith(PREFIX);
}

/**
 * Reads `vit:dim=128,depth=4,patch=16`, with `registers=` and `hidden=` (of the MLP, default 4·dim) if wanted: a transformer to be trained
 * from scratch.
 *
 * @param inputSize Side of the input, px, of which the patch must be a divisor.
 * @throws UsageError `backbone-spec`
 */
export function parseBackboneSpec(text: string, inputSize: number): VitSpec {
  const values = new Map<string, number>();
  for (const entry of text.slice(PREFIX.length).split(',')) {
    const [key = '', value = ''] = entry.split('=').map((part) => part.trim());
    const number = Number(value);
    if (!KEYS.some((known) => known === key) || !Number.isInteger(number) || number < (key === 'registers' ? 0 : 1))
      throw malformed(text, `“${entry}”`);
    values.set(key, number);
  }
  const [dimension, depth, patch] = (['dim', 'depth', 'patch'] as const).map((key) => values.get(key));
  if (dimension === undefined || depth === undefined || patch === undefined) throw malformed(text, 'dim, depth and patch are needed');
  if (dimension % HEAD_WIDTH !== 0) throw malformed(text, `dim must be a multiple of ${HEAD_WIDTH}`);
  if (inputSize % patch !== 0) throw malformed(text, `an input of ${inputSize} px is not made of whole patches of ${patch} px`);
  const registers = values.get('registers') ?? 0;
  return {
    kind: 'vit',
    family: registers > 0 || patch === 14 ? 'dinov2' : 'dino',
    dimension,
    depth,
    heads: dimension / HEAD_WIDTH,
    patch,
    grid: inputSize / patch,
    registers,
    layerScale: false,
    mlp: 'gelu',
    hidden: values.get('hidden') ?? 4 * dimension,
  };
}

function malformed(text: string, why: string): UsageError {
  return new UsageError('backbone-spec', `--backbone ${text}: ${why}.`, {
    remedy: 'Write vit:dim=128,depth=4,patch=16, and --input-size for another size than 112.',
  });
}

/** Standard deviation of initial weights, as in ViT and DINO. */
const SPREAD = 0.02;

/** Weights to start from: LayerNorm 1 and 0, biases 0, all others roughly normal with standard deviation 0.02. */
export function randomTensors(spec: VitSpec, seed: number): Map<string, CheckpointTensor> {
  const tensors = new Map<string, CheckpointTensor>();
  for (const [name, shape] of expectedTensors(spec)) {
    const values = new Float32Array(sizeOf(shape));
    if (/norm\d?\.weight$/.test(name)) values.fill(1);
    else if (!name.endsWith('.bias')) {
      const random = randomStream(seed, 'weights', name);
      for (let index = 0; index < values.length; index++) values[index] = SPREAD * bell(random);
    }
    tensors.set(name, { name, type: 'float32', shape, read: () => Promise.resolve(values.slice()) });
  }
  return tensors;
}
