import { UsageError } from '../common/errors.js';
import { bell, randomStream } from '../common/random.js';
import { expectedTensors, HEAD_WIDTH, type BackboneSpec, type ResnetSpec, type VitSpec } from '../models/backbones/spec.js';
import { sizeOf, type CheckpointTensor } from '../models/checkpoint/tensor.js';

const PREFIX = 'vit:';
const RESNET_PREFIX = 'resnet:';
const KEYS = ['dim', 'depth', 'patch', 'registers', 'hidden'] as const;

export function isBackboneSpec(text: string): boolean {
  return text.startsWith(PREFIX) || text.startsWith(RESNET_PREFIX);
}

/**
 * Reads the specification of a backbone to be trained from scratch: a transformer or a ResNet.
 *
 * @param inputSize Side of the input, px, of which a transformer's patch must be a divisor.
 * @throws UsageError `backbone-spec`
 */
export function parseBackboneSpec(text: string, inputSize: number): BackboneSpec {
  return text.startsWith(RESNET_PREFIX) ? parseResnet(text) : parseVit(text, inputSize);
}

/**
 * `resnet:widths=24-48-96-160`, with `blocks=1-1-1-1` per stage and the channels of the first convolution, `stem=`, if wanted: basic blocks, every
 * stage halving the picture.
 */
function parseResnet(text: string): ResnetSpec {
  const lists = new Map<string, readonly number[]>();
  for (const entry of text.slice(RESNET_PREFIX.length).split(',')) {
    const [key = '', value = ''] = entry.split('=').map((part) => part.trim());
    const numbers = value.split('-').map(Number);
    if (!['widths', 'blocks', 'stem'].includes(key) || numbers.some((number) => !Number.isInteger(number) || number < 1))
      throw malformed(text, `“${entry}”`, RESNET_EXAMPLE);
    lists.set(key, numbers);
  }
  const widths = lists.get('widths');
  if (widths === undefined) throw malformed(text, 'widths are needed', RESNET_EXAMPLE);
  const blocks = lists.get('blocks') ?? widths.map(() => 1);
  const [stem = 0, ...more] = lists.get('stem') ?? widths;
  if (blocks.length !== widths.length) throw malformed(text, 'widths and blocks are of as many stages', RESNET_EXAMPLE);
  if (lists.has('stem') && more.length > 0) throw malformed(text, 'stem is one number', RESNET_EXAMPLE);
  return { kind: 'resnet', family: 'resnet', block: 'basic', stemPool: false, dimension: widths.at(-1) ?? 0, stem, blocks, widths };
}

/**
 * Reads `vit:dim=128,depth=4,patch=16`, with `registers=` and `hidden=` (of the MLP, default 4·dim) if wanted.
 */
function parseVit(text: string, inputSize: number): VitSpec {
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

const VIT_EXAMPLE = 'Write vit:dim=128,depth=4,patch=16, and --input-size for another size than 112.';
const RESNET_EXAMPLE = 'Write resnet:widths=24-48-96-160, with blocks=1-1-1-1 and stem=24 if wanted.';

function malformed(text: string, why: string, remedy = VIT_EXAMPLE): UsageError {
  return new UsageError('backbone-spec', `--backbone ${text}: ${why}.`, {
    remedy,
  });
}

/** Standard deviation of initial weights, as in ViT and DINO. */
const SPREAD = 0.02;

/**
 * Weights to start from: norms 1 and 0 with moments 0 and 1, biases 0, all others roughly normal with a standard deviation of 0.02 in transformers, and
 * √(2 / (k² · outputs)) in convolutions of k × k (He et al. 2015), as torchvision has it.
 */
export function randomTensors(spec: BackboneSpec, seed: number): Map<string, CheckpointTensor> {
  const tensors = new Map<string, CheckpointTensor>();
  for (const [name, shape] of expectedTensors(spec)) {
    const values = new Float32Array(sizeOf(shape));
    if (/(norm\d?|bn\d|downsample\.1)\.weight$|running_var$/.test(name)) values.fill(1);
    else if (!/\.(bias|running_mean)$/.test(name)) {
      const random = randomStream(seed, 'weights', name);
      const spread = spec.kind === 'vit' ? SPREAD : Math.sqrt(2 / (sizeOf(shape) / (shape[1] ?? 1)));
      for (let index = 0; index < values.length; index++) values[index] = spread * bell(random);
    }
    tensors.set(name, { name, type: 'float32', shape, read: () => Promise.resolve(values.slice()) });
  }
  return tensors;
}
