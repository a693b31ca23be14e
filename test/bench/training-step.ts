/**
 * What one training step of the real-size pair costs against its own inference pass, with random weights, in one run: time, and the peak of the
 * process's memory.
 *
 *   npm run bench -- training-step [--batch 8] [--micro-batch 8] [--recompute] [--dropout 0.05] [--cached] [--last-blocks K]
 *                                  [--tiny] [--device cpu] [--threads 2] [--runs 3] [--peak-tflops T] [--compare-with-cpu] [--json]
 */
import { availableParallelism } from 'node:os';
import { readFileSync } from 'node:fs';
import { GraphRunner } from '../../src/inference/graph-runner.js';
import type { ResolvedDevice } from '../../src/inference/device.js';
import { officialRecipe, type VitSpec } from '../../src/models/backbones/spec.js';
import { buildModelGraph } from '../../src/models/graph/model-graph.js';
import { BackboneReader } from '../../src/models/graph/weights.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { createTrainingStep } from '../../src/training/create-step.js';
import { isTrainedTransformer, type TrainableModel } from '../../src/training/model.js';
import type { Parameters, StepBatch, StepOptions, StepResult } from '../../src/training/step.js';
import { initialParameters } from '../../src/training/parameters.js';
import { asTensors, DINOV2_VITS14_REG, GASTRONET_VITS16, randomWeights } from '../support/random-checkpoints.js';
import { median } from './support/distribution.js';
import { stepOperations } from './support/operations.js';

/** Median wall-clock time, and mean time of all cores: the latter says more on a machine that has other work. */
interface Timed {
  readonly ms: number;
  readonly cpuMs: number;
}

const TINY: Partial<VitSpec> = { dimension: 128, heads: 2, hidden: 512, depth: 3 };

export default async function bench(args: readonly string[]): Promise<void> {
  const value = (flag: string, fallback: string): string => (args.includes(flag) ? args[args.indexOf(flag) + 1]! : fallback);
  const batch = Number(value('--batch', '8'));
  const microBatch = Number(value('--micro-batch', String(batch)));
  const runs = Number(value('--runs', '3'));
  const lastBlocks = args.includes('--last-blocks') ? Number(value('--last-blocks', '12')) : null;
  const device: ResolvedDevice = {
    name: value('--device', 'cpu') as ResolvedDevice['name'],
    reason: 'as asked',
    threads: Number(value('--threads', String(availableParallelism()))),
    batchLimit: 1,
  };
  const specs: [string, VitSpec][] = [
    ['gastronet', GASTRONET_VITS16],
    ['dinov2', DINOV2_VITS14_REG],
  ];
  const model: TrainableModel = {
    inputSize: 224,
    backbones: specs.map(([name, full], index) => {
      const spec = args.includes('--tiny') ? { ...full, ...TINY } : full;
      const weights = randomWeights(spec, index + 1).filter((entry) => entry.name !== 'mask_token');
      return {
        name,
        spec,
        positions: officialRecipe(spec),
        weights: () => new BackboneReader(asTensors(weights), 'random'),
        training: { kind: 'lora', rank: 8, alpha: 16, targets: ['qkv', 'proj', 'fc1', 'fc2'], lastBlocks },
      };
    }),
    head: { outputs: 512 },
  };
  const pixels = Uint8Array.from({ length: batch * 224 * 224 * 3 }, (_, index) => (index * 31) % 251);
  const timed = async (run: () => Promise<unknown>): Promise<Timed> => {
    await run();
    const times: number[] = [];
    const cpu = process.cpuUsage();
    for (let index = 0; index < runs; index++) {
      const startedMs = performance.now();
      await run();
      times.push(performance.now() - startedMs);
    }
    const { user, system } = process.cpuUsage(cpu);
    return { ms: median(times), cpuMs: (user + system) / 1000 / runs };
  };

  const labels = Array.from({ length: batch }, (_, index) => index >> 1);
  const parameters = await initialParameters(model, 1);
  const options: StepOptions = {
    loss: { kind: 'triplet', margin: 0.6, miner: 'semihard', minerMargin: 0.3 },
    dropout: Number(value('--dropout', '0.05')),
    microBatch: microBatch < batch ? microBatch : null,
    recompute: args.includes('--recompute'),
    device,
  };
  const agreement = args.includes('--compare-with-cpu')
    ? await compareWithCpu(model, options, { pictures: { pixels }, labels, seed: 1 }, parameters)
    : null;
  const inference = await timeInference(model, device, pixels, batch, timed);
  const beforeMb = peakMb();
  const step = await createTrainingStep(model, options);
  const pictures = args.includes('--cached') ? { activations: await step.activations(pixels, batch) } : { pixels };
  const { ms: stepMs, cpuMs } = await timed(() => step.run({ pictures, labels, seed: 1 }, parameters));
  await step.dispose();
  const operations = model.backbones
    .filter(isTrainedTransformer)
    .reduce((sum, { spec }) => sum + stepOperations(spec, model.inputSize, 8), 0);
  const peak = args.includes('--peak-tflops') ? Number(value('--peak-tflops', '')) * 1e12 : null;
  const result = {
    device: device.name,
    batch,
    microBatch,
    stepMs,
    stepMsPerPicture: stepMs / batch,
    inferenceMsPerPicture: inference,
    stepCpuMsPerPicture: cpuMs / batch,
    ratioToBatch: stepMs / batch / inference.batch.ms,
    ratioToSingle: stepMs / batch / inference.single.ms,
    cpuRatioToBatch: cpuMs / batch / inference.batch.cpuMs,
    cpuRatioToSingle: cpuMs / batch / inference.single.cpuMs,
    stepsPerSecond: 1000 / stepMs,
    operationsPerPicture: operations,
    shareOfPeak: peak === null ? null : (operations * batch * 1000) / stepMs / peak,
    agreement,
    peakMb: peakMb(),
    peakBeforeMb: beforeMb,
  };
  if (args.includes('--json')) {
    console.log(JSON.stringify(result));
    return;
  }
  console.log(`${device.name}, batch ${String(batch)} in pieces of ${String(microBatch)}, median of ${String(runs)} runs`);
  const line = (name: string, ms: number, cpu: number): void => {
    console.log(`${name.padEnd(24)} ${ms.toFixed(1).padStart(8)} ms per picture, ${cpu.toFixed(1).padStart(8)} ms of all cores`);
  };
  line('inference in a batch', inference.batch.ms, inference.batch.cpuMs);
  line('inference one by one', inference.single.ms, inference.single.cpuMs);
  line('training step', stepMs / batch, cpuMs / batch);
  console.log(`ratio to inference in a batch ${result.ratioToBatch.toFixed(2)} (of all cores ${result.cpuRatioToBatch.toFixed(2)})`);
  console.log(`ratio to inference one by one ${result.ratioToSingle.toFixed(2)} (of all cores ${result.cpuRatioToSingle.toFixed(2)})`);
  console.log(`${result.stepsPerSecond.toFixed(2)} steps/s`);
  if (result.shareOfPeak !== null)
    console.log(`share of peak ${(100 * result.shareOfPeak).toFixed(1)} % (${(operations / 1e9).toFixed(1)} Gop per picture)`);
  if (agreement !== null)
    console.log(
      `against the CPU: loss differs by ${agreement.loss.toExponential(1)}, all gradients by ${agreement.gradients.toExponential(1)} (relative L2)`,
    );
  console.log(`peak memory  ${(result.peakMb / 1024).toFixed(2)} GiB (before training ${(beforeMb / 1024).toFixed(2)})`);
}

/** Milliseconds per picture of the inference graph of the same pair, without quality measures, in a batch and one by one. */
async function timeInference(
  model: TrainableModel,
  device: ResolvedDevice,
  pixels: Uint8Array<ArrayBuffer>,
  batch: number,
  timed: (run: () => Promise<unknown>) => Promise<Timed>,
): Promise<{ batch: Timed; single: Timed }> {
  const { model: graph } = await buildModelGraph({
    name: 'inference',
    inputSize: model.inputSize,
    backbones: model.backbones,
    head: null,
    precision: 'fp32',
    quality: false,
  });
  const runner = new GraphRunner('inference', device);
  await runner.load('inference', encodeModel(graph));
  const size = pixels.length / batch;
  const run = (from: number, to: number): Promise<unknown> =>
    runner.run('inference', { pixels: { data: pixels.slice(from * size, to * size), shape: [to - from, 224, 224, 3] } });
  const whole = await timed(() => run(0, batch));
  const single = await timed(async () => {
    for (let index = 0; index < batch; index++) await run(index, index + 1);
  });
  await runner.dispose();
  const each = ({ ms, cpuMs }: Timed): Timed => ({ ms: ms / batch, cpuMs: cpuMs / batch });
  return { batch: each(whole), single: each(single) };
}

/** How far loss and gradients of one step stand from those of the CPU. */
async function compareWithCpu(
  model: TrainableModel,
  options: StepOptions,
  batch: StepBatch,
  initial: Parameters,
): Promise<{ loss: number; gradients: number }> {
  // B other than 0, so that every parameter has a gradient.
  const parameters = new Map(
    [...initial].map(([name, values]) => [
      name,
      name.endsWith('lora_B.weight') ? values.map((_, index) => 0.01 * Math.sin(index)) : values,
    ]),
  );
  const results: StepResult[] = [];
  for (const device of [options.device, { ...options.device, name: 'cpu' as const }]) {
    const step = await createTrainingStep(model, { ...options, device });
    results.push(await step.run(batch, parameters));
    await step.dispose();
  }
  const [found, expected] = results as [StepResult, StepResult];
  let [difference, size] = [0, 0];
  for (const [name, values] of expected.gradients) {
    const other = found.gradients.get(name)!;
    values.forEach((value, index) => {
      difference += (value - other[index]!) ** 2;
      size += value ** 2;
    });
  }
  return { loss: Math.abs(found.loss - expected.loss), gradients: Math.sqrt(difference / size) };
}

/** Peak of the resident memory so far, MiB. */
function peakMb(): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}
