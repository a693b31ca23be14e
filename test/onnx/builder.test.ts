import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/onnx/builder.js';
import { gelu, l2Normalise, linear } from '../../src/onnx/composites.js';
import { decodeModel } from '../../src/onnx/decode.js';
import { encodeModel } from '../../src/onnx/encode.js';
import * as ops from '../../src/onnx/ops.js';
import { numbers, run } from './support/run.js';

describe('GraphBuilder', () => {
  it('builds a graph that onnxruntime runs', async () => {
    const graph = new GraphBuilder();
    const pixels = graph.input('pixels', 'uint8', ['N', 2, 2, 3]);
    const scaled = ops.div(ops.cast(pixels, 'float32'), 255);
    graph.output('mean', ops.reduceMean(scaled, [1, 2, 3], { keepDimensions: false }));
    const { mean } = await run(graph.model(), {
      pixels: { type: 'uint8', dims: [2, 2, 2, 3], values: [...Array<number>(12).fill(51), ...Array<number>(12).fill(255)] },
    });
    expect(mean?.dims).toEqual([2]);
    expect(mean?.values[0]).toBeCloseTo(0.2, 6);
    expect(mean?.values[1]).toBeCloseTo(1, 6);
  });

  it('carries a symbolic batch length through a transformer block', async () => {
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', ['N', 5, 8]);
    const weight = (name: string, rows: number, columns: number, seed: number) =>
      graph.constant(name, 'float32', [rows, columns], numbers(rows * columns, seed));
    const ones = graph.constant('scale', 'float32', [8], Array<number>(8).fill(1));
    const zeros = graph.constant('bias', 'float32', [8], Array<number>(8).fill(0));
    const normal = ops.layerNormalization(x, ones, zeros, 1e-6);
    const qkv = ops.transpose(ops.reshape(linear(normal, weight('qkv', 8, 24, 2), null), ['N', 5, 3, 2, 4]), [2, 0, 3, 1, 4]);
    const [q, k, v] = ops.split(qkv, [1, 1, 1], 0).map((part) => ops.squeeze(part, [0]));
    if (!q || !k || !v) throw new Error('three parts expected');
    expect(q.shape).toEqual(['N', 2, 5, 4]);
    const attention = ops.softmax(ops.mul(ops.matMul(q, ops.transpose(k, [0, 1, 3, 2])), 0.5));
    const joined = ops.reshape(ops.transpose(ops.matMul(attention, v), [0, 2, 1, 3]), ['N', 5, 8]);
    const hidden = gelu(linear(ops.add(x, joined), weight('fc1', 8, 16, 3), null));
    const token = ops.gather(hidden, graph.scalar('int64', 0), 1);
    expect(token.shape).toEqual(['N', 16]);
    graph.output('embedding', l2Normalise(token));
    const { embedding } = await run(graph.model(), { x: { type: 'float32', dims: [3, 5, 8], values: numbers(120) } });
    expect(embedding?.dims).toEqual([3, 16]);
    for (let row = 0; row < 3; row++) {
      const norm = Math.hypot(...(embedding?.values.slice(row * 16, row * 16 + 16) ?? []));
      expect(norm).toBeCloseTo(1, 5);
    }
  });

  it('says at once which node cannot be, and why', () => {
    const graph = new GraphBuilder();
    const a = graph.input('a', 'float32', ['N', 4]);
    const b = graph.constant('b', 'float32', [3, 2], numbers(6));
    expect(() => ops.matMul(a, b)).toThrow(/MatMul.*\[N, 4\].*\[3, 2\].*no matrix product/);
    expect(() => ops.add(a, graph.scalar('int64', 1))).toThrow(/float32 and int64 are mixed/);
    expect(() => graph.input('a', 'float32', [1])).toThrow(/taken already/);
    expect(() => graph.constant('short', 'float32', [4], [1, 2])).toThrow(/takes 16 bytes, not 8/);
    expect(() => ops.add(a, new GraphBuilder().input('c', 'float32', ['N', 4]))).toThrow(/another graph/);
  });

  it('shares small constants and keeps weights apart', () => {
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', ['N']);
    graph.output('y', ops.add(ops.mul(x, 2), 2));
    expect(graph.graph().initializers.size).toBe(1);
    expect(graph.scalar('float32', -0).name).not.toBe(graph.scalar('float32', 0).name);
  });

  it('expands a constant to the batch length of another tensor', async () => {
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', ['N', 3]);
    const token = ops.expand(graph.constant('token', 'float32', [1, 3], [1, 2, 3]), ['N', 3], x);
    expect(token.shape).toEqual(['N', 3]);
    graph.output('joined', ops.concat([token, x], 1));
    const { joined } = await run(graph.model(), { x: { type: 'float32', dims: [2, 3], values: [4, 5, 6, 7, 8, 9] } });
    expect(joined?.values).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 7, 8, 9]);
  });
});

describe('merge', () => {
  const part = (name: string, seed: number) => {
    const graph = new GraphBuilder({ name });
    const pixels = graph.input('pixels', 'uint8', ['N', 2, 2, 3]);
    const flat = ops.reshape(ops.cast(pixels, 'float32'), ['N', 12]);
    graph.output('feature', linear(flat, graph.constant('weight', 'float32', [12, 4], numbers(48, seed)), null));
    return graph.model();
  };

  it('joins two networks over one input, as in a dual backbone', async () => {
    const graph = new GraphBuilder();
    const pixels = graph.input('pixels', 'uint8', ['N', 2, 2, 3]);
    const features = [part('one', 7), part('two', 8)].map((model, index) => {
      const feature = graph.merge(decodeModel(encodeModel(model)), { pixels }, `${String(index)}/`).get('feature');
      if (feature === undefined) throw new Error('no feature');
      expect(feature.shape).toEqual(['N', 4]);
      return feature;
    });
    graph.output('embedding', ops.concat(features, 1));
    const feed = {
      pixels: { type: 'uint8', dims: [1, 2, 2, 3], values: numbers(12).map((value) => Math.floor(Math.abs(value) * 255)) },
    } as const;
    const { embedding } = await run(graph.model(), feed);
    const [one, two] = await Promise.all([run(part('one', 7), feed), run(part('two', 8), feed)]);
    expect(embedding?.values).toEqual([...(one['feature']?.values ?? []), ...(two['feature']?.values ?? [])]);
  });

  it('refuses a missing input, another type and another operator set', () => {
    const graph = new GraphBuilder();
    expect(() => graph.merge(part('one', 1), {}, 'a/')).toThrow(/left open/);
    const wrong = graph.input('pixels', 'float32', ['N', 2, 2, 3]);
    expect(() => graph.merge(part('one', 1), { pixels: wrong }, 'b/')).toThrow(/uint8 .* not float32/);
    const older = new GraphBuilder({ opset: 17 });
    expect(() => older.merge(part('one', 1), {}, 'a/')).toThrow(/operator set 18/);
  });
});
