import { Nearest } from './nearest.js';
import type { Hit, VectorIndex } from './vector-index.js';

/** Inner product of row `row` of `vectors` with `query`. */
export function similarity(vectors: Float32Array, row: number, query: Float32Array): number {
  const dimension = query.length;
  const start = row * dimension;
  let sum = 0;
  for (let at = 0; at < dimension; at++) sum += (vectors[start + at] ?? 0) * (query[at] ?? 0);
  return sum;
}

/**
 * Compares a query with every exemplar. `vectors` is `[count, dimension]`, L2-normalised.
 * @throws RangeError when the sizes do not fit, or a query has another dimension.
 */
export function exactIndex(vectors: Float32Array, dimension: number): VectorIndex {
  const count = vectors.length / dimension;
  if (!Number.isInteger(count)) throw new RangeError(`${vectors.length} numbers are no rows of ${dimension}`);

  return {
    kind: 'exact',
    count,
    dimension,
    search(query: Float32Array, k: number): Hit[] {
      if (query.length !== dimension) throw new RangeError(`the query has ${query.length} dimensions instead of ${dimension}`);
      const nearest = new Nearest(Math.min(k, count));
      if (k < 1 || count === 0) return [];
      // Four rows at a time: their sums do not wait for each other, and each query component is loaded once.
      const blockEnd = count - (count % 4);
      for (let row = 0; row < blockEnd; row += 4) {
        const first = row * dimension;
        const second = first + dimension;
        const third = second + dimension;
        const fourth = third + dimension;
        let a = 0;
        let b = 0;
        let c = 0;
        let d = 0;
        for (let at = 0; at < dimension; at++) {
          const component = query[at] ?? 0;
          a += component * (vectors[first + at] ?? 0);
          b += component * (vectors[second + at] ?? 0);
          c += component * (vectors[third + at] ?? 0);
          d += component * (vectors[fourth + at] ?? 0);
        }
        if (a > nearest.floor) nearest.add(row, a);
        if (b > nearest.floor) nearest.add(row + 1, b);
        if (c > nearest.floor) nearest.add(row + 2, c);
        if (d > nearest.floor) nearest.add(row + 3, d);
      }
      for (let row = blockEnd; row < count; row++) {
        const last = similarity(vectors, row, query);
        if (last > nearest.floor) nearest.add(row, last);
      }
      return nearest.hits();
    },
  };
}
