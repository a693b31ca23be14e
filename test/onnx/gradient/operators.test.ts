import { InferenceSession, Tensor as Value } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { GraphBuilder, type Tensor } from '../../../src/onnx/builder.js';
import { gelu, l2Normalise, linear } from '../../../src/onnx/composites.js';
import { encodeModel } from '../../../src/onnx/encode.js';
import { gradients } from '../../../src/onnx/gradient/gradients.js';
import { RULES } from '../../../src/onnx/gradient/registry.js';
import type { Shape } from '../../../src/onnx/graph.js';
import * as ops from '../../../src/onnx/ops.js';
import { numbers, run } from '../support/run.js';

interface Case {
  readonly name: string;
  /** Shapes of the inputs; a symbolic length runs as 3. */
  readonly inputs: readonly Shape[];
  /** Where the inputs lie; default −1…1. */
  readonly range?: readonly [low: number, high: number];
  readonly values?: readonly (readonly number[])[];
  readonly build: (...inputs: Tensor[]) => Tensor | readonly Tensor[];
}

const N = 3;
const [LOW, HIGH] = [-1, 1];

function sizes(shape: Shape): number[] {
  return shape.map((length) => (typeof length === 'number' ? length : Number(length.replace(/\*?N/, '') || 1) * N));
}

/** Away from each other and from the edges of piecewise functions, where no difference quotient holds. */
const APART = [-0.9, 0.3, -0.15, 0.65, -0.55, 0.1, 0.85, -0.3];
const apart = (length: number, shift = 0): number[] => APART.slice(0, length).map((value) => value + shift);

function count(shape: Shape): number {
  return sizes(shape).reduce((product, length) => product * length, 1);
}

const contrib = (opType: string, inputs: Tensor[], attributes: Parameters<typeof ops.contrib>[2], shape: Shape): Tensor =>
  ops.contrib(opType, inputs, attributes, { outputs: [{ type: 'float32', shape }] });

const CASES: readonly Case[] = [
  { name: 'Add, repeated', inputs: [[2, 3], [3]], build: (a, b) => ops.add(a, b) },
  {
    name: 'Add, both repeated',
    inputs: [
      [2, 1, 3],
      [4, 1],
    ],
    build: (a, b) => ops.add(a, b),
  },
  { name: 'Add of a value to itself', inputs: [[4]], build: (a) => ops.add(a, a) },
  { name: 'Sub, of a scalar', inputs: [['N', 3], []], build: (a, b) => ops.sub(b, a) },
  {
    name: 'Mul, repeated over the batch',
    inputs: [
      ['N', 3],
      [1, 3],
    ],
    build: (a, b) => ops.mul(a, b),
  },
  { name: 'Mul of a value with itself', inputs: [[5]], build: (a) => ops.mul(a, a) },
  { name: 'Div', inputs: [[2, 3], [3]], range: [0.5, 2], build: (a, b) => ops.div(a, b) },
  { name: 'Pow', inputs: [[2, 3], [3]], range: [0.5, 2], build: (a, b) => ops.pow(a, b) },
  { name: 'Pow by a number', inputs: [[4]], range: [0.5, 2], build: (a) => ops.pow(a, 3) },
  { name: 'Max', inputs: [[2, 3], [3]], values: [apart(6), apart(3, 0.2)], build: (a, b) => ops.maximum(a, b) },
  {
    name: 'Min',
    inputs: [
      [2, 3],
      [2, 1],
    ],
    values: [apart(6), [-0.4, 0.2]],
    build: (a, b) => ops.minimum(a, b),
  },
  { name: 'Neg', inputs: [[4]], build: (a) => ops.neg(a) },
  { name: 'Abs', inputs: [[6]], values: [apart(6)], build: (a) => ops.abs(a) },
  { name: 'Exp', inputs: [[4]], build: (a) => ops.exp(a) },
  { name: 'Log', inputs: [[4]], range: [0.5, 2], build: (a) => ops.log(a) },
  { name: 'Sqrt', inputs: [[4]], range: [0.5, 2], build: (a) => ops.sqrt(a) },
  { name: 'Reciprocal', inputs: [[4]], range: [0.5, 2], build: (a) => ops.reciprocal(a) },
  { name: 'Sin', inputs: [[4]], build: (a) => ops.sin(a) },
  { name: 'Cos', inputs: [[4]], build: (a) => ops.cos(a) },
  { name: 'Relu', inputs: [[6]], values: [apart(6)], build: (a) => ops.relu(a) },
  { name: 'LeakyRelu', inputs: [[6]], values: [apart(6)], build: (a) => a.builder.op('LeakyRelu', [a], { alpha: ops.float(0.2) }) },
  { name: 'Sigmoid', inputs: [[4]], build: (a) => ops.sigmoid(a) },
  { name: 'Tanh', inputs: [[4]], build: (a) => ops.tanh(a) },
  { name: 'Erf', inputs: [[4]], build: (a) => ops.erf(a) },
  { name: 'Gelu, composed', inputs: [[6]], range: [-3, 3], build: (a) => gelu(a) },
  { name: 'Gelu', inputs: [[6]], range: [-3, 3], build: (a) => contrib('Gelu', [a], {}, a.shape) },
  { name: 'Identity', inputs: [[3]], build: (a) => ops.identity(a) },
  {
    name: 'Cast through a whole number, which is a constant',
    inputs: [[4]],
    build: (a) => ops.mul(a, ops.cast(ops.cast(ops.mul(a, 3), 'int32'), 'float32')),
  },
  { name: 'Cast', inputs: [[4]], build: (a) => ops.cast(ops.mul(ops.cast(a, 'float64'), ops.cast(a, 'float64')), 'float32') },
  { name: 'Clip', inputs: [[8]], values: [apart(8)], build: (a) => ops.clip(a, -0.4, 0.5) },
  { name: 'Clip from below', inputs: [[8]], values: [apart(8)], build: (a) => ops.clip(a, -0.2, null) },
  {
    name: 'MatMul',
    inputs: [
      [2, 3],
      [3, 4],
    ],
    build: (a, b) => ops.matMul(a, b),
  },
  {
    name: 'MatMul of stacks',
    inputs: [
      ['N', 2, 3],
      ['N', 3, 2],
    ],
    build: (a, b) => ops.matMul(a, b),
  },
  {
    name: 'MatMul of a stack with one matrix',
    inputs: [
      ['N', 2, 3],
      [3, 2],
    ],
    build: (a, b) => ops.matMul(a, b),
  },
  {
    name: 'MatMul of one matrix with a stack',
    inputs: [
      [2, 3],
      [2, 3, 2],
    ],
    build: (a, b) => ops.matMul(a, b),
  },
  {
    name: 'MatMul of repeated stacks',
    inputs: [
      [2, 1, 2, 3],
      [2, 3, 2],
    ],
    build: (a, b) => ops.matMul(a, b),
  },
  { name: 'MatMul of vector and matrix', inputs: [[3], [3, 2]], build: (a, b) => ops.matMul(a, b) },
  { name: 'MatMul of matrix and vector', inputs: [[2, 3], [3]], build: (a, b) => ops.matMul(a, b) },
  { name: 'MatMul of vectors', inputs: [[3], [3]], build: (a, b) => ops.matMul(a, b) },
  { name: 'Gemm', inputs: [['N', 2], [2, 4], [4]], build: (a, b, c) => ops.gemm(a, b, c, { alpha: 0.5, beta: 2 }) },
  {
    name: 'Gemm, transposed left',
    inputs: [
      [2, 3],
      [2, 4],
    ],
    build: (a, b) => ops.gemm(a, b, null, { transA: true, alpha: 2 }),
  },
  {
    name: 'Gemm, transposed right',
    inputs: [
      ['N', 2],
      [4, 2],
      ['N', 4],
    ],
    build: (a, b, c) => ops.gemm(a, b, c, { transB: true }),
  },
  { name: 'Gemm, both transposed', inputs: [[2, 3], [4, 2], [1]], build: (a, b, c) => ops.gemm(a, b, c, { transA: true, transB: true }) },
  {
    name: 'Gemm, several of one input, summed within the products',
    inputs: [
      ['N', 2],
      [2, 2],
      [2, 2],
    ],
    build: (x, a, b) => ops.add(ops.add(ops.gemm(x, a, null), ops.gemm(x, b, null)), x),
  },
  { name: 'linear', inputs: [['N', 2, 2], [2, 3], [3]], build: (x, w, b) => linear(x, w, b) },
  { name: 'Reshape', inputs: [['N', 2, 2]], build: (a) => ops.mul(ops.reshape(a, ['2*N', 2]), ops.reshape(a, ['2*N', 2])) },
  { name: 'Flatten', inputs: [[2, 1, 2]], build: (a) => a.builder.op('Flatten', [a], { axis: ops.int(2) }) },
  { name: 'Squeeze', inputs: [['N', 1, 2]], build: (a) => ops.squeeze(a, [1]) },
  { name: 'Unsqueeze', inputs: [['N', 2]], build: (a) => ops.unsqueeze(a, [1]) },
  { name: 'Transpose', inputs: [['N', 2, 3]], build: (a) => ops.transpose(a, [2, 0, 1]) },
  { name: 'Transpose, reversed', inputs: [[2, 3]], build: (a) => a.builder.op('Transpose', [a]) },
  {
    name: 'Slice',
    inputs: [['N', 4, 3]],
    build: (a) =>
      ops.slice(a, [
        { axis: 1, start: 1, end: 3 },
        { axis: 2, start: -2 },
      ]),
  },
  { name: 'Slice of all', inputs: [['N', 4]], build: (a) => ops.slice(a, [{ axis: 1, start: 0 }]) },
  { name: 'Split', inputs: [['N', 5]], build: (a) => ops.split(a, [2, 3], 1) },
  { name: 'Split of which one part is used', inputs: [['N', 5]], build: (a) => ops.split(a, [2, 3], 1)[1]! },
  {
    name: 'Concat',
    inputs: [
      ['N', 2],
      ['N', 1],
    ],
    build: (a, b) => ops.concat([a, b, a], 1),
  },
  { name: 'Gather of one', inputs: [['N', 3, 2]], build: (a) => ops.gather(a, a.builder.constant(null, 'int64', [], [-2]), 1) },
  { name: 'Gather with repetition', inputs: [['N', 3, 2]], build: (a) => ops.gather(a, [2, 0, 2, -1], 1) },
  {
    name: 'Expand',
    inputs: [
      [2, 1],
      ['N', 3],
    ],
    build: (a, b) => [ops.expand(a, [1, 2, 4]), b],
  },
  {
    name: 'Expand to the batch',
    inputs: [
      [1, 2],
      ['N', 2],
    ],
    build: (a, b) => ops.mul(ops.expand(a, ['N', 2], b), b),
  },
  { name: 'Pad', inputs: [['N', 2]], build: (a) => ops.pad(a, [0, 1, 0, 2]) },
  {
    name: 'Where',
    inputs: [[2, 3], [3]],
    values: [apart(6), apart(3, 0.2)],
    build: (a, b) => ops.where(ops.greater(a, b), ops.mul(a, a), b),
  },
  { name: 'ReduceSum', inputs: [['N', 2, 2]], build: (a) => ops.reduceSum(a, [-1], { keepDimensions: false }) },
  { name: 'ReduceSum of all', inputs: [['N', 2]], build: (a) => a.builder.op('ReduceSum', [a], { keepdims: ops.int(0) }) },
  { name: 'ReduceMean', inputs: [[2, 3]], build: (a) => ops.reduceMean(a, [1]) },
  { name: 'ReduceMean over the batch', inputs: [['N', 2]], build: (a) => ops.reduceMean(a, [0]) },
  { name: 'ReduceL2', inputs: [[2, 3]], build: (a) => ops.reduceL2(a, [1]) },
  { name: 'ReduceSumSquare', inputs: [['N', 2]], build: (a) => ops.reduceSumSquare(a, [0]) },
  { name: 'ReduceMax', inputs: [['N', 4]], build: (a) => ops.reduceMax(a, [1], { keepDimensions: false }) },
  { name: 'ReduceMin', inputs: [['N', 4]], build: (a) => ops.reduceMin(a, [1]) },
  { name: 'L2 normalisation', inputs: [['N', 3]], build: (a) => l2Normalise(a) },
  { name: 'Softmax', inputs: [['N', 4]], build: (a) => ops.softmax(a) },
  { name: 'Softmax over the first axis', inputs: [[3, 2]], build: (a) => ops.softmax(a, 0) },
  { name: 'LayerNormalization', inputs: [['N', 6], [6], [6]], build: (x, w, b) => ops.layerNormalization(x, w, b, 1e-3) },
  {
    name: 'LayerNormalization with its moments as outputs',
    inputs: [['N', 6], [6], [6]],
    build: (x, w, b) => x.builder.ops('LayerNormalization', [x, w, b], 3, { axis: ops.int(-1), epsilon: ops.float(1e-3) })[0]!,
  },
  {
    name: 'BatchNormalization in training, composed',
    inputs: [['N', 2], [2], [2]],
    build: (x, w, b) => {
      const centred = ops.sub(x, ops.reduceMean(x, [0]));
      const deviation = ops.sqrt(ops.add(ops.reduceMean(ops.mul(centred, centred), [0]), 1e-2));
      return ops.add(ops.mul(ops.div(centred, deviation), w), b);
    },
  },
  {
    name: 'Conv of patches',
    inputs: [['N', 2, 4, 6], [3, 2, 2, 3], [3]],
    build: (x, w, b) => ops.conv(x, w, b, { strides: [2, 3] }),
  },
  {
    name: 'Conv with padding',
    inputs: [['N', 2, 5, 4], [3, 2, 3, 3], [3]],
    build: (x, w, b) => ops.conv(x, w, b, { strides: [1, 1], pads: [1, 1, 1, 1] }),
  },
  {
    name: 'Conv with strides that leave a rest',
    inputs: [
      ['N', 2, 8, 7],
      [3, 2, 3, 2],
    ],
    build: (x, w) => ops.conv(x, w, null, { strides: [2, 3], pads: [1, 0, 1, 1] }),
  },
  {
    name: 'Conv 1×1 with strides',
    inputs: [
      ['N', 3, 5, 4],
      [2, 3, 1, 1],
    ],
    build: (x, w) => ops.conv(x, w, null, { strides: [2, 2] }),
  },
  {
    name: 'MultiHeadAttention',
    inputs: [
      ['N', 2, 4],
      ['N', 3, 4],
      ['N', 3, 4],
    ],
    build: (q, k, v) => contrib('MultiHeadAttention', [q, k, v], { num_heads: ops.int(2) }, q.shape),
  },
];

describe('gradients of operators', () => {
  it.each(CASES)('$name', async ({ inputs, range = [LOW, HIGH], values, build }) => {
    const graph = new GraphBuilder();
    const tensors = inputs.map((shape, index) => graph.input(`x${String(index)}`, 'float32', shape));
    const built = build(...tensors);
    const outputs = 'builder' in built ? [built] : built;
    const cotangents = outputs.map((output, index) => graph.input(`g${String(index)}`, 'float32', output.shape));
    outputs.forEach((output, index) => {
      graph.output(`y${String(index)}`, output);
    });
    gradients(
      outputs.map((output, index) => ({ output, cotangent: cotangents[index]! })),
      tensors,
    ).forEach((gradient, index) => {
      expect(gradient?.shape).toEqual(inputs[index]);
      graph.output(`d${String(index)}`, gradient!);
    });
    const session = await InferenceSession.create(encodeModel(graph.model()), { intraOpNumThreads: 1, logSeverityLevel: 3 });
    const given = inputs.map((shape, index) =>
      Float32Array.from(
        values?.[index] ?? numbers(count(shape), index + 1).map((value) => range[0] + ((value + 1) / 2) * (range[1] - range[0])),
      ),
    );
    const weights = outputs.map((output, index) => Float32Array.from(numbers(count(output.shape), index + 50)));
    const evaluate = async (): Promise<Record<string, ArrayLike<number>>> => {
      const feed = Object.fromEntries([
        ...inputs.map((shape, index) => [`x${String(index)}`, new Value('float32', given[index]!, sizes(shape))]),
        ...outputs.map((output, index) => [`g${String(index)}`, new Value('float32', weights[index]!, sizes(output.shape))]),
      ]) as Record<string, Value>;
      const results = await session.run(feed);
      return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, Array.from(value.data as Float32Array)]));
    };
    const analytic = await evaluate();
    // A scalar of the outputs, summed in double precision.
    const scalar = async (): Promise<number> => {
      const results = await evaluate();
      return weights.reduce(
        (total, weight, index) => total + weight.reduce((sum, factor, at) => sum + factor * (results[`y${String(index)}`]?.[at] ?? NaN), 0),
        0,
      );
    };
    for (const [index, array] of given.entries()) {
      for (let at = 0; at < array.length; at++) {
        const numeric = await slopeOf(array, at, scalar);
        expect(analytic[`d${String(index)}`]?.[at], `input ${String(index)}, element ${String(at)}`).toBeCloseTo(numeric, 3);
      }
    }
    await session.release();
  });

  it('take the direction of a vector of zeros, and what two equal operands share, as PyTorch does', async () => {
    const graph = new GraphBuilder();
    const [a, b] = [graph.input('a', 'float32', [1, 2]), graph.input('b', 'float32', [1, 2])];
    const one = graph.constant(null, 'float32', [1, 1], [1]);
    const ones = graph.constant(null, 'float32', [1, 2], [1, 1]);
    const [norm] = gradients([{ output: ops.reduceL2(a, [1]), cotangent: one }], [a]);
    const [larger] = gradients([{ output: ops.maximum(a, b), cotangent: ones }], [a]);
    const [largest] = gradients([{ output: ops.reduceMax(a, [1]), cotangent: one }], [a]);
    const zeros = { type: 'float32', dims: [1, 2], values: [0, 0] } as const;
    Object.entries({ norm, larger, largest }).forEach(([name, gradient]) => {
      graph.output(name, gradient!);
    });
    const found = await run(graph.model(), { a: zeros, b: zeros });
    expect(Object.values(found).map(({ values }) => values)).toEqual([
      [0, 0],
      [0.5, 0.5],
      [0.5, 0.5],
    ]);
  });

  it('follow only what leads to a target', () => {
    const graph = new GraphBuilder();
    const [x, w, frozen] = [graph.input('x', 'float32', [2, 2]), graph.input('w', 'float32', [2, 2]), graph.input('f', 'float32', [2, 2])];
    const output = ops.matMul(ops.matMul(ops.matMul(x, frozen), w), frozen);
    const before = graph.nodes().length;
    const [wanted, unrelated] = gradients([{ output, cotangent: output }], [w, graph.input('u', 'float32', [1])]);
    expect(unrelated).toBeNull();
    expect(wanted?.shape).toEqual([2, 2]);
    // Two products and the transposition of a factor for each: none for the frozen weights, none for x.
    expect(
      graph
        .nodes()
        .slice(before)
        .map((node) => node.opType),
    ).toEqual(['Transpose', 'MatMul', 'Transpose', 'MatMul']);
  });

  it('refuse an operator without a gradient by the name of its node', () => {
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', [2]);
    const output = ops.floor(x);
    expect(() => gradients([{ output, cotangent: x }], [x])).toThrow('No gradient of Floor: the operator Floor has none here.');
  });

  it('has a case for every rule', () => {
    const used = new Set<string>();
    for (const { inputs, build } of CASES) {
      const graph = new GraphBuilder();
      build(...inputs.map((shape, index) => graph.input(`x${String(index)}`, 'float32', shape)));
      for (const node of graph.nodes()) used.add(node.opType);
    }
    expect([...RULES.keys()].filter((rule) => !used.has(rule))).toEqual([]);
  });
});

/** Central difference of fourth order, so that a step can be large enough for float32. */
async function slopeOf(array: Float32Array, at: number, scalar: () => Promise<number>): Promise<number> {
  const step = 1 / 64;
  const original = array[at]!;
  const around: number[] = [];
  for (const distance of [-2, -1, 1, 2]) {
    array[at] = original + distance * step;
    around.push(await scalar());
  }
  array[at] = original;
  const [a, b, c, d] = around as [number, number, number, number];
  return (a - 8 * b + 8 * c - d) / (12 * step);
}
