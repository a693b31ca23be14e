import { turnTaker } from '../common/turns.js';
import { similarity } from './exact-index.js';
import { Groups } from './groups.js';
import { Nearest } from './nearest.js';
import { hammingDistance } from './perceptual-hash.js';

export interface LookAlikeOptions {
  /** `[hashes.length, dimension]`, L2-normalised; null: only hashes are compared. */
  readonly embeddings: Float32Array | null;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number) => void;
}

export interface LookAlikes {
  /** Pictures that look as if they were of one examination carry one group. */
  readonly groups: Groups;
  /** Similarity from which on two pictures were joined; null: only by hash. */
  readonly minSimilarity: number | null;
  /** Pairs that were joined by their hashes. */
  readonly hashPairs: number;
}

/**
 * Hashes that differ in at most this many of 256 bits are of one scene: neighbouring frames of an examination, or the same frame cut or
 * encoded differently. By eye on 761 real stills: of 113 such pairs all look like one examination, of those with 56 bits not all.
 */
export const SAME_SCENE_BITS = 48;
/** What a similarity must reach: that of three quarters of the pairs which hashes show to be of one scene. */
const QUANTILE = 0.25;
/** Fewer pairs say nothing about what similarity such pairs have. */
const MIN_PAIRS = 10;
/** Two pictures are joined by similarity only when each is among so many nearest of the other, so that a dense class is not one group. */
const MUTUAL = 5;
/** However alike, no more than this share of all pairs is of one examination. */
const MAX_SHARE = 0.002;

/**
 * Groups pictures that may be of one examination, where nobody says which are: by perceptual hash and by embedding. How similar the
 * embeddings of one scene are depends on the model, so the pairs that hashes find set the bound for the others. Finds what looks alike
 * and nothing else: views of different places of one examination stay apart unless ids join them.
 */
export async function lookAlikes(hashes: readonly Uint32Array[], options: LookAlikeOptions): Promise<LookAlikes> {
  const { embeddings, signal, onProgress } = options;
  const count = hashes.length;
  const groups = new Groups(count);
  const dimension = embeddings === null || count === 0 ? 0 : embeddings.length / count;
  const turn = turnTaker(signal);
  const known: number[] = [];
  const nearest: Nearest[] = Array.from({ length: count }, () => new Nearest(MUTUAL));
  let hashPairs = 0;
  for (let a = 0; a < count; a++) {
    const query = embeddings?.subarray(a * dimension, (a + 1) * dimension);
    for (let b = 0; b < a; b++) {
      const alike = hammingDistance(hashes[a] ?? new Uint32Array(), hashes[b] ?? new Uint32Array()) <= SAME_SCENE_BITS;
      if (alike) {
        groups.join(a, b);
        hashPairs += 1;
      }
      if (embeddings === null || query === undefined) continue;
      const near = similarity(embeddings, b, query);
      if (alike) known.push(near);
      const [nearA, nearB] = [nearest[a], nearest[b]];
      if (nearA !== undefined && near > nearA.floor) nearA.add(b, near);
      if (nearB !== undefined && near > nearB.floor) nearB.add(a, near);
    }
    onProgress?.(a + 1);
    await turn();
  }
  if (known.length < MIN_PAIRS) return { groups, minSimilarity: null, hashPairs };

  const hits = nearest.map((found) => found.hits());
  const mutual = hits.flatMap((found, a) =>
    found.flatMap((hit) =>
      hit.exemplar < a && (hits[hit.exemplar] ?? []).some((back) => back.exemplar === a)
        ? [{ a, b: hit.exemplar, near: hit.similarity }]
        : [],
    ),
  );
  known.sort((x, y) => x - y);
  const allowed = mutual.map(({ near }) => near).sort((x, y) => y - x)[Math.floor((MAX_SHARE * count * (count - 1)) / 2)] ?? -1;
  const minSimilarity = Math.max(known[Math.floor(QUANTILE * (known.length - 1))] ?? 1, allowed);
  for (const { a, b, near } of mutual) if (near >= minSimilarity) groups.join(a, b);
  return { groups, minSimilarity, hashPairs };
}
