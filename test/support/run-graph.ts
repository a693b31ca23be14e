import { InferenceSession, Tensor } from 'onnxruntime-node';

export type Outputs = Readonly<Record<string, Float32Array>>;

/** Runs a graph of the model contract on pictures packed `[count, size, size, 3]`, on the CPU and in this thread. */
export async function runGraph(graph: Uint8Array | string, pixels: Uint8Array, count: number, size: number): Promise<Outputs> {
  const options: InferenceSession.SessionOptions = { logSeverityLevel: 3, intraOpNumThreads: 1 };
  const session = typeof graph === 'string' ? await InferenceSession.create(graph, options) : await InferenceSession.create(graph, options);
  try {
    const results = await session.run({ [session.inputNames[0]!]: new Tensor('uint8', pixels, [count, size, size, 3]) });
    return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, Float32Array.from(tensor.data as Float32Array)]));
  } finally {
    await session.release();
  }
}

/** ‖found − expected‖ / ‖expected‖ */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Infinity;
  let [difference, size] = [0, 0];
  for (let index = 0; index < expected.length; index++) {
    difference += (found[index]! - expected[index]!) ** 2;
    size += expected[index]! ** 2;
  }
  return Math.sqrt(difference / size);
}

export function cosineOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, squareA, squareB] = [0, 0, 0];
  for (let index = 0; index < a.length; index++) {
    dot += a[index]! * b[index]!;
    squareA += a[index]! ** 2;
    squareB += b[index]! ** 2;
  }
  return dot / Math.sqrt(squareA * squareB);
}
