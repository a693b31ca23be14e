import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/common/random.js';
import { encodeModel } from '../../../src/onnx/encode.js';
import type { VitSpec } from '../../../src/models/backbones/spec.js';
import { buildModelGraph } from '../../../src/models/graph/model-graph.js';
import { PRECISIONS, quantizeColumns, type Precision } from '../../../src/models/graph/precision.js';
import { BackboneReader } from '../../../src/models/graph/weights.js';
import { naiveClassToken } from '../../support/naive-vit.js';
import { asTensors, randomWeights } from '../../support/random-checkpoints.js';
import { relativeError, runGraph } from '../../support/run-graph.js';

const BASE: VitSpec = {
  kind: 'vit',
  family: 'dinov2',
  dimension: 128,
  depth: 2,
  heads: 2,
  patch: 8,
  grid: 3,
  registers: 0,
  layerScale: false,
  mlp: 'gelu',
  hidden: 256,
};
const SIZE = 24;
const random = seededRandom(5);
const pixels = Uint8Array.from({ length: 2 * SIZE * SIZE * 3 }, () => random() * 256);

async function graphOf(spec: VitSpec, precision: Precision): Promise<Uint8Array> {
  const weights = randomWeights(spec, 3).filter(({ name }) => name !== 'mask_token');
  const { model } = await buildModelGraph({
    name: 'test',
    inputSize: SIZE,
    backbones: [
      {
        name: 'b',
        spec,
        positions: 'plain',
        weights: () => new BackboneReader(asTensors(weights), 'test'),
      },
    ],
    head: null,
    precision,
  });
  return encodeModel(model);
}

const VARIANTS: [string, VitSpec][] = [
  ['plain', BASE],
  ['LayerScale', { ...BASE, layerScale: true }],
  ['registers', { ...BASE, registers: 4 }],
  ['SwiGLU, registers and LayerScale', { ...BASE, mlp: 'swiglu', registers: 4, layerScale: true }],
  ['one block, which is the last at once', { ...BASE, depth: 1 }],
];

describe('transformer graphs', () => {
  it.each(VARIANTS)('compute what the papers say: %s', async (_, spec) => {
    const found = await runGraph(await graphOf(spec, 'fp32'), pixels, 2, SIZE);
    const weights = randomWeights(spec, 3);
    for (let picture = 0; picture < 2; picture++) {
      const expected = naiveClassToken(spec, weights, pixels.subarray(picture * SIZE * SIZE * 3), SIZE);
      expect(relativeError(found['feature:b']!.subarray(picture * 128, (picture + 1) * 128), expected)).toBeLessThan(2e-6);
    }
  });

  it.each(PRECISIONS)('give a picture the same embedding in any batch: %s', async (precision) => {
    const graph = await graphOf({ ...BASE, registers: 4, layerScale: true }, precision);
    const both = await runGraph(graph, pixels, 2, SIZE);
    const alone = await runGraph(graph, pixels.slice(SIZE * SIZE * 3), 1, SIZE);
    expect(relativeError(alone['embedding']!, both['embedding']!.subarray(128))).toBeLessThan(1e-5);
  });

  it.each([
    ['fp16', 3e-3],
    ['int8', 4e-2],
  ] as const)('stay close in %s', async (precision, bound) => {
    const spec: VitSpec = { ...BASE, mlp: 'swiglu', registers: 4, layerScale: true };
    const exact = await runGraph(await graphOf(spec, 'fp32'), pixels, 2, SIZE);
    const variant = await runGraph(await graphOf(spec, precision), pixels, 2, SIZE);
    const error = relativeError(variant['embedding']!, exact['embedding']!);
    expect(error).toBeLessThan(bound);
    // Were it exact, the precision would not have been applied at all.
    expect(error).toBeGreaterThan(1e-6);
  });

  it('gives a black picture finite numbers in every precision', async () => {
    for (const precision of PRECISIONS) {
      const found = await runGraph(await graphOf(BASE, precision), new Uint8Array(SIZE * SIZE * 3), 1, SIZE);
      expect(found['embedding']!.every(Number.isFinite), precision).toBe(true);
    }
  });
});

describe('quantizeColumns', () => {
  it('has one scale per output and uses the whole range', () => {
    const { weights, scales } = quantizeColumns({ inputs: 2, outputs: 3, weight: Float32Array.of(1, -0.5, 0.01, 0.02, 0, 0) });
    expect([...scales]).toEqual([Math.fround(1 / 127), Math.fround(Math.fround(0.02) / 127), 1]);
    expect([...weights]).toEqual([127, 64, 0, -63, 127, 0]);
  });
});
