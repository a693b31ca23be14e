/**
 * Cuts the lower part out of a Keras network that TensorFlow.js carries, as an ONNX backbone: the mean over places of what one layer gives.
 *
 *   npm run bench -- layers-model FOLDER LAYER OUT.onnx [--side 224]
 *
 * FOLDER holds `model.min.js` and `group*.min.js`, weights of 8 bits in base64, as the npm package nsfwjs 4.4.0 (MIT) has them in `dist/models/`. Pixels
 * go in as 0…1. A measuring aid: these networks have seen photographs by the million, and stand in for the backbones that cannot be passed on.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { GraphBuilder, type Tensor } from '../../src/onnx/builder.js';
import { encodeModel } from '../../src/onnx/encode.js';
import * as ops from '../../src/onnx/ops.js';

export default function bench(args: readonly string[]): void {
  const options = { side: { type: 'string', default: '224' } } as const;
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
  const [folder, layer, out] = positionals;
  if (folder === undefined || layer === undefined || out === undefined)
    throw new TypeError('Usage: npm run bench -- layers-model FOLDER LAYER OUT.onnx [--side 224]');
  const bytes = convert(resolve(folder), layer, Number(values.side));
  writeFileSync(out, bytes);
  console.log(`${out}: ${(bytes.length / 2 ** 20).toFixed(1)} MiB`);
}

const pair = z.tuple([z.number(), z.number()]);
const layerSchema = z.object({
  class_name: z.string(),
  config: z.looseObject({
    name: z.string(),
    padding: z.union([z.string(), z.tuple([pair, pair])]).optional(),
    strides: pair.optional(),
    pool_size: pair.optional(),
    activation: z.string().optional(),
    epsilon: z.number().optional(),
    max_value: z.number().nullish(),
  }),
  inbound_nodes: z.array(z.array(z.tuple([z.string()]).rest(z.unknown()))),
});
type Layer = z.infer<typeof layerSchema>;
const modelSchema = z.object({
  modelTopology: z.object({ model_config: z.object({ config: z.object({ layers: z.array(layerSchema) }) }) }),
  weightsManifest: z
    .array(
      z.object({
        weights: z.array(
          z.object({
            name: z.string(),
            shape: z.array(z.number()),
            quantization: z.object({ min: z.number(), scale: z.number(), dtype: z.literal('uint8') }),
          }),
        ),
      }),
    )
    .length(1),
});

interface Weight {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

function readLayersModel(folder: string): { readonly layers: readonly Layer[]; readonly weights: ReadonlyMap<string, Weight> } {
  const load = createRequire(join(folder, 'model.min.js'));
  const content = (file: string): unknown => {
    const found = load(join(folder, file)) as { readonly default?: unknown };
    return found.default ?? found;
  };
  const { modelTopology, weightsManifest } = modelSchema.parse(content('model.min.js'));
  // Shards end in the middle of a weight, but each is base64 of whole bytes.
  const shards = readdirSync(folder).filter((file) => file.startsWith('group'));
  const bytes = Buffer.concat(shards.sort().map((file) => Buffer.from(z.string().parse(content(file)), 'base64')));
  const weights = new Map<string, Weight>();
  let at = 0;
  for (const { name, shape, quantization } of weightsManifest[0]!.weights) {
    const length = shape.reduce((product, side) => product * side, 1);
    const values = Float32Array.from(bytes.subarray(at, at + length), (value) => value * quantization.scale + quantization.min);
    weights.set(name, { shape, values });
    at += length;
  }
  if (at !== bytes.length) throw new TypeError(`${folder}: ${bytes.length} bytes of weights, ${at} expected`);
  return { layers: modelTopology.model_config.config.layers, weights };
}

function convert(folder: string, last: string, side: number): Uint8Array {
  const { layers, weights } = readLayersModel(folder);
  const graph = new GraphBuilder({ name: last });
  const pixels = graph.input('pixels', 'uint8', ['N', side, side, 3]);
  const tensors = new Map<string, Tensor>();
  for (const layer of layers) {
    const inputs = (layer.inbound_nodes[0] ?? []).map(([name]) => tensors.get(name)!);
    const [first = pixels] = inputs;
    const result = emit(layer, first, inputs, (name) => weights.get(`${layer.config.name}/${name}`));
    tensors.set(layer.config.name, result);
    if (layer.config.name !== last) continue;
    graph.output('embedding', ops.reshape(ops.reduceMean(result, [2, 3]), ['N', Number(result.shape[1])]));
    return encodeModel(graph.model());
  }
  throw new TypeError(`There is no layer ${last}`);
}

function emit(
  { class_name: kind, config }: Layer,
  x: Tensor,
  inputs: readonly Tensor[],
  weight: (name: string) => Weight | undefined,
): Tensor {
  const graph = x.builder;
  const perChannel = (values: Float32Array): Tensor => graph.constant(null, 'float32', [values.length, 1, 1], values);
  switch (kind) {
    case 'InputLayer':
      return ops.mul(ops.transpose(ops.cast(x, 'float32'), [0, 3, 1, 2]), 1 / 255);
    case 'ZeroPadding2D': {
      const [[top, bottom], [left, right]] = config.padding as [[number, number], [number, number]];
      return ops.pad(x, [0, 0, top, left, 0, 0, bottom, right]);
    }
    case 'Conv2D':
    case 'DepthwiseConv2D': {
      const isDepthwise = kind === 'DepthwiseConv2D';
      const kernel = weight(isDepthwise ? 'depthwise_kernel' : 'kernel')!;
      const [height = 1, width = 1, channels = 1, outputs = 1] = kernel.shape;
      const shape = isDepthwise ? [channels, 1, height, width] : [outputs, channels, height, width];
      const bias = weight('bias')?.values;
      return ops.conv(
        x,
        graph.constant(null, 'float32', shape, channelsFirst(kernel, isDepthwise)),
        bias === undefined ? null : graph.constant(null, 'float32', [bias.length], bias),
        { strides: config.strides!, pads: padsOf(config, x, [height, width]), ...(isDepthwise ? { group: channels } : {}) },
      );
    }
    case 'BatchNormalization': {
      const [mean, variance] = [weight('moving_mean')!.values, weight('moving_variance')!.values];
      const [gamma, beta] = [weight('gamma')?.values, weight('beta')?.values];
      const scale = variance.map((value, channel) => (gamma?.[channel] ?? 1) / Math.sqrt(Math.max(value, 0) + config.epsilon!));
      const shift = mean.map((value, channel) => (beta?.[channel] ?? 0) - value * scale[channel]!);
      return ops.add(ops.mul(x, perChannel(scale)), perChannel(shift));
    }
    case 'ReLU':
      return typeof config.max_value === 'number' ? ops.clip(x, 0, config.max_value) : ops.relu(x);
    case 'Activation':
      return ops.relu(x);
    case 'MaxPooling2D':
    case 'AveragePooling2D': {
      const kernel = config.pool_size!;
      const pool = kind === 'MaxPooling2D' ? ops.maxPool : ops.averagePool;
      return pool(x, kernel, { strides: config.strides!, pads: padsOf(config, x, kernel) });
    }
    case 'Add':
      return ops.add(inputs[0]!, inputs[1]!);
    case 'Concatenate':
      return ops.concat(inputs, 1);
    default:
      throw new TypeError(`Layers of the kind ${kind} are not known`);
  }
}

/** TensorFlow's “same” puts an odd zero behind. */
function padsOf({ padding, strides }: Layer['config'], x: Tensor, kernel: readonly [number, number]): number[] {
  if (padding !== 'same') return [0, 0, 0, 0];
  const [top, left] = kernel.map((length, axis) => {
    const [side, stride] = [Number(x.shape[2 + axis]), strides![axis]!];
    return Math.max((Math.ceil(side / stride) - 1) * stride + length - side, 0);
  });
  return [Math.floor(top! / 2), Math.floor(left! / 2), Math.ceil(top! / 2), Math.ceil(left! / 2)];
}

/** `[height, width, in, out]` as `[out, in, height, width]`; of a depthwise kernel `[height, width, in, 1]` as `[in, 1, height, width]`. */
function channelsFirst({ shape, values }: Weight, isDepthwise: boolean): Float32Array {
  const [height = 1, width = 1] = shape;
  const [inner, outer] = isDepthwise ? [1, shape[2]!] : [shape[2]!, shape[3]!];
  const turned = new Float32Array(values.length);
  for (let place = 0; place < height * width; place++)
    for (let i = 0; i < inner; i++)
      for (let o = 0; o < outer; o++) turned[(o * inner + i) * height * width + place] = values[(place * inner + i) * outer + o]!;
  return turned;
}
