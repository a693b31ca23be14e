import { GraphRunner } from '../inference/graph-runner.js';
import type { Tensors } from '../inference/graph-messages.js';
import { encodeModel } from '../onnx/encode.js';
import type { OnnxModel } from '../onnx/graph.js';
import { checkStep } from './check-step.js';
import { entryLength, hasEntry } from './graph/backbone.js';
import {
  backboneGradientsGraph,
  embeddingGraph,
  entryGraph,
  featuresGraph,
  headGraph,
  stepGraph,
  type GraphOptions,
  type Source,
} from './graph/graphs.js';
import { oneHot } from './loss/normalised-softmax.js';
import { pairMasks } from './loss/pairs.js';
import { dimensionOf, isTrained, type TrainableBackbone, type TrainableModel } from './model.js';
import { parametersOf, type ParameterSpec } from './parameters.js';
import { dropoutFeed, floatsOf, parameterFeed, pictureFeed, vectorOf } from './step-feeds.js';
import type { Parameters, RunningStatistics, StepBatch, StepOptions, StepPictures, StepResult, TrainingStep } from './step.js';

type Arrays = Map<string, Float32Array<ArrayBuffer>>;

/**
 * Builds the training graphs of `model`, each when it is first needed, and runs them on the device in a thread of their own.
 *
 * @throws UsageError `training-options` with the name of the option; ModelError `input-size`, `model-load`
 */
export async function createTrainingStep(model: TrainableModel, options: StepOptions): Promise<TrainingStep> {
  checkStep(model, options);
  const step = new GraphStep(model, options);
  try {
    // A small graph first, so that a device that does not work is found here and not in the first epoch.
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
  /** Backbones of which something is trained. */
  readonly #trained: readonly TrainableBackbone[];
  readonly #runner: GraphRunner;
  readonly #loaded = new Map<string, Promise<void>>();

  constructor(model: TrainableModel, options: StepOptions) {
    this.#model = model;
    this.#options = options;
    this.#graphs = { model, loss: options.loss, dropout: options.dropout, recompute: options.recompute };
    this.#parameters = parametersOf(model);
    this.#trained = model.backbones.filter(isTrained);
    this.dimension = dimensionOf(model);
    this.activationLengths = model.backbones.every(hasEntry)
      ? new Map(model.backbones.map((backbone) => [backbone.name, entryLength(backbone, model.inputSize)]))
      : null;
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
      return names.map((name) => [name, floatsOf(outputs, `activations:${name}`)]);
    });
  }

  async run(batch: StepBatch, parameters: Parameters): Promise<StepResult> {
    const count = batch.labels.length;
    await this.#runner.hold(parameterFeed(this.#parameters, parameters));
    const truth = this.#truth(batch.labels);
    const { microBatch } = this.#options;
    if (this.#trained.length > 0 && microBatch !== null && microBatch < count) return this.#runInPieces(batch, truth);
    const seen = await this.#seen(batch.pictures, count);
    const source = sourceOf(seen);
    await this.#load(`step:${source}`, () => stepGraph(this.#graphs, source));
    const pictures = pictureFeed(this.#model, this.activationLengths, seen, [0, count, count]);
    return this.#result(
      count,
      await this.#runner.run(`step:${source}`, { ...pictures, ...truth, ...this.#dropout(batch, 0, count) }),
      new Map(),
    );
  }

  async embed(
    pictures: StepPictures,
    count: number,
    parameters: Parameters,
    running: RunningStatistics | null,
  ): Promise<Float32Array<ArrayBuffer>> {
    const seen = await this.#seen(pictures, count);
    const source = sourceOf(seen);
    await this.#load(`embedding:${source}`, () => embeddingGraph(this.#graphs, source));
    await this.#runner.hold(parameterFeed(this.#parameters, parameters));
    const moments: Tensors = running === null ? {} : { runningMean: vectorOf(running.mean), runningVariance: vectorOf(running.variance) };
    const found = await this.#inPieces(seen, count, async (piece) => {
      const outputs = await this.#runner.run(`embedding:${source}`, { ...piece, ...moments });
      return [['embedding', floatsOf(outputs, 'embedding')]];
    });
    return found.get('embedding') ?? new Float32Array();
  }

  dispose(): Promise<void> {
    return this.#runner.dispose();
  }

  /** Where nothing but the head is trained, the features: the backbones are then run once, as they are, and not in a graph with gradients. */
  async #seen(pictures: StepPictures, count: number): Promise<StepPictures> {
    if (this.#trained.length > 0 || !('pixels' in pictures)) return pictures;
    return { activations: await this.activations(pictures.pixels, count) };
  }

  /** What the loss compares the embeddings with. */
  #truth(labels: readonly number[]): Tensors {
    const { length: count } = labels;
    const { proxies } = this.#model;
    if (proxies !== undefined) return { targets: { data: oneHot(labels, proxies), shape: [count, proxies] } };
    const { positive, negative } = pairMasks(labels);
    return { positive: { data: positive, shape: [count, count] }, negative: { data: negative, shape: [count, count] } };
  }

  /** Features of all pictures first, then the loss on the whole batch, then each piece once more with the cotangents of its features. */
  async #runInPieces(batch: StepBatch, truth: Tensors): Promise<StepResult> {
    const count = batch.labels.length;
    const source = sourceOf(batch.pictures);
    await this.#load('head', () => headGraph(this.#graphs));
    await this.#load(`features:${source}`, () => featuresGraph(this.#graphs, source));
    const { backbones } = this.#model;
    const features = await this.#inPieces(batch.pictures, count, async (piece, from, to) => {
      const outputs = await this.#runner.run(`features:${source}`, { ...piece, ...this.#dropout(batch, from, to) });
      return backbones.map(({ name }) => [name, floatsOf(outputs, `feature:${name}`)]);
    });
    const rows = (label: string, values: (name: string) => Float32Array<ArrayBuffer>, from: number, to: number): Tensors =>
      Object.fromEntries(
        backbones.map(({ name, spec: { dimension } }) => [
          `${label}:${name}`,
          { data: values(name).slice(from * dimension, to * dimension), shape: [to - from, dimension] },
        ]),
      );
    const head = await this.#runner.run('head', {
      ...rows('feature', (name) => features.get(name) ?? new Float32Array(), 0, count),
      ...truth,
    });
    await this.#load(`gradients:${source}`, () => backboneGradientsGraph(this.#graphs, source));
    const cotangents = new Map(this.#trained.map(({ name }) => [name, floatsOf(head, `cotangent:${name}`)]));
    const sums: Arrays = new Map();
    await this.#inPieces(batch.pictures, count, async (piece, from, to) => {
      const given = rows('cotangent', (name) => cotangents.get(name) ?? new Float32Array(), from, to);
      const outputs = await this.#runner.run(`gradients:${source}`, { ...piece, ...given, ...this.#dropout(batch, from, to) });
      for (const [name, spec] of this.#parameters)
        if (spec.group === 'backbone') accumulate(sums, name, floatsOf(outputs, `gradient:${name}`));
      return [];
    });
    return this.#result(count, head, sums);
  }

  /** `gradients` in the order of the parameters, from `summed` where they are there. */
  #result(count: number, outputs: Tensors, summed: Arrays): StepResult {
    const gradients: Arrays = new Map();
    const statistics: Arrays = new Map();
    for (const [name, { group }] of this.#parameters) {
      if (group === 'statistics') statistics.set(name, floatsOf(outputs, `moment:${name}`));
      else gradients.set(name, summed.get(name) ?? floatsOf(outputs, `gradient:${name}`));
    }
    return {
      loss: floatsOf(outputs, 'loss')[0] ?? NaN,
      minedTriplets: this.#options.loss.kind === 'triplet' ? (floatsOf(outputs, 'minedTriplets')[0] ?? NaN) : null,
      gradients,
      statistics,
      batchStatistics:
        this.#model.head === null ? null : { mean: floatsOf(outputs, 'mean'), variance: floatsOf(outputs, 'variance'), count },
      embeddings: floatsOf(outputs, 'embeddings'),
    };
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
      const piece = pictureFeed(this.#model, this.activationLengths, pictures, [from, to, count]);
      for (const [name, values] of await work(piece, from, to)) {
        const width = values.length / (to - from);
        const whole = joined.get(name) ?? new Float32Array(width * count);
        whole.set(values, width * from);
        joined.set(name, whole);
      }
    }
    return joined;
  }

  #dropout({ seed }: StepBatch, from: number, to: number): Tensors {
    return this.#options.dropout === 0 ? {} : dropoutFeed(this.#model, seed, from, to);
  }
}

function sourceOf(pictures: StepPictures): Source {
  return 'pixels' in pictures ? 'pixels' : 'activations';
}

function accumulate(sums: Arrays, name: string, values: Float32Array<ArrayBuffer>): void {
  const sum = sums.get(name);
  if (sum === undefined) sums.set(name, values);
  else for (let index = 0; index < sum.length; index++) sum[index] = (sum[index] ?? 0) + (values[index] ?? 0);
}
