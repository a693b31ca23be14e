import type { Tensor } from '../../../src/onnx/builder.js';
import type { GraphBuilder } from '../../../src/onnx/builder.js';
import { multiplyDimensions } from '../../../src/onnx/dimensions.js';
import * as ops from '../../../src/onnx/ops.js';
import type { VitSpec } from '../../../src/models/backbones/spec.js';
import type { BackboneReader } from '../../../src/models/graph/weights.js';
import { IMAGENET_MEAN, IMAGENET_STD } from '../../../src/models/graph/preprocessing.js';
import { resizePositions } from '../../../src/models/positions.js';
import { officialRecipe } from '../../../src/models/backbones/spec.js';

/**
 * The same network as `torch.onnx.export` (opset 17 and later) writes it from the original code: node for node what the modules do, nothing
 * folded, the last block whole. onnxruntime optimises it as it does any export.
 */
export function emitPlainVit(graph: GraphBuilder, pixels: Tensor, spec: VitSpec, weights: BackboneReader, inputSize: number): Tensor {
  const { dimension: d, heads, patch, registers } = spec;
  const side = inputSize / patch;
  const tokens = 1 + registers + side * side;
  const batch = pixels.shape[0] ?? 'N';
  const constant = (name: string, shape: readonly number[]): Tensor => graph.constant(name, 'float32', shape, weights.take(name));
  const vector = (values: readonly number[]): Tensor => graph.constant(null, 'float32', [3], values);
  const norm = (x: Tensor, name: string): Tensor =>
    ops.layerNormalization(x, constant(`${name}.weight`, [d]), constant(`${name}.bias`, [d]), 1e-6);
  const linear = (x: Tensor, name: string, outputs: number, inputs: number): Tensor => {
    const stored = weights.take(`${name}.weight`);
    const weight = new Float32Array(stored.length);
    for (let output = 0; output < outputs; output++)
      for (let input = 0; input < inputs; input++) weight[input * outputs + output] = stored[output * inputs + input]!;
    return ops.add(
      ops.matMul(x, graph.constant(`${name}.weight`, 'float32', [inputs, outputs], weight)),
      constant(`${name}.bias`, [outputs]),
    );
  };
  const gelu = (x: Tensor): Tensor => ops.mul(ops.mul(x, ops.add(ops.erf(ops.div(x, Math.SQRT2)), 1)), 0.5);

  const normalised = ops.div(ops.sub(ops.div(ops.cast(pixels, 'float32'), 255), vector(IMAGENET_MEAN)), vector(IMAGENET_STD));
  const patches = ops.conv(
    ops.transpose(normalised, [0, 3, 1, 2]),
    constant('patch_embed.proj.weight', [d, 3, patch, patch]),
    constant('patch_embed.proj.bias', [d]),
    { strides: [patch, patch] },
  );
  let x = ops.transpose(ops.reshape(patches, [batch, d, side * side]), [0, 2, 1]);
  x = ops.concat([ops.expand(constant('cls_token', [1, 1, d]), [batch, 1, d], x), x], 1);
  const stored = weights.take('pos_embed');
  const positions = new Float32Array((1 + side * side) * d);
  positions.set(stored.subarray(0, d));
  positions.set(resizePositions(stored.subarray(d), spec.grid, side, d, officialRecipe(spec)), d);
  x = ops.add(x, graph.constant('pos_embed', 'float32', [1, 1 + side * side, d], positions));
  if (registers > 0) {
    const [first, rest] = ops.split(x, [1, side * side], 1);
    x = ops.concat([first!, ops.expand(constant('register_tokens', [1, registers, d]), [batch, registers, d], x), rest!], 1);
  }
  for (let block = 0; block < spec.depth; block++) {
    const at = `blocks.${block}`;
    const qkv = ops.reshape(linear(norm(x, `${at}.norm1`), `${at}.attn.qkv`, 3 * d, d), [batch, tokens, 3, heads, d / heads]);
    const ordered = ops.transpose(qkv, [2, 0, 3, 1, 4]);
    const pick = (index: number): Tensor => ops.gather(ordered, graph.constant(null, 'int64', [], [index]), 0);
    const query = ops.mul(pick(0), 1 / Math.sqrt(d / heads));
    const scores = ops.softmax(ops.matMul(query, ops.transpose(pick(1), [0, 1, 3, 2])), -1);
    const joined = ops.reshape(ops.transpose(ops.matMul(scores, pick(2)), [0, 2, 1, 3]), [batch, tokens, d]);
    const scaled = (y: Tensor, name: string): Tensor => (spec.layerScale ? ops.mul(y, constant(`${name}.gamma`, [d])) : y);
    x = ops.add(x, scaled(linear(joined, `${at}.attn.proj`, d, d), `${at}.ls1`));
    const inner = gelu(linear(norm(x, `${at}.norm2`), `${at}.mlp.fc1`, spec.hidden, d));
    x = ops.add(x, scaled(linear(inner, `${at}.mlp.fc2`, d, spec.hidden), `${at}.ls2`));
  }
  const classToken = ops.gather(norm(x, 'norm'), graph.constant(null, 'int64', [], [0]), 1);
  return ops.reshape(classToken, [multiplyDimensions(batch), d]);
}
