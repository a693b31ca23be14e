import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../common/errors.js';
import { seededRandom } from '../common/random.js';
import { exactIndex } from './exact-index.js';
import { createHnsw, hnswIndex, insertRow, loadHnsw, type HnswGraph } from './hnsw.js';
import type { HnswAnswer, HnswOutcome, HnswTask, HnswWorkerData } from './hnsw-build.js';

/** Rows between two reports. */
const TELL_EVERY = 500;
/** Searching with more costs as much as exact search. */
const MAX_CANDIDATES = 1280;

const tell = (answer: HnswAnswer): void => parentPort?.postMessage(answer);

function main(task: HnswWorkerData): HnswAnswer {
  const loaded = loadHnsw();
  if ('reason' in loaded) return loaded;
  const { vectors, dimension } = task;
  const count = vectors.length / dimension;
  const graph = createHnsw(loaded.library, count, dimension, task.parameters);
  let inserted = 0;
  const insert = (row: number): void => {
    if (Atomics.load(task.stopped, 0) === 1) throw new Error('stopped');
    if (inserted % TELL_EVERY === 0) tell({ progress: inserted / count });
    insertRow(graph, vectors, dimension, row);
    inserted += 1;
  };

  // Rows that are not in the graph yet are what pictures to come will be: no exemplars, but of the same kind.
  const held = drawRows(count, Math.min(task.queries, Math.ceil(count / 10)), task.parameters.seed);
  for (let row = 0; row < count; row++) if (!held.has(row)) insert(row);
  const outcome = measure(graph, task, held);
  for (const row of held) insert(row);
  graph.writeIndexSync(task.file);
  return { outcome };
}

/** The fewest candidates that reach the wanted recall of rows that the graph does not hold yet. */
function measure(graph: HnswGraph, { vectors, dimension, k, wantedRecall }: HnswTask, held: ReadonlySet<number>): HnswOutcome {
  const exact = exactIndex(vectors, dimension);
  const queries = [...held].map((row) => {
    const query = vectors.subarray(row * dimension, (row + 1) * dimension);
    const truth = exact.search(query, k + held.size).filter(({ exemplar }) => !held.has(exemplar));
    return { query, truth: new Set(truth.slice(0, k).map(({ exemplar }) => exemplar)) };
  });
  const recallOf = (candidates: number): number => {
    const index = hnswIndex(graph, vectors, dimension, candidates);
    const found = queries.map(
      ({ query, truth }) => index.search(query, k).filter(({ exemplar }) => truth.has(exemplar)).length / truth.size,
    );
    return found.reduce((sum, share) => sum + share, 0) / found.length;
  };

  let candidates = 2 * k;
  let recall = recallOf(candidates);
  while (recall < wantedRecall && candidates < MAX_CANDIDATES) {
    candidates *= 2;
    recall = recallOf(candidates);
  }
  return { candidates, recall, k, queries: queries.length };
}

function drawRows(count: number, wanted: number, seed: number): ReadonlySet<number> {
  const random = seededRandom(seed);
  const rows = new Set<number>();
  while (rows.size < wanted) rows.add(Math.floor(random() * count));
  return rows;
}

try {
  tell(main(workerData as HnswWorkerData));
} catch (error) {
  tell({ reason: messageOf(error) });
}
