import { afterEach, describe, expect, it } from 'vitest';
import type { ResolvedDevice } from '../../src/inference/device.js';
import type { VitSpec } from '../../src/models/backbones/spec.js';
import { BackboneReader } from '../../src/models/graph/weights.js';
import { createTrainingStep } from '../../src/training/create-step.js';
import type { TrainableModel } from '../../src/training/model.js';
import { initialParameters } from '../../src/training/parameters.js';
import type { StepResult } from '../../src/training/step.js';
import { asTensors, randomWeights } from '../support/random-checkpoints.js';
import { relativeError } from '../support/run-graph.js';
import { SOFTWARE_VULKAN } from '../support/software-vulkan.js';

const SPEC: VitSpec = {
  kind: 'vit',
  family: 'dinov2',
  dimension: 64,
  depth: 1,
  heads: 1,
  patch: 16,
  grid: 2,
  registers: 1,
  layerScale: true,
  mlp: 'gelu',
  hidden: 64,
};
const weights = randomWeights(SPEC, 1).filter(({ name }) => name !== 'mask_token');
const MODEL: TrainableModel = {
  inputSize: 32,
  backbones: [
    {
      name: 'tiny',
      spec: SPEC,
      positions: 'plain',
      weights: () => new BackboneReader(asTensors(weights), 'tiny'),
      training: { kind: 'lora', rank: 8, alpha: 16, targets: ['qkv', 'proj', 'fc1', 'fc2'], lastBlocks: null },
    },
  ],
  head: { outputs: 8 },
};

describe.skipIf(SOFTWARE_VULKAN === undefined)('a training step on webgpu, on a software Vulkan', () => {
  const before = process.env['VK_DRIVER_FILES'];
  afterEach(() => {
    if (before === undefined) delete process.env['VK_DRIVER_FILES'];
    else process.env['VK_DRIVER_FILES'] = before;
  });

  it('is that of the CPU, dropout included', async () => {
    process.env['VK_DRIVER_FILES'] = SOFTWARE_VULKAN;
    const parameters = await initialParameters(MODEL, 1);
    for (const [name, values] of parameters)
      if (name.endsWith('lora_B.weight')) values.forEach((_, index) => (values[index] = 0.1 * Math.sin(index)));
    const pixels = Uint8Array.from({ length: 4 * 32 * 32 * 3 }, (_, index) => (index * 31) % 251);
    const results: StepResult[] = [];
    for (const name of ['cpu', 'webgpu'] as const) {
      const device: ResolvedDevice = { name, reason: 'test', threads: 1, batchLimit: 1 };
      const step = await createTrainingStep(MODEL, {
        loss: { kind: 'triplet', margin: 0.6, miner: 'semihard', minerMargin: 0.3 },
        dropout: 0.2,
        microBatch: null,
        recompute: false,
        device,
      });
      results.push(await step.run({ pictures: { pixels }, labels: [0, 0, 1, 1], seed: 5 }, parameters));
      await step.dispose();
    }
    const [cpu, webgpu] = results as [StepResult, StepResult];
    expect(webgpu.loss).toBeCloseTo(cpu.loss, 5);
    expect(webgpu.minedTriplets).toBe(cpu.minedTriplets);
    expect(relativeError(webgpu.embeddings, cpu.embeddings)).toBeLessThan(1e-4);
    for (const [name, values] of cpu.gradients) {
      // Rounding alone: BatchNorm takes this bias away again.
      if (name !== 'fusion_fc.0.bias') expect(relativeError(webgpu.gradients.get(name)!, values), name).toBeLessThan(1e-4);
    }
  }, 240_000);
});
