import { Groups } from './groups.js';
import { HASH_BITS, hammingDistance } from './perceptual-hash.js';

/**
 * Hashes that differ in at most this many bits are of near-duplicates. On real endoscopy, re-encoding and resizing change up to
 * 14 of 256 bits; of 300,000 pairs of different pictures none differs in fewer than 24.
 */
export const NEAR_DUPLICATE_BITS = 20;

export interface DuplicateGroup {
  /** Positions, ascending; at least two. */
  readonly members: readonly number[];
  /** More than one: the pictures contradict each other. */
  readonly labels: readonly string[];
}

/**
 * Finds pictures that are near-duplicates, directly or by a chain of them. Two hashes that differ in at most b bits agree wholly in
 * one of b + 1 bands, so that only pictures that share a band are compared.
 */
export function nearDuplicateGroups(hashes: readonly Uint32Array[], maxBits = NEAR_DUPLICATE_BITS): Groups {
  const groups = new Groups(hashes.length);
  const bands = maxBits + 1;
  for (let band = 0; band < bands; band++) {
    const from = Math.floor((band * HASH_BITS) / bands);
    const to = Math.floor(((band + 1) * HASH_BITS) / bands);
    const buckets = new Map<number, number[]>();
    hashes.forEach((hash, picture) => {
      let key = 0;
      for (let bit = from; bit < to; bit++) key = key * 2 + (((hash[bit >>> 5] ?? 0) >>> (bit & 31)) & 1);
      const bucket = buckets.get(key);
      if (bucket === undefined) {
        buckets.set(key, [picture]);
        return;
      }
      for (const other of bucket) {
        if (groups.of(other) !== groups.of(picture) && hammingDistance(hash, hashes[other] ?? hash) <= maxBits) groups.join(other, picture);
      }
      bucket.push(picture);
    });
  }
  return groups;
}

/** The groups of two and more; those whose labels contradict each other first. */
export function duplicateGroups(groups: Groups, labels: readonly string[]): DuplicateGroup[] {
  const members = new Map<number, number[]>();
  labels.forEach((_, picture) => {
    const group = groups.of(picture);
    members.set(group, [...(members.get(group) ?? []), picture]);
  });
  return [...members.values()]
    .filter((pictures) => pictures.length > 1)
    .map((pictures) => ({ members: pictures, labels: [...new Set(pictures.map((picture) => labels[picture] ?? ''))] }))
    .sort((a, b) => b.labels.length - a.labels.length || (a.members[0] ?? 0) - (b.members[0] ?? 0));
}
