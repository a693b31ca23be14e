import { Worker } from 'node:worker_threads';
import { messageOf, ModelError } from '../common/errors.js';
import { workerUrl } from '../common/worker-url.js';
import type { Model } from '../models/model.js';
import { QUALITY_MEASURES, QUALITY_OUTPUT } from '../models/quality.js';
import { resolveDevice, type Device } from './device.js';
import { batchingEmbedder } from './batching-embedder.js';
import { checkPixels, type Embedder, type EmbeddingBatch, type PixelBatch, type QualityMeasures } from './embedder.js';
import type { WorkerFault, WorkerReply, WorkerRequest, WorkerSetup } from './messages.js';

export interface EmbedderOptions {
  /** Default `auto`. */
  readonly device?: Device;
  /** Threads of one operator on the CPU; default: one core stays free. */
  readonly threads?: number;
  /** Most pictures that go through the model together; default: what suits the device, 1 on a CPU. */
  readonly batchLimit?: number;
  /** Also return the features of the single backbones. */
  readonly features?: boolean;
  /** Disposes the embedder. */
  readonly signal?: AbortSignal;
}

interface Waiting {
  readonly count: number;
  readonly resolve: (batch: EmbeddingBatch) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Starts a worker thread with one session of `model`. Resolves when the model is loaded. On an accelerator, pictures asked for one by one go
 * through the model in batches as large as the load makes them.
 *
 * @throws ModelError when the model cannot be loaded or the device is not there; `signal.reason` when aborted meanwhile.
 */
export async function createEmbedder(model: Model, options: EmbedderOptions = {}): Promise<Embedder> {
  options.signal?.throwIfAborted();
  const { batchLimit } = options;
  if (batchLimit !== undefined && !(Number.isInteger(batchLimit) && batchLimit > 0)) {
    throw new TypeError(`batchLimit is ${String(batchLimit)}, not a positive whole number`);
  }
  const resolved = await resolveDevice(options);
  const device = batchLimit === undefined ? resolved : { ...resolved, batchLimit };
  options.signal?.throwIfAborted();
  const featureOutputs = options.features === true ? model.backbones.map((name) => `feature:${name}`) : [];
  const setup: WorkerSetup = {
    graph: model.graph,
    input: model.input,
    device,
    outputs: ['embedding', QUALITY_OUTPUT, ...featureOutputs],
  };
  const embedder = new WorkerEmbedder(model, device, setup);
  const onAbort = (): void => {
    void embedder.close(abortReason(options.signal));
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });
  embedder.onGone(() => options.signal?.removeEventListener('abort', onAbort));
  try {
    await embedder.loaded;
  } catch (error) {
    await embedder.dispose();
    throw error;
  }
  return batchingEmbedder(embedder);
}

class WorkerEmbedder implements Embedder {
  readonly model: Model;
  readonly device: Embedder['device'];
  readonly loaded: Promise<void>;
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  readonly #gone: Promise<void>;
  /** Why nothing more can be asked; undefined while the worker serves. */
  #end: Error | undefined;

  constructor(model: Model, device: Embedder['device'], setup: WorkerSetup) {
    this.model = model;
    this.device = { name: device.name, reason: device.reason, batchLimit: device.batchLimit };
    this.#worker = new Worker(workerUrl(import.meta.url, './worker.js'), { workerData: setup, name: `lumenmark ${model.name}` });
    this.#gone = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#fail(crashed(`its thread ended with code ${String(code)}`));
        resolve();
      });
    });
    this.loaded = new Promise((resolve, reject) => {
      this.#worker.on('message', (reply: WorkerReply) => {
        if (reply.type === 'ready') resolve();
        else if (reply.type === 'failed') this.#fail(errorOf(reply.fault));
        else this.#answer(reply);
      });
      this.#worker.once('error', (error) => {
        this.#fail(crashed(messageOf(error), error));
      });
      void this.#gone.then(() => {
        reject(this.#end ?? crashed('its thread ended'));
      });
    });
  }

  onGone(action: () => void): void {
    void this.#gone.then(action);
  }

  async embed(batch: PixelBatch): Promise<EmbeddingBatch> {
    if (this.#end !== undefined) throw this.#end;
    checkPixels(this.model, batch);
    const { count, pixels } = batch;
    return new Promise((resolve, reject) => {
      this.#send({ type: 'embed', count, pixels }, [pixels.buffer]);
      this.#waiting.push({ count, resolve, reject });
    });
  }

  dispose(): Promise<void> {
    return this.close(new ModelError('embedder-disposed', `The embedder of ${this.model.name} was disposed.`));
  }

  async close(reason: Error): Promise<void> {
    const first = this.#end === undefined;
    this.#fail(reason);
    // A run cannot be interrupted; the worker ends after the one at hand.
    if (first) this.#send({ type: 'close' }, []);
    await this.#gone;
  }

  #send(request: WorkerRequest, transfer: readonly ArrayBuffer[]): void {
    this.#worker.postMessage(request, transfer);
  }

  #answer(reply: Extract<WorkerReply, { type: 'embedded' | 'fault' }>): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return;
    if (reply.type === 'fault') {
      waiting.reject(errorOf(reply.fault));
      return;
    }
    const { embedding, [QUALITY_OUTPUT]: quality, ...rest } = reply.outputs;
    if (embedding?.length !== waiting.count * this.model.dimension || quality === undefined) {
      waiting.reject(new ModelError('model-contract', `${this.model.name} answers with an embedding of the wrong length.`));
      return;
    }
    const features = Object.fromEntries(Object.entries(rest).map(([name, values]) => [name.slice('feature:'.length), values]));
    waiting.resolve({
      count: waiting.count,
      embeddings: embedding,
      quality: Array.from({ length: waiting.count }, (_, row) => measuresOf(quality, row)),
      ...(Object.keys(features).length > 0 ? { features } : {}),
      inferenceMs: reply.inferenceMs,
    });
  }

  #fail(error: Error): void {
    this.#end ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#end);
  }
}

function measuresOf(quality: Float32Array, row: number): QualityMeasures {
  const entries = QUALITY_MEASURES.map((name, column): [keyof QualityMeasures, number] => [
    name,
    quality[row * QUALITY_MEASURES.length + column] ?? 0,
  ]);
  return Object.fromEntries(entries) as Record<keyof QualityMeasures, number>;
}

function crashed(why: string, cause?: unknown): ModelError {
  return new ModelError('inference-crashed', `Inference stopped: ${why}.`, {
    cause,
    remedy: 'Start again; if it happens again, try --device cpu and look for free memory.',
  });
}

function errorOf(fault: WorkerFault): ModelError {
  return new ModelError(fault.code, fault.message, fault.remedy === undefined ? {} : { remedy: fault.remedy });
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new ModelError('embedder-disposed', 'Inference was aborted.', { cause: reason });
}
