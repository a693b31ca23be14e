import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256Of } from '../common/sha256.js';
import type { Embedder } from '../inference/embedder.js';
import { embedStills } from './embed-stills.js';
import type { EmbeddingCache } from './embedding-cache.js';
import type { LabelledPicture } from './labelled-pictures.js';
import type { Exemplar } from './manifest.js';
import type { UnreadableStill } from './prepared-stills.js';
import type { FieldOfViewMode } from './still-pixels.js';
import { thumbnailPath } from './thumbnails.js';

/** An exemplar as far as its picture tells. */
export type NewExemplar = Omit<Exemplar, 'group' | 'density'>;

export interface EmbeddedPictures {
  readonly exemplars: readonly NewExemplar[];
  readonly hashes: readonly Uint32Array[];
  /** `[exemplars, dimension]` */
  readonly embeddings: Float32Array<ArrayBuffer>;
  /** By backbone `[exemplars, d]`; those that were wanted. */
  readonly features: Readonly<Record<string, Float32Array<ArrayBuffer>>>;
  readonly unreadable: readonly UnreadableStill[];
  /** Files left out because the same file is there already under the same label. */
  readonly copies: readonly Copy[];
  /** Pictures whose embedding was in the cache. */
  readonly cached: number;
  /** Share of the wall time that inference took, 0…1. */
  readonly inferenceShare: number;
}

export interface Copy {
  readonly path: string;
  readonly of: string;
}

export interface EmbedLabelledOptions {
  readonly directory: string;
  readonly pictures: readonly LabelledPicture[];
  readonly fieldOfView: FieldOfViewMode;
  /** Gallery folder that gets the thumbnails; null: none are made. */
  readonly work: string | null;
  /** Exemplars that are there already: numbers go on after them, and the same file under the same label counts as a copy. */
  readonly present?: readonly Pick<Exemplar, 'path' | 'label' | 'sha256'>[];
  /** Backbones whose features are wanted; default none. */
  readonly features?: readonly string[];
  /** Embeddings of earlier runs. Default none. */
  readonly cache?: EmbeddingCache;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number) => void;
}

/** Reads, cuts and embeds labelled pictures, in their order, decoding ahead of inference. */
export async function embedLabelled(embedder: Embedder, options: EmbedLabelledOptions): Promise<EmbeddedPictures> {
  const { directory, pictures, fieldOfView, work, present = [], features: wanted = [], cache, signal } = options;
  const exemplars: NewExemplar[] = [];
  const hashes: Uint32Array[] = [];
  const embeddings: Float32Array[] = [];
  const features = new Map<string, Float32Array[]>(wanted.map((backbone) => [backbone, []]));
  const unreadable: UnreadableStill[] = [];
  const copies: Copy[] = [];
  const first = new Map(present.map(({ sha256, label, path }) => [`${sha256} ${label}`, path]));
  let done = 0;
  let cached = 0;
  let inferenceMs = 0;
  const began = performance.now();
  const embedded = embedStills(
    embedder,
    pictures.map(({ path }) => path),
    {
      directory,
      fieldOfView,
      thumbnail: work !== null,
      features: wanted,
      ...(cache === undefined ? {} : { cache }),
      ...(signal === undefined ? {} : { signal }),
    },
  );
  for await (const still of embedded) {
    const label = pictures[done]?.label ?? '';
    done += 1;
    options.onProgress?.(done);
    if ('reason' in still) {
      unreadable.push(still);
      continue;
    }
    if (still.inferenceMs === null) cached += 1;
    inferenceMs += still.inferenceMs ?? 0;
    const key = `${still.sha256} ${label}`;
    const original = first.get(key);
    if (original !== undefined) {
      copies.push({ path: still.path, of: original });
      continue;
    }
    first.set(key, still.path);
    const thumbnail = still.thumbnail ?? new Uint8Array();
    if (work !== null) await writeThumbnail(work, present.length + exemplars.length, thumbnail);
    exemplars.push({
      path: still.path,
      label,
      sha256: still.sha256,
      width: still.width,
      height: still.height,
      fieldOfView: still.fieldOfView,
      thumbnail: sha256Of(thumbnail),
    });
    hashes.push(still.hash);
    embeddings.push(still.embedding);
    for (const [backbone, rows] of features) rows.push(still.features[backbone] ?? new Float32Array());
  }
  return {
    exemplars,
    hashes,
    embeddings: concatenate(embeddings),
    features: Object.fromEntries([...features].map(([backbone, rows]) => [backbone, concatenate(rows)])),
    unreadable,
    copies,
    cached,
    inferenceShare: inferenceMs / (performance.now() - began),
  };
}

async function writeThumbnail(work: string, position: number, thumbnail: Uint8Array): Promise<void> {
  const file = join(work, thumbnailPath(position));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, thumbnail);
}

function concatenate(rows: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return all;
}
