import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError, UsageError } from '../common/errors.js';
import { version } from '../common/version.js';
import { encodeModelChunks } from '../onnx/encode.js';
import { writeModel } from '../onnx/file.js';
import type { OnnxModel } from '../onnx/graph.js';
import { openAdapter, type Adapter } from './adapters/adapter.js';
import { loadFusionHead, type FusionTensors } from './adapters/fusion-tensors.js';
import { mergeLora, type LoraLayer } from './adapters/lora.js';
import { nativeInputSize, officialRecipe, parameterCount } from './backbones/spec.js';
import { syntheticPictures, type CalibrationPictures } from './calibration.js';
import { safetensorsChunks, type WritableTensor } from './checkpoint/safetensors.js';
import { sizeOf } from './checkpoint/tensor.js';
import { createFolderAtomically, fileExists, modelFolder, modelsFolder, PARTIAL_PREFIX, requireSpace, writeChunks } from './files.js';
import { buildModelGraph, type GraphBackbone } from './graph/model-graph.js';
import type { Precision } from './graph/precision.js';
import { IMAGENET_MEAN, IMAGENET_STD } from './graph/preprocessing.js';
import { BackboneReader } from './graph/weights.js';
import { MANIFEST_FILE, manifestSchema, type ManifestPart, type ModelManifest, type Parity } from './manifest.js';
import type { Model } from './model.js';
import { agreementBound, compareEmbeddings, withinBound } from './parity.js';
import type { PositionRecipe } from './positions.js';
import { architectureOf, describeFile, openSource, type BackboneSource, type OpenedSource, type SourceRequest } from './sources.js';

/**
 * Runs a model on pictures. Given by whoever may load onnxruntime, since this folder only writes graphs.
 * `device` in the answer is the one that was taken.
 */
export type RunModel = (
  model: Model,
  pictures: CalibrationPictures,
  device: string,
) => Promise<{ readonly embeddings: Float32Array; readonly device: string }>;

export interface ImportOptions {
  readonly name: string;
  /** Folder of all data, `LUMENMARK_HOME`. */
  readonly home: string;
  /** In the order in which their features are joined. */
  readonly backbones: readonly SourceRequest[];
  /** Adapter folder or file. */
  readonly adapter?: string;
  /** Default `fp32`. */
  readonly precision?: Precision;
  /** Device that the model is meant for, and on which it is compared with the CPU; default `cpu`. */
  readonly device?: string;
  /** Side of the input, px; default: what the backbones were made for. */
  readonly inputSize?: number;
  /** Instead of the recipe of the code that published each backbone. */
  readonly positions?: PositionRecipe;
  /** LoRA's alpha where a file does not tell it. */
  readonly loraAlpha?: number;
  /** Licence of the weights, where it is not known. */
  readonly licence?: string;
  /** Keeps a variant that stands farther from fp32 on the CPU than the bound allows. */
  readonly force?: boolean;
  /** Puts the model in the place of one of the same name. */
  readonly replace?: boolean;
  /** Pictures to compare variants on, of the model's size; default: synthetic ones. */
  readonly calibration?: (size: number) => Promise<CalibrationPictures>;
  readonly run: RunModel;
  /** One line for people on each thing that was chosen, left aside or found. */
  readonly onReport?: (line: string) => void;
  readonly onStage?: (stage: string) => void;
  readonly signal?: AbortSignal;
}

export interface ImportedModel {
  readonly folder: string;
  readonly manifest: ModelManifest;
}

/**
 * Makes a running model of checkpoint files: reads, checks, merges, folds, writes, compares, and only then shows it. Either the whole model
 * is there afterwards or nothing of it.
 *
 * @throws UsageError, ModelError
 */
export async function importModel(options: ImportOptions): Promise<ImportedModel> {
  const { name, home } = options;
  const folder = modelFolder(home, name);
  if (name === 'descriptors') {
    throw new UsageError('model-name', '“descriptors” is the name of the built-in model.', { remedy: 'Choose another name.' });
  }
  if (options.backbones.length === 0)
    throw new UsageError('backbone', 'No backbone is given.', { remedy: 'Give at least one --backbone FILE.' });
  const exists = await fileExists(folder);
  if (exists && options.replace !== true) {
    throw new UsageError('model-exists', `There is a model “${name}” already.`, {
      remedy: 'Choose another name, or put it in the place of the old one with --replace.',
    });
  }
  const opened: OpenedSource[] = [];
  let adapter: Adapter | null = null;
  try {
    for (const request of options.backbones) {
      options.onStage?.(`reading ${request.path}`);
      opened.push(await openSource(request, options));
    }
    if (options.adapter !== undefined) adapter = await openAdapter(options.adapter, options);
    const work = assemble(opened, adapter, options);
    for (const line of work.report) options.onReport?.(line);
    const replaced = join(modelsFolder(home), `${PARTIAL_PREFIX}replaced-${process.pid}`);
    const manifest = await createFolderAtomically(folder, modelsFolder(home), async (partial) => {
      const made = await fill(partial, work, options);
      if (exists) await moveAway(folder, replaced);
      return made;
    }).catch(async (error: unknown) => {
      // The old model comes back if the new one could not take its place.
      if (exists && !(await fileExists(folder)) && (await fileExists(replaced))) await moveAway(replaced, folder);
      throw error;
    });
    if (exists) await rm(replaced, { recursive: true, force: true });
    return { folder, manifest };
  } finally {
    await adapter?.close();
    for (const source of opened) await source.close();
  }
}

async function moveAway(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
}

/** From here on the weights lie in a file of their own, which onnxruntime maps instead of copying. */
const EXTERNAL_FROM_BYTES = 2 ** 25;

function weightBytes(model: OnnxModel): number {
  let total = 0;
  for (const { data } of model.graph.initializers.values()) total += data.byteLength;
  return total;
}

/** Everything that is known before the first byte is written. */
interface Work {
  readonly backbones: readonly (BackboneSource & { readonly lora: readonly LoraLayer[]; readonly positions: PositionRecipe | null })[];
  readonly head: FusionTensors | null;
  readonly adapter: Adapter | null;
  readonly inputSize: number;
  readonly report: string[];
}

function assemble(opened: readonly OpenedSource[], adapter: Adapter | null, options: ImportOptions): Work {
  const sources = opened.flatMap((source) => source.backbones);
  const heads = opened.flatMap((source) => (source.head === null ? [] : [source.head]));
  const report = opened.flatMap((source) => source.notes);
  if (heads.length > 0 && (adapter !== null || opened.length > 1)) {
    throw new UsageError('backbone', 'A whole trained checkpoint stands alone: it brings its backbones, LoRA and fusion head with it.', {
      remedy: 'Give either that one file, or backbones and an adapter.',
    });
  }
  const names = uniqueNames(sources.map((source) => source.name));
  const inputSize = commonInputSize(sources, names, options.inputSize);
  const backbones = sources.map((source, index) => {
    const name = names[index] ?? source.name;
    const lora = source.kind === 'weights' ? [...source.lora, ...(adapter?.lora.get(index) ?? [])] : [];
    const positions = source.kind === 'weights' && source.spec.kind === 'vit' ? (options.positions ?? officialRecipe(source.spec)) : null;
    report.push(...source.notes.map((note) => `${name}: ${note}`));
    if (positions !== null && source.kind === 'weights' && source.spec.kind === 'vit')
      report.push(`${name}: ${positionNote(source.spec.grid, inputSize / source.spec.patch, positions)}`);
    report.push(`${name}: licence ${source.identified.licence} (${evidenceText(source.identified.evidence)})`);
    return { ...source, name, lora, positions };
  });
  if (adapter !== null) checkAdapter(adapter, backbones, report);
  return { backbones, head: heads[0] ?? adapter?.head ?? null, adapter, inputSize, report };
}

function positionNote(from: number, to: number, recipe: PositionRecipe): string {
  return from === to ? `positions ${from}×${from} as stored` : `positions ${from}×${from} → ${to}×${to} by the recipe “${recipe}”`;
}

function evidenceText(evidence: BackboneSource['identified']['evidence']): string {
  switch (evidence) {
    case 'sha256':
      return 'known by its SHA-256';
    case 'file name':
      return 'told by the file name';
    case 'layout':
      return 'told by the layout, whose first backbone is GastroNet';
    case 'given':
      return 'as given';
    case 'none':
      return 'the file is not a published one';
  }
}

function uniqueNames(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}-${count}`;
  });
}

function commonInputSize(sources: readonly BackboneSource[], names: readonly string[], asked: number | undefined): number {
  const sizes = sources.map((source) =>
    source.kind === 'onnx' ? (source.inputSize ?? asked ?? 224) : (asked ?? nativeInputSize(source.spec)),
  );
  const [first = 224] = sizes;
  if (sizes.some((size) => size !== first)) {
    throw new ModelError(
      'input-size',
      `The backbones take pictures of different size: ${names.map((name, index) => `${name} ${sizes[index] ?? 0} px`).join(', ')}.`,
      {
        remedy: 'Resize the positions of transformers with --input-size N; an ONNX graph of fixed size must have that size.',
      },
    );
  }
  for (const [index, source] of sources.entries()) {
    if (source.kind === 'weights' && source.spec.kind === 'vit' && first % source.spec.patch !== 0) {
      throw new ModelError(
        'input-size',
        `${names[index] ?? ''} takes whole patches of ${source.spec.patch} px; ${first} px is no multiple of it.`,
        {
          remedy: 'Choose --input-size so that every patch divides it, e.g. 224.',
        },
      );
    }
  }
  return first;
}

function checkAdapter(adapter: Adapter, backbones: Work['backbones'], report: string[]): void {
  report.push(...adapter.notes.map((note) => `adapter: ${note}`));
  const count = Math.max(adapter.bases.length, ...[...adapter.lora.keys()].map((index) => index + 1));
  const wrongCount = adapter.bases.length > 0 ? count !== backbones.length : count > backbones.length;
  const onnx = backbones.find((backbone, index) => backbone.kind === 'onnx' && adapter.lora.has(index));
  if (wrongCount || onnx !== undefined) {
    const why = wrongCount
      ? `it was trained on ${count} backbones, ${backbones.length} are given`
      : `${onnx?.name ?? ''} is an ONNX graph, into which nothing can be merged`;
    throw new ModelError('adapter-base', `${adapter.path} does not go with these backbones: ${why}.`, {
      remedy: 'Give the checkpoints that it was trained with, in that order.',
    });
  }
}

async function fill(folder: string, work: Work, options: ImportOptions): Promise<ModelManifest> {
  const precision = options.precision ?? 'fp32';
  const device = options.device ?? 'cpu';
  const sourceBytes = work.backbones.reduce((sum, backbone) => sum + backbone.source.byteLength, 0);
  // Parts and graph, and the exact graph beside it while a variant is compared.
  await requireSpace(folder, sourceBytes * (precision === 'fp32' ? 2.2 : 3.2));
  const parts = await writeParts(folder, work, options);
  checkBases(work, parts);

  const graphBackbones = work.backbones.map((backbone): GraphBackbone => {
    if (backbone.kind === 'onnx') return backbone;
    const tensors = mergeLora(backbone.tensors, backbone.lora, work.adapter?.path ?? backbone.source.path);
    return {
      name: backbone.name,
      spec: backbone.spec,
      positions: backbone.positions ?? 'plain',
      weights: () => new BackboneReader(tensors, backbone.source.path, options.signal),
    };
  });
  const head = work.head === null ? null : await loadFusionHead(work.head);
  const write = async (file: string, variant: Precision): Promise<number> => {
    options.onStage?.(variant === precision ? 'writing the graph' : 'writing the exact graph to compare with');
    const built = await buildModelGraph({
      name: options.name,
      inputSize: work.inputSize,
      backbones: graphBackbones,
      head,
      precision: variant,
    });
    writeModel(join(folder, file), built.model, { externalData: weightBytes(built.model) > EXTERNAL_FROM_BYTES });
    return built.dimension;
  };
  const dimension = await write('model.onnx', precision);
  const graph = await describeGraph(folder, 'model.onnx');
  const fingerprint = fingerprintOf(work, parts, precision);
  const modelAt = (file: string, ownFingerprint: string): Model => ({
    name: options.name,
    fingerprint: ownFingerprint,
    graph: join(folder, file),
    input: { width: work.inputSize, height: work.inputSize },
    dimension,
    backbones: work.backbones.map((backbone) => backbone.name),
    parts: [],
  });

  options.onStage?.('running the model');
  const parity: Parity[] = [];
  if (precision === 'fp32' && device === 'cpu') {
    const { embeddings } = await options.run(modelAt('model.onnx', fingerprint), syntheticPictures(work.inputSize, 1), 'cpu');
    requireFinite(embeddings, options.name);
  } else {
    const pictures = await (options.calibration ?? ((size) => Promise.resolve(syntheticPictures(size))))(work.inputSize);
    if (precision !== 'fp32') await write('reference.onnx', 'fp32');
    const reference = await options.run(modelAt(precision === 'fp32' ? 'model.onnx' : 'reference.onnx', fingerprint), pictures, 'cpu');
    requireFinite(reference.embeddings, options.name);
    const variant = await options.run(modelAt('model.onnx', fingerprint), pictures, device);
    for (const file of await readdir(folder)) if (file.startsWith('reference.onnx')) await rm(join(folder, file));
    const measured = measureParity(reference.embeddings, variant.embeddings, { precision, device: variant.device, dimension, pictures });
    parity.push(measured);
    const line = parityText(measured);
    work.report.push(line);
    options.onReport?.(line);
    if (!measured.passed && options.force !== true) throw refusedVariant(options.name, measured);
  }

  const manifest = manifestSchema.parse({
    format: 'lumenmark-model',
    version: 1,
    name: options.name,
    fingerprint,
    createdAt: new Date().toISOString(),
    createdBy: `lumenmark ${version}`,
    precision,
    device: parity[0]?.device ?? device,
    dimension,
    preprocessing: preprocessing(work.inputSize),
    backbones: work.backbones.map((backbone) => ({
      name: backbone.name,
      architecture: architectureOf(backbone),
      spec: backbone.spec,
      positions: backbone.positions,
      parameters: parametersOf(backbone),
      part: `backbone:${backbone.name}`,
    })),
    parts,
    adapter: adapterSummary(work),
    parameters: work.backbones.reduce((sum, backbone) => sum + parametersOf(backbone), 0) + headParameters(work.head),
    graph,
    parity,
    report: work.report,
  });
  await writeFile(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`, { flush: true });
  return manifest;
}

function preprocessing(size: number): ModelManifest['preprocessing'] {
  return { width: size, height: size, resize: 'squash, bilinear, antialiased', mean: [...IMAGENET_MEAN], std: [...IMAGENET_STD] };
}

export interface ParityFacts {
  readonly precision: Precision;
  readonly device: string;
  readonly dimension: number;
  readonly pictures: CalibrationPictures;
}

export function measureParity(reference: Float32Array, variant: Float32Array, facts: ParityFacts): Parity {
  const agreement = compareEmbeddings(reference, variant, facts.dimension);
  const bound = agreementBound(facts.precision);
  return {
    device: facts.device,
    precision: facts.precision,
    pictures: facts.pictures.count,
    calibration: facts.pictures.name,
    ...agreement,
    bound,
    passed: withinBound(agreement, bound),
    measuredAt: new Date().toISOString(),
  };
}

export function parityText({ precision, device, cosine, rankAgreement, bound, calibration, passed }: Parity): string {
  return (
    `${precision} on ${device} against fp32 on cpu: cosine ${cosine.min.toFixed(6)} at least, ${cosine.mean.toFixed(6)} on average (bound ${bound.cosine}), ` +
    `rank agreement ${rankAgreement.toFixed(3)} (bound ${bound.rankAgreement}); ${calibration}${passed ? '' : ': BELOW THE BOUND'}`
  );
}

function refusedVariant(name: string, parity: Parity): ModelError {
  return new ModelError('model-parity', `${name} is refused: ${parityText(parity)}.`, {
    remedy: 'Use --precision fp32 or another device; --force keeps the variant all the same, and its manifest says so.',
  });
}

function requireFinite(embeddings: Float32Array, name: string): void {
  if (embeddings.length > 0 && embeddings.every((value) => Number.isFinite(value))) return;
  throw new ModelError('model-not-finite', `${name} gives NaN for an ordinary picture.`, {
    remedy: 'The weights are damaged or out of scale; use another checkpoint.',
  });
}

async function writeParts(folder: string, work: Work, options: ImportOptions): Promise<ManifestPart[]> {
  const parts: ManifestPart[] = [];
  await mkdir(join(folder, 'parts'));
  for (const backbone of work.backbones) {
    options.onStage?.(`keeping the weights of ${backbone.name}`);
    options.signal?.throwIfAborted();
    const extension = backbone.kind === 'onnx' ? 'onnx' : 'safetensors';
    const file = `parts/backbone-${backbone.name}.${extension}`;
    const chunks = backbone.kind === 'onnx' ? encodeModelChunks(backbone.model) : safetensorsChunks([...backbone.tensors.values()]);
    const written = await writeChunks(join(folder, file), chunks);
    parts.push(partOf(`backbone:${backbone.name}`, file, written, backbone));
  }
  const trained = adapterTensors(work);
  const [first] = work.backbones;
  if (trained.tensors.length > 0 && first !== undefined) {
    const written = await writeChunks(join(folder, 'parts/adapter.safetensors'), safetensorsChunks(trained.tensors, trained.metadata));
    const restricted = work.backbones.find((backbone) => /\bNC\b|GastroNet/i.test(backbone.identified.licence));
    const source = work.adapter === null ? first.source : await adapterSource(work.adapter.path);
    parts.push({
      name: 'adapter',
      ...written,
      file: 'parts/adapter.safetensors',
      licence:
        restricted === undefined
          ? 'as its trainer says; not stated in the file'
          : `derived from ${restricted.name}: ${restricted.identified.licence}`,
      licenceEvidence: restricted === undefined ? 'none' : 'derived',
      origin: source.file,
      source: { file: source.file, sha256: source.sha256, byteLength: source.byteLength },
    });
  }
  return parts;
}

/** A folder is told by its largest file: the rest is configuration. */
async function adapterSource(path: string): Promise<{ file: string; sha256: string; byteLength: number }> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => entry.isFile() && /\.safetensors$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  if (files.length === 0) return describeFile(path);
  const hash = createHash('sha256');
  let byteLength = 0;
  for (const file of files.sort()) {
    const described = await describeFile(file);
    hash.update(described.sha256);
    byteLength += described.byteLength;
  }
  return {
    file:
      path
        .split(/[\\/]/)
        .filter((segment) => segment !== '')
        .at(-1) ?? path,
    sha256: hash.digest('hex'),
    byteLength,
  };
}

function partOf(
  name: string,
  file: string,
  written: { sha256: string; byteLength: number },
  { identified, source }: BackboneSource,
): ManifestPart {
  const { known, licence, evidence } = identified;
  return {
    name,
    ...written,
    file,
    licence,
    licenceEvidence: evidence,
    origin: known === null ? source.file : `${known.title}; ${known.origin}${known.url === undefined ? '' : `; ${known.url}`}`,
    source: { file: source.file, sha256: source.sha256, byteLength: source.byteLength },
  };
}

/** LoRA matrices under `<backbone>.<module>.lora_A|B` and the head under `fusion_fc.*`, in one file; scales stand in its metadata. */
function adapterTensors(work: Work): { tensors: WritableTensor[]; metadata: Record<string, string> } {
  const tensors: WritableTensor[] = [];
  const scales: Record<string, number> = {};
  for (const backbone of work.backbones) {
    for (const layer of backbone.lora) {
      const at = `${backbone.name}.${layer.module}${layer.parts > 1 ? `.${layer.part}` : ''}`;
      tensors.push(
        { ...layer.a, name: `${at}.lora_A.weight`, read: () => layer.a.read() },
        { ...layer.b, name: `${at}.lora_B.weight`, read: () => layer.b.read() },
      );
      scales[at] = layer.scale;
    }
  }
  for (const [name, tensor] of work.head ?? []) tensors.push({ ...tensor, name, read: () => tensor.read() });
  const metadata: Record<string, string> = Object.keys(scales).length > 0 ? { scales: JSON.stringify(scales) } : {};
  return { tensors, metadata };
}

/** @throws ModelError `adapter-base` when the adapter names other weights than those it is joined with. */
function checkBases(work: Work, parts: readonly ManifestPart[]): void {
  for (const [index, base] of (work.adapter?.bases ?? []).entries()) {
    const backbone = work.backbones[index];
    const part = parts.find(({ name }) => name === `backbone:${backbone?.name ?? ''}`);
    if (base.sha256 === undefined || part === undefined || part.sha256 === base.sha256) continue;
    throw new ModelError(
      'adapter-base',
      `${work.adapter?.path ?? ''} was trained on other weights of ${base.name} than those of ${backbone?.source.path ?? ''}.`,
      {
        remedy: 'Give the checkpoints that the adapter was trained with, in that order.',
      },
    );
  }
}

async function describeGraph(folder: string, file: string): Promise<ModelManifest['graph']> {
  const files = (await readdir(folder)).filter((name) => name === file || name === `${file}.data`).sort();
  return Promise.all(
    files.map(async (name) => {
      const { sha256, byteLength } = await describeFile(join(folder, name));
      return { file: name, sha256, byteLength };
    }),
  );
}

/** Names and places of files do not count; whatever moves an embedding does. */
function fingerprintOf(work: Work, parts: readonly ManifestPart[], precision: Precision): string {
  const content = {
    format: 1,
    preprocessing: preprocessing(work.inputSize),
    precision,
    backbones: work.backbones.map((backbone) => ({
      sha256: parts.find(({ name }) => name === `backbone:${backbone.name}`)?.sha256,
      positions: backbone.positions,
    })),
    adapter: parts.find(({ name }) => name === 'adapter')?.sha256 ?? null,
  };
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

function parametersOf(backbone: BackboneSource): number {
  if (backbone.kind === 'weights') return parameterCount(backbone.spec);
  let count = 0;
  for (const { type, shape } of backbone.model.graph.initializers.values())
    if (type.startsWith('float') || type === 'bfloat16') count += sizeOf(shape);
  return count;
}

function headParameters(head: FusionTensors | null): number {
  let count = 0;
  for (const [name, tensor] of head ?? []) if (!/running_/.test(name)) count += sizeOf(tensor.shape);
  return count;
}

function adapterSummary(work: Work): ModelManifest['adapter'] {
  const layers = work.backbones.flatMap((backbone) => backbone.lora);
  if (layers.length === 0 && work.head === null) return null;
  const [outputs = 0, inputs = 0] = work.head?.get('fusion_fc.0.weight')?.shape ?? [];
  return {
    loraLayers: layers.length,
    loraParameters: layers.reduce((sum, layer) => sum + sizeOf(layer.a.shape) + sizeOf(layer.b.shape), 0),
    head: work.head === null ? null : { inputs, outputs },
  };
}
