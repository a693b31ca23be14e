import { turnTaker } from '../common/turns.js';
import { DENSITY_NEIGHBOURS } from './confidence.js';
import type { VectorIndex } from './vector-index.js';

/** By exemplar: mean similarity to its nearest exemplars, near-duplicates left out. */
export async function densitiesOf(
  index: VectorIndex,
  embeddings: Float32Array,
  groups: readonly number[],
  options: { readonly signal?: AbortSignal; readonly onProgress?: (share: number) => void } = {},
): Promise<number[]> {
  const { dimension } = index;
  const groupSizes = new Map<number, number>();
  for (const group of groups) groupSizes.set(group, (groupSizes.get(group) ?? 0) + 1);
  const turn = turnTaker(options.signal);
  const densities: number[] = [];
  for (const [exemplar, group] of groups.entries()) {
    const found = index.search(
      embeddings.subarray(exemplar * dimension, (exemplar + 1) * dimension),
      DENSITY_NEIGHBOURS + (groupSizes.get(group) ?? 1),
    );
    const others = found.filter((hit) => groups[hit.exemplar] !== group).slice(0, DENSITY_NEIGHBOURS);
    densities.push(others.reduce((sum, hit) => sum + hit.similarity, 0) / Math.max(1, others.length));
    const waited = turn();
    if (waited !== undefined) {
      options.onProgress?.(exemplar / groups.length);
      await waited;
    }
  }
  return densities;
}
