import { Worker } from 'node:worker_threads';
import { messageOf, ModelError, UsageError } from '../common/errors.js';
import { workerUrl } from '../common/worker-url.js';
import type { Model } from '../models/model.js';
import { QUALITY_MEASURES, QUALITY_OUTPUT } from '../models/quality.js';
import { resolveDevice, type Device } from './device.js';
import type { Embedder, EmbeddingBatch, PixelBatch, QualityMeasures } from './embedder.js';
import type { WorkerFault, WorkerReply, WorkerRequest, WorkerSetup } from './messages.js';

export interface EmbedderOptions {
  /** Default `auto`. */
  readonly device?: Device;
  /** Threads of one operator on the CPU; default: one core stays free. */
  readonly threads?: number;
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
 * Starts a worker thread with one session of `model`. Resolves when the model is loaded.
 *
 * @throws ModelError when the model cannot be loaded or the device is not there; `signal.reason` when aborted meanwhile.
 */
export async function createEmbedder(model: Model, options: EmbedderOptions = {}): Promise<Embedder> {
  options.signal?.throwIfAborted();
  const device = await resolveDevice(options);
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
  return embedder;
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
    this.device = { name: device.name, reason: device.reason };
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

  embed({ pixels, count, width, height }: PixelBatch): Promise<EmbeddingBatch> {
    const { input } = this.model;
    if (this.#end !== undefined) return Promise.reject(this.#end);
    if (width !== input.width || height !== input.height) {
      return Promise.reject(
        new UsageError('pixels-size', `${this.model.name} takes ${sizeText(input)}, not ${sizeText({ width, height })} pixels.`),
      );
    }
    const byteLength = count * width * height * 3;
    if (!Number.isInteger(count) || count < 1 || pixels.byteLength !== byteLength) {
      return Promise.reject(
        new UsageError(
          'pixels-length',
          `${String(count)} pictures of ${sizeText(input)} take ${String(byteLength)} bytes, not ${String(pixels.byteLength)}.`,
        ),
      );
    }
    if (pixels.buffer.byteLength !== byteLength) {
      return Promise.reject(
        new UsageError('pixels-shared', 'The pixels share their buffer with other data; give them a buffer of their own.'),
      );
    }
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

function sizeText({ width, height }: { readonly width: number; readonly height: number }): string {
  return `${String(width)}×${String(height)}`;
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
