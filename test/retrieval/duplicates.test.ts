import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import { decodeStill, squashStill } from '../../src/media/stills.js';
import { duplicateGroups, nearDuplicateGroups, NEAR_DUPLICATE_BITS } from '../../src/retrieval/duplicates.js';
import { hammingDistance, perceptualHash } from '../../src/retrieval/perceptual-hash.js';
import { patches } from './support.js';

async function hashOf(picture: Uint8Array): Promise<Uint32Array> {
  const size = { width: 64, height: 64 };
  return perceptualHash(await squashStill(await decodeStill(picture), null, size), size.width, size.height);
}

describe('perceptualHash', () => {
  it('survives resizing and recompression, and tells pictures apart', async () => {
    const original = await patches([150, 100, 90], 1);
    const again = await sharp(original).resize(61, 50).jpeg({ quality: 60 }).toBuffer();
    const hash = await hashOf(original);
    expect(hammingDistance(hash, await hashOf(again))).toBeLessThanOrEqual(NEAR_DUPLICATE_BITS);
    expect(hammingDistance(hash, await hashOf(await patches([150, 100, 90], 2)))).toBeGreaterThan(60);
  });

  it('counts bits', () => {
    expect(hammingDistance(new Uint32Array([0b1011, 0xffffffff]), new Uint32Array([0b0001, 0]))).toBe(2 + 32);
  });
});

describe('nearDuplicateGroups', () => {
  const random = seededRandom(4);
  const randomHash = (): Uint32Array => new Uint32Array(8).map(() => Math.floor(random() * 2 ** 32));
  const flipped = (hash: Uint32Array, bits: readonly number[]): Uint32Array => {
    const copy = Uint32Array.from(hash);
    for (const bit of bits) copy[bit >>> 5]! ^= 1 << (bit & 31);
    return copy;
  };
  const spaced = (count: number): number[] => Array.from({ length: count }, (_, at) => Math.floor((at * 256) / count));

  it('finds every pair within the limit, wherever the bits differ, and none beyond', () => {
    const base = randomHash();
    const together = (bits: readonly number[]): boolean => {
      const groups = nearDuplicateGroups([base, randomHash(), flipped(base, bits)]);
      return groups.of(0) === groups.of(2);
    };
    expect(together(spaced(NEAR_DUPLICATE_BITS))).toBe(true);
    expect(together(Array.from({ length: NEAR_DUPLICATE_BITS }, (_, at) => at))).toBe(true);
    expect(together(spaced(NEAR_DUPLICATE_BITS + 1))).toBe(false);
  });

  it('joins chains, and lists contradictions first', () => {
    const a = randomHash();
    const b = flipped(a, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    const c = flipped(b, [101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115]);
    const d = randomHash();
    const groups = nearDuplicateGroups([a, b, c, d, d]);
    expect(duplicateGroups(groups, ['x', 'x', 'x', 'x', 'y'])).toEqual([
      { members: [3, 4], labels: ['x', 'y'] },
      { members: [0, 1, 2], labels: ['x'] },
    ]);
  });
});
