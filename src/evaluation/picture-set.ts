import type { Device } from '../inference/device.js';
import { createEmbedder } from '../inference/worker-embedder.js';
import type { FittableModel, Model } from '../models/model.js';
import { embedLabelled, type Copy, type NewExemplar } from '../retrieval/embed-labelled.js';
import type { EmbeddingCache } from '../retrieval/embedding-cache.js';
import type { UnreadableStill } from '../retrieval/prepared-stills.js';
import type { FieldOfViewMode } from '../retrieval/still-pixels.js';
import type { DatasetListing, ListedPicture } from './datasets/listing.js';

/** Labelled pictures as far as a model takes them before it is fitted. */
export interface PictureSet {
  readonly listing: DatasetListing;
  readonly exemplars: readonly NewExemplar[];
  readonly labels: readonly string[];
  /** By row: what must stay together, as far as the data set says. */
  readonly groups: readonly (string | null)[];
  /** By row: where the split of the data set puts it. */
  readonly parts: readonly (string | null)[];
  readonly hashes: readonly Uint32Array[];
  /** `[exemplars, dimension]`, for a model that needs no fitting. */
  readonly embeddings: Float32Array;
  readonly features: Readonly<Record<string, Float32Array>>;
  readonly unreadable: readonly UnreadableStill[];
  /** Files left out because the same file is there already under the same label. */
  readonly copies: readonly Copy[];
  /** Pictures whose embedding was in the cache. */
  readonly cached: number;
  /** Pictures that were read and embedded, or found in the cache. */
  readonly embedded: number;
  /** Wall time of reading, decoding and embedding, ms. */
  readonly elapsedMs: number;
}

export interface ReadPictureSetOptions {
  readonly model: Model | FittableModel;
  readonly fieldOfView: FieldOfViewMode;
  /** Keeps only the pictures for which it holds. */
  readonly keep?: (picture: ListedPicture) => boolean;
  /** Leaves out labels with fewer pictures; default 1. */
  readonly minPictures?: number;
  /** Also the features of single backbones, where the model does not need them anyhow. Default false. */
  readonly features?: boolean;
  readonly device?: Device;
  /** Embeddings of earlier runs. Default none. */
  readonly cache?: EmbeddingCache;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Embeds the pictures of a listing; what cannot be read is listed. */
export async function readPictureSet(listing: DatasetListing, options: ReadPictureSetOptions): Promise<PictureSet> {
  const { model, signal } = options;
  const began = performance.now();
  const counts = new Map<string, number>();
  for (const { label } of listing.pictures) counts.set(label, (counts.get(label) ?? 0) + 1);
  const enough = (label: string): boolean => (counts.get(label) ?? 0) >= (options.minPictures ?? 1);
  const pictures = listing.pictures.filter((picture) => enough(picture.label) && (options.keep?.(picture) ?? true));
  const fittable = 'fitted' in model;
  const runnable = fittable ? model.base : model;
  const features = fittable || options.features === true ? runnable.backbones : [];
  const embedder = await createEmbedder(runnable, {
    features: features.length > 0,
    ...(options.device === undefined ? {} : { device: options.device }),
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const embedded = await embedLabelled(embedder, {
      directory: listing.directory,
      pictures,
      fieldOfView: options.fieldOfView,
      work: null,
      features,
      ...(options.cache === undefined ? {} : { cache: options.cache }),
      ...(signal === undefined ? {} : { signal }),
      onProgress: (done) => options.onProgress?.(done, pictures.length),
    });
    const { exemplars, hashes, embeddings, unreadable, copies, cached } = embedded;
    const listed = new Map(pictures.map((picture) => [picture.path, picture]));
    return {
      listing,
      exemplars,
      labels: exemplars.map(({ label }) => label),
      groups: exemplars.map(({ path }) => listed.get(path)?.group ?? null),
      parts: exemplars.map(({ path }) => listed.get(path)?.part ?? null),
      hashes,
      embeddings,
      features: embedded.features,
      unreadable,
      copies,
      cached,
      embedded: exemplars.length + copies.length,
      elapsedMs: performance.now() - began,
    };
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
export function fitOn(
  model: Model | FittableModel,
  set: Pick<PictureSet, 'labels' | 'features'>,
  rows: readonly number[],
): Uint8Array | null {
  if (!('fitted' in model)) return null;
  const features = Object.entries(set.features).map(([backbone, values]) => [backbone, rowsOf(values, set.labels.length, rows)]);
  return model.fit(
    Object.fromEntries(features) as Record<string, Float32Array>,
    rows.map((row) => set.labels[row] ?? ''),
  );
}

/** The embeddings of a set `[exemplars, dimension]` under statistics. */
export function embeddingsOf(
  model: Model | FittableModel,
  set: Pick<PictureSet, 'embeddings' | 'features'>,
  statistics: Uint8Array | null,
): Float32Array {
  return 'fitted' in model && statistics !== null ? model.project(set.features, statistics) : set.embeddings;
}

/** Two sets one after the other, as if they had been read as one; what was left out is listed together. */
export function joinSets(first: PictureSet, second: PictureSet): PictureSet {
  const concatenated = (a: Float32Array, b: Float32Array): Float32Array => {
    const all = new Float32Array(a.length + b.length);
    all.set(a);
    all.set(b, a.length);
    return all;
  };
  return {
    listing: {
      ...second.listing,
      unknownLabels: [...new Set([...first.listing.unknownLabels, ...second.listing.unknownLabels])],
      unlabelled: [...first.listing.unlabelled, ...second.listing.unlabelled],
      missing: [...first.listing.missing, ...second.listing.missing],
      notes: [...new Set([...first.listing.notes, ...second.listing.notes])],
      licence: [...new Set([first.listing.licence, second.listing.licence])].filter((licence) => licence !== null).join(' ') || null,
    },
    exemplars: [...first.exemplars, ...second.exemplars],
    labels: [...first.labels, ...second.labels],
    groups: [...first.groups, ...second.groups],
    parts: [...first.parts, ...second.parts],
    hashes: [...first.hashes, ...second.hashes],
    embeddings: concatenated(first.embeddings, second.embeddings),
    features: Object.fromEntries(
      Object.entries(first.features).map(([name, values]) => [name, concatenated(values, second.features[name] ?? new Float32Array())]),
    ),
    unreadable: [...first.unreadable, ...second.unreadable],
    copies: [...first.copies, ...second.copies],
    cached: first.cached + second.cached,
    embedded: first.embedded + second.embedded,
    elapsedMs: first.elapsedMs + second.elapsedMs,
  };
}
