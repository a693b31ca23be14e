import { afterEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import type { ResolvedDevice } from '../../src/inference/device.js';
import type { ResnetSpec, VitSpec } from '../../src/models/backbones/spec.js';
import { buildModelGraph } from '../../src/models/graph/model-graph.js';
import { BackboneReader } from '../../src/models/graph/weights.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { createTrainingStep } from '../../src/training/create-step.js';
import type { BackboneTraining, TrainableBackbone, TrainableModel } from '../../src/training/model.js';
import { initialParameters } from '../../src/training/parameters.js';
import { updateStatistics } from '../../src/training/state.js';
import type { StepBatch, StepOptions, StepResult, TrainingStep } from '../../src/training/step.js';
import { asTensors, randomWeights } from '../support/random-checkpoints.js';
import { relativeError, runGraph } from '../support/run-graph.js';

const DINO: VitSpec = {
  kind: 'vit',
  family: 'dino',
  dimension: 64,
  depth: 2,
  heads: 1,
  patch: 8,
  grid: 2,
  registers: 0,
  layerScale: false,
  mlp: 'gelu',
  hidden: 96,
};
const DINOV2: VitSpec = { ...DINO, family: 'dinov2', grid: 3, registers: 2, layerScale: true };
const RESNET: ResnetSpec = {
  kind: 'resnet',
  family: 'resnet',
  block: 'basic',
  stemPool: false,
  dimension: 8,
  stem: 4,
  blocks: [2, 1],
  widths: [4, 8],
};
const SIZE = 16;
const COUNT = 6;
const LABELS = [0, 0, 1, 1, 2, 2];
const CPU: ResolvedDevice = { name: 'cpu', reason: 'test', threads: 1, batchLimit: 1 };
const LORA: BackboneTraining = { kind: 'lora', rank: 2, alpha: 4, targets: ['qkv', 'proj', 'fc1', 'fc2'], lastBlocks: null };
const PATCH_LORA: BackboneTraining = { ...LORA, targets: ['qkv', 'proj', 'fc1', 'fc2', 'patch'] };
const OPTIONS: StepOptions = {
  loss: { kind: 'supervised-contrastive', temperature: 0.5 },
  dropout: 0,
  microBatch: null,
  recompute: false,
  device: CPU,
};
const SOFTMAX = { kind: 'normalised-softmax', temperature: 0.2, smoothing: 0.1 } as const;
const random = seededRandom(5);
const pixels = Uint8Array.from({ length: COUNT * SIZE * SIZE * 3 }, () => random() * 256);
const BATCH: StepBatch = { pictures: { pixels }, labels: LABELS, seed: 11 };

function backbone(name: string, spec: VitSpec, training: BackboneTraining): TrainableBackbone {
  const weights = randomWeights(spec, name.length).filter((entry) => entry.name !== 'mask_token');
  const graph = { name, spec, positions: 'plain', weights: () => new BackboneReader(asTensors(weights), name) } as const;
  return training.kind === 'frozen' ? { ...graph, training } : { ...graph, training };
}

function resnetModel(outputs: number | null = 8): TrainableModel {
  const weights = asTensors(randomWeights(RESNET, 9));
  const graph = { name: 'rn', spec: RESNET, positions: 'plain', weights: () => new BackboneReader(weights, 'rn') } as const;
  return { inputSize: SIZE, backbones: [{ ...graph, training: { kind: 'all' } }], head: outputs === null ? null : { outputs } };
}

const dual = (first: BackboneTraining, second: BackboneTraining, outputs: number | null = 8): TrainableModel => ({
  inputSize: SIZE,
  backbones: [backbone('a', DINO, first), backbone('bb', DINOV2, second)],
  head: outputs === null ? null : { outputs },
});

const steps: TrainingStep[] = [];
afterEach(async () => {
  for (const step of steps.splice(0)) await step.dispose();
});

async function open(model: TrainableModel, options: Partial<StepOptions> = {}): Promise<TrainingStep> {
  const step = await createTrainingStep(model, { ...OPTIONS, ...options });
  steps.push(step);
  return step;
}

/** Initial parameters with B other than 0, so that A has a gradient. */
async function parametersFor(model: TrainableModel): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const parameters = await initialParameters(model, 3);
  for (const [name, values] of parameters)
    if (name.endsWith('lora_B.weight')) values.forEach((_, index) => (values[index] = 0.2 * (random() - 0.5)));
  return parameters;
}

function expectSame(found: StepResult, expected: StepResult, bound: number): void {
  expect(Math.abs(found.loss - expected.loss)).toBeLessThan(bound);
  expect(relativeError(found.embeddings, expected.embeddings)).toBeLessThan(bound);
  expect([...found.gradients.keys()]).toEqual([...expected.gradients.keys()]);
  const norm = Math.hypot(...[...expected.gradients.values()].map((values) => Math.hypot(...values)));
  for (const [name, values] of expected.gradients) {
    // BatchNorm takes this bias away again: its gradient is rounding alone.
    if (name === 'fusion_fc.0.bias') continue;
    const difference = Math.hypot(...values.map((value, index) => value - found.gradients.get(name)![index]!));
    expect(difference / Math.max(Math.hypot(...values), 1e-3 * norm), name).toBeLessThan(bound);
  }
}

describe('the gradients of a step are slopes of its loss', () => {
  it.each([
    ['LoRA, with dropout and the patch convolution', dual(PATCH_LORA, PATCH_LORA), 0.2],
    ['LoRA in the last block', dual({ ...LORA, lastBlocks: 1 }, { ...LORA, lastBlocks: 1 }), 0],
    ['all weights', dual({ kind: 'all' }, { kind: 'all' }), 0],
    ['one backbone frozen', dual({ kind: 'frozen' }, LORA), 0],
    ['a ResNet', resnetModel(), 0],
    ['no head', dual(LORA, { kind: 'all' }, null), 0],
    ['proxies of the classes', { ...dual(LORA, LORA), proxies: 3 }, 0],
    ['proxies without a head', { ...dual(LORA, LORA, null), proxies: 3 }, 0],
    ['one backbone without a head', { inputSize: SIZE, backbones: [backbone('single', DINOV2, LORA)], head: null }, 0],
  ] as const)('%s', async (_, model, dropout) => {
    const step = await open(model, { dropout, ...('proxies' in model ? { loss: SOFTMAX } : {}) });
    const parameters = await parametersFor(model);
    const { gradients } = await step.run(BATCH, parameters);
    const norm = Math.hypot(...[...gradients.values()].map((values) => Math.hypot(...values)));
    for (const [name, gradient] of gradients) {
      const values = parameters.get(name)!;
      // Along the gradient itself the slope is its length.
      const length = Math.hypot(...gradient);
      if (length < 1e-4 * norm) continue;
      // A short way where ReLU bends the loss.
      const scale = model.backbones.some(({ spec }) => spec.kind === 'resnet') ? 0.02 : 1;
      const reach = scale * Math.min(0.02 / length, 0.05 * Math.max(0.1, Math.hypot(...values)));
      const around: number[] = [];
      for (const distance of [-2, -1, 1, 2]) {
        const moved = values.map((value, index) => value + (distance * reach * gradient[index]!) / length);
        around.push((await step.run(BATCH, new Map(parameters).set(name, moved))).loss);
      }
      const [a, b, c, d] = around as [number, number, number, number];
      const slope = (a - 8 * b + 8 * c - d) / (12 * reach);
      expect(Math.abs(slope / length - 1), `${name}: ${String(slope)} and ${String(length)}`).toBeLessThan(0.02);
    }
  });
});

describe('a step gives the same', () => {
  const model = dual(LORA, { ...LORA, lastBlocks: 1 });

  it.each([
    ['in micro-batches', { microBatch: 4 }],
    ['when blocks are computed again', { recompute: true }],
    ['in micro-batches of one, computed again', { microBatch: 1, recompute: true }],
  ])('%s, with dropout', async (_, how) => {
    const parameters = await parametersFor(model);
    const expected = await (await open(model, { dropout: 0.3 })).run(BATCH, parameters);
    expectSame(await (await open(model, { dropout: 0.3, ...how })).run(BATCH, parameters), expected, 2e-5);
  });

  it('in micro-batches with proxies', async () => {
    const withProxies: TrainableModel = { ...model, proxies: 3 };
    const parameters = await parametersFor(withProxies);
    const expected = await (await open(withProxies, { loss: SOFTMAX })).run(BATCH, parameters);
    expect([...expected.gradients.keys()]).toContain('proxies.weight');
    expectSame(await (await open(withProxies, { loss: SOFTMAX, microBatch: 4 })).run(BATCH, parameters), expected, 2e-5);
  });

  it('from activations that were kept', async () => {
    const parameters = await parametersFor(model);
    const [whole, pieces] = [await open(model, { dropout: 0.3 }), await open(model, { dropout: 0.3, microBatch: 4 })];
    const expected = await whole.run(BATCH, parameters);
    const activations = await pieces.activations(pixels, COUNT);
    expect([...whole.activationLengths!]).toEqual([
      ['a', 5 * 64],
      ['bb', 7 * 64],
    ]);
    expectSame(await whole.run({ ...BATCH, pictures: { activations } }, parameters), expected, 2e-5);
    expectSame(await pieces.run({ ...BATCH, pictures: { activations } }, parameters), expected, 2e-5);
    const running = { mean: new Float32Array(8), variance: new Float32Array(8).fill(1) };
    const embedded = await whole.embed({ pixels }, COUNT, parameters, running);
    expect(relativeError(await pieces.embed({ activations }, COUNT, parameters, running), embedded)).toBeLessThan(2e-5);
  });

  it('bit for bit when it is run again, and something else with another seed', async () => {
    const parameters = await parametersFor(model);
    const step = await open(model, { dropout: 0.3 });
    const [first, again, other] = [
      await step.run(BATCH, parameters),
      await step.run(BATCH, parameters),
      await step.run({ ...BATCH, seed: 12 }, parameters),
    ];
    expect(again).toEqual(first);
    expect(other.loss).not.toBe(first.loss);
  });
});

it('gives with dropout on average what it gives without', async () => {
  // With a small B the update is linear enough for its mean to be that of the inputs that are kept.
  const model: TrainableModel = { inputSize: SIZE, backbones: [backbone('single', DINOV2, LORA)], head: null };
  const parameters = await parametersFor(model);
  const withB = (factor: number): typeof parameters =>
    new Map(
      [...parameters].map(([name, values]) => [name, name.endsWith('lora_B.weight') ? values.map((value) => factor * value) : values]),
    );
  const [dropping, whole] = [await open(model, { dropout: 0.5 }), await open(model)];
  const frozen = (await whole.run(BATCH, withB(0))).embeddings;
  const expected = (await whole.run(BATCH, withB(0.05))).embeddings.map((value, index) => value - frozen[index]!);
  const mean = new Float32Array(expected.length);
  const seeds = 100;
  for (let seed = 0; seed < seeds; seed++) {
    const { embeddings } = await dropping.run({ ...BATCH, seed }, withB(0.05));
    embeddings.forEach((value, index) => (mean[index]! += (value - frozen[index]!) / seeds));
  }
  const along = mean.reduce((sum, value, index) => sum + value * expected[index]!, 0);
  expect(along / expected.reduce((sum, value) => sum + value ** 2, 0)).toBeCloseTo(1, 1);
});

it('embeds like the inference graph of the same weights', async () => {
  const model: TrainableModel = { ...dual({ kind: 'frozen' }, LORA), head: null };
  const step = await open(model);
  const { model: graph } = await buildModelGraph({
    name: 'test',
    inputSize: SIZE,
    backbones: model.backbones,
    head: null,
    precision: 'fp32',
    quality: false,
  });
  // B starts at 0: what is trained is what it starts from.
  const found = await step.embed({ pixels }, COUNT, await initialParameters(model, 1), null);
  expect(relativeError(found, (await runGraph(encodeModel(graph), pixels, COUNT, SIZE))['embedding']!)).toBeLessThan(1e-5);
});

it('moves the moments of a ResNet towards those of its batches, and embeds with them like the inference graph', async () => {
  const model = resnetModel(null);
  const step = await open(model);
  const parameters = await initialParameters(model, 1);
  const { statistics, gradients } = await step.run(BATCH, parameters);
  const moments = [...parameters.keys()].filter((name) => /running_(mean|var)$/.test(name));
  expect([...statistics.keys()]).toEqual(moments);
  expect([...gradients.keys()]).toEqual([...parameters.keys()].filter((name) => !moments.includes(name)));
  const before = parameters.get('rn.bn1.running_mean')!.slice();
  const list = [...parameters].map(([name, values]) => ({ name, values, group: 'backbone' as const }));
  updateStatistics(list, statistics);
  parameters.get('rn.bn1.running_mean')!.forEach((value, channel) => {
    expect(value).toBeCloseTo(0.9 * before[channel]! + 0.1 * statistics.get('rn.bn1.running_mean')![channel]!, 5);
  });
  const trained = [...parameters].map(([name, values]) => ({ name: name.slice('rn.'.length), shape: [values.length], values }));
  const weights = (): BackboneReader => new BackboneReader(asTensors(trained), 'rn');
  const { model: graph } = await buildModelGraph({
    name: 'test',
    inputSize: SIZE,
    backbones: [{ name: 'rn', spec: RESNET, positions: 'plain', weights }],
    head: null,
    precision: 'fp32',
    quality: false,
  });
  const found = await step.embed({ pixels }, COUNT, parameters, null);
  expect(relativeError(found, (await runGraph(encodeModel(graph), pixels, COUNT, SIZE))['embedding']!)).toBeLessThan(1e-5);
});

it.each([
  ['no backbone', { ...dual(LORA, LORA), backbones: [] }, {}, 'backbones'],
  ['nothing to train', dual({ kind: 'frozen' }, { kind: 'frozen' }, null), {}, 'backbones'],
  ['a rank of 0', dual({ ...LORA, rank: 0 }, LORA), {}, 'rank'],
  ['all dropped', dual(LORA, LORA), { dropout: 1 }, 'dropout'],
  ['half a picture', dual(LORA, LORA), { microBatch: 0.5 }, 'microBatch'],
  ['pieces of a batch that BatchNorm has to see', resnetModel(), { microBatch: 2 }, 'microBatch'],
  ['a temperature of 0', dual(LORA, LORA), { loss: { kind: 'supervised-contrastive', temperature: 0 } }, 'temperature'],
  ['labels smoothed away', { ...dual(LORA, LORA), proxies: 3 }, { loss: { ...SOFTMAX, smoothing: 1 } }, 'smoothing'],
  ['a softmax without proxies', dual(LORA, LORA), { loss: SOFTMAX }, 'loss'],
  ['proxies for a loss of pairs', { ...dual(LORA, LORA), proxies: 3 }, {}, 'loss'],
] as const)('refuses %s by name', async (_, model, options, option) => {
  const refused = await open(model, options).catch((error: unknown) => error);
  expect(refused).toMatchObject({ name: 'UsageError', code: 'training-options' });
  expect(String(refused)).toContain(`this ${option}:`);
});
