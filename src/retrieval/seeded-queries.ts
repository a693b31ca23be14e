import { seededRandom } from '../common/random.js';

/**
 * Rows spread over `vectors`, each moved in a random direction and normalised again: queries that are no exemplars and, lying off
 * what the exemplars span, harder to find the neighbours of than pictures are. Deterministic.
 */
export function seededQueries(vectors: Float32Array, dimension: number, count: number, seed: number): Float32Array[] {
  const rows = vectors.length / dimension;
  const random = seededRandom(seed);
  return Array.from({ length: Math.min(count, rows) }, () => {
    const row = Math.floor(random() * rows);
    const query = vectors.slice(row * dimension, (row + 1) * dimension);
    let norm = 0;
    for (let at = 0; at < dimension; at++) {
      // Uniform noise whose length is about 0.6 of the vector's.
      const moved = (query[at] ?? 0) + ((random() - 0.5) * 0.6 * Math.sqrt(12)) / Math.sqrt(dimension);
      query[at] = moved;
      norm += moved * moved;
    }
    return query.map((value) => value / Math.sqrt(norm));
  });
}
