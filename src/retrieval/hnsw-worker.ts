import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../common/errors.js';
import { exactIndex } from './exact-index.js';
import { buildHnsw, hnswIndex, loadHnsw } from './hnsw.js';
import type { HnswAnswer, HnswOutcome, HnswWorkerData } from './hnsw-build.js';
import { seededQueries } from './seeded-queries.js';
import type { VectorIndex } from './vector-index.js';

/** Rows between two reports. */
const TELL_EVERY = 500;

const tell = (answer: HnswAnswer): void => parentPort?.postMessage(answer);

function recallOf(index: VectorIndex, queries: readonly Float32Array[], truth: readonly ReadonlySet<number>[], k: number): number {
  const found = queries.reduce(
    (sum, query, at) => sum + index.search(query, k).filter(({ exemplar }) => truth[at]?.has(exemplar)).length,
    0,
  );
  return found / truth.reduce((sum, set) => sum + set.size, 0);
}

async function main(task: HnswWorkerData): Promise<HnswAnswer> {
  const loaded = await loadHnsw();
  if ('reason' in loaded) return loaded;
  const { vectors, dimension, k } = task;
  const checkStop = (): void => {
    if (Atomics.load(task.stopped, 0) === 1) throw new Error('stopped');
  };
  const graph = buildHnsw(loaded.library, vectors, dimension, task.parameters, (row) => {
    checkStop();
    if (row % TELL_EVERY === 0) tell({ progress: row / (vectors.length / dimension) });
  });

  const exact = exactIndex(vectors, dimension);
  const queries = seededQueries(vectors, dimension, task.queries, task.parameters.seed);
  const truth = queries.map((query) => new Set(exact.search(query, k).map(({ exemplar }) => exemplar)));
  let outcome: HnswOutcome = { candidates: 0, recall: 0, k, queries: queries.length };
  for (let candidates = 2 * k; candidates <= 64 * k && outcome.recall < task.wantedRecall; candidates *= 2) {
    checkStop();
    outcome = { ...outcome, candidates, recall: recallOf(hnswIndex(graph, vectors, dimension, candidates), queries, truth, k) };
  }
  graph.writeIndexSync(task.file);
  return { outcome };
}

try {
  tell(await main(workerData as HnswWorkerData));
} catch (error) {
  tell({ reason: messageOf(error) });
}
