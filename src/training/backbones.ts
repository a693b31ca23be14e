import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ModelError, UsageError } from '../common/errors.js';
import { describeSpec, officialRecipe, type BackboneSpec } from '../models/backbones/spec.js';
import type { TensorMap } from '../models/backbones/state-dict.js';
import { safetensorsChunks } from '../models/checkpoint/safetensors.js';
import { encodeModelChunks } from '../onnx/encode.js';
import type { GraphBackbone } from '../models/graph/model-graph.js';
import { BackboneReader } from '../models/graph/weights.js';
import { commonInputSize } from '../models/import/plan.js';
import type { PositionRecipe } from '../models/positions.js';
import { describeModel } from '../models/registry.js';
import { architectureOf, openSource, type BackboneSource, type OpenedSource } from '../models/sources.js';
import { isBackboneSpec, parseBackboneSpec, randomTensors } from './backbone-spec.js';
import type { BackboneTraining, TrainableBackbone } from './model.js';

/** A backbone to be trained, or to train a head on, with what is known of its origin. */
export interface OpenedBackbone {
  readonly name: string;
  /** As graphs take it. */
  readonly graph: GraphBackbone;
  /** For people. */
  readonly architecture: string;
  /** Empty for an ONNX graph. */
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
  /** Side of the input, px; default: what the model or the backbones were made for, 112 for random ones. */
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
  const { requests, madeFor } = await requestsOf(options);
  const asked = options.inputSize ?? madeFor;
  const opened: OpenedSource[] = [];
  const close = async (): Promise<void> => {
    for (const source of opened) await source.close();
  };
  try {
    const files = new Map<Request, BackboneSource>();
    for (const request of requests) {
      if (isBackboneSpec(request.what)) continue;
      const licence = options.licence ?? request.licence;
      const source = await openSource(
        { path: request.what, ...(request.name === undefined ? {} : { name: request.name }) },
        licence === undefined ? {} : { licence },
      );
      opened.push(source);
      files.set(request, bareBackbone(source, request.what));
    }
    const found = [...files.values()];
    const inputSize =
      found.length === 0
        ? (options.inputSize ?? RANDOM_INPUT_SIZE)
        : commonInputSize(
            found,
            found.map(({ name }) => name),
            asked,
          );
    const backbones: OpenedBackbone[] = [];
    for (const [place, request] of requests.entries()) {
      const source = files.get(request);
      const name = (wished: string): string => uniqueName(wished, backbones);
      const positions = options.positions ?? request.positions ?? null;
      if (source !== undefined) backbones.push(await fromFile(name(source.name), source, positions, request.what));
      else {
        const spec = parseBackboneSpec(request.what, inputSize);
        const tensors = randomTensors(spec, options.seed + place);
        const origin = `${describeSpec(spec)}, random weights (${request.what})`;
        backbones.push({
          ...(await fromTensors(name(request.name ?? spec.family), spec, tensors, positions, origin)),
          licence: options.licence ?? 'as its trainer says',
          isFile: false,
        });
      }
    }
    return { inputSize, backbones, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The backbone as the training graphs take it: transformers, and as a whole ResNets without max pool; all others are taken as they are. */
export function trainable({ graph }: OpenedBackbone, training: BackboneTraining): TrainableBackbone {
  if (training.kind !== 'frozen' && 'weights' in graph && graph.spec.kind === 'vit') return { ...graph, spec: graph.spec, training };
  if (training.kind === 'all' && 'weights' in graph && graph.spec.kind === 'resnet' && !graph.spec.stemPool)
    return { ...graph, spec: graph.spec, training };
  return { ...graph, training: { kind: 'frozen' } };
}

async function fromFile(name: string, source: BackboneSource, positions: PositionRecipe | null, path: string): Promise<OpenedBackbone> {
  const { licence } = source.identified;
  if (source.kind === 'weights')
    return { ...(await fromTensors(name, source.spec, source.tensors, positions, path)), licence, isFile: true };
  const { spec, model } = source;
  return {
    name,
    graph: { name, spec, model },
    architecture: architectureOf(source),
    tensors: new Map(),
    sha256: await hashOf(encodeModelChunks(model)),
    licence,
    origin: path,
    isFile: true,
  };
}

async function fromTensors(
  name: string,
  spec: BackboneSpec,
  tensors: TensorMap,
  positions: PositionRecipe | null,
  origin: string,
): Promise<Omit<OpenedBackbone, 'licence' | 'isFile'>> {
  const recipe = positions ?? (spec.kind === 'vit' ? officialRecipe(spec) : 'plain');
  return {
    name,
    graph: { name, spec, positions: recipe, weights: () => new BackboneReader(tensors, origin) },
    architecture: describeSpec(spec),
    tensors,
    sha256: await hashOf(safetensorsChunks([...tensors.values()])),
    origin,
  };
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

interface Requests {
  readonly requests: readonly Request[];
  /** Side of the input of the model that they are of, px. */
  readonly madeFor?: number;
}

async function requestsOf({ model, backbones, home }: OpenBackbonesOptions): Promise<Requests> {
  if ((model === undefined) === (backbones.length === 0)) {
    throw new UsageError('finetune-model', 'Name either a model or its backbones.', {
      remedy: 'Give --model NAME, or --backbone FILE once for each backbone.',
    });
  }
  if (model === undefined) {
    return { requests: backbones.map(parseBackbone) };
  }
  if (model === 'descriptors') {
    throw new UsageError('finetune-model', 'The built-in model has nothing that can be trained.', {
      remedy: 'Give --backbone FILE, or --backbone resnet:widths=24-48-96-160 with --tune all.',
    });
  }
  const { folder, manifest } = await describeModel(model, { home });
  const requests = manifest.backbones.map((backbone) => {
    const part = manifest.parts.find(({ name }) => name === backbone.part);
    return {
      name: backbone.name,
      what: join(folder, part?.file ?? ''),
      positions: backbone.positions ?? undefined,
      licence: part?.licence,
    };
  });
  return { requests, madeFor: manifest.preprocessing.width };
}

/** @throws ModelError `backbone-trainable` */
function bareBackbone(source: OpenedSource, path: string): BackboneSource {
  const [backbone] = source.backbones;
  const isWhole = source.backbones.length !== 1 || source.head !== null;
  const isAdapted = backbone?.kind === 'weights' && backbone.lora.length > 0;
  if (backbone !== undefined && !isWhole && !isAdapted) return backbone;
  const fault = isWhole ? 'it holds a whole model' : 'it holds LoRA matrices of another training';
  throw new ModelError('backbone-trainable', `${path} cannot be trained here: ${fault}.`, {
    remedy: 'Give checkpoints of single backbones.',
  });
}

function uniqueName(wished: string, taken: readonly OpenedBackbone[]): string {
  if (!taken.some(({ name }) => name === wished)) return wished;
  for (let number = 2; ; number++) if (!taken.some(({ name }) => name === `${wished}-${number}`)) return `${wished}-${number}`;
}

/** As an import hashes the part that it keeps. */
async function hashOf(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}
