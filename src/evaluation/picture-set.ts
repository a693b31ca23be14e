import type { Device } from '../inference/device.js';
import { createEmbedder } from '../inference/worker-embedder.js';
import type { FittableModel, Model } from '../models/model.js';
import { embedLabelled, type NewExemplar } from '../retrieval/embed-labelled.js';
import type { EmbeddingCache } from '../retrieval/embedding-cache.js';
import { listLabelledPictures, type LabelledPicture } from '../retrieval/labelled-pictures.js';
import type { UnreadableStill } from '../retrieval/prepared-stills.js';
import type { FieldOfViewMode } from '../retrieval/still-pixels.js';

/** Labelled pictures as far as a model takes them before it is fitted. */
export interface PictureSet {
  readonly exemplars: readonly NewExemplar[];
  readonly labels: readonly string[];
  readonly hashes: readonly Uint32Array[];
  /** `[exemplars, dimension]`, for a model that needs no fitting. */
  readonly embeddings: Float32Array;
  readonly features: Readonly<Record<string, Float32Array>>;
  readonly unreadable: readonly UnreadableStill[];
}

export interface ReadPictureSetOptions {
  readonly model: Model | FittableModel;
  readonly fieldOfView: FieldOfViewMode;
  readonly keepLabels: boolean;
  /** Keeps only the pictures for which it holds. */
  readonly keep?: (picture: LabelledPicture) => boolean;
  /** Leaves out labels with fewer pictures; default 1. */
  readonly minPictures?: number;
  readonly device?: Device;
  /** Embeddings of earlier runs. Default none. */
  readonly cache?: EmbeddingCache;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** @throws GalleryError when the folder cannot be listed. */
export async function readPictureSet(directory: string, options: ReadPictureSetOptions): Promise<PictureSet> {
  const { model, signal } = options;
  const listing = await listLabelledPictures(directory, { keepLabels: options.keepLabels });
  const counts = new Map<string, number>();
  for (const { label } of listing.pictures) counts.set(label, (counts.get(label) ?? 0) + 1);
  const enough = (label: string): boolean => (counts.get(label) ?? 0) >= (options.minPictures ?? 1);
  const pictures = listing.pictures.filter((picture) => enough(picture.label) && (options.keep?.(picture) ?? true));
  const fittable = 'fitted' in model;
  const embedder = await createEmbedder(fittable ? model.base : model, {
    features: fittable,
    ...(options.device === undefined ? {} : { device: options.device }),
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const { exemplars, hashes, embeddings, features, unreadable } = await embedLabelled(embedder, {
      directory,
      pictures,
      fieldOfView: options.fieldOfView,
      work: null,
      ...(fittable ? { features: model.base.backbones } : {}),
      ...(options.cache === undefined ? {} : { cache: options.cache }),
      ...(signal === undefined ? {} : { signal }),
      onProgress: (done) => options.onProgress?.(done, pictures.length),
    });
    return { exemplars, labels: exemplars.map(({ label }) => label), hashes, embeddings, features, unreadable };
  } finally {
    await embedder.dispose();
  }
}

/** Rows of `[count, length]` values. */
export function rowsOf(values: Float32Array, count: number, rows: readonly number[]): Float32Array<ArrayBuffer> {
  const length = values.length / count;
  const picked = new Float32Array(rows.length * length);
  rows.forEach((row, at) => {
    picked.set(values.subarray(row * length, (row + 1) * length), at * length);
  });
  return picked;
}

/** Statistics of a fittable model from some pictures of a set; null for a model that needs none. */
export function fitOn(model: Model | FittableModel, set: PictureSet, rows: readonly number[]): Uint8Array | null {
  if (!('fitted' in model)) return null;
  const features = Object.entries(set.features).map(([backbone, values]) => [backbone, rowsOf(values, set.labels.length, rows)]);
  return model.fit(
    Object.fromEntries(features) as Record<string, Float32Array>,
    rows.map((row) => set.labels[row] ?? ''),
  );
}

/** The embeddings of a set `[exemplars, dimension]` under statistics. */
export function embeddingsOf(model: Model | FittableModel, set: PictureSet, statistics: Uint8Array | null): Float32Array {
  return 'fitted' in model && statistics !== null ? model.project(set.features, statistics) : set.embeddings;
}
