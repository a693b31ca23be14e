import { cpus } from 'node:os';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { l2Normalise } from '../../src/onnx/composites.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { GraphBuilder, type Tensor as GraphTensor } from '../../src/onnx/builder.js';
import { concat } from '../../src/onnx/ops.js';
import { officialRecipe } from '../../src/models/backbones/spec.js';
import { compareEmbeddings } from '../../src/models/parity.js';
import { syntheticPictures } from '../../src/models/calibration.js';
import { buildModelGraph } from '../../src/models/graph/model-graph.js';
import type { Precision } from '../../src/models/graph/precision.js';
import { BackboneReader } from '../../src/models/graph/weights.js';
import { DINOV2_VITS14_REG, GASTRONET_VITS16, asTensors, randomWeights, type NamedArray } from '../support/random-checkpoints.js';
import { emitPlainVit } from './support/plain-vit.js';

const INPUT_SIZE = 224;
const PAIR = [
  { name: 'gastronet', spec: GASTRONET_VITS16, seed: 1 },
  { name: 'dinov2', spec: DINOV2_VITS14_REG, seed: 2 },
];

function readerOf(arrays: readonly NamedArray[]): BackboneReader {
  return new BackboneReader(asTensors(arrays.filter(({ name }) => name !== 'mask_token')), 'random');
}

async function plainGraph(weights: readonly (readonly NamedArray[])[]): Promise<Uint8Array> {
  const graph = new GraphBuilder();
  const pixels = graph.input('pixels', 'uint8', ['N', INPUT_SIZE, INPUT_SIZE, 3]);
  const features: GraphTensor[] = [];
  for (const [index, { name, spec }] of PAIR.entries()) {
    const reader = readerOf(weights[index]!);
    await reader.fetch('');
    features.push(graph.scope(name, () => l2Normalise(emitPlainVit(graph, pixels, spec, reader, INPUT_SIZE))));
  }
  graph.output('embedding', l2Normalise(concat(features, 1)));
  return encodeModel(graph.model());
}

async function ourGraph(weights: readonly (readonly NamedArray[])[], precision: Precision): Promise<Uint8Array> {
  const { model } = await buildModelGraph({
    name: 'dual',
    inputSize: INPUT_SIZE,
    backbones: PAIR.map(({ name, spec }, index) => ({
      name,
      spec,
      positions: officialRecipe(spec),
      weights: () => readerOf(weights[index]!),
    })),
    head: null,
    precision,
    quality: false,
  });
  return encodeModel(model);
}

interface Variant {
  readonly name: string;
  readonly session: InferenceSession;
  readonly times: number[];
  embeddings: Float32Array;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** Our graphs of the real-size pair against a plain export of it, alternating in one run. Arguments: `--rounds N`, `--threads N`, `--json`. */
export default async function bench(args: readonly string[]): Promise<void> {
  const value = (flag: string, fallback: number): number => (args.includes(flag) ? Number(args[args.indexOf(flag) + 1]) : fallback);
  const rounds = value('--rounds', 30);
  const threads = value('--threads', 2);
  const weights = PAIR.map(({ spec, seed }) => randomWeights(spec, seed));
  const graphs: [string, Uint8Array][] = [
    ['plain export', await plainGraph(weights)],
    ['fp32', await ourGraph(weights, 'fp32')],
    ['int8', await ourGraph(weights, 'int8')],
  ];
  const variants: Variant[] = [];
  for (const [name, graph] of graphs) {
    const session = await InferenceSession.create(graph, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    });
    variants.push({ name, session, times: [], embeddings: new Float32Array() });
  }
  const pictures = syntheticPictures(INPUT_SIZE, 16);
  const feed = (index: number): Record<string, Tensor> => {
    const length = INPUT_SIZE * INPUT_SIZE * 3;
    return { pixels: new Tensor('uint8', pictures.pixels.slice(index * length, (index + 1) * length), [1, INPUT_SIZE, INPUT_SIZE, 3]) };
  };
  for (const variant of variants) {
    const rows: number[] = [];
    for (let index = 0; index < pictures.count; index++)
      rows.push(...((await variant.session.run(feed(index)))['embedding']!.data as Float32Array));
    variant.embeddings = Float32Array.from(rows);
  }
  for (let round = 0; round < rounds; round++) {
    for (const { session, times } of variants) {
      const startedMs = performance.now();
      await session.run(feed(round % pictures.count));
      times.push(performance.now() - startedMs);
    }
  }
  const [plain] = variants;
  const results = variants.map(({ name, times, embeddings }) => ({
    variant: name,
    medianMs: median(times),
    fastestMs: Math.min(...times),
    // Ratios of neighbours in time: what else the machine does falls on both.
    ratio: median(times.map((time, round) => time / plain!.times[round]!)),
    ratioOfFastest: Math.min(...times) / Math.min(...plain!.times),
    cosineMin: compareEmbeddings(plain!.embeddings, embeddings, 768).cosine.min,
  }));
  for (const { session } of variants) await session.release();
  if (args.includes('--json')) {
    console.log(JSON.stringify({ cpu: cpus()[0]?.model, threads, rounds, results }));
    return;
  }
  console.log(`ViT-S/14 reg4 + ViT-S/16 at ${INPUT_SIZE}×${INPUT_SIZE}, random weights, ${threads} threads, ${rounds} rounds, batch 1`);
  console.log('variant        median ms  fastest ms  ratio  of fastest  cosine to plain (least of 16)');
  for (const r of results) {
    console.log(
      `${r.variant.padEnd(14)} ${r.medianMs.toFixed(1).padStart(9)} ${r.fastestMs.toFixed(1).padStart(11)}  ${r.ratio.toFixed(3)}  ${r.ratioOfFastest.toFixed(3).padStart(10)}  ${r.cosineMin.toFixed(6)}`,
    );
  }
}
