import { GraphBuilder, type Tensor } from '../../onnx/builder.js';
import { multiplyDimensions } from '../../onnx/dimensions.js';
import { gradients, type GradientOptions, type Seed } from '../../onnx/gradient/gradients.js';
import type { OnnxModel } from '../../onnx/graph.js';
import { emitBackbone, opsetFor } from '../../models/graph/model-graph.js';
import {
  isTrained,
  isTrainedResnet,
  isTrainedTransformer,
  type TrainableBackbone,
  type TrainableModel,
  type TrainedResnet,
  type TrainedTransformer,
} from '../model.js';
import { parametersOf, PROXIES } from '../parameters.js';
import { emitPairLoss } from '../loss/loss.js';
import { normalisedSoftmaxLoss } from '../loss/normalised-softmax.js';
import type { Loss } from '../loss/pairs.js';
import type { LossOptions } from '../step.js';
import { blockOf, emitEntry, emitFeature, entryLength, tokensOf, type BackboneInput } from './backbone.js';
import { Dropout } from './dropout.js';
import { asRow, emitHead, type Embedded, type Moments } from './head.js';
import { Layers } from './layers.js';
import { emitTrainedResnet } from './resnet.js';

/*
 * The graphs of a training step. Names of inputs and outputs: parameters under their own names; `gradient:<parameter>`; `moment:<statistic>`; per backbone
 * `activations:`, `feature:`, `cotangent:`, `rows:` and `columns:<backbone>` (dropout).
 */

export type Source = 'pixels' | 'activations';

export interface GraphOptions {
  readonly model: TrainableModel;
  readonly loss: LossOptions;
  readonly dropout: number;
  readonly recompute: boolean;
}

/** The whole step in one graph. */
export async function stepGraph(options: GraphOptions, source: Source): Promise<OnnxModel> {
  const builder = new StepBuilder(options);
  const features = await builder.features(source, options.dropout);
  const embedded = builder.head(features, null);
  for (const [name, moment] of builder.moments) builder.graph.output(`moment:${name}`, moment);
  builder.lossAndGradients(embedded, [], [...builder.parameters.keys()]);
  return builder.graph.model();
}

/** The features alone, for the first pass over micro-batches. */
export async function featuresGraph(options: GraphOptions, source: Source): Promise<OnnxModel> {
  const builder = new StepBuilder(options, 'backbone');
  for (const [name, feature] of await builder.features(source, options.dropout)) builder.graph.output(`feature:${name}`, feature);
  return builder.graph.model();
}

/** From the features of the whole batch to the loss, its gradients of the head's parameters and its cotangents of the features. */
export function headGraph(options: GraphOptions): OnnxModel {
  const builder = new StepBuilder(options, 'head');
  const features = new Map(
    options.model.backbones.map(({ name, spec }) => [name, builder.graph.input(`feature:${name}`, 'float32', ['N', spec.dimension])]),
  );
  const trained = new Map([...features].filter(([name]) => isTrained(builder.backbone(name))));
  builder.lossAndGradients(builder.head(features, null), [...trained], [...builder.parameters.keys()]);
  return builder.graph.model();
}

/** From cotangents of the features to the gradients of the backbones' parameters, for the second pass over micro-batches. */
export async function backboneGradientsGraph(options: GraphOptions, source: Source): Promise<OnnxModel> {
  const builder = new StepBuilder(options, 'backbone');
  const features = await builder.features(source, options.dropout, isTrained);
  const seeds = [...features].map(([name, output]) => ({
    output,
    cotangent: builder.graph.input(`cotangent:${name}`, 'float32', output.shape),
  }));
  builder.outputGradients(seeds, [], [...builder.parameters.keys()]);
  return builder.graph.model();
}

/** What lies below everything that is trained. */
export async function entryGraph(options: GraphOptions): Promise<OnnxModel> {
  const builder = new StepBuilder(options, 'none');
  const pixels = builder.pixels();
  for (const backbone of options.model.backbones) {
    builder.graph.output(`activations:${backbone.name}`, await builder.entry(pixels, backbone));
  }
  return builder.graph.model();
}

/** Embeddings as inference gives them: no dropout, running moments. */
export async function embeddingGraph(options: GraphOptions, source: Source): Promise<OnnxModel> {
  const builder = new StepBuilder(options, 'all');
  const features = await builder.features(source, 0);
  const { head } = options.model;
  const moment = (name: string, outputs: number): Tensor => asRow(builder.graph.input(name, 'float32', [outputs]));
  const running = head === null ? null : { mean: moment('runningMean', head.outputs), variance: moment('runningVariance', head.outputs) };
  builder.graph.output('embedding', builder.head(features, running).embeddings);
  return builder.graph.model();
}

/** Columns of the dropout of one backbone, over all its updates. */
export function dropoutColumns(model: TrainableModel, backbone: TrainableBackbone): number {
  let columns = 0;
  for (const [name, { shape }] of parametersOf({ ...model, backbones: [backbone], head: null })) {
    if (name.endsWith('.lora_A.weight')) columns += shape.slice(1).reduce((product, length) => product * length, 1);
  }
  return columns;
}

class StepBuilder {
  readonly graph: GraphBuilder;
  readonly parameters = new Map<string, Tensor>();
  /** Of the batch, by the names of the running ones; known once the features are emitted. */
  readonly moments = new Map<string, Tensor>();
  readonly #options: GraphOptions;

  /** `learnt` are all parameters but the statistics, which only inference reads. */
  constructor(options: GraphOptions, group: 'backbone' | 'head' | 'none' | 'learnt' | 'all' = 'learnt') {
    this.#options = options;
    this.graph = new GraphBuilder({ name: 'training', opset: opsetFor(options.model.backbones) });
    for (const [name, spec] of parametersOf(options.model)) {
      const isWanted = group === 'all' ? name !== PROXIES : group === 'learnt' ? spec.group !== 'statistics' : spec.group === group;
      if (isWanted) this.parameters.set(name, this.graph.input(name, 'float32', spec.shape));
    }
  }

  backbone(name: string): TrainableBackbone {
    const found = this.#options.model.backbones.find((backbone) => backbone.name === name);
    if (found === undefined) throw new TypeError(`No backbone ${name}`);
    return found;
  }

  pixels(): Tensor {
    const { inputSize } = this.#options.model;
    return this.graph.input('pixels', 'uint8', ['N', inputSize, inputSize, 3]);
  }

  /** What lies below all that is trained, `[N, elements]`. */
  entry(pixels: Tensor, backbone: TrainableBackbone): Promise<Tensor> {
    const { inputSize } = this.#options.model;
    return isTrainedTransformer(backbone)
      ? emitEntry(pixels, this.layers(backbone, 0), inputSize)
      : emitBackbone(pixels, backbone, inputSize, 'fp32');
  }

  layers(backbone: TrainedTransformer, dropout: number): Layers {
    return new Layers(this.graph, backbone, backbone.weights(), this.parameters, dropout > 0 ? this.#dropout(backbone, dropout) : null);
  }

  async features(
    source: Source,
    dropout: number,
    wanted: (backbone: TrainableBackbone) => boolean = () => true,
  ): Promise<ReadonlyMap<string, Tensor>> {
    const { backbones, inputSize } = this.#options.model;
    const pixels = source === 'pixels' ? this.pixels() : null;
    const features = new Map<string, Tensor>();
    for (const backbone of backbones.filter(wanted)) {
      const input: BackboneInput =
        pixels === null ? { kind: 'activations', activations: this.#activations(backbone) } : { kind: 'pixels', pixels };
      features.set(
        backbone.name,
        isTrainedTransformer(backbone)
          ? await emitFeature(input, this.layers(backbone, dropout), inputSize)
          : isTrainedResnet(backbone)
            ? this.#resnet(pixels, backbone)
            : input.kind === 'pixels'
              ? await emitBackbone(input.pixels, backbone, inputSize, 'fp32')
              : input.activations,
      );
    }
    return features;
  }

  #resnet(pixels: Tensor | null, backbone: TrainedResnet): Tensor {
    if (pixels === null) throw new TypeError(`Everything in ${backbone.name} is trained`);
    const { feature, moments } = emitTrainedResnet(pixels, backbone, this.parameters);
    for (const [name, moment] of moments) this.moments.set(name, moment);
    return feature;
  }

  head(features: ReadonlyMap<string, Tensor>, running: Moments | null): Embedded {
    return emitHead([...features.values()], this.parameters, this.#options.model.head !== null, running);
  }

  /** Outputs the loss and what goes with it, the cotangents of `features`, and the gradients of the parameters `names`. */
  lossAndGradients({ embeddings, moments }: Embedded, features: readonly (readonly [string, Tensor])[], names: readonly string[]): void {
    const { graph } = this;
    const { loss, minedTriplets } = this.#loss(embeddings);
    graph.output('loss', loss);
    if (minedTriplets !== null) graph.output('minedTriplets', minedTriplets);
    graph.output('embeddings', embeddings);
    if (moments !== null) {
      graph.output('mean', moments.mean);
      graph.output('variance', moments.variance);
    }
    this.outputGradients([{ output: loss, cotangent: graph.scalar('float32', 1) }], features, names);
  }

  #loss(embeddings: Tensor): Loss {
    const { loss, model } = this.#options;
    if (loss.kind === 'normalised-softmax') {
      const targets = this.graph.input('targets', 'float32', ['N', model.proxies ?? 0]);
      return normalisedSoftmaxLoss(embeddings, this.#parameter(PROXIES), targets, loss);
    }
    const mask = (name: string): Tensor => this.graph.input(name, 'float32', ['N', 'N']);
    return emitPairLoss(embeddings, { positive: mask('positive'), negative: mask('negative') }, loss);
  }

  outputGradients(seeds: readonly Seed[], features: readonly (readonly [string, Tensor])[], names: readonly string[]): void {
    const targets = [...features.map(([, tensor]) => tensor), ...names.map((name) => this.#parameter(name))];
    const labels = [...features.map(([name]) => `cotangent:${name}`), ...names.map((name) => `gradient:${name}`)];
    const options: GradientOptions = this.#options.recompute ? { segmentOf: blockOf } : {};
    gradients(seeds, targets, options).forEach((gradient, index) => {
      if (gradient === null) throw new TypeError(`Nothing depends on ${labels[index] ?? ''}`);
      this.graph.output(labels[index] ?? '', gradient);
    });
  }

  #parameter(name: string): Tensor {
    const found = this.parameters.get(name);
    if (found === undefined) throw new TypeError(`No parameter ${name}`);
    return found;
  }

  #activations(backbone: TrainableBackbone): Tensor {
    return this.graph.input(`activations:${backbone.name}`, 'float32', ['N', entryLength(backbone, this.#options.model.inputSize)]);
  }

  #dropout(backbone: TrainedTransformer, share: number): Dropout | null {
    const { model } = this.#options;
    const columns = dropoutColumns(model, backbone);
    if (columns === 0) return null;
    const rows = multiplyDimensions('N', tokensOf(backbone, model.inputSize));
    return new Dropout(
      share,
      this.graph.input(`rows:${backbone.name}`, 'int32', [rows, 1]),
      this.graph.input(`columns:${backbone.name}`, 'int32', [1, columns]),
    );
  }
}
