/*
 * The thread that runs a model. `InferenceSession.run` blocks the thread it is called on; here nobody else waits.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { LumenmarkError, messageOf } from '../common/errors.js';
import type { EmbedRequest, WorkerFault, WorkerReply, WorkerRequest, WorkerSetup } from './messages.js';
import { openSession, type PixelSession } from './session.js';

const port = parentPort;
if (port === null) throw new Error('This script runs as a worker only.');

function reply(message: WorkerReply, transfer: readonly ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

function faultOf(error: unknown, code: string): WorkerFault {
  if (error instanceof LumenmarkError) return { code: error.code, message: error.message, remedy: error.remedy };
  return { code, message: messageOf(error), remedy: undefined };
}

async function embed(session: PixelSession, { pixels, count }: EmbedRequest): Promise<void> {
  try {
    const startedMs = performance.now();
    const outputs = await session.run(pixels, count);
    reply(
      { type: 'embedded', outputs, inferenceMs: performance.now() - startedMs },
      Object.values(outputs).map((output) => output.buffer),
    );
  } catch (error) {
    reply({ type: 'fault', fault: faultOf(error, 'inference-failed') });
  }
}

try {
  const session = await openSession(workerData as WorkerSetup);
  let work = Promise.resolve();
  let closing = false;
  port.on('message', (request: WorkerRequest) => {
    // Nobody waits any more for what stands in line before a close.
    closing ||= request.type === 'close';
    work = work.then(async () => {
      if (request.type === 'embed') return closing ? undefined : embed(session, request);
      await session.release();
      port.close();
    });
  });
  reply({ type: 'ready' });
} catch (error) {
  reply({ type: 'failed', fault: faultOf(error, 'model-load') });
  port.close();
}
