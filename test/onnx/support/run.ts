import { InferenceSession, Tensor } from 'onnxruntime-node';
import { encodeModel } from '../../../src/onnx/encode.js';
import type { OnnxModel } from '../../../src/onnx/graph.js';

export interface Output {
  readonly dims: readonly number[];
  readonly type: string;
  readonly values: readonly number[];
}

export type Feed = Readonly<
  Record<string, { type: 'float32' | 'uint8' | 'int64' | 'bool'; dims: readonly number[]; values: readonly number[] }>
>;

/** Runs a model in onnxruntime on the CPU, without its graph optimisations where `plain` asks for it. */
export async function run(model: OnnxModel | Uint8Array, feed: Feed): Promise<Record<string, Output>> {
  const bytes = model instanceof Uint8Array ? model : encodeModel(model);
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const inputs = Object.fromEntries(
    Object.entries(feed).map(([name, { type, dims, values }]) => {
      const data = {
        float32: () => Float32Array.from(values),
        uint8: () => Uint8Array.from(values),
        bool: () => Uint8Array.from(values),
        int64: () => BigInt64Array.from(values, BigInt),
      }[type]();
      return [name, new Tensor(type, data, dims)];
    }),
  );
  const results = await session.run(inputs);
  const outputs = Object.entries(results).map(([name, tensor]): [string, Output] => [
    name,
    { dims: tensor.dims, type: tensor.type, values: Array.from(tensor.data as ArrayLike<number | bigint>, Number) },
  ]);
  await session.release();
  return Object.fromEntries(outputs);
}

/** Numbers in −1…1 that depend on nothing but `seed`. */
export function numbers(count: number, seed = 1): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
