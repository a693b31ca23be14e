import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import { lookAlikes } from '../../src/retrieval/look-alikes.js';

const DIMENSION = 24;

/** Examinations of `frames` pictures each: hashes and embeddings of one stay near each other, those of two do not. */
function examinations(
  count: number,
  frames: number,
  hashNoise: number,
): { hashes: Uint32Array[]; embeddings: Float32Array; truth: number[] } {
  const random = seededRandom(7);
  const normal = (): number => 2 * (random() + random() + random() - 1.5);
  const hashes: Uint32Array[] = [];
  const rows: number[] = [];
  const truth: number[] = [];
  for (let examination = 0; examination < count; examination++) {
    const hash = Uint32Array.from({ length: 8 }, () => Math.floor(random() * 2 ** 32));
    const centre = Array.from({ length: DIMENSION }, normal);
    for (let frame = 0; frame < frames; frame++) {
      const own = hash.slice();
      for (let flip = 0; flip < hashNoise; flip++) {
        const bit = Math.floor(random() * 256);
        own[bit >>> 5] = (own[bit >>> 5]! ^ (1 << (bit & 31))) >>> 0;
      }
      hashes.push(own);
      const vector = centre.map((value) => value + 0.15 * normal());
      const norm = Math.hypot(...vector);
      rows.push(...vector.map((value) => value / norm));
      truth.push(examination);
    }
  }
  return { hashes, embeddings: Float32Array.from(rows), truth };
}

describe('lookAlikes', () => {
  it('joins what hashes show to be alike, and what is as similar as such pairs are', async () => {
    // Some of the pairs are within the bound of the hash; embeddings find the rest.
    const { hashes, embeddings, truth } = examinations(60, 3, 30);
    const byHash = await lookAlikes(hashes, { embeddings: null });
    const both = await lookAlikes(hashes, { embeddings });
    const joined = (groups: { of(row: number): number }): number => truth.filter((_, row) => groups.of(row) !== row).length;
    expect(both.minSimilarity).toBeGreaterThan(0.8);
    expect(joined(both.groups)).toBeGreaterThan(joined(byHash.groups));
    expect(joined(both.groups)).toBeGreaterThan(85);
    truth.forEach((examination, row) => {
      expect(truth[both.groups.of(row)]).toBe(examination);
    });
  });

  it('does not trust similarity where hashes find nothing to learn it from', async () => {
    const { hashes, embeddings, truth } = examinations(20, 2, 120);
    const found = await lookAlikes(hashes, { embeddings });
    expect(found).toMatchObject({ minSimilarity: null, hashPairs: 0 });
    expect(truth.every((_, row) => found.groups.of(row) === row)).toBe(true);
  });
});
