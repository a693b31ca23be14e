/**
 * Search in galleries: exact over 5,000 × 512, HNSW over 110,000 × 512 (time and recall against exact), and how long building the index
 * holds up the event loop of the thread that asks for it.
 *
 *   npm run bench -- retrieval [--exemplars N] [--dimension D] [--json]
 *
 * Embeddings are synthetic and seeded: 60 clusters in 32 latent dimensions, mapped at random into D and normalised. Queries are drawn
 * from the same distribution and are no exemplars.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../src/common/random.js';
import { exactIndex } from '../../src/retrieval/exact-index.js';
import { HNSW_DEFAULTS, hnswIndex, loadHnsw, readHnsw } from '../../src/retrieval/hnsw.js';
import { buildHnswFile } from '../../src/retrieval/hnsw-build.js';
import type { VectorIndex } from '../../src/retrieval/vector-index.js';

const LATENT = 32;
const CLUSTERS = 60;
const K = 10;

/** A source of embeddings; the same seed gives the same ones. */
function embeddings(dimension: number, seed: number): (count: number) => Float32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const map = Float32Array.from({ length: LATENT * dimension }, normal);
  const centres = Float32Array.from({ length: CLUSTERS * LATENT }, () => 1.2 * normal());
  return (count) => {
    const rows = new Float32Array(count * dimension);
    for (let row = 0; row < count; row++) {
      const cluster = Math.floor(random() * CLUSTERS) * LATENT;
      const values = rows.subarray(row * dimension, (row + 1) * dimension);
      for (let axis = 0; axis < LATENT; axis++) {
        const latent = (centres[cluster + axis] ?? 0) + normal();
        for (let at = 0; at < dimension; at++) values[at] = (values[at] ?? 0) + latent * (map[axis * dimension + at] ?? 0);
      }
      const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
      for (let at = 0; at < dimension; at++) values[at] = (values[at] ?? 0) / norm;
    }
    return rows;
  };
}

interface Times {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

function time(index: VectorIndex, queries: readonly Float32Array[]): Times {
  for (const query of queries.slice(0, 20)) index.search(query, K);
  const times = queries.map((query) => {
    const began = performance.now();
    index.search(query, K);
    return performance.now() - began;
  });
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

export default async function bench(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { exemplars: { type: 'string' }, dimension: { type: 'string' }, json: { type: 'boolean' } },
  });
  const [exemplars, dimension] = [Number(values.exemplars ?? 110_000), Number(values.dimension ?? 512)];
  const draw = embeddings(dimension, 1);
  const rows = draw(exemplars);
  const queries = Array.from({ length: 1000 }, () => draw(1));
  const exactSmall = time(exactIndex(rows.slice(0, 5000 * dimension), dimension), queries);

  const loaded = loadHnsw();
  if ('reason' in loaded) throw new Error(loaded.reason);
  const folder = await mkdtemp(join(tmpdir(), 'lumenmark-bench-'));
  try {
    const file = join(folder, 'index.hnsw');
    const task = { vectors: new Float32Array(rows), dimension, file, parameters: HNSW_DEFAULTS, k: K, wantedRecall: 0.992, queries: 500 };
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const began = performance.now();
    const outcome = await buildHnswFile(task);
    const buildS = (performance.now() - began) / 1000;
    delay.disable();

    const hnsw = hnswIndex(await readHnsw(loaded.library, file, exemplars, dimension), rows, dimension, outcome.candidates);
    const exact = exactIndex(rows, dimension);
    const asked = queries.slice(0, 200);
    const found = asked.reduce((sum, query) => {
      const truth = new Set(exact.search(query, K).map(({ exemplar }) => exemplar));
      return sum + hnsw.search(query, K).filter(({ exemplar }) => truth.has(exemplar)).length;
    }, 0);
    const result = {
      exemplars,
      dimension,
      exact5000: exactSmall,
      exact: time(exact, asked),
      hnsw: {
        ...time(hnsw, queries),
        candidates: outcome.candidates,
        recallAtBuild: outcome.recall,
        recallAt10: found / (asked.length * K),
      },
      build: {
        seconds: buildS,
        fileMiB: (await stat(file)).size / 2 ** 20,
        eventLoopDelayMaxMs: delay.max / 1e6 - 5,
        eventLoopDelayP99Ms: delay.percentile(99) / 1e6 - 5,
      },
    };
    if (values.json === true) {
      console.log(JSON.stringify(result));
      return;
    }
    const ms = ({ p50Ms, p99Ms }: Times): string => `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
    console.log(`exact, 5,000 × ${dimension}:        ${ms(result.exact5000)}`);
    console.log(`exact, ${exemplars} × ${dimension}:       ${ms(result.exact)}`);
    console.log(`HNSW, ${exemplars} × ${dimension}:        ${ms(result.hnsw)}, ${outcome.candidates} candidates`);
    console.log(
      `HNSW recall@${K} against exact:  ${result.hnsw.recallAt10.toFixed(4)} (${asked.length} queries), ${outcome.recall.toFixed(4)} as measured at build`,
    );
    console.log(
      `index build:                  ${buildS.toFixed(0)} s, ${result.build.fileMiB.toFixed(0)} MiB; event loop delayed by at most ${result.build.eventLoopDelayMaxMs.toFixed(1)} ms (p99 ${result.build.eventLoopDelayP99Ms.toFixed(1)} ms)`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
