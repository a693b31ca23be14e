import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { GalleryError, messageOf } from '../common/errors.js';
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

/** A task with the flag that ends it: 1 at position 0. */
export type HnswWorkerData = HnswTask & { readonly stopped: Int32Array<SharedArrayBuffer> };

/** What was measured of a finished graph. */
export interface HnswOutcome {
  /** Candidates kept while searching (ef): the smallest power of two times k that reaches the wanted recall, or the largest tried. */
  readonly candidates: number;
  /** Share of the exact k nearest that the graph finds, mean over the queries. */
  readonly recall: number;
  readonly k: number;
  /** Exemplars that were asked before they were inserted. */
  readonly queries: number;
}

export type HnswAnswer = { readonly progress: number } | { readonly outcome: HnswOutcome } | { readonly reason: string };

/**
 * Builds, measures and writes the graph in a worker thread. `task.vectors` are handed over.
 * @throws GalleryError when the library cannot be had or fails.
 */
export async function buildHnswFile(
  task: HnswTask,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (share: number) => void } = {},
): Promise<HnswOutcome> {
  options.signal?.throwIfAborted();
  const stopped = new Int32Array(new SharedArrayBuffer(4));
  const setup: HnswWorkerData = { ...task, stopped };
  const worker = new Worker(workerUrl(import.meta.url, './hnsw-worker.js'), { workerData: setup, transferList: [task.vectors.buffer] });
  // A thread that is terminated inside the library takes the whole process with it, so it is asked to stop and ends by itself.
  const stop = (): void => void Atomics.store(stopped, 0, 1);
  options.signal?.addEventListener('abort', stop, { once: true });
  let answer: Exclude<HnswAnswer, { progress: number }> | null = null;
  let failure: Error | null = null;
  worker.on('message', (message: HnswAnswer) => {
    if ('progress' in message) options.onProgress?.(message.progress);
    else answer = message;
  });
  worker.once('error', (error) => (failure = error));
  await once(worker, 'exit').finally(() => options.signal?.removeEventListener('abort', stop));
  options.signal?.throwIfAborted();
  return outcomeOf(answer, failure);
}

function outcomeOf(answer: Exclude<HnswAnswer, { progress: number }> | null, failure: Error | null): HnswOutcome {
  if (answer !== null && 'outcome' in answer) return answer.outcome;
  const reason = answer?.reason ?? (failure === null ? 'the index worker ended early' : messageOf(failure));
  throw new GalleryError('gallery-index', `the HNSW index could not be built: ${reason}`, {
    remedy: 'Build with --index exact; it serves as well.',
    cause: failure,
  });
}
