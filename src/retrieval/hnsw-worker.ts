import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../common/errors.js';
import { exactIndex } from './exact-index.js';
import { buildHnsw, hnswIndex, loadHnsw } from './hnsw.js';
import type { HnswAnswer, HnswOutcome, HnswTask } from './hnsw-build.js';
import { seededQueries } from './seeded-queries.js';
import type { VectorIndex } from './vector-index.js';

const tell = (answer: HnswAnswer): void => parentPort?.postMessage(answer);

function recallOf(index: VectorIndex, queries: readonly Float32Array[], truth: readonly ReadonlySet<number>[], k: number): number {
  const found = queries.reduce(
    (sum, query, at) => sum + index.search(query, k).filter(({ exemplar }) => truth[at]?.has(exemplar)).length,
    0,
  );
  return found / truth.reduce((sum, set) => sum + set.size, 0);
}

async function main(task: HnswTask): Promise<HnswAnswer> {
  const loaded = await loadHnsw();
  if ('reason' in loaded) return loaded;
  const { vectors, dimension, k } = task;
  const graph = buildHnsw(loaded.library, vectors, dimension, task.parameters, (share) => {
    tell({ progress: share });
  });

  const exact = exactIndex(vectors, dimension);
  const queries = seededQueries(vectors, dimension, task.queries, task.parameters.seed);
  const truth = queries.map((query) => new Set(exact.search(query, k).map(({ exemplar }) => exemplar)));
  let outcome: HnswOutcome = { candidates: 0, recall: 0, k, queries: queries.length };
  for (let candidates = 2 * k; candidates <= 64 * k && outcome.recall < task.wantedRecall; candidates *= 2) {
    outcome = { ...outcome, candidates, recall: recallOf(hnswIndex(graph, vectors, dimension, candidates), queries, truth, k) };
  }
  graph.writeIndexSync(task.file);
  return { outcome };
}

try {
  tell(await main(workerData as HnswTask));
} catch (error) {
  tell({ reason: `the index could not be built (${messageOf(error)})` });
}
