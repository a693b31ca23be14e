import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { GraphBuilder } from '../../../src/onnx/builder.js';
import { decodeModel } from '../../../src/onnx/decode.js';
import { encodeModel } from '../../../src/onnx/encode.js';
import { gradients } from '../../../src/onnx/gradient/gradients.js';
import type { OnnxModel } from '../../../src/onnx/graph.js';
import * as ops from '../../../src/onnx/ops.js';
import { temporaryFolder } from '../../support/temporary.js';
import { numbers, run } from '../support/run.js';

const folder = temporaryFolder();

/** Two segments of tanh(exp(x · w)) one after the other. */
function chain(recompute: boolean): OnnxModel {
  const graph = new GraphBuilder();
  const [x, w] = [graph.input('x', 'float32', ['N', 3]), graph.input('w', 'float32', [3, 3])];
  const segment = (name: string, value: typeof x): typeof x => graph.scope(name, () => ops.tanh(ops.exp(ops.gemm(value, w, null))));
  const output = segment('b', segment('a', x));
  const options = recompute ? { segmentOf: (node: { name: string }) => /^[ab](?=\/)/.exec(node.name)?.[0] ?? null } : {};
  const [slope] = gradients([{ output, cotangent: graph.input('g', 'float32', ['N', 3]) }], [w], options);
  graph.output('slope', slope!);
  return graph.model();
}

const tensor = (dims: readonly number[], seed: number) => ({ type: 'float32', dims, values: numbers(dims[0]! * dims[1]!, seed) }) as const;
const feed = { x: tensor([2, 3], 1), w: tensor([3, 3], 2), g: tensor([2, 3], 3) };

/** Nodes of a kind that are left when onnxruntime has optimised the graph. */
async function leftOf(model: OnnxModel, opType: string): Promise<number> {
  const path = join(folder, 'optimised.onnx');
  const options = { graphOptimizationLevel: 'extended', optimizedModelFilePath: path, logSeverityLevel: 3 } as const;
  await (await InferenceSession.create(encodeModel(model), options)).release();
  return decodeModel(readFileSync(path)).graph.nodes.filter((node) => node.opType === opType).length;
}

it('computes the inside of a segment again, with the same result, and onnxruntime leaves it so', async () => {
  const [kept, again] = [chain(false), chain(true)];
  const [expected, found] = [(await run(kept, feed))['slope']!.values, (await run(again, feed))['slope']!.values];
  found.forEach((value, index) => {
    expect(value).toBeCloseTo(expected[index]!, 6);
  });
  expect(await leftOf(kept, 'Exp')).toBe(2);
  expect(await leftOf(again, 'Exp')).toBe(4);
});
