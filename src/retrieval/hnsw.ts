import { createRequire } from 'node:module';
import { messageOf } from '../common/errors.js';
import type { Hit, VectorIndex } from './vector-index.js';
import { similarity } from './exact-index.js';

/** Parameters of the graph; the defaults of its authors fit embeddings of some hundred dimensions. */
export interface HnswParameters {
  /** Links per node (M). */
  readonly links: number;
  /** Candidates kept while inserting (efConstruction). */
  readonly candidatesAtBuild: number;
  readonly seed: number;
}

export const HNSW_DEFAULTS: HnswParameters = { links: 16, candidatesAtBuild: 200, seed: 1 };

/** What is used of hnswlib-node's graph. Its own types are not imported: where it cannot be compiled npm removes them too. */
export interface HnswGraph {
  initIndex(options: { maxElements: number; m: number; efConstruction: number; randomSeed: number }): void;
  addPoint(point: number[], row: number): void;
  searchKnn(query: number[], k: number): { readonly neighbors: number[] };
  setEf(candidates: number): void;
  getCurrentCount(): number;
  readIndex(file: string): Promise<boolean>;
  writeIndexSync(file: string): void;
}

export interface HnswLibrary {
  readonly HierarchicalNSW: new (space: 'ip', dimension: number) => HnswGraph;
}

// Required and not imported: the package is optional, so the compiler must not look for it.
const require = createRequire(import.meta.url);

/** The library, or why it cannot be had: it is compiled at installation, and a machine without a compiler goes without. */
export function loadHnsw(): { readonly library: HnswLibrary } | { readonly reason: string } {
  try {
    return { library: require('hnswlib-node') as HnswLibrary };
  } catch (error) {
    return { reason: `hnswlib-node is not installed or was not compiled (${messageOf(error).split('\n', 1)[0] ?? ''})` };
  }
}

/** An empty graph with room for `count` rows. */
export function createHnsw(library: HnswLibrary, count: number, dimension: number, parameters: HnswParameters = HNSW_DEFAULTS): HnswGraph {
  const graph = new library.HierarchicalNSW('ip', dimension);
  graph.initIndex({ maxElements: count, m: parameters.links, efConstruction: parameters.candidatesAtBuild, randomSeed: parameters.seed });
  return graph;
}

/** Inserts a row; synchronous, and slower the larger the graph is: some minutes for 100,000 rows, so call it in a worker. */
export function insertRow(graph: HnswGraph, vectors: Float32Array, dimension: number, row: number): void {
  graph.addPoint(Array.from(vectors.subarray(row * dimension, (row + 1) * dimension)), row);
}

/**
 * Reads a graph that was written for these vectors.
 * @throws RangeError when its count is another; the library itself checks nothing, so the caller checks the file's hash first.
 */
export async function readHnsw(library: HnswLibrary, file: string, count: number, dimension: number): Promise<HnswGraph> {
  const graph = new library.HierarchicalNSW('ip', dimension);
  await graph.readIndex(file);
  if (graph.getCurrentCount() !== count) throw new RangeError(`the index holds ${graph.getCurrentCount()} of ${count} exemplars`);
  return graph;
}

/**
 * Searches a graph. Similarities are computed from `vectors`, so that they are those of exact search.
 * @param candidates Candidates kept while searching (ef): more find more and take longer.
 */
export function hnswIndex(graph: HnswGraph, vectors: Float32Array, dimension: number, candidates: number): VectorIndex {
  const count = vectors.length / dimension;
  return {
    kind: 'hnsw',
    count,
    dimension,
    search(query: Float32Array, k: number): Hit[] {
      if (query.length !== dimension) throw new RangeError(`the query has ${query.length} dimensions instead of ${dimension}`);
      const wanted = Math.min(k, count);
      if (wanted < 1) return [];
      graph.setEf(Math.max(candidates, wanted));
      return graph
        .searchKnn(Array.from(query), wanted)
        .neighbors.map((exemplar) => ({ exemplar, similarity: similarity(vectors, exemplar, query) }))
        .sort((a, b) => b.similarity - a.similarity || a.exemplar - b.exemplar);
    },
  };
}
