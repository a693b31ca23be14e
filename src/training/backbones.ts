import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ModelError, UsageError } from '../common/errors.js';
import { describeSpec, nativeInputSize, officialRecipe, type VitSpec } from '../models/backbones/spec.js';
import type { TensorMap } from '../models/backbones/state-dict.js';
import { safetensorsChunks } from '../models/checkpoint/safetensors.js';
import { BackboneReader } from '../models/graph/weights.js';
import type { PositionRecipe } from '../models/positions.js';
import { describeModel } from '../models/registry.js';
import { openSource, type OpenedSource } from '../models/sources.js';
import { isBackboneSpec, parseBackboneSpec, randomTensors } from './backbone-spec.js';
import type { BackboneTraining, TrainableBackbone } from './model.js';

/** A backbone to be trained, with what is known of its origin. */
export interface OpenedBackbone {
  readonly name: string;
  readonly spec: VitSpec;
  readonly positions: PositionRecipe;
  readonly tensors: TensorMap;
  /** SHA-256 of the weights as a model keeps them, hex. */
  readonly sha256: string;
  readonly licence: string;
  /** File, or the specification of random weights. */
  readonly origin: string;
  /** False for random weights, which lie in no file yet. */
  readonly isFile: boolean;
}

export interface OpenBackbonesOptions {
  /** Folder of all data, for the backbones of an imported model. */
  readonly home: string;
  /** Imported model whose backbones are taken. */
  readonly model?: string;
  /** `[name=]FILE` or `[name=]vit:…`, in the order in which their features are joined. */
  readonly backbones: readonly string[];
  /** Side of the input, px; default: what the backbones were made for, 112 for random ones. */
  readonly inputSize?: number;
  readonly positions?: PositionRecipe;
  /** Licence of the weights; stands above what is known of the files. */
  readonly licence?: string;
  /** Of random weights. */
  readonly seed: number;
}

export interface OpenedBackbones {
  readonly inputSize: number;
  readonly backbones: readonly OpenedBackbone[];
  close(): Promise<void>;
}

const RANDOM_INPUT_SIZE = 112;

/** Opens backbones from files, from an imported model, or makes random ones. @throws UsageError, ModelError */
export async function openBackbones(options: OpenBackbonesOptions): Promise<OpenedBackbones> {
  const requests = await requestsOf(options);
  const opened: OpenedSource[] = [];
  const close = async (): Promise<void> => {
    for (const source of opened) await source.close();
  };
  try {
    const files = new Map<Request, VitSource>();
    for (const request of requests) {
      if (isBackboneSpec(request.what)) continue;
      const licence = options.licence ?? request.licence;
      const source = await openSource(
        { path: request.what, ...(request.name === undefined ? {} : { name: request.name }) },
        licence === undefined ? {} : { licence },
      );
      opened.push(source);
      files.set(request, onlyTransformer(source, request.what));
    }
    const sizes = [...files.values()].map(({ spec }) => nativeInputSize(spec));
    const inputSize = options.inputSize ?? sizes[0] ?? RANDOM_INPUT_SIZE;
    if (options.inputSize === undefined && sizes.some((size) => size !== inputSize)) {
      throw new UsageError('input-size', `The backbones were made for pictures of ${sizes.join(' and ')} px.`, {
        remedy: 'Choose one with --input-size.',
      });
    }
    const backbones: OpenedBackbone[] = [];
    for (const [place, request] of requests.entries()) {
      const found = files.get(request);
      const spec = found?.spec ?? parseBackboneSpec(request.what, inputSize);
      const tensors = found?.tensors ?? randomTensors(spec, options.seed + place);
      const wished = found?.name ?? request.name ?? spec.family;
      backbones.push({
        name: uniqueName(wished, backbones),
        spec,
        positions: options.positions ?? request.positions ?? officialRecipe(spec),
        tensors,
        sha256: await hashOf(tensors),
        licence: found?.licence ?? options.licence ?? 'as its trainer says',
        origin: found === undefined ? `${describeSpec(spec)}, random weights (${request.what})` : request.what,
        isFile: found !== undefined,
      });
    }
    return { inputSize, backbones, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The backbone as the training graphs take it. */
export function trainable(backbone: OpenedBackbone, training: BackboneTraining): TrainableBackbone {
  const { name, spec, positions, tensors, origin } = backbone;
  return { name, spec, positions, training, weights: () => new BackboneReader(tensors, origin) };
}

/** Takes `[name=]FILE` or `[name=]vit:…` apart. */
export function parseBackbone(text: string): { readonly name?: string; readonly what: string } {
  const named = /^(?<name>[\w-]+)=(?<what>.+)$/.exec(text)?.groups;
  return named?.['name'] === undefined ? { what: text } : { name: named['name'], what: named['what'] ?? '' };
}

interface Request {
  readonly name?: string | undefined;
  readonly what: string;
  readonly positions?: PositionRecipe | undefined;
  readonly licence?: string | undefined;
}

async function requestsOf({ model, backbones, home }: OpenBackbonesOptions): Promise<Request[]> {
  if ((model === undefined) === (backbones.length === 0)) {
    throw new UsageError('finetune-model', 'Name either a model or its backbones.', {
      remedy: 'Give --model NAME, or --backbone FILE once for each backbone.',
    });
  }
  if (model === undefined) {
    return backbones.map(parseBackbone);
  }
  if (model === 'descriptors') {
    throw new UsageError('finetune-model', 'The built-in model has nothing that can be trained.', {
      remedy: 'Give --backbone FILE, or --backbone vit:dim=128,depth=4,patch=16 with --train all.',
    });
  }
  const { folder, manifest } = await describeModel(model, { home });
  return manifest.backbones.map((backbone) => {
    const part = manifest.parts.find(({ name }) => name === backbone.part);
    return {
      name: backbone.name,
      what: join(folder, part?.file ?? ''),
      positions: backbone.positions ?? undefined,
      licence: part?.licence,
    };
  });
}

interface VitSource {
  readonly name: string;
  readonly spec: VitSpec;
  readonly tensors: TensorMap;
  readonly licence: string;
}

/** @throws ModelError `backbone-trainable` */
function onlyTransformer(source: OpenedSource, path: string): VitSource {
  const [backbone] = source.backbones;
  const fault =
    source.backbones.length !== 1 || source.head !== null
      ? 'it holds a whole model'
      : backbone?.kind !== 'weights' || backbone.spec.kind !== 'vit'
        ? 'only vision transformers are trained'
        : backbone.lora.length > 0
          ? 'it holds LoRA matrices of another training'
          : null;
  if (fault === null && backbone?.kind === 'weights' && backbone.spec.kind === 'vit') {
    return { name: backbone.name, spec: backbone.spec, tensors: backbone.tensors, licence: backbone.identified.licence };
  }
  throw new ModelError('backbone-trainable', `${path} cannot be trained here: ${fault ?? ''}.`, {
    remedy: 'Give checkpoints of single DINO or DINOv2 transformers.',
  });
}

function uniqueName(wished: string, taken: readonly OpenedBackbone[]): string {
  if (!taken.some(({ name }) => name === wished)) return wished;
  for (let number = 2; ; number++) if (!taken.some(({ name }) => name === `${wished}-${number}`)) return `${wished}-${number}`;
}

async function hashOf(tensors: TensorMap): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of safetensorsChunks([...tensors.values()])) hash.update(chunk);
  return hash.digest('hex');
}
