import { firstValueFrom } from 'rxjs';
import { createBatcher } from './batcher.js';
import { checkPixels, type Embedder, type EmbeddingBatch, type PixelBatch } from './embedder.js';

/**
 * Lets pictures that are asked for one by one, by one source or by several, go through `embedder` together: those that arrive while a batch
 * runs form the next one, up to `device.batchLimit`. A picture that finds nothing running is never kept waiting. Where the limit is 1, as on
 * a CPU, `embedder` itself is returned. Disposing the result disposes `embedder`.
 */
export function batchingEmbedder(embedder: Embedder): Embedder {
  const { model, device } = embedder;
  if (device.batchLimit === 1) return embedder;
  const submit = createBatcher((batches: readonly PixelBatch[]) => embedder.embed(joined(batches)).then(separated), {
    limit: device.batchLimit,
  });
  return {
    model,
    device,
    embed: async (batch) => {
      // Here, so that one request that cannot be answered does not fail those that it would be joined with.
      checkPixels(model, batch);
      return batch.count === 1 ? firstValueFrom(submit(batch)) : embedder.embed(batch);
    },
    dispose: () => embedder.dispose(),
  };
}

function joined(batches: readonly PixelBatch[]): PixelBatch {
  const [first] = batches;
  if (first === undefined) throw new RangeError('a batch holds no picture');
  if (batches.length === 1) return first;
  const pixels = new Uint8Array(batches.length * first.pixels.length);
  for (const [index, batch] of batches.entries()) pixels.set(batch.pixels, index * first.pixels.length);
  return { ...first, count: batches.length, pixels };
}

function separated({ count, embeddings, quality, features, inferenceMs }: EmbeddingBatch): EmbeddingBatch[] {
  const rowOf = (values: Float32Array, row: number): Float32Array => {
    const length = values.length / count;
    return values.slice(row * length, (row + 1) * length);
  };
  return quality.map((measures, row) => ({
    count: 1,
    embeddings: rowOf(embeddings, row),
    quality: [measures],
    ...(features === undefined
      ? {}
      : { features: Object.fromEntries(Object.entries(features).map(([name, values]) => [name, rowOf(values, row)])) }),
    inferenceMs,
  }));
}
