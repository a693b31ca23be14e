import { afterEach, expect, it } from 'vitest';
import { GraphRunner } from '../../src/inference/graph-runner.js';
import { GraphBuilder } from '../../src/onnx/builder.js';
import { encodeModel } from '../../src/onnx/encode.js';
import * as ops from '../../src/onnx/ops.js';

const runners: GraphRunner[] = [];
afterEach(async () => {
  for (const runner of runners.splice(0)) await runner.dispose();
});

function open(): GraphRunner {
  const runner = new GraphRunner('test', { name: 'cpu', reason: 'test', threads: 1, batchLimit: 1 });
  runners.push(runner);
  return runner;
}

function product(): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder();
  graph.output('y', ops.mul(graph.input('a', 'float32', ['N']), graph.input('b', 'float32', ['N'])));
  return encodeModel(graph.model());
}

const vector = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });

it('runs graphs with inputs of the run and inputs that are held, and leaves the caller its arrays', async () => {
  const runner = open();
  await runner.load('product', product());
  const [held, given] = [vector(2, 3), vector(5, 7)];
  await runner.hold({ b: held });
  expect((await runner.run('product', { a: given }))['y']?.data).toEqual(Float32Array.of(10, 21));
  expect([held.data.length, given.data.length]).toEqual([2, 2]);
  await runner.hold({ b: vector(1, 1) });
  expect((await runner.run('product', { a: given }))['y']?.data).toEqual(Float32Array.of(5, 7));
});

it('says what went wrong and goes on', async () => {
  const runner = open();
  await expect(runner.load('damaged', new Uint8Array(16))).rejects.toMatchObject({ code: 'model-load' });
  await expect(runner.run('unknown', {})).rejects.toMatchObject({ code: 'model-load', message: 'The graph unknown is not loaded.' });
  await runner.load('product', product());
  await expect(runner.run('product', { a: vector(1) })).rejects.toMatchObject({ code: 'inference-failed', message: 'Input b is missing' });
  expect((await runner.run('product', { a: vector(2), b: vector(3) }))['y']?.data).toEqual(Float32Array.of(6));
});

it('refuses work once it is disposed', async () => {
  const runner = open();
  await runner.dispose();
  await expect(runner.run('product', {})).rejects.toMatchObject({ code: 'inference-crashed' });
});
