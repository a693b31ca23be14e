import { seededRandom } from '../common/random.js';

/**
 * Rows spread over `vectors`, each moved a little in a random direction and normalised again: queries as near to a gallery as
 * neighbouring frames are to each other, none of them an exemplar. Deterministic.
 */
export function seededQueries(vectors: Float32Array, dimension: number, count: number, seed: number): Float32Array[] {
  const rows = vectors.length / dimension;
  const random = seededRandom(seed);
  return Array.from({ length: Math.min(count, rows) }, () => {
    const row = Math.floor(random() * rows);
    const query = vectors.slice(row * dimension, (row + 1) * dimension);
    let norm = 0;
    for (let at = 0; at < dimension; at++) {
      // Uniform noise whose length is about 0.3 of the vector's.
      const moved = (query[at] ?? 0) + ((random() - 0.5) * 0.3 * Math.sqrt(12)) / Math.sqrt(dimension);
      query[at] = moved;
      norm += moved * moved;
    }
    return query.map((value) => value / Math.sqrt(norm));
  });
}
