import { exactIndex } from '../retrieval/exact-index.js';
import { createHnsw, hnswIndex, insertRow, loadHnsw } from '../retrieval/hnsw.js';
import { turnTaker } from '../common/turns.js';
import type { Split } from './split.js';
import { partOf, type Subject } from './subject.js';

/** What the approximate index finds of what exact search finds. */
export interface IndexComparison {
  readonly exemplars: number;
  readonly queries: number;
  /** Share of the 10 nearest that HNSW finds too. */
  readonly recallAt10: number;
  /** Queries whose nearest exemplar has their label, with either search. */
  readonly rightExact: number;
  readonly rightHnsw: number;
  /** Mean time of a query, ms. */
  readonly exactMs: number;
  readonly hnswMs: number;
}

const K = 10;
/** Candidates of a search; what galleries begin with. */
const CANDIDATES = 64;
/** Inserting more takes minutes. */
const MAX_EXEMPLARS = 20_000;

/** Compares both searches on the round with the largest gallery; a reason where that cannot be done. */
export async function compareIndexes(
  subject: Subject,
  split: Split,
  signal?: AbortSignal,
): Promise<IndexComparison | { readonly reason: string }> {
  const loaded = loadHnsw();
  if ('reason' in loaded) return loaded;
  const round = split.rounds.reduce((best, next) => (next.gallery.length > best.gallery.length ? next : best));
  if (round.withoutOwnGroup) return { reason: 'one group is left out at a time, so that there is no gallery of its own to index' };
  if (round.gallery.length > MAX_EXEMPLARS)
    return { reason: `the gallery has more than ${MAX_EXEMPLARS} exemplars; see “npm run bench -- retrieval”` };
  const { labels } = subject;
  const all = subject.embed(round.fit);
  const dimension = all.length / labels.length;
  const gallery = partOf(labels, all, round.gallery);
  const graph = createHnsw(loaded.library, round.gallery.length, dimension);
  const turn = turnTaker(signal);
  for (let row = 0; row < round.gallery.length; row++) {
    insertRow(graph, gallery.embeddings, dimension, row);
    await turn();
  }
  const exact = exactIndex(gallery.embeddings, dimension);
  const hnsw = hnswIndex(graph, gallery.embeddings, dimension, CANDIDATES);
  let [found, sought, rightExact, rightHnsw, exactMs, hnswMs] = [0, 0, 0, 0, 0, 0];
  for (const row of round.queries) {
    const query = all.slice(row * dimension, (row + 1) * dimension);
    const began = performance.now();
    const truth = exact.search(query, K);
    const between = performance.now();
    const hits = hnsw.search(query, K);
    hnswMs += performance.now() - between;
    exactMs += between - began;
    const wanted = new Set(truth.map(({ exemplar }) => exemplar));
    found += hits.filter(({ exemplar }) => wanted.has(exemplar)).length;
    sought += wanted.size;
    if (gallery.labels[truth[0]?.exemplar ?? -1] === labels[row]) rightExact += 1;
    if (gallery.labels[hits[0]?.exemplar ?? -1] === labels[row]) rightHnsw += 1;
    await turn();
  }
  const queries = round.queries.length;
  return {
    exemplars: round.gallery.length,
    queries,
    recallAt10: found / sought,
    rightExact,
    rightHnsw,
    exactMs: exactMs / queries,
    hnswMs: hnswMs / queries,
  };
}
