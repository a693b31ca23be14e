import { describe, expect, it } from 'vitest';
import { GraphBuilder, type Tensor } from '../../src/onnx/builder.js';
import { divideDimension, multiplyDimensions } from '../../src/onnx/dimensions.js';
import type { DataType, Dimension } from '../../src/onnx/graph.js';
import * as ops from '../../src/onnx/ops.js';
import { numbers, run, type Feed } from './support/run.js';

/** Length of a dimension when N is 3; NaN for a name that stands for something else. */
function lengthOf(dimension: Dimension): number {
  if (typeof dimension === 'number') return dimension;
  const quotient = divideDimension(dimension, 'N');
  return typeof quotient === 'number' ? quotient * 3 : NaN;
}

/** Builds with `x` [N, 4, 6, 6] and `m` [N, 5], runs with N = 3, and compares what was inferred with what comes out. */
async function agree(build: (x: Tensor, m: Tensor, graph: GraphBuilder) => readonly (Tensor | undefined)[], opset = 18): Promise<void> {
  const graph = new GraphBuilder({ opset });
  const x = graph.input('x', 'float32', ['N', 4, 6, 6]);
  const m = graph.input('m', 'float32', ['N', 5]);
  const results = build(x, m, graph).map((tensor, index) => {
    if (tensor === undefined) throw new Error('an output is missing');
    // A string or 8-bit output is as good as any; only types that the test helper can read back are cast.
    graph.output(`out${String(index)}`, tensor);
    return tensor;
  });
  // Both inputs must be used, or onnxruntime refuses to be fed with them.
  graph.output('used', ops.add(ops.reduceSum(x, [0, 1, 2, 3]), ops.reduceSum(m, [0, 1])));
  const feed: Feed = {
    x: { type: 'float32', dims: [3, 4, 6, 6], values: numbers(3 * 144) },
    m: { type: 'float32', dims: [3, 5], values: numbers(15, 2) },
  };
  const outputs = await run(graph.model(), feed);
  results.forEach((tensor, index) => {
    const output = outputs[`out${String(index)}`];
    expect({ type: output?.type, dims: output?.dims }).toEqual({ type: tensor.type, dims: tensor.shape.map(lengthOf) });
  });
}

type Build = Parameters<typeof agree>[0];
const weights = (graph: GraphBuilder, shape: readonly number[], type: DataType = 'float32'): Tensor =>
  graph.constant(
    null,
    type,
    shape,
    numbers(
      shape.reduce((a, b) => a * b, 1),
      3,
    ),
  );

const CASES: Readonly<Record<string, Build>> = {
  'elementwise with broadcasting': (x, m) => [
    ops.add(x, 1),
    ops.mul(ops.reshape(m, ['N', 5, 1]), ops.reshape(m, ['N', 1, 5])),
    ops.pow(m, 2),
  ],
  comparisons: (x, m) => [ops.greater(x, 0), ops.equal(m, m), ops.where(ops.less(m, 0), m, 0), ops.not(ops.lessOrEqual(m, 0.5))],
  casts: (x, m) => [ops.cast(m, 'int64'), ops.cast(x, 'uint8'), ops.cast(m, 'bool'), ops.cast(m, 'float16')],
  matrices: (x, m, graph) => [
    ops.matMul(m, weights(graph, [5, 7])),
    ops.matMul(weights(graph, [2, 6]), x),
    ops.matMul(x, ops.transpose(x, [0, 1, 3, 2])),
    ops.gemm(m, weights(graph, [7, 5]), weights(graph, [7]), { transB: true, alpha: 0.5 }),
    ops.matMul(m, weights(graph, [5])),
  ],
  convolutions: (x, _m, graph) => [
    ops.conv(x, weights(graph, [8, 4, 3, 3]), weights(graph, [8])),
    ops.conv(x, weights(graph, [8, 2, 3, 3]), null, { group: 2, pads: [1, 0, 1, 2], strides: [2, 1] }),
    ops.conv(x, weights(graph, [1, 4, 3, 2]), null, { dilations: [2, 3] }),
    graph.op('Conv', [x, weights(graph, [3, 4, 3, 3])], { auto_pad: ops.string('SAME_UPPER'), strides: ops.ints([2, 2]) }),
    graph.op('Conv', [x, weights(graph, [3, 4, 3, 3])], { auto_pad: ops.string('VALID') }),
  ],
  pools: (x) => [
    ops.averagePool(x, [2, 2], { strides: [2, 2] }),
    ops.maxPool(x, [3, 3], { strides: [2, 2], ceilMode: true }),
    ops.maxPool(x, [3, 3], { strides: [2, 2], ceilMode: true, pads: [1, 1, 1, 1] }),
    ops.averagePool(x, [4, 5], { strides: [3, 2], pads: [1, 2, 2, 1], countIncludePad: true }),
    ops.globalAveragePool(x),
  ],
  'pools that would start in the padding': (x) => [
    ops.maxPool(ops.slice(x, [{ axis: 2, start: 0, end: 5 }]), [1, 1], { strides: [3, 3], ceilMode: true }),
    ops.averagePool(x, [2, 2], { strides: [3, 3], pads: [1, 1, 1, 1], ceilMode: true, countIncludePad: true }),
  ],
  normalisations: (x, m, graph) => {
    const four = weights(graph, [4]);
    const scale = ops.add(ops.mul(four, four), 1);
    return [
      ops.layerNormalization(m, weights(graph, [5]), weights(graph, [5]), 1e-6),
      ops.layerNormalization(x, weights(graph, [6, 6]), null, 1e-6, 2),
      ops.batchNormalization(x, { scale, bias: scale, mean: scale, variance: scale }),
      ops.softmax(x, 1),
    ];
  },
  'moving axes': (x, m) => [
    ops.transpose(x, [2, 0, 3, 1]),
    ops.reshape(x, ['N', 2, 2, 36]),
    ops.reshape(x, [multiplyDimensions('N', 4), 36]),
    ops.flatten(x),
    ops.unsqueeze(m, [0, 3]),
    ops.squeeze(ops.unsqueeze(m, [-1]), [-1]),
  ],
  'cutting and joining': (x, m) => [
    ops.concat([x, x], 1),
    ops.concat([m, m], 0),
    ...ops.split(x, [1, 3], 1),
    ...ops.chunk(x, 3, -1),
    ops.slice(x, [
      { axis: 2, start: 1, end: -1 },
      { axis: 3, start: -4, step: 2 },
    ]),
    ops.slice(x, [{ axis: 3, start: 5, end: -7, step: -2 }]),
    ops.slice(m, [{ axis: 1, start: 3, end: 100 }]),
    ops.gather(x, [0, 2], 1),
    ops.gather(m, m.builder.scalar('int64', 4), 1),
  ],
  reductions: (x, m) => [
    ops.reduceMean(x, [2, 3]),
    ops.reduceSum(x, [1, -1], { keepDimensions: false }),
    ops.reduceMax(m, [1]),
    ops.reduceMin(m, [-1]),
    ops.reduceL2(x, [0]),
    ops.reduceSumSquare(m, [0, 1], { keepDimensions: false }),
  ],
  'shapes at run time': (x, m, graph) => [
    ops.shapeOf(x),
    ops.expand(weights(graph, [1, 5]), ['N', 5], m),
    ops.expand(m, [2, 'N', 5], m),
    graph.op('Reshape', [x, ops.concat([ops.slice(ops.shapeOf(x), [{ axis: 0, start: 0, end: 2 }]), graph.int64([-1])], 0)]),
    graph.op('ConstantOfShape', [ops.mul(ops.shapeOf(m), graph.scalar('int64', 2))]),
    graph.op('Tile', [m, graph.int64([2, 3])]),
  ],
  'padding and resizing': (x) => [
    ops.pad(x, [0, 1, 2, 3, 0, 0, 1, 2]),
    ops.pad(x, [0, 0, 1, 1, 0, 0, 1, 1], 'reflect'),
    ops.pad(x, [0, 0, -1, 0, 0, 0, 0, 2], 'edge'),
    ops.resize(x, [3, 4], { mode: 'linear', antialias: true }),
    ops.resize(x, [12, 12], { mode: 'nearest' }),
  ],
  quantisation: (x, m, graph) => {
    const { values, scale, zeroPoint } = ops.dynamicQuantizeLinear(m);
    const matrix = graph.constant('int8 weights', 'int8', [5, 2], [1, 2, 3, 4, 5, -6, -7, -8, -9, 10]);
    const quantised = ops.quantizeLinear(x, graph.scalar('float32', 0.02), graph.scalar('int8', 0));
    return [
      values,
      scale,
      zeroPoint,
      ops.matMulInteger(values, matrix, zeroPoint, null),
      quantised,
      ops.dequantizeLinear(quantised, graph.scalar('float32', 0.02), null),
    ];
  },
  choosing: (x, m, graph) => [
    graph.op('ArgMax', [m], { axis: ops.int(1), keepdims: ops.int(0) }),
    ...graph.ops('TopK', [m, graph.int64([2])], 2),
    graph.op('GatherElements', [m, ops.cast(ops.clip(m, 0, 0), 'int64')], { axis: ops.int(1) }),
    graph.op('Trilu', [x]),
    graph.op('CumSum', [m, graph.scalar('int64', 1)]),
    graph.op('OneHot', [graph.int64([0, 2]), graph.scalar('int64', 4), graph.constant(null, 'float32', [2], [0, 1])]),
    graph.op('Range', [graph.scalar('int64', 2), graph.scalar('int64', 11), graph.scalar('int64', 4)]),
  ],
};

describe('inferNode', () => {
  it.each(Object.entries(CASES))('knows type and shape before onnxruntime does: %s', async (_name, build) => {
    await agree(build);
  });

  it('writes reductions, splits and pools as older and newer operator sets want them', async () => {
    for (const opset of [13, 15, 17, 20, 22]) {
      await agree(
        (x, m) => [ops.reduceMean(x, [2, 3]), ops.reduceSum(m, [1]), ops.reduceMax(x, [-1]), ...ops.chunk(x, 2, 1), ops.softmax(m)],
        opset,
      );
    }
  });

  it('agrees with onnxruntime on random windows', async () => {
    const random = numbers(600, 42).map(Math.abs);
    let next = 0;
    const pick = (from: number, to: number): number => from + Math.floor((random[next++] ?? 0) * (to - from + 1));
    for (let round = 0; round < 12; round++) {
      await agree((x, _m, graph) => {
        const kernel = [pick(1, 4), pick(1, 4)];
        const options = () => ({ strides: [pick(1, 3), pick(1, 3)], pads: kernel.concat(kernel).map((length) => pick(0, length - 1)) });
        return [
          ops.conv(x, weights(graph, [2, 4, ...kernel]), null, { ...options(), dilations: [pick(1, 1), pick(1, 2)] }),
          ops.maxPool(x, kernel, { ...options(), ceilMode: round % 2 === 0 }),
          ops.averagePool(x, kernel, { ...options(), ceilMode: round % 3 === 0 }),
        ];
      });
    }
  });
});
