import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mapInOrder } from '../common/map-in-order.js';
import { sha256Of } from '../common/sha256.js';
import type { Embedder } from '../inference/embedder.js';
import { embedPictures, PREPARE_CONCURRENCY } from './embed-pictures.js';
import type { LabelledPicture } from './labelled-pictures.js';
import type { Exemplar } from './manifest.js';
import { perceptualHash } from './perceptual-hash.js';
import { prepareStill, type PreparedStill, type UnreadableStill } from './prepared-stills.js';
import type { FieldOfViewMode } from './still-pixels.js';
import { thumbnailPath } from './thumbnails.js';

/** An exemplar as far as its picture tells. */
export type NewExemplar = Omit<Exemplar, 'group' | 'density'>;

export interface EmbeddedPictures {
  readonly exemplars: readonly NewExemplar[];
  readonly hashes: readonly Uint32Array[];
  /** `[exemplars, dimension]` */
  readonly embeddings: Float32Array<ArrayBuffer>;
  /** By backbone `[exemplars, d]`; empty unless the embedder gives features. */
  readonly features: Readonly<Record<string, Float32Array<ArrayBuffer>>>;
  readonly unreadable: readonly UnreadableStill[];
  /** Files left out because the same file is there already under the same label. */
  readonly copies: readonly Copy[];
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
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number) => void;
}

interface ReadyPicture {
  readonly exemplar: NewExemplar;
  readonly hash: Uint32Array;
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** Reads, cuts and embeds labelled pictures, in their order, decoding ahead of inference. */
export async function embedLabelled(embedder: Embedder, options: EmbedLabelledOptions): Promise<EmbeddedPictures> {
  const { width, height } = embedder.model.input;
  const unreadable: UnreadableStill[] = [];
  const copies: Copy[] = [];
  let done = 0;

  async function* ready(): AsyncGenerator<ReadyPicture, void, undefined> {
    const first = new Map<string, string>();
    let kept = 0;
    const prepared = mapInOrder(options.pictures, PREPARE_CONCURRENCY, async ({ path, label }) => ({
      label,
      still: await prepareStill(options.directory, path, {
        size: { width, height },
        fieldOfView: options.fieldOfView,
        thumbnail: options.work !== null,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      }),
    }));
    for await (const { label, still } of prepared) {
      options.signal?.throwIfAborted();
      done += 1;
      if ('reason' in still) {
        unreadable.push(still);
        continue;
      }
      const key = `${still.sha256} ${label}`;
      const original = first.get(key);
      if (original === undefined) {
        first.set(key, still.path);
        yield await keep(still, label, kept++);
      } else {
        copies.push({ path: still.path, of: original });
      }
    }
  }

  async function keep(still: PreparedStill, label: string, position: number): Promise<ReadyPicture> {
    const thumbnail = still.thumbnail ?? new Uint8Array();
    if (options.work !== null) {
      const file = join(options.work, thumbnailPath(position));
      if (position % 1000 === 0) await mkdir(dirname(file), { recursive: true });
      await writeFile(file, thumbnail);
    }
    const { path, sha256, fieldOfView, pixels } = still;
    const outline = fieldOfView?.outline?.map(([x, y]): [number, number] => [x, y]);
    return {
      exemplar: {
        path,
        label,
        sha256,
        width: still.width,
        height: still.height,
        fieldOfView: fieldOfView === null ? null : { ...fieldOfView, outline },
        thumbnail: sha256Of(thumbnail),
      },
      hash: perceptualHash(pixels, width, height),
      pixels,
    };
  }

  const exemplars: NewExemplar[] = [];
  const hashes: Uint32Array[] = [];
  const embeddings: Float32Array[] = [];
  const features = new Map<string, Float32Array[]>();
  let inferenceMs = 0;
  const began = performance.now();
  for await (const { item, batch } of embedPictures(embedder, ready())) {
    exemplars.push(item.exemplar);
    hashes.push(item.hash);
    embeddings.push(batch.embeddings);
    inferenceMs += batch.inferenceMs;
    for (const [backbone, values] of Object.entries(batch.features ?? {})) {
      const rows = features.get(backbone) ?? [];
      rows.push(values);
      features.set(backbone, rows);
    }
    options.onProgress?.(done);
  }
  return {
    exemplars,
    hashes,
    embeddings: concatenate(embeddings),
    features: Object.fromEntries([...features].map(([backbone, rows]) => [backbone, concatenate(rows)])),
    unreadable,
    copies,
    inferenceShare: inferenceMs / (performance.now() - began),
  };
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
