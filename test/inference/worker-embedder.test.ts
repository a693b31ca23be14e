import { describe, expect, it } from 'vitest';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import type { PixelBatch } from '../../src/inference/embedder.js';
import type { Model } from '../../src/models/model.js';
import { GraphBuilder } from '../../src/onnx/builder.js';
import { l2Normalise } from '../../src/onnx/composites.js';
import { encodeModel } from '../../src/onnx/encode.js';
import * as ops from '../../src/onnx/ops.js';

const SIDE = 8;

/** Embedding: the mean colour, L2-normalised; feature `mean`: the mean colour. No quality output, so that it has to be joined. */
function meanColourModel(): Model {
  const graph = new GraphBuilder({ name: 'mean-colour' });
  const pixels = graph.input('pixels', 'uint8', ['N', SIDE, SIDE, 3]);
  const mean = ops.reduceMean(ops.cast(pixels, 'float32'), [1, 2], { keepDimensions: false });
  graph.output('feature:mean', mean);
  graph.output('embedding', l2Normalise(mean));
  return modelOf(encodeModel(graph.model()));
}

function modelOf(graph: Uint8Array | string): Model {
  return {
    name: 'mean-colour',
    fingerprint: '0',
    graph,
    input: { width: SIDE, height: SIDE },
    dimension: 3,
    backbones: ['mean'],
    parts: [],
  };
}

function plain(...colours: readonly (readonly [number, number, number])[]): PixelBatch {
  const pixels = new Uint8Array(colours.length * SIDE * SIDE * 3);
  colours.forEach((colour, index) => {
    for (let at = 0; at < SIDE * SIDE; at++) pixels.set(colour, (index * SIDE * SIDE + at) * 3);
  });
  return { count: colours.length, width: SIDE, height: SIDE, pixels };
}

describe('createEmbedder', () => {
  it('gives embeddings, quality measures and features', async () => {
    const embedder = await createEmbedder(meanColourModel(), { device: 'cpu', features: true });
    try {
      expect(embedder.device.name).toBe('cpu');
      const batch = await embedder.embed(plain([0, 102, 0], [255, 0, 0]));
      expect([...batch.embeddings]).toEqual([0, 1, 0, 1, 0, 0]);
      expect([...(batch.features?.['mean'] ?? [])]).toEqual([0, 102, 0, 255, 0, 0]);
      expect(batch.quality[1]?.redness).toBeCloseTo(1, 5);
      expect(batch.quality[0]?.luminance).toBeCloseTo(0.4 * 0.587, 4);
      expect(batch.quality[0]?.litShare).toBe(1);
      expect(batch.inferenceMs).toBeGreaterThan(0);
    } finally {
      await embedder.dispose();
    }
  });

  it.each([1, 8])('answers overlapping calls in order, each with its own picture, in batches of at most %i', async (batchLimit) => {
    const embedder = await createEmbedder(meanColourModel(), { device: 'cpu', batchLimit });
    try {
      const order: number[] = [];
      const batches = await Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          const batch = await embedder.embed(plain([index, 100, 0]));
          order.push(index);
          return batch;
        }),
      );
      expect(order).toEqual([...order].sort((a, b) => a - b));
      batches.forEach((batch, index) => {
        expect((batch.embeddings[0] ?? 0) / (batch.embeddings[1] ?? 1)).toBeCloseTo(index / 100, 5);
      });
    } finally {
      await embedder.dispose();
    }
  });

  it('takes the pixels over and refuses pixels of another size or in a shared buffer', async () => {
    const embedder = await createEmbedder(meanColourModel());
    try {
      const batch = plain([1, 2, 3]);
      await embedder.embed(batch);
      expect(batch.pixels.byteLength).toBe(0);
      await expect(embedder.embed({ ...plain([1, 2, 3]), width: 9 })).rejects.toThrow(/8×8, not 9×8/);
      await expect(embedder.embed({ ...plain([1, 2, 3]), count: 2 })).rejects.toThrow(/take 384 bytes, not 192/);
      const shared = new Uint8Array(new ArrayBuffer(400), 0, SIDE * SIDE * 3);
      await expect(embedder.embed({ ...plain([1, 2, 3]), pixels: shared })).rejects.toThrow(/buffer of their own/);
      await expect(embedder.embed(plain([1, 2, 3]))).resolves.toMatchObject({ count: 1 });
    } finally {
      await embedder.dispose();
    }
  });

  it('rejects what waits when it is disposed or aborted, and everything afterwards', async () => {
    const abort = new AbortController();
    const embedder = await createEmbedder(meanColourModel(), { signal: abort.signal });
    const waiting = embedder.embed(plain([1, 2, 3]));
    abort.abort();
    await expect(waiting).rejects.toThrow(/abort/i);
    await embedder.dispose();
    await expect(embedder.embed(plain([1, 2, 3]))).rejects.toThrow(/abort/i);
    await expect(createEmbedder(meanColourModel(), { signal: abort.signal })).rejects.toThrow(/abort/i);
  });

  it('names what is wrong with a model that cannot be loaded', async () => {
    await expect(createEmbedder(modelOf(new Uint8Array([1, 2, 3])))).rejects.toMatchObject({ name: 'ModelError', code: 'model-load' });
    await expect(createEmbedder(modelOf('/nowhere/model.onnx'))).rejects.toMatchObject({ name: 'ModelError', code: 'model-load' });
    const other = new GraphBuilder();
    other.output('something', ops.identity(other.input('pixels', 'uint8', ['N', SIDE, SIDE, 3])));
    await expect(createEmbedder(modelOf(encodeModel(other.model())))).rejects.toMatchObject({ code: 'model-contract' });
    await expect(createEmbedder({ ...meanColourModel(), backbones: ['none'] }, { features: true })).rejects.toThrow(/feature:none/);
  });
});
