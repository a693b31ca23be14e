import { parentPort, workerData } from 'node:worker_threads';
import { anatomyOf } from './anatomies.js';
import { Painter } from './painter.js';
import { planProcedure, type ProcedureOptions } from './procedure.js';

export interface WorkerData {
  readonly options: ProcedureOptions;
}

export interface WorkerQuestion {
  /** Comes back with the answer. A frame may be asked for more than once, so its index does not tell the questions apart. */
  readonly request: number;
  readonly index: number;
}

export interface WorkerAnswer {
  readonly request: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

const { options } = workerData as WorkerData;
const anatomy = anatomyOf(options.tract, options.seed);
const plan = planProcedure(anatomy, options);
const painter = new Painter(anatomy, options);

parentPort?.on('message', ({ request, index }: WorkerQuestion) => {
  const frame = plan[index];
  if (frame === undefined) throw new RangeError(`There is no frame ${index} in a plan of ${plan.length}.`);
  const pixels = painter.paint(frame);
  const answer: WorkerAnswer = { request, pixels };
  parentPort?.postMessage(answer, [pixels.buffer]);
});
