import { basename, resolve } from 'node:path';
import { GalleryError } from '../common/errors.js';
import { classInfo, type ClassKind } from '../common/landmarks.js';
import type { Device } from '../inference/device.js';
import type { Embedder } from '../inference/embedder.js';
import { createEmbedder, type EmbedderOptions } from '../inference/worker-embedder.js';
import type { FittableModel, Model } from '../models/model.js';
import { duplicateGroups, nearDuplicateGroups } from './duplicates.js';
import { embedLabelled, type Copy, type EmbeddedPictures } from './embed-labelled.js';
import type { EmbeddingCache } from './embedding-cache.js';
import { createGalleryFolder } from './gallery-folder.js';
import type { IndexChoice } from './gallery.js';
import { listLabelledPictures, type LabelFolder, type LabelledPicture } from './labelled-pictures.js';
import type { GalleryManifest } from './manifest.js';
import type { UnreadableStill } from './prepared-stills.js';
import { checkFieldOfViewMode, type FieldOfViewMode } from './still-pixels.js';
import { DEFAULT_K, type VoteOptions } from './vote.js';
import { writeGallery, type WriteStage } from './write-gallery.js';

export type BuildStage = 'embedding' | 'fitting' | WriteStage;

export interface BuildProgress {
  readonly stage: BuildStage;
  readonly done: number;
  readonly total: number;
}

export interface BuildGalleryOptions {
  /** Folder of pictures, a folder per label at any depth. */
  readonly directory: string;
  /** Where the gallery goes: a new or empty folder, or a gallery to replace. */
  readonly out: string;
  readonly model: Model | FittableModel;
  /** Default: the name of `out`. */
  readonly name?: string;
  /** Default `auto`. */
  readonly fieldOfView?: FieldOfViewMode;
  /** Keep folder names as labels, instead of the canonical ids that the alias table maps them to. */
  readonly keepLabels?: boolean;
  /** Only these labels. */
  readonly labels?: readonly string[];
  /** Only labels of these kinds. */
  readonly kinds?: readonly ClassKind[];
  /** Leave out labels with fewer pictures; default 1. */
  readonly minExemplars?: number;
  /** `auto` (default) builds an HNSW index from 20,000 exemplars on, where the library is there. */
  readonly index?: IndexChoice;
  /** Share of queries of a foreign class that may be taken for known, each class counted alike; default 0.2. */
  readonly falseAcceptance?: number;
  /** Neighbours of a match; default 31. */
  readonly k?: number;
  /** Default: chosen on the gallery. */
  readonly vote?: VoteOptions;
  readonly device?: Device;
  readonly threads?: number;
  /** Embeddings of earlier runs. Default none. */
  readonly cache?: EmbeddingCache;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: BuildProgress) => void;
  /** Runs models; default: a worker thread. */
  readonly createEmbedder?: (model: Model, options: EmbedderOptions) => Promise<Embedder>;
}

export interface GalleryReport {
  readonly out: string;
  readonly manifest: GalleryManifest;
  /** Folders that named a class, with what they were taken for. */
  readonly folders: readonly LabelFolder[];
  /** Labels that the alias table does not know, kept as they are. */
  readonly unknownLabels: readonly string[];
  /** Pictures outside any class folder. */
  readonly unlabelled: readonly string[];
  readonly unreadable: readonly UnreadableStill[];
  /** Files left out because the same file is there already under the same label. */
  readonly copies: readonly Copy[];
  /** Near-duplicates that were kept, as paths; those with contradicting labels first. */
  readonly nearDuplicates: readonly { readonly paths: readonly string[]; readonly labels: readonly string[] }[];
  readonly elapsedMs: number;
  /** Pictures whose embedding was in the cache. */
  readonly cached: number;
  /** Share of the wall time of the first pass that inference took, 0…1. */
  readonly inferenceShare: number;
}

/**
 * Builds a gallery from a folder of labelled pictures. Unreadable pictures are counted and listed; the gallery appears in its place
 * whole or not at all.
 * @throws GalleryError when there is nothing to build from, or fewer than two labels; UsageError for invalid options.
 */
export async function buildGallery(options: BuildGalleryOptions): Promise<GalleryReport> {
  const began = performance.now();
  const { directory, out, signal, fieldOfView = 'auto' } = options;
  checkFieldOfViewMode(fieldOfView);
  signal?.throwIfAborted();
  const listing = await listLabelledPictures(directory, { keepLabels: options.keepLabels ?? false });
  const pictures = chosenPictures(listing.pictures, options);
  requireTwoLabels(directory, pictures, 'holds');

  const folder = await createGalleryFolder(out);
  try {
    const embedded = await embedAll(pictures, folder.work, { ...options, fieldOfView });
    requireTwoLabels(directory, embedded.exemplars, 'holds readable pictures of');
    const labels = embedded.exemplars.map(({ label }) => label);
    const grouping = nearDuplicateGroups(embedded.hashes);
    const { manifest, exemplars } = await writeGallery(folder, {
      ...options,
      ...complete(options, embedded),
      name: options.name ?? basename(resolve(out)),
      fieldOfView,
      exemplars: embedded.exemplars,
      grouping,
      k: options.k ?? DEFAULT_K,
      falseAcceptance: options.falseAcceptance ?? 0.2,
      vote: options.vote ?? null,
    });
    return {
      out,
      manifest,
      folders: listing.folders,
      unknownLabels: [...new Set(listing.folders.filter(({ known }) => !known).map(({ label }) => label))],
      unlabelled: listing.unlabelled,
      unreadable: embedded.unreadable,
      copies: embedded.copies,
      nearDuplicates: duplicateGroups(grouping, labels).map((group) => ({
        paths: group.members.map((member) => exemplars[member]?.path ?? ''),
        labels: group.labels,
      })),
      elapsedMs: performance.now() - began,
      cached: embedded.cached,
      inferenceShare: embedded.inferenceShare,
    };
  } finally {
    await folder.discard();
  }
}

function chosenPictures(pictures: readonly LabelledPicture[], options: BuildGalleryOptions): LabelledPicture[] {
  const counts = new Map<string, number>();
  for (const { label } of pictures) counts.set(label, (counts.get(label) ?? 0) + 1);
  const missing = options.labels?.filter((label) => !counts.has(label)) ?? [];
  if (missing.length > 0) {
    throw new GalleryError('gallery-labels', `${options.directory}: has no pictures of ${missing.join(', ')}`, {
      remedy: `It has ${[...counts.keys()].sort().join(', ') || 'none'}.`,
    });
  }
  return pictures.filter(
    ({ label }) =>
      (options.labels?.includes(label) ?? true) &&
      (options.kinds?.includes(classInfo(label).kind) ?? true) &&
      (counts.get(label) ?? 0) >= (options.minExemplars ?? 1),
  );
}

function requireTwoLabels(directory: string, pictures: readonly { readonly label: string }[], holds: string): void {
  const labels = [...new Set(pictures.map(({ label }) => label))];
  if (labels.length === 0) {
    throw new GalleryError('gallery-empty', `${directory}: ${holds} no labelled picture`, {
      remedy: 'It must hold a folder per label with jpg, png, tif, webp or bmp pictures in it.',
    });
  }
  if (labels.length === 1) {
    throw new GalleryError(
      'gallery-one-label',
      `${directory}: ${holds} only one label, ${labels[0] ?? ''}; nothing can be told apart by it`,
      {
        remedy: 'Add a folder with pictures of another label.',
      },
    );
  }
}

/** Runs the model, or what of it can run before it is fitted, over the pictures. */
async function embedAll(
  pictures: readonly LabelledPicture[],
  work: string,
  options: BuildGalleryOptions & { readonly fieldOfView: FieldOfViewMode },
): Promise<EmbeddedPictures> {
  const { directory, fieldOfView, model, signal, onProgress } = options;
  const fittable = 'fitted' in model;
  const embedder = await (options.createEmbedder ?? createEmbedder)(fittable ? model.base : model, {
    features: fittable,
    ...(options.device === undefined ? {} : { device: options.device }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    return await embedLabelled(embedder, {
      directory,
      pictures,
      fieldOfView,
      work,
      ...(fittable ? { features: model.base.backbones } : {}),
      ...(options.cache === undefined ? {} : { cache: options.cache }),
      ...(signal === undefined ? {} : { signal }),
      onProgress: (done) => onProgress?.({ stage: 'embedding', done, total: pictures.length }),
    });
  } finally {
    await embedder.dispose();
  }
}

interface CompleteModel {
  readonly model: Model;
  readonly embeddings: Float32Array<ArrayBuffer>;
  /** What completes a fittable model. */
  readonly statistics: Uint8Array | null;
  readonly refit: ((members: readonly number[]) => Float32Array) | null;
}

function complete({ model, onProgress }: BuildGalleryOptions, { features, exemplars, embeddings }: EmbeddedPictures): CompleteModel {
  if (!('fitted' in model)) return { model, embeddings, statistics: null, refit: null };
  const total = exemplars.length;
  onProgress?.({ stage: 'fitting', done: 0, total });
  const fitOn = (members: readonly number[]): Uint8Array => {
    const rowsOf = (values: Float32Array): Float32Array => {
      const length = values.length / total;
      const rows = new Float32Array(members.length * length);
      members.forEach((member, at) => {
        rows.set(values.subarray(member * length, (member + 1) * length), at * length);
      });
      return rows;
    };
    return model.fit(
      Object.fromEntries(Object.entries(features).map(([backbone, values]) => [backbone, rowsOf(values)])),
      members.map((member) => exemplars[member]?.label ?? ''),
    );
  };
  const statistics = fitOn(exemplars.map((_, exemplar) => exemplar));
  onProgress?.({ stage: 'fitting', done: total, total });
  return {
    model: model.fitted(statistics),
    embeddings: model.project(features, statistics),
    statistics,
    refit: (members) => model.project(features, fitOn(members)),
  };
}
