import { availableParallelism } from 'node:os';
import { ModelError } from '../common/errors.js';
import { mapInOrder } from '../common/map-in-order.js';
import type { Embedder, EmbeddingBatch } from '../inference/embedder.js';

/** Pictures decoded at a time, ahead of inference. */
export const PREPARE_CONCURRENCY = Math.max(2, availableParallelism());

/**
 * Embeds pictures, in batches as the embedder joins them (on a CPU they only cost), in their order, while the next ones are being made ready. `pixels` are
 * handed over: they cannot be used afterwards.
 * @throws ModelError when an embedding is not finite.
 */
export function embedPictures<Item extends { readonly pixels: Uint8Array<ArrayBuffer> }>(
  embedder: Embedder,
  items: AsyncIterable<Item>,
): AsyncGenerator<{ readonly item: Item; readonly batch: EmbeddingBatch }, void, undefined> {
  const { width, height } = embedder.model.input;
  // Enough for the model to find its next batch waiting when it has finished one.
  return mapInOrder(items, 2 * embedder.device.batchLimit, async (item) => {
    const batch = await embedder.embed({ count: 1, width, height, pixels: item.pixels });
    if (!batch.embeddings.every(Number.isFinite)) {
      throw new ModelError('model-embedding', `${embedder.model.name}: gave an embedding that is not finite`, {
        remedy: 'Check the model: lumenmark models verify.',
      });
    }
    return { item, batch };
  });
}
