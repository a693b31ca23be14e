import { stat } from 'node:fs/promises';
import { ModelError } from '../common/errors.js';
import { openAdapter } from '../models/adapters/adapter.js';
import { unwrapStateDict } from '../models/backbones/state-dict.js';
import { openCheckpoint } from '../models/checkpoint/open.js';
import { sizeOf, shapeText, sameLengths, type CheckpointTensor } from '../models/checkpoint/tensor.js';
import type { TrainableModel } from './model.js';
import { FUSION_PREFIX, parametersOf, PROXIES } from './parameters.js';
import type { RunningStatistics } from './step.js';

export interface InitialValues {
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly running: RunningStatistics | null;
}

/** BatchNorm's running statistics before the first batch. */
export function freshRunning(model: TrainableModel): RunningStatistics | null {
  if (model.head === null) return null;
  return { mean: new Float32Array(model.head.outputs), variance: new Float32Array(model.head.outputs).fill(1) };
}

/**
 * Reads where training starts: an adapter in any of the forms that `models import --adapter` takes, or the adapter part of an imported model. It
 * must have every trained tensor but the proxies, in its shape; LoRA's scale must be the one of the run.
 *
 * @throws ModelError `adapter-init` with what is missing or does not fit.
 */
export async function readInit(path: string, model: TrainableModel): Promise<InitialValues> {
  const found = await namedTensors(path, model);
  try {
    return await readAll(path, model, found.tensors);
  } finally {
    await found.close();
  }
}

type Found = ReadonlyMap<string, CheckpointTensor>;

async function readAll(path: string, model: TrainableModel, found: Found): Promise<InitialValues> {
  const faults: string[] = [];
  const parameters = new Map<string, Float32Array>();
  for (const [name, { shape }] of parametersOf(model)) {
    const tensor = found.get(name);
    if (name === PROXIES) continue;
    if (tensor === undefined) faults.push(`${name} is missing`);
    else if (!sameLengths(tensor.shape, shape)) faults.push(`${name} is ${shapeText(tensor.shape)} instead of ${shapeText(shape)}`);
    else parameters.set(name, await tensor.read());
  }
  if (faults.length > 0) {
    const shown = faults.slice(0, 10).join('; ');
    throw new ModelError(
      'adapter-init',
      `${path} does not fit this model: ${shown}${faults.length > 10 ? `; and ${faults.length - 10} more` : ''}.`,
      {
        remedy: 'Train the same layers with the same rank (--lora-rank, --lora-targets, --fusion-dim), or leave --init out.',
      },
    );
  }
  const running = freshRunning(model);
  const [mean, variance] = [found.get(`${FUSION_PREFIX}.1.running_mean`), found.get(`${FUSION_PREFIX}.1.running_var`)];
  if (running !== null && mean !== undefined && variance !== undefined && sizeOf(mean.shape) === running.mean.length) {
    running.mean.set(await mean.read());
    running.variance.set(await variance.read());
  }
  return { parameters, running };
}

/** The tensors of the file under the names of the model's parameters. */
async function namedTensors(path: string, model: TrainableModel): Promise<{ readonly tensors: Found; close(): Promise<void> }> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (isFile) {
    const file = await openCheckpoint(path);
    const { tensors } = unwrapStateDict(file);
    const isOwn = model.backbones.some(({ name }) => [...tensors.keys()].some((key) => key.startsWith(`${name}.`)));
    if (isOwn) return { tensors, close: () => file.close() };
    await file.close();
  }
  const adapter = await openAdapter(path, loraAlpha(model));
  const named = new Map<string, CheckpointTensor>(adapter.head ?? []);
  for (const [index, layers] of adapter.lora) {
    const backbone = model.backbones[index];
    if (backbone?.training.kind !== 'lora') continue;
    const { alpha, rank } = backbone.training;
    for (const layer of layers) {
      if (layer.parts !== 1 || Math.abs(layer.scale - alpha / rank) > 1e-6) {
        await adapter.close();
        throw new ModelError('adapter-init', `${path}: ${layer.module} has the scale ${layer.scale}, this run ${alpha / rank}.`, {
          remedy: 'Give the rank and alpha that it was trained with (--lora-rank, --lora-alpha).',
        });
      }
      named.set(`${backbone.name}.${layer.module}.lora_A.weight`, layer.a);
      named.set(`${backbone.name}.${layer.module}.lora_B.weight`, layer.b);
    }
  }
  return { tensors: named, close: () => adapter.close() };
}

function loraAlpha(model: TrainableModel): { loraAlpha?: number } {
  const lora = model.backbones.find(({ training }) => training.kind === 'lora')?.training;
  return lora?.kind === 'lora' ? { loraAlpha: lora.alpha } : {};
}
