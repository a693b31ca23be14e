import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { GalleryError } from '../common/errors.js';
import { workerUrl } from '../common/worker-url.js';
import type { HnswParameters } from './hnsw.js';

/** What the worker is given. */
export interface HnswTask {
  /** `[count, dimension]`, L2-normalised; transferred. */
  readonly vectors: Float32Array<ArrayBuffer>;
  readonly dimension: number;
  /** Where the graph goes. */
  readonly file: string;
  readonly parameters: HnswParameters;
  /** k of the recall that is measured. */
  readonly k: number;
  /** Recall that the search must reach. */
  readonly wantedRecall: number;
  /** How many exemplars are asked for their neighbours, at most. */
  readonly queries: number;
}

/** What was measured of a finished graph. */
export interface HnswOutcome {
  /** Candidates kept while searching (ef): the smallest power of two times k that reaches the wanted recall, or the largest tried. */
  readonly candidates: number;
  /** Share of the exact k nearest that the graph finds, mean over the queries. */
  readonly recall: number;
  readonly k: number;
  /** Exemplars that were asked, each perturbed so that it is not found as itself. */
  readonly queries: number;
}

export type HnswAnswer = { readonly progress: number } | { readonly outcome: HnswOutcome } | { readonly reason: string };

/**
 * Builds, measures and writes the graph in a worker thread.
 * @throws GalleryError when the library cannot be had or fails.
 */
export async function buildHnswFile(
  task: HnswTask,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (share: number) => void } = {},
): Promise<HnswOutcome> {
  options.signal?.throwIfAborted();
  const worker = new Worker(workerUrl(import.meta.url, './hnsw-worker.js'), { workerData: task, transferList: [task.vectors.buffer] });
  const stop = (): void => void worker.terminate();
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise<HnswOutcome>((resolve, reject) => {
      worker.on('message', (answer: HnswAnswer) => {
        if ('progress' in answer) options.onProgress?.(answer.progress);
        else if ('outcome' in answer) resolve(answer.outcome);
        else reject(new GalleryError('gallery-index', answer.reason, { remedy: 'Build with --index exact; it serves as well.' }));
      });
      worker.once('error', reject);
      worker.once('exit', () => {
        reject(options.signal?.reason instanceof Error ? options.signal.reason : new Error('the index worker ended early'));
      });
    });
  } finally {
    options.signal?.removeEventListener('abort', stop);
    const gone = once(worker, 'exit');
    if (worker.threadId !== -1) {
      await worker.terminate();
      await gone.catch(() => undefined);
    }
  }
}
