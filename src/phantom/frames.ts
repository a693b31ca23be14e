import { Worker } from 'node:worker_threads';
import { LumenmarkError, messageOf } from '../common/errors.js';
import { mapInOrder } from '../common/map-in-order.js';
import { workerUrl } from '../common/worker-url.js';
import { anatomyOf } from './anatomies.js';
import type { Anatomy } from './anatomy/anatomy.js';
import { Painter } from './painter.js';
import { planProcedure, type FramePlan, type ProcedureOptions } from './procedure.js';
import type { FrameTruth } from './truth.js';
import type { WorkerAnswer, WorkerData, WorkerQuestion } from './worker.js';

/** One frame of a simulated procedure with what is true of it. */
export interface PhantomFrame {
  /** RGB, row by row, `width * height * 3` bytes; owns its memory. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
  readonly truth: FrameTruth;
}

export interface RenderOptions {
  /** Worker threads; 0 draws in this thread, which blocks it for as long as a frame takes. Default 0. */
  readonly threads?: number;
  /** Only these frames, by index; default all. */
  readonly frames?: readonly number[];
  readonly signal?: AbortSignal;
}

/** A simulated procedure, planned and not yet drawn. */
export interface Procedure {
  readonly options: ProcedureOptions;
  readonly truth: readonly FrameTruth[];
  /** Draws frames in order of their indices in `frames`. The same procedure gives the same pixels, however many threads draw it. */
  render(options?: RenderOptions): AsyncGenerator<PhantomFrame, void, undefined>;
}

/** Plans a procedure: bakes the patient and lays out every frame with its truth. */
export function createProcedure(options: ProcedureOptions): Procedure {
  const anatomy = anatomyOf(options.tract, options.seed);
  const plan = planProcedure(anatomy, options);
  return {
    options,
    truth: plan.map((frame) => frame.truth),
    render: (how = {}) => {
      const frames = how.frames === undefined ? plan : how.frames.flatMap((index) => plan[index] ?? []);
      return (how.threads ?? 0) > 0 ? renderInWorkers(options, frames, how) : renderHere(anatomy, options, frames, how.signal);
    },
  };
}

async function* renderHere(
  anatomy: Anatomy,
  options: ProcedureOptions,
  frames: readonly FramePlan[],
  signal: AbortSignal | undefined,
): AsyncGenerator<PhantomFrame, void, undefined> {
  const painter = new Painter(anatomy, options);
  for (const frame of frames) {
    signal?.throwIfAborted();
    yield await Promise.resolve({ pixels: painter.paint(frame), truth: frame.truth });
  }
}

async function* renderInWorkers(
  options: ProcedureOptions,
  frames: readonly FramePlan[],
  { threads = 1, signal }: RenderOptions,
): AsyncGenerator<PhantomFrame, void, undefined> {
  const painters = Array.from({ length: threads }, () => new PainterThread(options));
  let next = 0;
  try {
    const drawn = mapInOrder(frames, threads * 2, async (frame) => {
      signal?.throwIfAborted();
      const painter = painters[next++ % painters.length] as PainterThread;
      return { pixels: await painter.paint(frame.index), truth: frame.truth };
    });
    yield* drawn;
  } finally {
    await Promise.all(painters.map((painter) => painter.dispose()));
  }
}

/** A thread that bakes the patient once and then draws frames by their index. */
class PainterThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (pixels: Uint8ClampedArray<ArrayBuffer>) => void; reject: (error: unknown) => void }>();
  #requests = 0;
  #failure: LumenmarkError | null = null;

  constructor(options: ProcedureOptions) {
    const workerData: WorkerData = { options };
    this.#worker = new Worker(workerUrl(import.meta.url, './worker.js'), { workerData });
    this.#worker.on('message', ({ request, pixels }: WorkerAnswer) => {
      this.#waiting.get(request)?.resolve(pixels);
      this.#waiting.delete(request);
    });
    this.#worker.on('error', (error) => {
      this.#fail(error);
    });
    this.#worker.on('exit', () => {
      this.#fail(new Error('the thread ended'));
    });
  }

  paint(index: number): Promise<Uint8ClampedArray<ArrayBuffer>> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const question: WorkerQuestion = { request: this.#requests++, index };
      this.#waiting.set(question.request, { resolve, reject });
      this.#worker.postMessage(question);
    });
  }

  async dispose(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(cause: unknown): void {
    this.#failure ??= new LumenmarkError('phantom-thread-failed', `A drawing thread failed: ${messageOf(cause)}.`, { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}
