import { describe, expect, it } from 'vitest';
import { createSampler } from '../../src/training/sampler.js';

const labels = (counts: Readonly<Record<string, number>>): string[] =>
  Object.entries(counts).flatMap(([label, count]) => Array.from({ length: count }, () => label));

describe('createSampler', () => {
  it('fills every batch with several pictures of each class in it, none twice', () => {
    const set = labels({ a: 50, b: 9, c: 30, d: 5, e: 41, f: 12, g: 20, h: 33, i: 17 });
    const sampler = createSampler({ labels: set, batchSize: 32, seed: 3 });
    expect(sampler.stepsPerEpoch).toBe(Math.floor(set.length / 32));
    for (let epoch = 0; epoch < 20; epoch++) {
      for (const batch of sampler.batches(epoch)) {
        expect(batch).toHaveLength(32);
        expect(new Set(batch).size).toBe(32);
        const counts = new Map<string, number>();
        for (const picture of batch) counts.set(set[picture]!, (counts.get(set[picture]!) ?? 0) + 1);
        expect(counts.size).toBe(8);
        expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(4);
      }
    }
  });

  it('draws small classes as often as large ones, and every picture sooner or later', () => {
    const set = labels({ small: 8, large: 80, other: 40, further: 40 });
    const sampler = createSampler({ labels: set, batchSize: 8, perClass: 4, seed: 1 });
    const drawn = Array.from({ length: 40 }, (_, epoch) => sampler.batches(epoch).flat()).flat();
    expect(new Set(drawn).size).toBe(set.length);
    const share = (label: string) => drawn.filter((picture) => set[picture] === label).length / drawn.length;
    for (const label of ['small', 'large', 'other', 'further']) expect(share(label)).toBeCloseTo(0.25, 1);
  });

  it('lets other classes help where the drawn ones are too small', () => {
    const set = labels({ a: 2, b: 2, c: 2, d: 10 });
    for (const batch of createSampler({ labels: set, batchSize: 14, seed: 1 }).batches(0)) {
      expect(new Set(batch).size).toBe(14);
    }
  });

  it('depends on seed and epoch alone', () => {
    const set = labels({ a: 20, b: 20, c: 20 });
    const of = (seed: number, epoch: number) => JSON.stringify(createSampler({ labels: set, batchSize: 12, seed }).batches(epoch));
    const used = createSampler({ labels: set, batchSize: 12, seed: 7 });
    used.batches(0);
    expect(JSON.stringify(used.batches(4))).toBe(of(7, 4));
    expect(of(7, 4)).not.toBe(of(7, 5));
    expect(of(7, 4)).not.toBe(of(8, 4));
  });

  it('takes consecutive pictures in the given order', () => {
    const sampler = createSampler({ labels: labels({ a: 3, b: 4 }), batchSize: 3, order: 'given', seed: 1 });
    expect(sampler.batches(5)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
  });
});
