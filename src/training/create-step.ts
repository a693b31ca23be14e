import { ModelError } from '../common/errors.js';
import type { Tensors } from '../inference/graph-messages.js';
import { GraphRunner } from '../inference/graph-runner.js';
import type { TensorValue } from '../inference/session.js';
import { sizeOf } from '../models/checkpoint/tensor.js';
import { encodeModel } from '../onnx/encode.js';
import type { OnnxModel } from '../onnx/graph.js';
import { entryBlock, entryLength, tokensOf } from './graph/backbone.js';
import { dropoutNumbers } from './graph/dropout.js';
import {
  backboneGradientsGraph,
  dropoutColumns,
  embeddingGraph,
  entryGraph,
  featuresGraph,
  headGraph,
  stepGraph,
  type GraphOptions,
  type Source,
} from './graph/graphs.js';
import { pairMasks } from './loss/pairs.js';
import type { TrainableModel } from './model.js';
import { parametersOf, type ParameterSpec } from './parameters.js';
import type {
  BatchStatistics,
  Parameters,
  RunningStatistics,
  StepBatch,
  StepOptions,
  StepPictures,
  StepResult,
  TrainingStep,
} from './step.js';
import { checkStep } from './check-step.js';

type Arrays = Map<string, Float32Array<ArrayBuffer>>;

/**
 * Builds the training graphs of `model`, each when it is first needed, and runs them on the device in a thread of their own.
 *
 * @throws ModelError `training-options` with the name of the option, `input-size`, `model-load`
 */
export async function createTrainingStep(model: TrainableModel, options: StepOptions): Promise<TrainingStep> {
  checkStep(model, options);
  const step = new GraphStep(model, options);
  try {
    // What every run needs is built at once, so that a model that does not fit is refused here and not in the first epoch.
    await step.prepare();
  } catch (error) {
    await step.dispose();
    throw error;
  }
  return step;
}

class GraphStep implements TrainingStep {
  readonly dimension: number;
  readonly activationLengths: ReadonlyMap<string, number> | null;
  readonly #model: TrainableModel;
  readonly #options: StepOptions;
  readonly #graphs: GraphOptions;
  readonly #parameters: ReadonlyMap<string, ParameterSpec>;
  readonly #runner: GraphRunner;
  readonly #loaded = new Map<string, Promise<void>>();

  constructor(model: TrainableModel, options: StepOptions) {
    this.#model = model;
    this.#options = options;
    this.#graphs = { model, loss: options.loss, dropout: options.dropout, recompute: options.recompute };
    this.#parameters = parametersOf(model);
    this.dimension = model.head?.outputs ?? model.backbones.reduce((sum, { spec }) => sum + spec.dimension, 0);
    this.activationLengths = model.backbones.some((backbone) => entryBlock(backbone) === null)
      ? null
      : new Map(model.backbones.map((backbone) => [backbone.name, entryLength(backbone, model.inputSize)]));
    this.#runner = new GraphRunner('training', options.device);
  }

  prepare(): Promise<void> {
    return this.#load('head', () => headGraph(this.#graphs));
  }

  async activations(pixels: Uint8Array, count: number): Promise<Arrays> {
    if (this.activationLengths === null) throw new TypeError('Everything is trained; no activations stay the same');
    await this.#load('entry', () => entryGraph(this.#graphs));
    const names = [...this.activationLengths.keys()];
    return this.#inPieces({ pixels }, count, async (pictures) => {
      const outputs = await this.#runner.run('entry', pictures);
      return names.map((name) => [name, floats(outputs, `activations:${name}`)]);
    });
  }

  async run(batch: StepBatch, parameters: Parameters): Promise<StepResult> {
    const count = batch.labels.length;
    await this.#hold(parameters);
    const isWhole = this.#options.microBatch === null || this.#options.microBatch >= count;
    const { positive, negative } = pairMasks(batch.labels);
    const pairs = { positive: { data: positive, shape: [count, count] }, negative: { data: negative, shape: [count, count] } };
    if (isWhole) {
      const source = sourceOf(batch.pictures);
      await this.#load(`step:${source}`, () => stepGraph(this.#graphs, source));
      const pictures = this.#feed(batch.pictures, 0, count, count);
      return this.#result(
        count,
        await this.#runner.run(`step:${source}`, { ...pictures, ...pairs, ...this.#dropout(batch.seed, 0, count) }),
      );
    }
    return this.#runInPieces(batch, count, pairs);
  }

  async embed(
    pictures: StepPictures,
    count: number,
    parameters: Parameters,
    running: RunningStatistics | null,
  ): Promise<Float32Array<ArrayBuffer>> {
    const source = sourceOf(pictures);
    await this.#load(`embedding:${source}`, () => embeddingGraph(this.#graphs, source));
    await this.#hold(parameters);
    const moments: Tensors =
      running === null
        ? {}
        : { runningMean: vector(Float32Array.from(running.mean)), runningVariance: vector(Float32Array.from(running.variance)) };
    const found = await this.#inPieces(pictures, count, async (piece) => {
      const outputs = await this.#runner.run(`embedding:${source}`, { ...piece, ...moments });
      return [['embedding', floats(outputs, 'embedding')]];
    });
    return found.get('embedding') ?? new Float32Array();
  }

  dispose(): Promise<void> {
    return this.#runner.dispose();
  }

  /** Features of all pictures first, then the loss on the whole batch, then each piece once more with the cotangents of its features. */
  async #runInPieces(batch: StepBatch, count: number, pairs: Tensors): Promise<StepResult> {
    const source = sourceOf(batch.pictures);
    await this.#load(`features:${source}`, () => featuresGraph(this.#graphs, source));
    await this.#load(`gradients:${source}`, () => backboneGradientsGraph(this.#graphs, source));
    const { backbones } = this.#model;
    const features = await this.#inPieces(batch.pictures, count, async (piece, from, to) => {
      const outputs = await this.#runner.run(`features:${source}`, { ...piece, ...this.#dropout(batch.seed, from, to) });
      return backbones.map(({ name }) => [name, floats(outputs, `feature:${name}`)]);
    });
    const feed = Object.fromEntries(
      backbones.map(({ name, spec }) => [
        `feature:${name}`,
        { data: features.get(name) ?? new Float32Array(), shape: [count, spec.dimension] },
      ]),
    );
    const head = this.#result(count, await this.#runner.run('head', { ...feed, ...pairs }), (outputs) => {
      for (const { name, spec, training } of backbones) {
        if (training.kind !== 'frozen') features.set(name, expectLength(floats(outputs, `cotangent:${name}`), count * spec.dimension));
      }
    });
    const gradients = new Map(head.gradients);
    await this.#inPieces(batch.pictures, count, async (piece, from, to) => {
      const cotangents = Object.fromEntries(
        backbones.map(({ name, spec: { dimension } }) => [
          `cotangent:${name}`,
          { data: features.get(name)?.slice(from * dimension, to * dimension) ?? new Float32Array(), shape: [to - from, dimension] },
        ]),
      );
      const outputs = await this.#runner.run(`gradients:${source}`, { ...piece, ...this.#dropout(batch.seed, from, to), ...cotangents });
      for (const name of this.#parameters.keys()) {
        const output = outputs[`gradient:${name}`];
        if (output !== undefined) accumulate(gradients, name, floats(outputs, `gradient:${name}`));
      }
      return [];
    });
    return { ...head, gradients };
  }

  #result(count: number, outputs: Tensors, also?: (outputs: Tensors) => void): StepResult {
    also?.(outputs);
    const gradients: Arrays = new Map();
    for (const name of this.#parameters.keys()) {
      if (outputs[`gradient:${name}`] !== undefined) gradients.set(name, floats(outputs, `gradient:${name}`));
    }
    const statistics = (): BatchStatistics => ({ mean: floats(outputs, 'mean'), variance: floats(outputs, 'variance'), count });
    return {
      loss: floats(outputs, 'loss')[0] ?? NaN,
      minedTriplets: outputs['minedTriplets'] === undefined ? null : (floats(outputs, 'minedTriplets')[0] ?? NaN),
      gradients,
      batchStatistics: this.#model.head === null ? null : statistics(),
      embeddings: floats(outputs, 'embeddings'),
    };
  }

  async #hold(parameters: Parameters): Promise<void> {
    const held: Record<string, TensorValue> = {};
    for (const [name, { shape }] of this.#parameters) {
      const data = parameters.get(name);
      if (data?.length !== sizeOf(shape)) {
        throw new TypeError(`Parameter ${name} has ${String(data?.length ?? 0)} elements instead of ${String(sizeOf(shape))}`);
      }
      held[name] = { data: data as Float32Array<ArrayBuffer>, shape };
    }
    await this.#runner.hold(held);
  }

  #load(key: string, build: () => OnnxModel | Promise<OnnxModel>): Promise<void> {
    const known = this.#loaded.get(key);
    if (known !== undefined) return known;
    const loading = (async (): Promise<void> => {
      await this.#runner.load(key, encodeModel(await build()));
    })();
    this.#loaded.set(key, loading);
    return loading;
  }

  /** Runs `work` on one piece after the other and joins what it gives by name. */
  async #inPieces(
    pictures: StepPictures,
    count: number,
    work: (piece: Tensors, from: number, to: number) => Promise<(readonly [name: string, values: Float32Array<ArrayBuffer>])[]>,
  ): Promise<Arrays> {
    const size = this.#options.microBatch ?? count;
    const joined: Arrays = new Map();
    for (let from = 0; from < count; from += size) {
      const to = Math.min(from + size, count);
      for (const [name, values] of await work(this.#feed(pictures, from, to, count), from, to)) {
        const whole = joined.get(name) ?? new Float32Array((values.length / (to - from)) * count);
        whole.set(values, (values.length / (to - from)) * from);
        joined.set(name, whole);
      }
    }
    return joined;
  }

  #feed(pictures: StepPictures, from: number, to: number, count: number): Tensors {
    const { inputSize, backbones } = this.#model;
    if ('pixels' in pictures) {
      const length = inputSize * inputSize * 3;
      if (pictures.pixels.length !== count * length) {
        throw new TypeError(
          `pixels holds ${String(pictures.pixels.length)} bytes, not ${String(count)} pictures of ${String(inputSize)} px`,
        );
      }
      return { pixels: { data: pictures.pixels.slice(from * length, to * length), shape: [to - from, inputSize, inputSize, 3] } };
    }
    return Object.fromEntries(
      backbones.map(({ name }) => {
        const length = this.activationLengths?.get(name) ?? 0;
        const values = expectLength(pictures.activations.get(name) ?? new Float32Array(), count * length);
        return [`activations:${name}`, { data: values.slice(from * length, to * length), shape: [to - from, length] }];
      }),
    );
  }

  /** The numbers of the pictures `from` to `to` are the same whatever pieces the batch is cut into. */
  #dropout(seed: number, from: number, to: number): Tensors {
    const tensors: Record<string, TensorValue> = {};
    if (this.#options.dropout === 0) return tensors;
    this.#model.backbones.forEach((backbone, index) => {
      const columns = dropoutColumns(this.#model, backbone);
      if (columns === 0) return;
      const tokens = tokensOf(backbone, this.#model.inputSize);
      const mixed = Math.imul(seed, 0x9e3779b1) + 2 * index;
      const rows = dropoutNumbers(to * tokens, mixed).slice(from * tokens);
      tensors[`rows:${backbone.name}`] = { data: rows, shape: [rows.length, 1] };
      tensors[`columns:${backbone.name}`] = { data: dropoutNumbers(columns, mixed + 1), shape: [1, columns] };
    });
    return tensors;
  }
}

function sourceOf(pictures: StepPictures): Source {
  return 'pixels' in pictures ? 'pixels' : 'activations';
}

function floats(tensors: Tensors, name: string): Float32Array<ArrayBuffer> {
  const data = tensors[name]?.data;
  if (!(data instanceof Float32Array)) throw new ModelError('model-contract', `The training graph has no output ${name}.`);
  return data;
}

function vector(data: Float32Array<ArrayBuffer>): TensorValue {
  return { data, shape: [data.length] };
}

function expectLength<T extends Float32Array>(values: T, length: number): T {
  if (values.length !== length) throw new TypeError(`${String(values.length)} elements instead of ${String(length)}`);
  return values;
}

function accumulate(sums: Arrays, name: string, values: Float32Array<ArrayBuffer>): void {
  const sum = sums.get(name);
  if (sum === undefined) sums.set(name, values);
  else for (let index = 0; index < sum.length; index++) sum[index] = (sum[index] ?? 0) + (values[index] ?? 0);
}
