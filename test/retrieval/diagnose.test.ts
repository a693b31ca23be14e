import { describe, expect, it } from 'vitest';
import { diagnoseGallery } from '../../src/retrieval/diagnose.js';
import { mapGallery } from '../../src/retrieval/umap.js';
import { seededRandom } from '../../src/common/random.js';
import { exactIndex } from '../../src/retrieval/exact-index.js';
import type { Gallery } from '../../src/retrieval/gallery.js';

const DIMENSION = 8;

/** Classes as clouds around directions of their own; `labels` may lie about the cloud that `clouds` says. */
function galleryOf(entries: readonly { readonly cloud: number; readonly label: string; readonly group?: number }[]): Gallery {
  const random = seededRandom(3);
  const embeddings = new Float32Array(entries.length * DIMENSION);
  entries.forEach(({ cloud }, row) => {
    const vector = Array.from({ length: DIMENSION }, (_, axis) => (axis === cloud ? 1 : 0) + 0.2 * (random() - 0.5));
    const norm = Math.hypot(...vector);
    embeddings.set(
      vector.map((value) => value / norm),
      row * DIMENSION,
    );
  });
  const labels = entries.map(({ label }) => label);
  const index = exactIndex(embeddings, DIMENSION);
  const gallery: Pick<Gallery, 'embeddings' | 'match'> & { exemplars: unknown; manifest: unknown; labels: readonly string[] } = {
    embeddings,
    labels: [...new Set(labels)],
    exemplars: entries.map(({ label, group }, row) => ({ label, group: group ?? row, path: `${label}/${String(row)}.jpg` })),
    manifest: { model: { dimension: DIMENSION, fitted: false } },
    match: (query, { k = 10 } = {}) => ({
      neighbours: index.search(query, k).map((hit) => ({ ...hit, label: labels[hit.exemplar] ?? '' })),
      scores: [],
      known: true,
      confidence: 1,
    }),
  };
  return gallery as unknown as Gallery;
}

const cloudOf = (cloud: number, label: string, count: number): { cloud: number; label: string }[] =>
  Array.from({ length: count }, () => ({ cloud, label }));

describe('diagnoseGallery', () => {
  it('points at the exemplars whose neighbours carry another label, and at nothing else', async () => {
    const gallery = galleryOf([
      ...cloudOf(0, 'pylorus', 20),
      ...cloudOf(1, 'z-line', 20),
      { cloud: 1, label: 'pylorus' },
      { cloud: 0, label: 'z-line' },
    ]);
    const { suspects, classes } = await diagnoseGallery(gallery);
    expect(suspects.map(({ exemplar, likelier }) => [exemplar, likelier]).sort()).toEqual([
      [40, 'z-line'],
      [41, 'pylorus'],
    ]);
    const pylorus = classes.find(({ label }) => label === 'pylorus');
    expect(pylorus).toMatchObject({ exemplars: 21, rival: { label: 'z-line' } });
    // The intruder disagrees, and whoever has the other intruder for its nearest.
    expect(pylorus?.agreement).toBeLessThanOrEqual(20 / 21);
    expect(pylorus?.agreement).toBeGreaterThan(0.8);
    expect(pylorus?.cohesion).toBeGreaterThan(0.9);
  });

  it('holds neither a part of a class against it nor a class of too few', async () => {
    const gallery = galleryOf([...cloudOf(0, 'stomach', 20), ...cloudOf(0, 'antrum', 8), ...cloudOf(0, 'cecum', 2)]);
    expect((await diagnoseGallery(gallery)).suspects).toEqual([]);
  });

  it('says nothing of a class with a single picture', async () => {
    const gallery = galleryOf([...cloudOf(0, 'stomach', 20), ...cloudOf(1, 'cecum', 1)]);
    const { classes, fitted } = await diagnoseGallery(gallery);
    expect(classes.at(-1)).toMatchObject({ label: 'cecum', cohesion: null, agreement: null, rival: { label: 'stomach' } });
    expect(fitted).toBe(false);
  });

  it('never asks near-duplicates, and tells when they contradict each other', async () => {
    const gallery = galleryOf([
      ...cloudOf(0, 'pylorus', 12),
      ...cloudOf(1, 'cecum', 12),
      { cloud: 2, label: 'pylorus', group: 100 },
      { cloud: 2, label: 'cecum', group: 100 },
      { cloud: 3, label: 'stomach', group: 101 },
      { cloud: 3, label: 'antrum', group: 101 },
    ]);
    const { contradictions, classes } = await diagnoseGallery(gallery);
    expect(contradictions).toEqual([{ exemplars: [24, 25], labels: ['pylorus', 'cecum'] }]);
    expect(classes.find(({ label }) => label === 'antrum')?.cohesion).toBeNull();
  });
});

describe('mapGallery', () => {
  it('keeps classes together, gives the same map for the same seed, and samples what is too much', async () => {
    const gallery = galleryOf([...cloudOf(0, 'pylorus', 30), ...cloudOf(1, 'cecum', 30)]);
    const map = await mapGallery(gallery, { seed: 5 });
    expect(map).toEqual(await mapGallery(gallery, { seed: 5 }));
    const centre = (from: number): [number, number] => {
      const points = map.slice(from, from + 30);
      return [points.reduce((sum, { x }) => sum + x, 0) / 30, points.reduce((sum, { y }) => sum + y, 0) / 30];
    };
    const [a, b] = [centre(0), centre(30)];
    const nearer = map.filter(({ exemplar, x, y }) => {
      const [toA, toB] = [Math.hypot(x - a[0], y - a[1]), Math.hypot(x - b[0], y - b[1])];
      return exemplar < 30 ? toA < toB : toB < toA;
    });
    expect(nearer.length).toBe(60);
    const some = await mapGallery(gallery, { maxExemplars: 20, always: [7, 45] });
    expect(some).toHaveLength(20);
    expect(some.map(({ exemplar }) => exemplar)).toEqual(expect.arrayContaining([7, 45]));
  });
});
