import { GraphBuilder, type Tensor } from '../../onnx/builder.js';
import { l2Normalise } from '../../onnx/composites.js';
import { encodeModel } from '../../onnx/encode.js';
import * as ops from '../../onnx/ops.js';
import { UsageError } from '../../common/errors.js';
import { sha256Of } from '../../common/sha256.js';
import { colourFeatures } from './colour.js';
import { fillUnused } from './layout.js';
import { lumenFeatures } from './lumen.js';
import { halved, LUMA, mapConstant } from './maps.js';
import { decodeStatistics, encodeStatistics } from './statistics.js';
import { structureFeatures } from './structure.js';
import type { FittableModel, Model, ModelPart } from '../model.js';
import { QUALITY_OUTPUT, qualityMeasures } from '../quality.js';
import { applyWhitening } from './apply-whitening.js';
import { fitWhitening, type Whitening } from './whitening.js';

const NAME = 'descriptors';
/**
 * Stands for the graph in the fingerprint, since its filters are computed here and may differ in their last bit between JavaScript engines.
 * To be raised with every change that moves embeddings.
 */
const RECIPE = 'descriptors-4';
const SIDE = 224;
const BACKBONES = ['structure', 'colour', 'lumen', 'upright'] as const;
type Backbone = (typeof BACKBONES)[number];

const WHITENING = { outputs: 32, components: 300, shrinkage: 0.1, spread: 0.1 };

/**
 * The baseline model: classical descriptors as ONNX graphs, *structure*, *colour* and *lumen*, of which no turn of the endoscope is seen, and *upright*. It needs no weights, only the statistics of a gallery.
 * In the model that `fitted` returns, `feature:<backbone>` are the whitened, L2-normalised vectors of the single backbones.
 */
export function descriptors(): FittableModel {
  const { model: base, dimensions } = buildModel(null);
  return {
    name: NAME,
    base,
    fit(features, labels) {
      const whitenings = BACKBONES.map((backbone): [Backbone, Whitening] => {
        const rows = features[backbone];
        if (labels.length === 0 || rows?.length !== labels.length * dimensions[backbone]) {
          throw new UsageError(
            'features-length',
            `Features of ${backbone} must be [${String(labels.length)}, ${String(dimensions[backbone])}].`,
          );
        }
        return [backbone, fitWhitening(rows, labels, WHITENING)];
      });
      return encodeStatistics(base.fingerprint, Object.fromEntries(whitenings));
    },
    fitted(statistics) {
      return buildModel({ bytes: statistics, whitenings: decodeStatistics(base.fingerprint, dimensions, statistics) }).model;
    },
    project(features, statistics) {
      const whitenings = decodeStatistics(base.fingerprint, dimensions, statistics);
      const vectors = BACKBONES.flatMap((backbone) => {
        const whitening = whitenings[backbone];
        const rows = features[backbone];
        return whitening === undefined || rows === undefined
          ? []
          : [{ outputs: whitening.outputs, values: applyWhitening(rows, whitening) }];
      });
      const dimension = vectors.reduce((sum, { outputs }) => sum + outputs, 0);
      const count = (vectors[0]?.values.length ?? 0) / (vectors[0]?.outputs ?? 1);
      const embeddings = new Float32Array(count * dimension);
      for (let row = 0; row < count; row++) {
        let at = row * dimension;
        for (const { outputs, values } of vectors) {
          for (let j = 0; j < outputs; j++) embeddings[at++] = (values[row * outputs + j] ?? 0) / Math.sqrt(vectors.length);
        }
      }
      return embeddings;
    },
  };
}

interface Statistics {
  readonly bytes: Uint8Array;
  readonly whitenings: Readonly<Record<string, Whitening>>;
}

interface Built {
  readonly model: Model;
  /** Lengths of the raw features. */
  readonly dimensions: Readonly<Record<Backbone, number>>;
}

function buildModel(statistics: Statistics | null): Built {
  const graph = new GraphBuilder({ name: NAME });
  const pixels = graph.input('pixels', 'uint8', ['N', SIDE, SIDE, 3]);
  const raw = graph.scope(NAME, () => rawFeatures(pixels));
  const vectors = BACKBONES.map((backbone) => {
    const whitening = statistics?.whitenings[backbone];
    const vector = whitening === undefined ? raw[backbone] : graph.scope(`${backbone}-whitening`, () => whiten(raw[backbone], whitening));
    graph.output(`feature:${backbone}`, vector);
    return l2Normalise(vector);
  });
  const embedding = l2Normalise(ops.concat(vectors, 1));
  graph.output('embedding', embedding);
  graph.output(QUALITY_OUTPUT, qualityMeasures(pixels));
  const bytes = encodeModel(graph.model());
  const recipe = partOf(
    'backbone:structure+colour+lumen+upright',
    new TextEncoder().encode(RECIPE),
    'written for Lumenmark, no trained weights',
  );
  const parts = [recipe, ...(statistics === null ? [] : [partOf('statistics', statistics.bytes, 'fitted on a gallery')])];
  const dimensions = {
    structure: Number(raw.structure.shape[1]),
    colour: Number(raw.colour.shape[1]),
    lumen: Number(raw.lumen.shape[1]),
    upright: Number(raw.upright.shape[1]),
  };
  return {
    model: {
      name: NAME,
      fingerprint: fingerprintOf(parts),
      graph: bytes,
      input: { width: SIDE, height: SIDE },
      dimension: Number(embedding.shape[1]),
      backbones: BACKBONES,
      parts,
    },
    dimensions,
  };
}

function rawFeatures(pixels: Tensor): Readonly<Record<Backbone, Tensor>> {
  const full = ops.transpose(ops.mul(ops.cast(pixels, 'float32'), 1 / 255), [0, 3, 1, 2]);
  const rgb = fillUnused(halved(full));
  const luminance = ops.conv(rgb, mapConstant(rgb, [1, 3, 1, 1], LUMA), null);
  const small = halved(rgb);
  return {
    ...pixels.builder.scope('structure', () => structureFeatures(luminance)),
    colour: pixels.builder.scope('colour', () => colourFeatures(small)),
    lumen: pixels.builder.scope('lumen', () => lumenFeatures(small)),
  };
}

function whiten(x: Tensor, { inputs, outputs, mean, matrix }: Whitening): Tensor {
  const graph = x.builder;
  const centred = ops.sub(x, graph.constant('mean', 'float32', [1, inputs], mean));
  return l2Normalise(ops.matMul(centred, graph.constant('matrix', 'float32', [inputs, outputs], matrix)));
}

function fingerprintOf(parts: readonly ModelPart[]): string {
  const preprocessing = { width: SIDE, height: SIDE, resize: 'squash-bilinear' };
  return sha256Of(JSON.stringify({ parts: parts.map((part) => [part.name, part.sha256]), preprocessing }));
}

function partOf(name: string, bytes: Uint8Array, origin: string): ModelPart {
  return { name, sha256: sha256Of(bytes), licence: 'Apache-2.0', origin };
}
