import { officialRecipe } from '../../../src/models/backbones/spec.js';
import { buildModelGraph } from '../../../src/models/graph/model-graph.js';
import { BackboneReader } from '../../../src/models/graph/weights.js';
import type { Model } from '../../../src/models/model.js';
import { encodeModel } from '../../../src/onnx/encode.js';
import { asTensors, GASTRONET_VITS16, randomWeights } from '../../support/random-checkpoints.js';

/** A backbone of real size that knows nothing: for timing where no model is installed. */
export async function randomVit(): Promise<Model> {
  const weights = randomWeights(GASTRONET_VITS16, 1);
  const backbone = {
    name: 'vit',
    spec: GASTRONET_VITS16,
    positions: officialRecipe(GASTRONET_VITS16),
    weights: () => new BackboneReader(asTensors(weights), 'random'),
  };
  const { model, dimension } = await buildModelGraph({ name: 'vit', inputSize: 224, backbones: [backbone], head: null, precision: 'fp32' });
  return {
    name: 'ViT-S/16, random weights',
    fingerprint: 'b'.repeat(64),
    graph: encodeModel(model),
    input: { width: 224, height: 224 },
    dimension,
    backbones: ['vit'],
    parts: [],
  };
}
