import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import { exactIndex, similarity } from '../../src/retrieval/exact-index.js';
import { createHnsw, hnswIndex, insertRow, loadHnsw, readHnsw, type HnswLibrary } from '../../src/retrieval/hnsw.js';
import { buildHnswFile } from '../../src/retrieval/hnsw-build.js';

const DIMENSION = 24;

function unitRows(count: number, seed = 1): Float32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const rows = new Float32Array(count * DIMENSION).map(() => random() - 0.5);
  for (let row = 0; row < count; row++) {
    const values = rows.subarray(row * DIMENSION, (row + 1) * DIMENSION);
    values.set(values.map((value) => value / Math.hypot(...values)));
  }
  return rows;
}

describe('exact search', () => {
  // Sizes around the block of four rows and around k.
  it.each([1, 3, 4, 5, 30, 31, 32, 203])('finds what sorting everything finds, among %i', (count) => {
    const rows = unitRows(count);
    const index = exactIndex(rows, DIMENSION);
    const query = unitRows(1, 9);
    const sorted = Array.from({ length: count }, (_, exemplar) => ({ exemplar, similarity: similarity(rows, exemplar, query) })).sort(
      (a, b) => b.similarity - a.similarity,
    );
    const hits = index.search(query, 31);
    expect(hits.map(({ exemplar }) => exemplar)).toEqual(sorted.slice(0, 31).map(({ exemplar }) => exemplar));
    hits.forEach((hit, at) => {
      expect(hit.similarity).toBeCloseTo(sorted[at]!.similarity, 9);
    });
  });

  it('puts the earlier of equals first, also where it decides who is among the k', () => {
    const rows = new Float32Array([1, 0, 0, 1, 1, 0, 1, 0, 1, 0]);
    expect(
      exactIndex(rows, 2)
        .search(new Float32Array([1, 0]), 2)
        .map(({ exemplar }) => exemplar),
    ).toEqual([0, 2]);
  });

  it('has nothing to find in nothing, and refuses what does not fit', () => {
    expect(exactIndex(new Float32Array(0), 4).search(new Float32Array(4), 3)).toEqual([]);
    expect(exactIndex(unitRows(3), DIMENSION).search(unitRows(1), 0)).toEqual([]);
    expect(() => exactIndex(new Float32Array(7), 4)).toThrow(RangeError);
    expect(() => exactIndex(unitRows(3), DIMENSION).search(new Float32Array(4), 1)).toThrow(RangeError);
  });
});

const loaded = loadHnsw();

describe.skipIf('reason' in loaded)('HNSW search', () => {
  const library = (loaded as { library: HnswLibrary }).library;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lumenmark-hnsw-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('finds nearly all that exact search finds, with the same similarities', () => {
    const rows = unitRows(1500);
    const graph = createHnsw(library, 1500, DIMENSION);
    for (let row = 0; row < 1500; row++) insertRow(graph, rows, DIMENSION, row);
    const hnsw = hnswIndex(graph, rows, DIMENSION, 128);
    const exact = exactIndex(rows, DIMENSION);
    let found = 0;
    for (let at = 0; at < 50; at++) {
      const query = unitRows(1, 1000 + at);
      const truth = new Map(exact.search(query, 10).map((hit) => [hit.exemplar, hit.similarity]));
      const hits = hnsw.search(query, 10);
      for (const hit of hits) {
        if (!truth.has(hit.exemplar)) continue;
        found += 1;
        expect(hit.similarity).toBeCloseTo(truth.get(hit.exemplar)!, 12);
      }
      expect(hits.map((hit) => hit.similarity)).toEqual(hits.map((hit) => hit.similarity).sort((a, b) => b - a));
    }
    expect(found / 500).toBeGreaterThan(0.97);
  });

  it('is built, measured and written in a worker, the same each time', async () => {
    const rows = unitRows(800);
    const shares: number[] = [];
    const task = (file: string) => ({
      vectors: new Float32Array(rows),
      dimension: DIMENSION,
      file: join(folder, file),
      parameters: { links: 16, candidatesAtBuild: 100, seed: 3 },
      k: 10,
      wantedRecall: 0.99,
      queries: 80,
    });
    const outcome = await buildHnswFile(task('a'), { onProgress: (share) => shares.push(share) });
    expect(outcome).toMatchObject({ k: 10, queries: 80 });
    expect(outcome.recall).toBeGreaterThanOrEqual(0.99);
    expect(shares.length).toBeGreaterThan(0);
    expect(await buildHnswFile(task('b'))).toEqual(outcome);
    expect(await readFile(join(folder, 'a'))).toEqual(await readFile(join(folder, 'b')));

    const index = hnswIndex(await readHnsw(library, join(folder, 'a'), 800, DIMENSION), rows, DIMENSION, outcome.candidates);
    expect(index.search(rows.subarray(0, DIMENSION), 1)[0]?.exemplar).toBe(0);
    await expect(readHnsw(library, join(folder, 'a'), 801, DIMENSION)).rejects.toThrow('the index holds 800 of 801');
  });

  it('stops building when aborted', async () => {
    const controller = new AbortController();
    const building = buildHnswFile(
      {
        vectors: unitRows(20_000),
        dimension: DIMENSION,
        file: join(folder, 'c'),
        parameters: { links: 16, candidatesAtBuild: 400, seed: 1 },
        k: 10,
        wantedRecall: 1,
        queries: 10,
      },
      {
        signal: controller.signal,
        onProgress: () => {
          controller.abort(new Error('enough'));
        },
      },
    );
    await expect(building).rejects.toThrow('enough');
  });
});
