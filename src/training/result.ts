import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ADAPTER_FILE, FUSION_HEAD_FILE, PEFT_CONFIG_FILE, PEFT_WEIGHTS_FILE } from '../models/adapters/adapter.js';
import { expectedTensors } from '../models/backbones/spec.js';
import { safetensorsChunks, type WritableTensor } from '../models/checkpoint/safetensors.js';
import { diskFull, writeChunks } from '../models/files.js';
import type { OpenedBackbone } from './backbones.js';
import { isTrainedTransformer, type LoraTarget, type LoraTraining, type TrainableModel } from './model.js';
import { FUSION_PREFIX, parametersOf } from './parameters.js';
import type { Parameters, RunningStatistics } from './step.js';

/** Where the parts of a result lie. */
export interface WrittenResult {
  readonly folder: string;
  /** Files of the backbones, as `models import --backbone` takes them, in order. */
  readonly backbones: readonly { readonly name: string; readonly path: string }[];
}

/** Folder of the weights that lie in no file of the user's: random ones, and those that were trained as a whole. */
const BACKBONES_FOLDER = 'backbones';

/**
 * Writes what was trained: a PEFT folder for each backbone with LoRA, a file for each backbone that was trained as a whole or started from random
 * weights, the fusion head, and `adapter.json`, which comes last: without it there is no adapter.
 *
 * @throws ModelError `disk-full`
 */
export async function writeResult(
  folder: string,
  model: TrainableModel,
  opened: readonly OpenedBackbone[],
  parameters: Parameters,
  running: RunningStatistics | null,
): Promise<WrittenResult> {
  const specs = parametersOf(model);
  const tensor = (parameter: string, name: string): WritableTensor => ({
    name,
    shape: specs.get(parameter)?.shape ?? [],
    read: () => Promise.resolve(new Float32Array(parameters.get(parameter) ?? [])),
  });
  try {
    await rm(join(folder, ADAPTER_FILE), { force: true });
    const bases: { name: string; sha256: string }[] = [];
    const files: { name: string; path: string }[] = [];
    for (const [index, backbone] of model.backbones.entries()) {
      const { name, spec } = backbone;
      const source = opened[index];
      if (source === undefined) throw new TypeError(`No source of ${name}`);
      let { sha256 } = source;
      let file = source.origin;
      const trainsAll = backbone.training.kind === 'all';
      if (spec.kind !== 'onnx' && (trainsAll || !source.isFile)) {
        const weights = [...expectedTensors(spec).keys()].map((key): WritableTensor => {
          const base = source.tensors.get(key);
          if (trainsAll || base === undefined) return tensor(`${name}.${key}`, key);
          return { name: key, shape: base.shape, read: () => base.read() };
        });
        file = join(folder, BACKBONES_FOLDER, `${name}.safetensors`);
        ({ sha256 } = await putTensors(file, weights));
      }
      if (isTrainedTransformer(backbone) && backbone.training.kind === 'lora') {
        const names = [...specs.keys()].filter((key) => key.startsWith(`${name}.`));
        await putTensors(
          join(folder, name, PEFT_WEIGHTS_FILE),
          names.map((key) => tensor(key, `base_model.model.${key.slice(name.length + 1)}`)),
        );
        await putText(join(folder, name, PEFT_CONFIG_FILE), json(peftConfig(backbone.training, backbone.spec.depth, source.origin)));
      }
      bases.push({ name, sha256 });
      files.push({ name, path: file });
    }
    if (model.head !== null && running !== null) {
      const { outputs } = model.head;
      const statistic = (name: string, values: Float32Array): WritableTensor => ({
        name: `${FUSION_PREFIX}.1.${name}`,
        shape: [outputs],
        read: () => Promise.resolve(new Float32Array(values)),
      });
      await putTensors(join(folder, FUSION_HEAD_FILE), [
        ...[...specs.keys()].filter((key) => key.startsWith(`${FUSION_PREFIX}.`)).map((key) => tensor(key, key)),
        statistic('running_mean', running.mean),
        statistic('running_var', running.variance),
      ]);
    }
    await putText(join(folder, ADAPTER_FILE), json({ format: 'lumenmark-adapter', version: 1, backbones: bases }));
    return { folder, backbones: files };
  } catch (error) {
    throw diskFull(error, folder) ?? error;
  }
}

const PEFT_MODULES: Readonly<Record<LoraTarget, string>> = {
  qkv: 'attn.qkv',
  proj: 'attn.proj',
  fc1: 'mlp.fc1',
  fc2: 'mlp.fc2',
  patch: 'patch_embed.proj',
};

/** `adapter_config.json` as PEFT writes it for the same layers. */
function peftConfig({ rank, alpha, targets, lastBlocks }: LoraTraining, depth: number, origin: string): object {
  const layers =
    lastBlocks === null
      ? null
      : Array.from({ length: Math.min(depth, lastBlocks) }, (_, index) => depth - Math.min(depth, lastBlocks) + index);
  return {
    peft_type: 'LORA',
    base_model_name_or_path: origin,
    task_type: null,
    inference_mode: true,
    r: rank,
    lora_alpha: alpha,
    target_modules: targets.map((target) => PEFT_MODULES[target]),
    layers_to_transform: layers,
    layers_pattern: layers === null ? null : 'blocks',
    bias: 'none',
    fan_in_fan_out: false,
  };
}

async function putTensors(path: string, tensors: readonly WritableTensor[]): Promise<{ readonly sha256: string }> {
  const partial = await partialOf(path);
  const written = await writeChunks(partial, safetensorsChunks(tensors));
  await rename(partial, path);
  return written;
}

export async function putText(path: string, text: string): Promise<void> {
  const partial = await partialOf(path);
  await writeFile(partial, text, { flush: true });
  await rename(partial, path);
}

async function partialOf(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.partial`;
  await rm(partial, { force: true });
  return partial;
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
