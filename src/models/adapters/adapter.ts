import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { messageOf, ModelError } from '../../common/errors.js';
import { unwrapStateDict, listNames, type TensorMap } from '../backbones/state-dict.js';
import { openCheckpoint } from '../checkpoint/open.js';
import type { CheckpointTensor, TensorFile } from '../checkpoint/tensor.js';
import { PUBLISHED_ALPHA, readPeftConfig, scaleOfConfig } from './config.js';
import { fusionTensors, isFusionName, type FusionTensors } from './fusion-tensors.js';
import { pairLora, parseLoraName, type LoraLayer, type LoraScale } from './lora.js';

/**
 * The trained parameters of a model, read from any of these:
 *
 * - a folder with one PEFT folder per backbone (`adapter_config.json`, `adapter_model.safetensors`), `fusion-head.safetensors`, and
 *   `adapter.json` that names the backbones in order and the base of each: what `finetune` writes;
 * - one PEFT folder, for a model of one backbone;
 * - one file of tensors named as in the published code: `model1.*.lora_A…`, `model2.*`, `fusion_fc.*`.
 */
export interface Adapter {
  readonly path: string;
  /** By position of the backbone. */
  readonly lora: ReadonlyMap<number, readonly LoraLayer[]>;
  readonly head: FusionTensors | null;
  /** What the adapter says of the backbones it was trained on, in order; empty when it says nothing. */
  readonly bases: readonly AdapterBase[];
  readonly notes: readonly string[];
  close(): Promise<void>;
}

export interface AdapterBase {
  readonly name: string;
  /** SHA-256 of the backbone's part, hex. */
  readonly sha256?: string | undefined;
}

const adapterSchema = z.object({
  format: z.literal('lumenmark-adapter'),
  version: z.literal(1),
  backbones: z.array(z.object({ name: z.string().min(1), sha256: z.string().length(64).optional() })).min(1),
});

export const ADAPTER_FILE = 'adapter.json';
export const PEFT_CONFIG_FILE = 'adapter_config.json';
export const PEFT_WEIGHTS_FILE = 'adapter_model.safetensors';
export const FUSION_HEAD_FILE = 'fusion-head.safetensors';

export interface OpenAdapterOptions {
  /** LoRA's alpha where no configuration stands beside the weights; default 16, the published code's. */
  readonly loraAlpha?: number;
}

/** @throws ModelError `adapter-missing`, `adapter-config`, `adapter-tensors`, `fusion-head` */
export async function openAdapter(path: string, options: OpenAdapterOptions = {}): Promise<Adapter> {
  const kind = await stat(path).catch((error: unknown) => {
    throw new ModelError('adapter-missing', `${path} cannot be opened: ${messageOf(error)}.`, {
      cause: error,
      remedy: 'Give an adapter folder or file.',
    });
  });
  if (!kind.isDirectory()) return readFileAdapter(path, options);
  if (await exists(join(path, ADAPTER_FILE))) return readFolderAdapter(path);
  if (await exists(join(path, PEFT_CONFIG_FILE))) return readFileAdapter(join(path, PEFT_WEIGHTS_FILE), options);
  throw new ModelError('adapter-missing', `${path} holds neither ${ADAPTER_FILE} nor ${PEFT_CONFIG_FILE}.`, {
    remedy: 'Give the folder that “lumenmark finetune” or PEFT wrote.',
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function readFolderAdapter(path: string): Promise<Adapter> {
  const bases = await readBases(join(path, ADAPTER_FILE));
  const files: TensorFile[] = [];
  const close = async (): Promise<void> => {
    for (const file of files) await file.close();
  };
  try {
    const lora = new Map<number, readonly LoraLayer[]>();
    for (const [index, base] of bases.entries()) {
      const folder = join(path, base.name);
      if (!(await exists(join(folder, PEFT_CONFIG_FILE)))) continue;
      const config = await readPeftConfig(join(folder, PEFT_CONFIG_FILE));
      const file = await openCheckpoint(join(folder, PEFT_WEIGHTS_FILE));
      files.push(file);
      const { tensors } = unwrapStateDict(file);
      refuseOthers(tensors, (name) => parseLoraName(name) !== null, file.path);
      lora.set(index, pairLora(tensors, scaleOfConfig(config), file.path));
    }
    let head: FusionTensors | null = null;
    if (await exists(join(path, FUSION_HEAD_FILE))) {
      const file = await openCheckpoint(join(path, FUSION_HEAD_FILE));
      files.push(file);
      head = fusionTensors(unwrapStateDict(file).tensors, file.path);
    }
    if (lora.size === 0 && head === null) {
      throw new ModelError('adapter-missing', `${path} holds neither LoRA matrices nor a fusion head.`, {
        remedy: 'Train or copy the adapter again.',
      });
    }
    return { path, lora, head, bases, notes: describe(lora, head), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function readBases(path: string): Promise<readonly AdapterBase[]> {
  try {
    return adapterSchema.parse(JSON.parse(await readFile(path, 'utf8'))).backbones;
  } catch (error) {
    throw new ModelError('adapter-config', `${path} is damaged: ${messageOf(error)}.`, {
      cause: error,
      remedy: 'Train or copy the adapter again.',
    });
  }
}

async function readFileAdapter(path: string, options: OpenAdapterOptions): Promise<Adapter> {
  const file = await openCheckpoint(path);
  try {
    const { tensors, notes } = unwrapStateDict(file);
    const configPath = join(dirname(path), PEFT_CONFIG_FILE);
    const hasConfig = basename(path) !== 'adapter.safetensors' && (await exists(configPath));
    const config = hasConfig ? await readPeftConfig(configPath) : null;
    const read = splitAdapter(tensors, config === null ? assumedScale(options) : scaleOfConfig(config), path);
    const assumed = config === null && read.lora.size > 0 ? [assumedNote(options)] : [];
    return { path, ...read, bases: [], notes: [...notes, ...describe(read.lora, read.head), ...assumed], close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

export function assumedScale({ loraAlpha = PUBLISHED_ALPHA }: OpenAdapterOptions): LoraScale {
  return (_module, rank) => loraAlpha / rank;
}

export function assumedNote({ loraAlpha }: OpenAdapterOptions): string {
  return loraAlpha === undefined
    ? `the file does not say LoRA's alpha; ${PUBLISHED_ALPHA} is assumed, as in the published code (--lora-alpha changes it)`
    : `LoRA's alpha is ${loraAlpha}, as given`;
}

/** Sorts tensors of `model1.*`, `model2.*` and `fusion_fc.*`; names without such a prefix belong to the first backbone. */
function splitAdapter(
  tensors: TensorMap,
  scaleOf: LoraScale,
  path: string,
): { lora: Map<number, LoraLayer[]>; head: FusionTensors | null } {
  const groups = new Map<number, Map<string, CheckpointTensor>>();
  const fusion = new Map<string, CheckpointTensor>();
  for (const [name, tensor] of tensors) {
    if (isFusionName(name)) {
      fusion.set(name, tensor);
      continue;
    }
    const numbered = /^(?:module\.)?model(\d+)\.(.+)$/.exec(name);
    const index = numbered === null ? 0 : Number(numbered[1]) - 1;
    const group = groups.get(index) ?? new Map<string, CheckpointTensor>();
    group.set(numbered?.[2] ?? name, tensor);
    groups.set(index, group);
  }
  const lora = new Map<number, LoraLayer[]>();
  for (const [index, group] of groups) {
    refuseOthers(group, (name) => parseLoraName(name) !== null, path);
    lora.set(index, pairLora(group, scaleOf, path));
  }
  return { lora, head: fusion.size === 0 ? null : fusionTensors(fusion, path) };
}

function refuseOthers(tensors: TensorMap, known: (name: string) => boolean, path: string): void {
  const others = [...tensors.keys()].filter((name) => !known(name));
  if (others.length === 0) return;
  throw new ModelError(
    'adapter-tensors',
    `${path} holds ${others.length} tensors that are no part of an adapter: ${listNames(others, 50)}.`,
    {
      remedy: 'A whole checkpoint is imported with --backbone; an adapter holds LoRA matrices and the fusion head alone.',
    },
  );
}

function describe(lora: ReadonlyMap<number, readonly LoraLayer[]>, head: FusionTensors | null): string[] {
  const notes = [...lora].map(([index, layers]) => {
    const ranks = [...new Set(layers.map((layer) => layer.a.shape[0] ?? 0))];
    return `LoRA of rank ${ranks.join(', ')} on ${layers.length} layers of backbone ${index + 1}`;
  });
  const shape = head?.get('fusion_fc.0.weight')?.shape;
  if (shape !== undefined) notes.push(`fusion head ${shape.toReversed().join(' → ')}`);
  return notes;
}
