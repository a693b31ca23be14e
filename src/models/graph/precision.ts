import { float32ToFloat16 } from '../../onnx/float16.js';
import type { GraphBuilder, Tensor } from '../../onnx/builder.js';
import { add, cast, clip, contrib, div, gemm, mul, abs, reduceMax } from '../../onnx/ops.js';

/**
 * `fp32`: exact. `fp16`: weights and activations of the blocks in half precision, for devices that gain by it. `int8`: dynamic; weights per
 * output channel, activations per token, attention in float.
 */
export type Precision = 'fp32' | 'fp16' | 'int8';

export const PRECISIONS: readonly Precision[] = ['fp32', 'fp16', 'int8'];

/** A linear layer as PyTorch stores it. */
export interface LinearWeights {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  /** `[outputs, inputs]` */
  readonly weight: Float32Array;
  /** `[outputs]` */
  readonly bias: Float32Array;
}

/** Float type of activations between the layers. */
export function activationType(precision: Precision): 'float32' | 'float16' {
  return precision === 'fp16' ? 'float16' : 'float32';
}

/** A float constant in the activation type. */
export function floatConstant(
  graph: GraphBuilder,
  name: string,
  shape: readonly number[],
  values: Float32Array,
  precision: Precision,
): Tensor {
  return precision === 'fp16'
    ? graph.constant(name, 'float16', shape, float32ToFloat16(values))
    : graph.constant(name, 'float32', shape, values);
}

/** Applies several linear layers to the same rows `[rows, inputs]`; each result is `[rows, outputs]`. */
export function linears(x: Tensor, layers: readonly LinearWeights[], precision: Precision): readonly Tensor[] {
  if (precision === 'int8') {
    // One quantisation serves all layers that read the same rows.
    const rows = quantizeRows(x);
    return layers.map((layer) => int8Linear(rows, layer));
  }
  return layers.map((layer) => {
    const weight = floatConstant(x.builder, `${layer.name}.weight`, [layer.inputs, layer.outputs], transposed(layer), precision);
    return gemm(x, weight, floatConstant(x.builder, `${layer.name}.bias`, [layer.outputs], layer.bias, precision));
  });
}

export function linear(x: Tensor, layer: LinearWeights, precision: Precision): Tensor {
  const [result] = linears(x, [layer], precision);
  if (result === undefined) throw new TypeError(`No result of ${layer.name}`);
  return result;
}

function transposed(layer: LinearWeights): Float32Array<ArrayBuffer> {
  const { inputs, outputs, weight } = layer;
  const result = new Float32Array(inputs * outputs);
  for (let output = 0; output < outputs; output++) {
    const row = output * inputs;
    for (let input = 0; input < inputs; input++) result[input * outputs + output] = weight[row + input] ?? 0;
  }
  return result;
}

interface QuantizedRows {
  /** uint8 around 128, `[rows, inputs]` */
  readonly values: Tensor;
  /** float32 `[rows, 1]` */
  readonly scale: Tensor;
}

// Below this the whole row is zero for any practical purpose, and a scale of 0 would divide by zero.
const SMALLEST_ROW = 1e-20;

/**
 * One scale per row: outliers of one token do not coarsen the others, and the embedding of a picture does not depend on the pictures that
 * happen to share its batch, as it would with one scale per tensor.
 */
function quantizeRows(x: Tensor): QuantizedRows {
  const scale = mul(clip(reduceMax(abs(x), [-1]), SMALLEST_ROW, null), 1 / 127);
  return { values: cast(add(div(x, scale), 128.5), 'uint8'), scale };
}

function int8Linear(rows: QuantizedRows, layer: LinearWeights): Tensor {
  const graph = rows.values.builder;
  const { inputs, outputs, name } = layer;
  const { weights, scales } = quantizeColumns(layer);
  const product = contrib(
    'MatMulIntegerToFloat',
    [
      rows.values,
      graph.constant(`${name}.weight`, 'int8', [inputs, outputs], weights),
      graph.scalar('float32', 1),
      graph.constant(`${name}.scale`, 'float32', [outputs], scales),
      graph.scalar('uint8', 128),
    ],
    {},
    { outputs: [{ type: 'float32', shape: [rows.values.shape[0] ?? 0, outputs] }] },
  );
  return add(mul(product, rows.scale), graph.constant(`${name}.bias`, 'float32', [outputs], layer.bias));
}

/** Symmetric int8 per output channel, `[inputs, outputs]`. */
export function quantizeColumns(layer: Omit<LinearWeights, 'name' | 'bias'>): {
  weights: Int8Array<ArrayBuffer>;
  scales: Float32Array<ArrayBuffer>;
} {
  const { inputs, outputs, weight } = layer;
  const weights = new Int8Array(inputs * outputs);
  const scales = new Float32Array(outputs);
  for (let output = 0; output < outputs; output++) {
    const row = output * inputs;
    let largest = 0;
    for (let input = 0; input < inputs; input++) largest = Math.max(largest, Math.abs(weight[row + input] ?? 0));
    const scale = largest === 0 ? 1 : largest / 127;
    scales[output] = scale;
    for (let input = 0; input < inputs; input++) weights[input * outputs + output] = Math.round((weight[row + input] ?? 0) / scale);
  }
  return { weights, scales };
}
