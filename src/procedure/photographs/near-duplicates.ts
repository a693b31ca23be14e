import { hammingDistance } from '../../retrieval/perceptual-hash.js';
import { NEAR_DUPLICATE_BITS } from '../../retrieval/duplicates.js';

/** What is compared of a photograph. */
export interface Resemblance {
  readonly hash: Uint32Array;
  /** L2-normalised. */
  readonly embedding: Float32Array;
  /** The better of two that resemble each other stands for both. */
  readonly value: number;
}

/**
 * Hashes that differ in more bits than copies do, but not in more than these, are of one view if the embeddings agree as well. Of 228,826
 * pairs of different stills 35 are so near (all seem to be of one examination each); of video frames 0.1 s apart, about two in three.
 */
const SAME_VIEW_BITS = 48;
const SAME_VIEW_SIMILARITY = 0.95;

/**
 * For every photograph the one that it repeats, or null: the same view kept twice, or copied. The best of those that resemble each other is
 * the one repeated; nothing is chained, so a slow movement is not one view.
 */
export function nearDuplicates(photographs: readonly Resemblance[]): (number | null)[] {
  const byValue = photographs.map((_, at) => at).sort((a, b) => (photographs[b]?.value ?? 0) - (photographs[a]?.value ?? 0) || a - b);
  const leaders: number[] = [];
  const repeats: (number | null)[] = photographs.map(() => null);
  for (const at of byValue) {
    const photograph = photographs[at];
    if (photograph === undefined) continue;
    const leader = leaders.find((other) => isSameView(photograph, photographs[other] ?? photograph));
    if (leader === undefined) leaders.push(at);
    else repeats[at] = leader;
  }
  return repeats;
}

function isSameView(a: Resemblance, b: Resemblance): boolean {
  const bits = hammingDistance(a.hash, b.hash);
  if (bits <= NEAR_DUPLICATE_BITS) return true;
  return bits <= SAME_VIEW_BITS && dot(a.embedding, b.embedding) >= SAME_VIEW_SIMILARITY;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
}
