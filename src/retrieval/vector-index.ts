/** One exemplar near a query. */
export interface Hit {
  /** Position in the gallery. */
  readonly exemplar: number;
  /** Cosine similarity, −1…1. */
  readonly similarity: number;
}

/** Finds the exemplars nearest to an L2-normalised query; nearest first, of equals the one with the smaller position. */
export interface VectorIndex {
  readonly kind: 'exact' | 'hnsw';
  readonly count: number;
  readonly dimension: number;
  search(query: Float32Array, k: number): Hit[];
}
