import { Worker } from 'node:worker_threads';
import { messageOf, ModelError } from '../common/errors.js';
import { workerUrl } from '../common/worker-url.js';
import type { ResolvedDevice } from './device.js';
import type { GraphReply, GraphRequest, Tensors } from './graph-messages.js';

interface Waiting {
  readonly resolve: (outputs: Tensors) => void;
  readonly reject: (error: Error) => void;
}

/** Several graphs in one thread on one device. */
export class GraphRunner {
  readonly #device: ResolvedDevice;
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  readonly #gone: Promise<void>;
  #end: Error | null = null;

  constructor(name: string, device: ResolvedDevice) {
    this.#device = device;
    this.#worker = new Worker(workerUrl(import.meta.url, './graph-worker.js'), { name: `lumenmark ${name}` });
    this.#worker.on('message', (reply: GraphReply) => {
      const waiting = this.#waiting.shift();
      if (reply.type === 'done') waiting?.resolve(reply.outputs);
      else {
        const { code, message, remedy } = reply.fault;
        waiting?.reject(new ModelError(code, message, remedy === undefined ? {} : { remedy }));
      }
    });
    this.#worker.once('error', (error) => {
      this.#fail(messageOf(error), error);
    });
    this.#gone = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#fail(`its thread ended with code ${String(code)}`);
        resolve();
      });
    });
  }

  /** Loads a graph under a key. Its bytes are moved to the thread. @throws ModelError `model-load` */
  async load(key: string, graph: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#ask({ type: 'load', key, graph, device: this.#device }, [graph.buffer]);
  }

  /** Keeps inputs that the next runs share, in the place of those kept before. They are copied. */
  async hold(tensors: Tensors): Promise<void> {
    await this.#ask({ type: 'hold', tensors }, []);
  }

  /** Runs a graph. Its inputs are copied, but for those that are held. @throws ModelError `inference-failed`, `inference-crashed` */
  run(key: string, inputs: Tensors): Promise<Tensors> {
    return this.#ask({ type: 'run', key, inputs }, []);
  }

  /** Ends the thread after the run at hand. */
  async dispose(): Promise<void> {
    if (this.#end === null) await this.#ask({ type: 'close' }, []).catch(() => undefined);
    await this.#gone;
  }

  #ask(request: GraphRequest, transfer: readonly ArrayBuffer[]): Promise<Tensors> {
    if (this.#end !== null) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(request, transfer);
    });
  }

  #fail(why: string, cause?: unknown): void {
    this.#end ??= new ModelError('inference-crashed', `Training stopped: ${why}.`, {
      cause,
      remedy: 'Start again; if it happens again, try --device cpu, a smaller --micro-batch, and look for free memory.',
    });
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#end);
  }
}
