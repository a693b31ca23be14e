import { InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { messageOf, ModelError } from '../common/errors.js';
import { QUALITY_OUTPUT, withQuality } from '../models/quality.js';
import { decodeModel } from '../onnx/decode.js';
import { encodeModel } from '../onnx/encode.js';
import { readModel } from '../onnx/file.js';
import type { ResolvedDevice } from './device.js';

/*
 * The one file that speaks to onnxruntime-node. `run` blocks the thread it is called on, so that only workers load it.
 */

/** Execution providers that this build of onnxruntime knows. It takes the CPU without a word for any other. */
export function knownProviders(): readonly string[] {
  return listSupportedBackends().map(({ name }) => name);
}

export interface SessionOptions {
  /** ONNX bytes, or the path of a file; after the contract of `Model.graph`. */
  readonly graph: Uint8Array | string;
  readonly input: { readonly width: number; readonly height: number };
  readonly device: ResolvedDevice;
  /** Names of the outputs to compute. */
  readonly outputs: readonly string[];
}

export interface PixelSession {
  /** `pixels` is `[count, height, width, 3]`. The arrays are the caller's. */
  run(pixels: Uint8Array, count: number): Promise<Readonly<Record<string, Float32Array<ArrayBuffer>>>>;
  release(): Promise<void>;
}

/** @throws ModelError `model-load` when onnxruntime refuses the graph, `model-contract` when it lacks an output. */
export async function openSession(options: SessionOptions): Promise<PixelSession> {
  let session = await createSession(options.graph, options.device);
  if (options.outputs.includes(QUALITY_OUTPUT) && !session.outputNames.includes(QUALITY_OUTPUT)) {
    await session.release();
    session = await createSession(await graphWithQuality(options), options.device);
  }
  const [input] = session.inputNames;
  const missing = options.outputs.find((name) => !session.outputNames.includes(name));
  if (input === undefined || session.inputNames.length !== 1 || missing !== undefined) {
    await session.release();
    const fault = missing === undefined ? `${String(session.inputNames.length)} inputs instead of one` : `no output “${missing}”`;
    throw new ModelError('model-contract', `The model has ${fault}.`, { remedy: 'Import the model again with “lumenmark models import”.' });
  }
  const { width, height } = options.input;
  return {
    run: async (pixels, count) => {
      const feed = new Tensor('uint8', pixels, [count, height, width, 3]);
      const results = await session.run({ [input]: feed }, options.outputs);
      return Object.fromEntries(options.outputs.map((name) => [name, copyOf(name, results[name])]));
    },
    release: () => session.release(),
  };
}

/** Elements of a tensor by the type that onnxruntime gives and takes for them. */
export type TensorArray = Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

export interface TensorValue {
  readonly data: TensorArray;
  readonly shape: readonly number[];
}

/** Any graph of ours, for what is not an embedding of pixels. */
export interface GraphSession {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The arrays are the caller's, those of the result too. */
  run(inputs: Readonly<Record<string, TensorValue>>): Promise<Record<string, TensorValue>>;
  release(): Promise<void>;
}

/** @throws ModelError `model-load` when onnxruntime refuses the graph. */
export async function openGraphSession(graph: Uint8Array, device: ResolvedDevice): Promise<GraphSession> {
  // Planning memory ahead takes a third more of it in a training step, and time: large blocks come from and go back to the system each run.
  const session = await createSession(graph, device, { enableMemPattern: false });
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: async (inputs) => {
      const feeds = Object.fromEntries(session.inputNames.map((name) => [name, tensorOf(name, inputs[name])]));
      const results = await session.run(feeds);
      return Object.fromEntries(
        Object.entries(results).map(([name, tensor]) => [name, { data: copyOf(name, tensor), shape: tensor.dims }]),
      );
    },
    release: () => session.release(),
  };
}

function tensorOf(name: string, value: TensorValue | undefined): Tensor {
  if (value === undefined) throw new TypeError(`Input ${name} is missing`);
  const { data, shape } = value;
  if (data instanceof Float32Array) return new Tensor('float32', data, shape);
  return data instanceof Int32Array ? new Tensor('int32', data, shape) : new Tensor('uint8', data, shape);
}

async function graphWithQuality({ graph, input }: SessionOptions): Promise<Uint8Array> {
  const model = typeof graph === 'string' ? await readModel(graph) : decodeModel(graph);
  return encodeModel(withQuality(model, input));
}

async function createSession(
  graph: Uint8Array | string,
  device: ResolvedDevice,
  more: InferenceSession.SessionOptions = {},
): Promise<InferenceSession> {
  const options: InferenceSession.SessionOptions = {
    executionProviders: device.name === 'cpu' ? ['cpu'] : [device.name, 'cpu'],
    intraOpNumThreads: device.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    ...more,
  };
  try {
    return await (typeof graph === 'string' ? InferenceSession.create(graph, options) : InferenceSession.create(graph, options));
  } catch (error) {
    throw new ModelError('model-load', `onnxruntime cannot load the model: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Check the model with “lumenmark models verify”.',
    });
  }
}

/** onnxruntime owns the memory of its outputs and may reuse it. */
function copyOf(name: string, tensor: Tensor | undefined): Float32Array<ArrayBuffer> {
  if (!(tensor?.data instanceof Float32Array)) throw new ModelError('model-contract', `Output “${name}” is not float32.`);
  const copy = new Float32Array(tensor.data);
  tensor.dispose();
  return copy;
}
