/*
 * The thread that runs the graphs of a training step. `InferenceSession.run` blocks the thread it is called on.
 */
import { parentPort } from 'node:worker_threads';
import { LumenmarkError, messageOf, ModelError } from '../common/errors.js';
import type { GraphReply, GraphRequest, Tensors } from './graph-messages.js';
import { openGraphSession, type GraphSession } from './session.js';

const port = parentPort;
if (port === null) throw new Error('This script runs as a worker only.');

const sessions = new Map<string, GraphSession>();
let held: Tensors = {};

async function answer(request: GraphRequest): Promise<Tensors> {
  switch (request.type) {
    case 'load':
      sessions.set(request.key, await openGraphSession(request.graph, request.device));
      return {};
    case 'hold':
      held = request.tensors;
      return {};
    case 'run': {
      const session = sessions.get(request.key);
      if (session === undefined) throw new ModelError('model-load', `The graph ${request.key} is not loaded.`);
      return session.run({ ...held, ...request.inputs });
    }
    case 'close':
      for (const session of sessions.values()) await session.release();
      return {};
  }
}

function reply(message: GraphReply, transfer: readonly ArrayBuffer[]): void {
  port?.postMessage(message, transfer);
}

let work = Promise.resolve();
port.on('message', (request: GraphRequest) => {
  work = work.then(async () => {
    try {
      const outputs = await answer(request);
      reply(
        { type: 'done', outputs },
        Object.values(outputs).map(({ data }) => data.buffer),
      );
    } catch (error) {
      const known = error instanceof LumenmarkError;
      const fault = { code: known ? error.code : 'inference-failed', message: messageOf(error), remedy: known ? error.remedy : undefined };
      reply({ type: 'fault', fault }, []);
    }
    if (request.type === 'close') port.close();
  });
});
