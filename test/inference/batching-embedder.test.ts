import { describe, expect, it } from 'vitest';
import { batchingEmbedder } from '../../src/inference/batching-embedder.js';
import type { Embedder, EmbeddingBatch, PixelBatch, QualityMeasures } from '../../src/inference/embedder.js';
import type { Model } from '../../src/models/model.js';

const input = { width: 2, height: 1 };
const model: Model = { name: 'first-bytes', fingerprint: '0', graph: '', input, dimension: 2, backbones: [], parts: [] };
const measures = (luminance: number): QualityMeasures => ({
  luminance,
  litShare: 1,
  glareShare: 0,
  sharpness: 0,
  redness: 0,
  saturation: 0,
  contrast: 0,
});

/** Embeds a picture as its first two bytes; remembers its batches and answers the oldest one when told to. */
function fake(batchLimit: number): Embedder & { readonly batches: number[]; answer(failure?: Error): void } {
  const batches: number[] = [];
  const waiting: ((failure?: Error) => void)[] = [];
  return {
    model,
    device: { name: 'fake', reason: 'test', batchLimit },
    batches,
    answer: (failure) => waiting.shift()?.(failure),
    embed: ({ count, pixels }) => {
      batches.push(count);
      const firsts = Array.from({ length: count }, (_, row) => [pixels[row * 6] ?? 0, pixels[row * 6 + 1] ?? 0]);
      const batch: EmbeddingBatch = {
        count,
        embeddings: new Float32Array(firsts.flat()),
        quality: firsts.map(([first = 0]) => measures(first)),
        features: { first: new Float32Array(firsts.map(([first = 0]) => first)) },
        inferenceMs: 5,
      };
      return new Promise((resolve, reject) =>
        waiting.push((failure) => {
          if (failure === undefined) resolve(batch);
          else reject(failure);
        }),
      );
    },
    dispose: () => Promise.resolve(),
  };
}

const picture = (value: number): PixelBatch => ({ count: 1, ...input, pixels: new Uint8Array([value, value + 1, 0, 0, 0, 0]) });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('batchingEmbedder', () => {
  it('sends a lone picture at once and those that come meanwhile together, each answered with its own', async () => {
    const inner = fake(3);
    const embedder = batchingEmbedder(inner);
    const answers = Promise.all([1, 2, 3, 4, 5].map((value) => embedder.embed(picture(value))));
    expect(inner.batches).toEqual([1]);
    inner.answer();
    await settled();
    expect(inner.batches).toEqual([1, 3]);
    inner.answer();
    await settled();
    inner.answer();
    expect(inner.batches).toEqual([1, 3, 1]);
    const batches = await answers;
    expect(batches.map(({ count, embeddings }) => [count, ...embeddings])).toEqual([1, 2, 3, 4, 5].map((value) => [1, value, value + 1]));
    expect(batches.map(({ quality, features }) => [quality[0]?.luminance, features?.['first']?.[0]])).toEqual(
      [1, 2, 3, 4, 5].map((value) => [value, value]),
    );
  });

  it('keeps a request that cannot be answered out of the batches of the others', async () => {
    const inner = fake(4);
    const embedder = batchingEmbedder(inner);
    const first = embedder.embed(picture(1));
    const wrong = embedder.embed({ ...picture(2), width: 3 });
    const second = embedder.embed(picture(3));
    await expect(wrong).rejects.toMatchObject({ code: 'pixels-size' });
    inner.answer();
    await settled();
    inner.answer();
    expect((await first).embeddings[0]).toBe(1);
    expect((await second).embeddings[0]).toBe(3);
    expect(inner.batches).toEqual([1, 1]);
  });

  it('fails a batch with what failed it, and goes on', async () => {
    const inner = fake(2);
    const embedder = batchingEmbedder(inner);
    const [first, second] = [embedder.embed(picture(1)), embedder.embed(picture(2))];
    inner.answer(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    inner.answer();
    expect((await second).embeddings[0]).toBe(2);
  });

  it('leaves an embedder alone that takes one picture at a time', () => {
    const inner = fake(1);
    expect(batchingEmbedder(inner)).toBe(inner);
  });
});
