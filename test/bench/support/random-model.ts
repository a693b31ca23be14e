import { join } from 'node:path';
import { officialRecipe, type VitSpec } from '../../../src/models/backbones/spec.js';
import { buildModelGraph } from '../../../src/models/graph/model-graph.js';
import { BackboneReader } from '../../../src/models/graph/weights.js';
import type { Model } from '../../../src/models/model.js';
import { encodeModel } from '../../../src/onnx/encode.js';
import { buildGallery } from '../../../src/retrieval/build-gallery.js';
import { openGallery, type Gallery } from '../../../src/retrieval/gallery.js';
import { asTensors, DINOV2_VITS14_REG, GASTRONET_VITS16, randomWeights } from '../../support/random-checkpoints.js';
import { makeGallery } from '../../support/tiny-procedure.js';

/** Backbones of real size that know nothing, for timing where no model is installed. */
export type RandomModel = 'vit' | 'pair';

const BACKBONES: Readonly<Record<RandomModel, readonly (readonly [name: string, spec: VitSpec])[]>> = {
  vit: [['vit', GASTRONET_VITS16]],
  pair: [
    ['dinov2', DINOV2_VITS14_REG],
    ['gastronet', GASTRONET_VITS16],
  ],
};
const NAMES: Readonly<Record<RandomModel, string>> = {
  vit: 'ViT-S/16, random weights',
  pair: 'ViT-S/14 reg4 + ViT-S/16, random weights',
};

export async function randomModel(kind: RandomModel): Promise<Model> {
  const backbones = BACKBONES[kind].map(([name, spec], seed) => {
    // What only pre-training uses is in no graph.
    const weights = randomWeights(spec, seed + 1).filter((tensor) => tensor.name !== 'mask_token');
    return { name, spec, positions: officialRecipe(spec), weights: () => new BackboneReader(asTensors(weights), 'random') };
  });
  const { model, dimension } = await buildModelGraph({ name: kind, inputSize: 224, backbones, head: null, precision: 'fp32' });
  return {
    name: NAMES[kind],
    fingerprint: 'b'.repeat(64),
    graph: encodeModel(model),
    input: { width: 224, height: 224 },
    dimension,
    backbones: backbones.map(({ name }) => name),
    parts: [],
  };
}

/** A gallery of a few pictures for such a model, made in `folder`. */
export async function randomGallery(folder: string, kind: RandomModel): Promise<Gallery> {
  const model = await randomModel(kind);
  await makeGallery(folder);
  const out = join(folder, 'random-gallery');
  await buildGallery({ directory: join(folder, 'pictures'), out, model });
  return openGallery(out, { model });
}
