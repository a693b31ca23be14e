import type { Tensor } from '../../onnx/builder.js';
import { gelu } from '../../onnx/composites.js';
import { divideDimension, multiplyDimensions } from '../../onnx/dimensions.js';
import type { Dimension } from '../../onnx/graph.js';
import {
  add,
  cast,
  chunk,
  contrib,
  int,
  layerNormalization,
  matMul,
  mul,
  pad,
  reshape,
  sigmoid,
  slice,
  transpose,
} from '../../onnx/ops.js';
import { ModelError } from '../../common/errors.js';
import { resizePositions, type PositionRecipe } from '../positions.js';
import type { VitSpec } from '../backbones/spec.js';
import { activationType, floatConstant, linear, linears, type LinearWeights, type Precision } from './precision.js';
import { IMAGENET_MEAN, IMAGENET_STD } from './preprocessing.js';
import type { BackboneReader } from './weights.js';

export const LAYER_NORM_EPSILON = 1e-6;

export interface VitOptions {
  /** Side of the square input, px; a multiple of the patch. */
  readonly inputSize: number;
  readonly positions: PositionRecipe;
  readonly precision: Precision;
}

/**
 * Emits a vision transformer from uint8 pixels `[N, S, S, 3]` to its class token after the final LayerNorm, float32 `[N, D]`.
 * Normalisation, position embeddings, LayerScale and the attention scale are folded into the weights; the last block computes
 * queries, projection and MLP for the class token alone.
 *
 * @throws ModelError `input-size` when the input is not made of whole patches.
 */
export async function emitVit(pixels: Tensor, name: string, spec: VitSpec, weights: BackboneReader, options: VitOptions): Promise<Tensor> {
  const { dimension: d } = spec;
  const graph = pixels.builder;
  const side = patchesAcross(options.inputSize, spec);
  const tokens = 1 + spec.registers + side * side;
  const rows = multiplyDimensions(pixels.shape[0] ?? 'N', tokens);
  for (const prefix of ['patch_embed.', 'pos_embed', 'cls_token', 'register_tokens']) await weights.fetch(prefix);
  let x = graph.scope(name, () =>
    reshape(cast(embedPatches(pixels, spec, weights, options, side), activationType(options.precision)), [rows, d]),
  );
  for (let block = 0; block < spec.depth; block++) {
    await weights.fetch(`blocks.${block}.`);
    x = graph.scope(name, () => emitBlock(x, block, tokens, { spec, weights, precision: options.precision }));
  }
  await weights.fetch('norm.');
  return graph.scope(name, () => cast(emitNorm(x, 'norm', weights, options.precision), 'float32'));
}

/** @throws ModelError `input-size` when the input is not made of whole patches. */
export function patchesAcross(inputSize: number, spec: VitSpec): number {
  const side = inputSize / spec.patch;
  if (Number.isInteger(side)) return side;
  throw new ModelError('input-size', `An input of ${inputSize} px is not made of whole patches of ${spec.patch} px.`, {
    remedy: `Choose a multiple of ${spec.patch}.`,
  });
}

interface BlockContext {
  readonly spec: VitSpec;
  readonly weights: BackboneReader;
  readonly precision: Precision;
}

/** One block on rows `[N · tokens, D]`; the last one gives the class tokens alone, `[N, D]`. */
function emitBlock(input: Tensor, block: number, tokens: number, { spec, weights, precision }: BlockContext): Tensor {
  const { dimension: d } = spec;
  const at = `blocks.${block}`;
  const last = block === spec.depth - 1;
  const batch = divideDimension(input.shape[0] ?? 1, tokens) ?? 'N';
  const rows3 = (x: Tensor, count: number): Tensor => reshape(x, [batch, count, d]);
  const rows2 = (x: Tensor, count: number): Tensor => reshape(x, [multiplyDimensions(batch, count), d]);
  const classTokens = (x: Tensor): Tensor => rows2(slice(rows3(x, tokens), [{ axis: 1, start: 0, end: 1 }]), 1);
  const normed = emitNorm(input, `${at}.norm1`, weights, precision);
  const [queryLayer, keyLayer, valueLayer] = splitQkv(at, spec, weights);
  const count = last ? 1 : tokens;
  const [query, key, value] = last
    ? [linear(classTokens(normed), queryLayer, precision), ...linears(normed, [keyLayer, valueLayer], precision)]
    : linears(normed, [queryLayer, keyLayer, valueLayer], precision);
  if (query === undefined || key === undefined || value === undefined) throw new TypeError(`${at} has no attention`);
  const attended = attention(rows3(query, count), rows3(key, tokens), rows3(value, tokens), spec.heads, batch);
  const projection = scaled(linearOf(`${at}.attn.proj`, d, d, weights), layerScale(`${at}.ls1`, spec, weights));
  const x = add(last ? classTokens(input) : input, linear(rows2(attended, count), projection, precision));
  return add(x, mlp(emitNorm(x, `${at}.norm2`, weights, precision), at, spec, weights, precision));
}

function emitNorm(x: Tensor, name: string, weights: BackboneReader, precision: Precision): Tensor {
  const vector = (part: string, length: number): Tensor =>
    floatConstant(x.builder, `${name}.${part}`, [length], weights.take(`${name}.${part}`), precision);
  const d = Number(x.shape[1]);
  return layerNormalization(x, vector('weight', d), vector('bias', d), LAYER_NORM_EPSILON);
}

/**
 * Patches as rows of one matrix product: a strided convolution without overlap is nothing else. Pixels stay bytes until they are in place,
 * class and register tokens are rows of zeros to which their constants are added together with the positions.
 */
export function embedPatches(
  pixels: Tensor,
  spec: VitSpec,
  weights: BackboneReader,
  options: Pick<VitOptions, 'positions'>,
  side: number,
): Tensor {
  const { dimension: d, patch, registers, grid } = spec;
  const graph = pixels.builder;
  const patchLength = patch * patch * 3;
  const cut = transpose(reshape(pixels, [pixels.shape[0] ?? 'N', side, patch, side, patch, 3]), [0, 1, 3, 2, 4, 5]);
  const rows = pad(reshape(cut, [pixels.shape[0] ?? 'N', side * side, patchLength]), [0, 1 + registers, 0, 0, 0, 0]);

  const source = weights.take('patch_embed.proj.weight');
  const kernel = new Float32Array(patchLength * d);
  const offset = Float64Array.from(weights.take('patch_embed.proj.bias'));
  for (let output = 0; output < d; output++) {
    for (let channel = 0; channel < 3; channel++) {
      const scale = 1 / (255 * (IMAGENET_STD[channel] ?? 1));
      const shift = (IMAGENET_MEAN[channel] ?? 0) / (IMAGENET_STD[channel] ?? 1);
      for (let place = 0; place < patch * patch; place++) {
        const weight = source[(output * 3 + channel) * patch * patch + place] ?? 0;
        kernel[(place * 3 + channel) * d + output] = weight * scale;
        offset[output] = (offset[output] ?? 0) - weight * shift;
      }
    }
  }

  const stored = weights.take('pos_embed');
  const positions = resizePositions(stored.subarray(d), grid, side, d, options.positions);
  const constant = new Float32Array((1 + registers + side * side) * d);
  const classToken = weights.take('cls_token');
  for (let index = 0; index < d; index++) constant[index] = (classToken[index] ?? 0) + (stored[index] ?? 0);
  // Registers come after the positions are added and get none.
  if (registers > 0) constant.set(weights.take('register_tokens'), d);
  for (let token = 0; token < side * side; token++) {
    for (let index = 0; index < d; index++) {
      constant[(1 + registers + token) * d + index] = (positions[token * d + index] ?? 0) + (offset[index] ?? 0);
    }
  }
  const embedded = matMul(cast(rows, 'float32'), graph.constant('patch_embed.weight', 'float32', [patchLength, d], kernel));
  return add(embedded, graph.constant('tokens', 'float32', [1 + registers + side * side, d], constant));
}

/** onnxruntime's fused attention; it scales by 1/√(head width) itself. */
export function attention(query: Tensor, key: Tensor, value: Tensor, heads: number, batch: Dimension): Tensor {
  const shape = [batch, query.shape[1] ?? 1, query.shape[2] ?? 1];
  return contrib('MultiHeadAttention', [query, key, value], { num_heads: int(heads) }, { outputs: [{ type: query.type, shape }] });
}

function mlp(x: Tensor, at: string, spec: VitSpec, weights: BackboneReader, precision: Precision): Tensor {
  const { dimension: d, hidden } = spec;
  if (spec.mlp === 'swiglu') {
    const [gate, up] = chunk(linear(x, linearOf(`${at}.mlp.w12`, 2 * hidden, d, weights), precision), 2, 1);
    if (gate === undefined || up === undefined) throw new TypeError(`${at} has no MLP`);
    const inner = mul(mul(gate, sigmoid(gate)), up);
    return linear(inner, scaled(linearOf(`${at}.mlp.w3`, d, hidden, weights), layerScale(`${at}.ls2`, spec, weights)), precision);
  }
  const inner = gelu(linear(x, linearOf(`${at}.mlp.fc1`, hidden, d, weights), precision));
  return linear(inner, scaled(linearOf(`${at}.mlp.fc2`, d, hidden, weights), layerScale(`${at}.ls2`, spec, weights)), precision);
}

function linearOf(name: string, outputs: number, inputs: number, weights: BackboneReader): LinearWeights {
  return { name, outputs, inputs, weight: weights.take(`${name}.weight`), bias: weights.take(`${name}.bias`) };
}

/** Query, key and value as layers of their own: the last block needs the query of one token only. */
function splitQkv(at: string, spec: VitSpec, weights: BackboneReader): [LinearWeights, LinearWeights, LinearWeights] {
  const { dimension: d } = spec;
  const weight = weights.take(`${at}.attn.qkv.weight`);
  const bias = weights.take(`${at}.attn.qkv.bias`);
  const part = (index: number, role: string): LinearWeights => ({
    name: `${at}.attn.${role}`,
    inputs: d,
    outputs: d,
    weight: weight.subarray(index * d * d, (index + 1) * d * d),
    bias: bias.subarray(index * d, (index + 1) * d),
  });
  return [part(0, 'query'), part(1, 'key'), part(2, 'value')];
}

function layerScale(name: string, spec: VitSpec, weights: BackboneReader): Float32Array | null {
  return spec.layerScale ? weights.take(`${name}.gamma`) : null;
}

/** Folds a factor per output into the layer. */
function scaled(layer: LinearWeights, factors: Float32Array | null): LinearWeights {
  if (factors === null) return layer;
  const weight = layer.weight.slice();
  for (let output = 0; output < layer.outputs; output++) {
    const factor = factors[output] ?? 1;
    for (let index = output * layer.inputs; index < (output + 1) * layer.inputs; index++) weight[index] = (weight[index] ?? 0) * factor;
  }
  return { ...layer, weight, bias: layer.bias.map((value, output) => value * (factors[output] ?? 1)) };
}
