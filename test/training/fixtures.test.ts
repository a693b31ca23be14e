import { readFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { z } from 'zod';
import type { ResolvedDevice } from '../../src/inference/device.js';
import { inferBackbone } from '../../src/models/backbones/backbone.js';
import { officialRecipe, type VitSpec } from '../../src/models/backbones/spec.js';
import { selectBackbone, unwrapStateDict } from '../../src/models/backbones/state-dict.js';
import { openCheckpoint } from '../../src/models/checkpoint/open.js';
import type { TensorFile } from '../../src/models/checkpoint/tensor.js';
import { BackboneReader } from '../../src/models/graph/weights.js';
import { createTrainingStep } from '../../src/training/create-step.js';
import type { TrainableBackbone, TrainableModel } from '../../src/training/model.js';
import { parametersOf } from '../../src/training/parameters.js';
import type { StepOptions } from '../../src/training/step.js';
import { relativeError } from '../support/run-graph.js';
import { describeWithShared, sharedPath } from '../support/shared.js';
import { clipNorm, plainAdamW } from './adamw.js';

const fixture = (...parts: string[]): string => sharedPath('fixtures', ...parts);
const CPU: ResolvedDevice = { name: 'cpu', reason: 'test', threads: 2, batchLimit: 1 };

describeWithShared('a training run, against PyTorch and PEFT', () => {
  const files: TensorFile[] = [];
  afterAll(async () => {
    for (const file of files) await file.close();
  });

  async function backbone(file: string, name: string): Promise<TrainableBackbone> {
    const opened = await openCheckpoint(fixture('backbones', file));
    files.push(opened);
    const { spec, tensors } = inferBackbone(selectBackbone(unwrapStateDict(opened).tensors, file).tensors, file);
    return {
      name,
      spec: spec as VitSpec,
      positions: officialRecipe(spec as VitSpec),
      weights: () => new BackboneReader(tensors, file),
      training: { kind: 'lora', rank: 8, alpha: 16, targets: ['qkv', 'proj', 'fc1', 'fc2'], lastBlocks: null },
    };
  }

  /** Tensors of a fixture under our names. */
  async function tensorsOf(file: string): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    const opened = await openCheckpoint(fixture('training', file));
    const found = new Map<string, Float32Array<ArrayBuffer>>();
    for (const [name, tensor] of unwrapStateDict(opened).tensors) found.set(name.replace('.default', ''), await tensor.read());
    await opened.close();
    return found;
  }

  const trajectory = z
    .object({
      labels: z.array(z.number()),
      embedding_train_mode_step0: z.array(z.array(z.number())),
      loss: z.array(z.number()),
      mined_semihard_triplets: z.array(z.number()),
      gradient_norm_before_clip: z.array(z.number()),
      lr: z.number(),
      weight_decay: z.number(),
      clip: z.number(),
      margin: z.number(),
      miner_margin: z.number(),
    })
    .parse(JSON.parse(hasFixture() ? readFileSync(fixture('training/trajectory.json'), 'utf8') : EMPTY));
  const pixels = hasFixture() ? new Uint8Array(readFileSync(fixture('inputs/pixels-224-rgb.bin'))) : new Uint8Array();

  it.each([
    ['in one piece', { microBatch: null, recompute: false }],
    ['in micro-batches, recomputed', { microBatch: 3, recompute: true }],
  ] as const)('%s', async (_, how) => {
    const model: TrainableModel = {
      inputSize: 224,
      backbones: [await backbone('dino-patch16.pth', 'model1'), await backbone('dinov2-reg4.pth', 'model2')],
      head: { outputs: 64 },
    };
    const options: StepOptions = {
      loss: { kind: 'triplet', margin: trajectory.margin, miner: 'semihard', minerMargin: trajectory.miner_margin },
      dropout: 0,
      device: CPU,
      ...how,
    };
    const initial = await tensorsOf('initial.safetensors');
    const parameters = new Map([...parametersOf(model).keys()].map((name) => [name, initial.get(name)!]));
    const [mean, variance] = [initial.get('fusion_fc.1.running_mean')!, initial.get('fusion_fc.1.running_var')!];
    const expectedGradients = await tensorsOf('gradients-step0.safetensors');
    const final = await tensorsOf('final.safetensors');
    const optimise = plainAdamW({ lr: trajectory.lr, weightDecay: trajectory.weight_decay });
    const step = await createTrainingStep(model, options);
    for (const [index, expectedLoss] of trajectory.loss.entries()) {
      const found = await step.run({ pictures: { pixels }, labels: trajectory.labels, seed: index }, parameters);
      expect(Math.abs(found.loss - expectedLoss)).toBeLessThan(1e-4);
      expect(found.minedTriplets).toBe(trajectory.mined_semihard_triplets[index]);
      if (index === 0) {
        expect([...found.gradients.keys()].sort()).toEqual([...expectedGradients.keys()].sort());
        for (const [name, gradient] of found.gradients) {
          const expected = expectedGradients.get(name)!;
          // A's is 0 as long as B is 0. So is that of the bias, which BatchNorm takes away again, but for rounding.
          const size = name === 'fusion_fc.0.bias' ? 0.1 : Math.max(lengthOf(expected), 1e-9);
          expect(distanceOf(gradient, expected) / size, name).toBeLessThan(1e-4);
        }
        expect(relativeError(found.embeddings, trajectory.embedding_train_mode_step0.flat())).toBeLessThan(1e-4);
      }
      const norm = clipNorm(found.gradients, trajectory.clip);
      expect(norm / trajectory.gradient_norm_before_clip[index]!).toBeCloseTo(1, 3);
      optimise(parameters, found.gradients);
      const statistics = found.batchStatistics!;
      for (let at = 0; at < mean.length; at++) {
        mean[at] = 0.9 * mean[at]! + 0.1 * statistics.mean[at]!;
        variance[at] = 0.9 * variance[at]! + (0.1 * statistics.variance[at]! * statistics.count) / (statistics.count - 1);
      }
    }
    for (const [name, values] of parameters) {
      if (name === 'fusion_fc.0.bias') continue;
      expect(relativeError(values, final.get(name)!), name).toBeLessThan(1e-3);
    }
    // AdamW divides the gradient by its own size, so that this bias walks by the learning rate in whatever direction rounding gives; BatchNorm
    // takes it away again, and the running mean goes with it.
    const farthest = 2 * trajectory.lr * trajectory.loss.length;
    const bias = parameters.get('fusion_fc.0.bias')!;
    expect(Math.max(...bias.map((value, at) => Math.abs(value - final.get('fusion_fc.0.bias')![at]!)))).toBeLessThan(farthest);
    expect(Math.max(...mean.map((value, at) => Math.abs(value - final.get('fusion_fc.1.running_mean')![at]!)))).toBeLessThan(farthest);
    expect(relativeError(variance, final.get('fusion_fc.1.running_var')!)).toBeLessThan(1e-3);
    await step.dispose();
  });
});

const lengthOf = (values: ArrayLike<number>): number => Math.hypot(...Array.from(values));
const distanceOf = (a: Float32Array, b: Float32Array): number => lengthOf(a.map((value, index) => value - b[index]!));

function hasFixture(): boolean {
  try {
    readFileSync(fixture('training/trajectory.json'));
    return true;
  } catch {
    return false;
  }
}

const EMPTY = JSON.stringify({
  labels: [],
  embedding_train_mode_step0: [],
  loss: [],
  mined_semihard_triplets: [],
  gradient_norm_before_clip: [],
  lr: 0,
  weight_decay: 0,
  clip: 0,
  margin: 0,
  miner_margin: 0,
});
