import { GraphBuilder, OPSET, type Tensor } from '../../onnx/builder.js';
import type { OnnxModel } from '../../onnx/graph.js';
import { ModelError } from '../../common/errors.js';
import type { BackboneSpec } from '../backbones/spec.js';
import type { OnnxSpec } from '../manifest.js';
import type { PositionRecipe } from '../positions.js';
import { QUALITY_OUTPUT, qualityMeasures } from '../quality.js';
import { emitEmbedding, type FusionHead } from './fusion.js';
import { emitOnnx } from './onnx-backbone.js';
import type { Precision } from './precision.js';
import { emitResnet } from './resnet.js';
import { emitVit } from './vit.js';
import type { BackboneReader } from './weights.js';

/** A backbone ready to be emitted. */
export type GraphBackbone =
  | {
      readonly name: string;
      readonly spec: BackboneSpec;
      readonly positions: PositionRecipe;
      /** Opens the weights; called once for each graph that is made of them. */
      readonly weights: () => BackboneReader;
    }
  | { readonly name: string; readonly spec: OnnxSpec; readonly model: OnnxModel };

export interface ModelGraphOptions {
  readonly name: string;
  /** Side of the square input, px. */
  readonly inputSize: number;
  readonly backbones: readonly GraphBackbone[];
  readonly head: FusionHead | null;
  readonly precision: Precision;
  /** Adds the measures of the quality gate as a further output (default true). */
  readonly quality?: boolean;
}

/**
 * One graph from uint8 pixels `[N, S, S, 3]` to `embedding` `[N, dimension]`, with the single features as `feature:<backbone>`: they are
 * intermediate results anyway and cost nothing.
 */
export async function buildModelGraph(options: ModelGraphOptions): Promise<{ readonly model: OnnxModel; readonly dimension: number }> {
  const { inputSize, precision } = options;
  const graph = new GraphBuilder({ name: options.name, opset: opsetFor(options.backbones) });
  const pixels = graph.input('pixels', 'uint8', ['N', inputSize, inputSize, 3]);
  const features: Tensor[] = [];
  for (const backbone of options.backbones) features.push(await emitBackbone(pixels, backbone, inputSize, precision));
  const embedding = graph.scope('fusion', () => emitEmbedding(features, options.head));
  graph.output('embedding', embedding);
  options.backbones.forEach((backbone, index) => {
    const feature = features[index];
    if (feature !== undefined) graph.output(`feature:${backbone.name}`, feature);
  });
  if (options.quality ?? true) graph.output(QUALITY_OUTPUT, qualityMeasures(pixels));
  return { model: graph.model(), dimension: Number(embedding.shape[1]) };
}

/** The feature of one backbone, `[N, D]`, of `pixels` uint8 `[N, inputSize, inputSize, 3]`. */
export async function emitBackbone(pixels: Tensor, backbone: GraphBackbone, inputSize: number, precision: Precision): Promise<Tensor> {
  if (backbone.spec.kind === 'onnx') {
    if (!('model' in backbone)) throw new TypeError(`${backbone.name} has no graph`);
    return emitOnnx(pixels, backbone.model, backbone.spec, backbone.name);
  }
  if (!('weights' in backbone)) throw new TypeError(`${backbone.name} has no weights`);
  const { name, spec, positions } = backbone;
  const weights = backbone.weights();
  if (spec.kind === 'resnet') await weights.fetch('');
  const feature =
    spec.kind === 'vit'
      ? await emitVit(pixels, name, spec, weights, { inputSize, positions, precision })
      : pixels.builder.scope(name, () => emitResnet(pixels, spec, weights, precision));
  // Strictness to the end: what was read must have been used.
  if (weights.remaining.length > 0) throw new TypeError(`Not used in ${name}: ${weights.remaining.join(', ')}`);
  return feature;
}

/**
 * A foreign graph keeps the operator set it was exported for; ours are written so that they are valid in any from 17 to 22.
 * @throws ModelError `onnx-opset` when they do not go together.
 */
export function opsetFor(backbones: readonly GraphBackbone[]): number {
  const foreign = [...new Set(backbones.flatMap((backbone) => ('model' in backbone ? [backbone.model.opsets.get('') ?? 0] : [])))];
  const lowest = backbones.every((backbone) => 'model' in backbone) ? 13 : 17;
  const [opset = OPSET] = foreign;
  if (foreign.length <= 1 && opset >= lowest && opset <= 22) return opset;
  throw new ModelError(
    'onnx-opset',
    `The ONNX backbones are written for operator sets ${foreign.join(' and ')}; ${lowest} to 22, the same for all, can be joined.`,
    {
      remedy: 'Export them again with opset_version=18.',
    },
  );
}
