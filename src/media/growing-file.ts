import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const PIECE_BYTES = 256 * 2 ** 10;
const LOOK_AGAIN_MS = 20;

/** Makes `again` of `do { look } while (await again())`: true after a pause, a last time when `completed` has resolved, then false. */
export function lookingUntil(completed: Promise<unknown>): () => Promise<boolean> {
  const over = completed.then(() => true);
  let isOver = false;
  return async () => {
    if (isOver) return false;
    isOver = await Promise.race([over, sleep(LOOK_AGAIN_MS, false)]);
    return true;
  };
}

/**
 * A file from front to back while another still appends to it: at its end more is waited for until `completed` resolves, which it does also
 * when no more can be written. What is put in its place meanwhile is not seen.
 * @throws errors of the file system.
 */
export async function* readGrowing(path: string, completed: Promise<unknown>): AsyncGenerator<Uint8Array, void, undefined> {
  const again = lookingUntil(completed);
  const file = await open(path, 'r');
  try {
    do {
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES);
        if (bytesRead === 0) break;
        yield buffer.subarray(0, bytesRead);
      }
    } while (await again());
  } finally {
    await file.close();
  }
}
