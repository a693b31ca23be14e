import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readModel } from '../onnx/file.js';
import type { OnnxModel } from '../onnx/graph.js';
import { UsageError } from '../common/errors.js';
import type { LoraLayer } from './adapters/lora.js';
import type { FusionTensors } from './adapters/fusion-tensors.js';
import { isPublishedLayout, readPublished } from './adapters/published.js';
import { inferBackbone } from './backbones/backbone.js';
import { describeSpec, type BackboneSpec } from './backbones/spec.js';
import { selectBackbone, unwrapStateDict, type TensorMap } from './backbones/state-dict.js';
import { fileKind, openCheckpoint } from './checkpoint/open.js';
import { inspectOnnx } from './graph/onnx-backbone.js';
import { GASTRONET_LICENCE, identifyCheckpoint, type Identified } from './known-files.js';
import type { OnnxSpec } from './manifest.js';

/** A file as it was found. */
export interface SourceFile {
  readonly path: string;
  readonly file: string;
  readonly sha256: string;
  readonly byteLength: number;
}

/** One backbone found in a file. */
export type BackboneSource = {
  readonly name: string;
  readonly source: SourceFile;
  readonly identified: Identified;
  readonly notes: readonly string[];
} & (
  | { readonly kind: 'weights'; readonly spec: BackboneSpec; readonly tensors: TensorMap; readonly lora: readonly LoraLayer[] }
  | { readonly kind: 'onnx'; readonly spec: OnnxSpec; readonly model: OnnxModel; readonly inputSize: number | null }
);

/** What one `--backbone` file holds: a backbone, or a whole trained model with its head. */
export interface OpenedSource {
  readonly backbones: readonly BackboneSource[];
  readonly head: FusionTensors | null;
  readonly notes: readonly string[];
  close(): Promise<void>;
}

export interface SourceRequest {
  readonly path: string;
  /** Name of the backbone; told from the file where it is left out. */
  readonly name?: string;
}

export interface OpenSourceOptions {
  readonly loraAlpha?: number;
  /** Stands above what is known of the file. */
  readonly licence?: string;
  readonly signal?: AbortSignal;
}

/** SHA-256 and size of a file, read as a stream. */
export async function describeFile(path: string, signal?: AbortSignal): Promise<SourceFile> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash, signal === undefined ? {} : { signal });
  return { path, file: basename(path), sha256: hash.digest('hex'), byteLength: (await stat(path)).size };
}

/**
 * Opens a file of weights and finds the backbone or backbones in it. The tensors are read later: keep the source open until then.
 *
 * @throws ModelError for everything that is wrong with the file.
 */
export async function openSource(request: SourceRequest, options: OpenSourceOptions): Promise<OpenedSource> {
  const kind = await fileKind(request.path);
  if (kind === 'onnx') return openOnnxSource(request, options);
  const file = await openCheckpoint(request.path);
  try {
    const source = await describeFile(request.path, options.signal);
    const identified = identifyCheckpoint(source.file, source.sha256, options.licence);
    const { tensors, notes } = unwrapStateDict(file);
    const close = (): Promise<void> => file.close();
    if (isPublishedLayout(tensors)) {
      if (request.name !== undefined) {
        throw new UsageError('backbone-name', `${request.path} holds a whole model; its backbones are named gastronet and dinov2.`, {
          remedy: 'Leave the name before “=” out.',
        });
      }
      const published = readPublished(tensors, request.path, options.loraAlpha === undefined ? {} : { loraAlpha: options.loraAlpha });
      const backbones = published.backbones.map((backbone): BackboneSource => ({
        kind: 'weights',
        ...backbone,
        source,
        identified:
          backbone.name === 'gastronet' && identified.evidence === 'none'
            ? { known: null, licence: GASTRONET_LICENCE, evidence: 'layout' }
            : identified,
      }));
      return { backbones, head: published.head, notes: [...notes, ...published.notes], close };
    }
    const selected = selectBackbone(tensors, request.path);
    const inferred = inferBackbone(selected.tensors, request.path);
    const backbone: BackboneSource = {
      kind: 'weights',
      name: request.name ?? defaultName(inferred.spec, identified),
      spec: inferred.spec,
      tensors: inferred.tensors,
      lora: [],
      source,
      identified,
      notes: [...notes, ...selected.notes, ...inferred.notes],
    };
    return { backbones: [backbone], head: null, notes: [], close };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openOnnxSource(request: SourceRequest, options: OpenSourceOptions): Promise<OpenedSource> {
  const source = await describeFile(request.path, options.signal);
  const model = await readModel(request.path);
  const { spec, inputSize, notes } = inspectOnnx(model, request.path);
  const backbone: BackboneSource = {
    kind: 'onnx',
    name: request.name ?? 'onnx',
    spec,
    model,
    inputSize,
    source,
    identified: identifyCheckpoint(source.file, source.sha256, options.licence),
    notes,
  };
  return { backbones: [backbone], head: null, notes: [], close: () => Promise.resolve() };
}

function defaultName(spec: BackboneSpec, { known, licence }: Identified): string {
  if (known !== null) return known.backbone;
  return /gastronet/i.test(licence) ? 'gastronet' : spec.family;
}

/** For people. */
export function architectureOf(backbone: BackboneSource): string {
  return backbone.kind === 'onnx' ? `ONNX graph (${backbone.spec.dimension} features)` : describeSpec(backbone.spec);
}
