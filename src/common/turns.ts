import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS = 20;

/** Makes a function to await inside a long computation: it lets other work of the thread run when 20 ms have passed since it last did. */
export function turnTaker(signal?: AbortSignal): () => Promise<void> | undefined {
  let began = performance.now();
  return () => {
    if (performance.now() - began < SLICE_MS) return undefined;
    return nextTurn().then(() => {
      signal?.throwIfAborted();
      began = performance.now();
    });
  };
}
