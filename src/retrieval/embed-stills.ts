import { availableParallelism } from 'node:os';
import { ModelError } from '../common/errors.js';
import { mapInOrder } from '../common/map-in-order.js';
import type { Embedder } from '../inference/embedder.js';
import type { EmbeddingCache, EmbeddingScope } from './embedding-cache.js';
import type { EmbeddingEntry } from './embedding-entry.js';
import { perceptualHash } from './perceptual-hash.js';
import { loadStill, prepareLoaded, type PreparedStill, type UnreadableStill } from './prepared-stills.js';
import type { FieldOfViewMode } from './still-pixels.js';

/** A picture file and what the model makes of it. */
export interface EmbeddedStill extends EmbeddingEntry {
  readonly path: string;
  /** Of the file. */
  readonly sha256: string;
  /** Time inside the model, ms; null when the cache had it. */
  readonly inferenceMs: number | null;
}

export interface EmbedStillsOptions {
  /** What the paths are below; '' when they stand for themselves. */
  readonly directory: string;
  readonly fieldOfView: FieldOfViewMode;
  /** Also make thumbnails. Default false. */
  readonly thumbnail?: boolean;
  /** Backbones whose features are wanted; the embedder must give them. Default none. */
  readonly features?: readonly string[];
  /** Default none. */
  readonly cache?: EmbeddingCache;
  readonly signal?: AbortSignal;
}

/** Pictures decoded at a time, ahead of inference. */
const PREPARE_CONCURRENCY = Math.max(2, availableParallelism());

/**
 * Embeds picture files, in their order, in batches as the embedder joins them (on a CPU they only cost), while the next ones are being decoded. What the cache
 * holds is neither decoded nor embedded again. What cannot be read comes back in its place with its reason.
 * @throws ModelError when an embedding is not finite; `signal.reason` when aborted.
 */
export async function* embedStills(
  embedder: Embedder,
  paths: Iterable<string>,
  options: EmbedStillsOptions,
): AsyncGenerator<EmbeddedStill | UnreadableStill, void, undefined> {
  const { cache, signal } = options;
  const { input, fingerprint } = embedder.model;
  const scope: EmbeddingScope = { model: fingerprint, fieldOfView: options.fieldOfView, device: embedder.device.name };
  const complete = (entry: EmbeddingEntry | null): entry is EmbeddingEntry =>
    entry !== null &&
    entry.embedding.length === embedder.model.dimension &&
    (options.thumbnail !== true || entry.thumbnail !== null) &&
    (options.features ?? []).every((name) => name in entry.features);

  const prepared = mapInOrder(paths, PREPARE_CONCURRENCY, async (path): Promise<EmbeddedStill | PreparedStill | UnreadableStill> => {
    const loaded = await loadStill(options.directory, path);
    if ('reason' in loaded) return loaded;
    const entry = (await cache?.get(scope, loaded.sha256)) ?? null;
    if (complete(entry)) return { path, sha256: loaded.sha256, inferenceMs: null, ...entry };
    return prepareLoaded(loaded, {
      size: input,
      fieldOfView: options.fieldOfView,
      thumbnail: options.thumbnail ?? false,
      ...(signal === undefined ? {} : { signal }),
    });
  });

  // Enough for the model to find its next batch waiting when it has finished one.
  yield* mapInOrder(prepared, 2 * embedder.device.batchLimit, async (still): Promise<EmbeddedStill | UnreadableStill> => {
    signal?.throwIfAborted();
    if ('reason' in still || 'embedding' in still) return still;
    // The pixels are handed over to the worker, so they are hashed before.
    const hash = perceptualHash(still.pixels, input.width, input.height);
    const batch = await embedder.embed({ count: 1, ...input, pixels: still.pixels });
    if (!batch.embeddings.every(Number.isFinite)) {
      throw new ModelError('model-embedding', `${embedder.model.name}: gave an embedding that is not finite for ${still.path}`, {
        remedy: 'Check the model: lumenmark models verify.',
      });
    }
    const outline = still.fieldOfView?.outline?.map(([x, y]): [number, number] => [x, y]);
    const entry: EmbeddingEntry = {
      width: still.width,
      height: still.height,
      fieldOfView: still.fieldOfView === null ? null : { ...still.fieldOfView, outline },
      hash,
      embedding: batch.embeddings,
      quality: batch.quality[0] ?? null,
      features: batch.features ?? {},
      thumbnail: still.thumbnail,
    };
    await cache?.put(scope, still.sha256, entry);
    return { path: still.path, sha256: still.sha256, inferenceMs: batch.inferenceMs, ...entry };
  });
  await cache?.trim();
}
