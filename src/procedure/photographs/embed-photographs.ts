import { availableParallelism } from 'node:os';
import { ModelError } from '../../common/errors.js';
import { mapInOrder } from '../../common/map-in-order.js';
import { sha256Of } from '../../common/sha256.js';
import type { Embedder, QualityMeasures } from '../../inference/embedder.js';
import type { EmbeddingCache } from '../../retrieval/embedding-cache.js';
import type { FieldOfViewMode } from '../../retrieval/still-pixels.js';
import type { PhotographSet } from './find-photographs.js';
import type { UnreadableLine } from './photograph-line.js';
import { preparePhotographs, type ReadyPhotograph } from './prepare-photograph.js';

export interface EmbeddedPhotograph extends Omit<ReadyPhotograph, 'pixels'> {
  readonly embedding: Float32Array;
  readonly measures: QualityMeasures | null;
  /** 0 when the cache had it. */
  readonly inferenceMs: number;
}

export interface EmbedPhotographsOptions {
  readonly set: PhotographSet;
  readonly fieldOfView: FieldOfViewMode;
  readonly cache?: EmbeddingCache;
  readonly signal?: AbortSignal;
  /** Files that are done. */
  readonly onProgress?: (done: number) => void;
}

/** Files decoded at a time, ahead of inference. */
const PREPARE_CONCURRENCY = Math.max(2, availableParallelism());

/** Reads and embeds the pictures of every file, in order, decoding ahead of inference; files that cannot be read come in their place. */
export async function* embedPhotographs(
  embedder: Embedder,
  { set, fieldOfView, cache, signal, onProgress }: EmbedPhotographsOptions,
): AsyncGenerator<EmbeddedPhotograph | UnreadableLine, void, undefined> {
  const { input, fingerprint, name, dimension } = embedder.model;
  const scope = { model: fingerprint, fieldOfView, device: embedder.device.name };
  const prepare = { size: input, fieldOfView, ...(signal === undefined ? {} : { signal }) };

  async function* pictures(): AsyncGenerator<ReadyPhotograph | UnreadableLine, void, undefined> {
    let done = 0;
    for await (const ready of mapInOrder(set.paths, PREPARE_CONCURRENCY, (path) => preparePhotographs(set.directory, path, prepare))) {
      yield* ready;
      onProgress?.(++done);
    }
  }

  yield* mapInOrder(pictures(), Math.max(2, embedder.device.batchLimit), async (ready): Promise<EmbeddedPhotograph | UnreadableLine> => {
    signal?.throwIfAborted();
    if ('reason' in ready) return ready;
    const { path, frame, sha256, width, height, fieldOfView: found, hash, jpeg } = ready;
    const photograph = { path, frame, sha256, width, height, fieldOfView: found, hash, jpeg };
    // The other pictures of a file have no hash of their own.
    const key = frame === null ? sha256 : sha256Of(Buffer.from(`${sha256} ${frame}`));
    const kept = (await cache?.get(scope, key)) ?? null;
    if (kept?.embedding.length === dimension) {
      return { ...photograph, embedding: kept.embedding, measures: kept.quality, inferenceMs: 0 };
    }
    const batch = await embedder.embed({ count: 1, ...input, pixels: ready.pixels });
    if (!batch.embeddings.every(Number.isFinite)) {
      throw new ModelError('model-embedding', `${name}: gave an embedding that is not finite for ${path}`, {
        remedy: 'Check the model: lumenmark models verify.',
      });
    }
    const measures = batch.quality[0] ?? null;
    const outline = found?.outline?.map(([x, y]): [number, number] => [x, y]);
    await cache?.put(scope, key, {
      width,
      height,
      fieldOfView: found === null ? null : { ...found, outline },
      hash,
      embedding: batch.embeddings,
      quality: measures,
      features: {},
      thumbnail: null,
    });
    return { ...photograph, embedding: batch.embeddings, measures, inferenceMs: batch.inferenceMs };
  });
  await cache?.trim();
}
