import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from './errors.js';

export interface DownloadOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (doneBytes: number, totalBytes: number | null) => void;
}

/** Before each try after one that brought nothing, ms; after the last one it is given up. */
const PAUSES_MS = [250, 1000, 4000, 15_000, 60_000];

/**
 * Fetches `url` to `path`, going on where an earlier attempt stopped (`path.partial`), as long as it is still the same file there. A
 * connection that breaks on the way is taken up again, as often as it brings something; one that cannot be made at all is not. `path` appears
 * whole or not at all.
 * @throws Error as the network or the disk gives it; see `downloadFailure`.
 */
export async function downloadFile(url: string, path: string, options: DownloadOptions = {}): Promise<void> {
  let idle = PAUSES_MS.length;
  for (;;) {
    let received = 0;
    const onProgress = (done: number, total: number | null): void => {
      received += 1;
      options.onProgress?.(done, total);
    };
    try {
      await attempt(url, path, { ...options, onProgress });
      return;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (received > 0) idle = 0;
      const pauseMs = PAUSES_MS[idle++];
      if (pauseMs === undefined || !isOfNetwork(error)) throw error;
      await pause(pauseMs, undefined, options.signal === undefined ? {} : { signal: options.signal });
    }
  }
}

/** What the server or the way to it did, as opposed to the disk. */
class TransferError extends Error {}

function isOfNetwork(error: unknown): boolean {
  // `fetch` and its body throw a TypeError for whatever befell the connection.
  return error instanceof TypeError || error instanceof TransferError;
}

async function attempt(url: string, path: string, options: DownloadOptions): Promise<void> {
  const partial = `${path}.partial`;
  const tagPath = `${partial}.etag`;
  const have = await sizeOf(partial);
  const tag = await readFile(tagPath, 'utf8').catch(() => '');
  const headers: Record<string, string> = {};
  if (have > 0) {
    headers['range'] = `bytes=${have}-`;
    // The rest of another version would make a file that is neither.
    if (tag !== '') headers['if-range'] = tag;
  }
  const response = await fetch(url, { headers, ...(options.signal === undefined ? {} : { signal: options.signal }) });
  if (response.status === 416 && have > 0) {
    await rm(partial, { force: true });
    await response.body?.cancel();
    await attempt(url, path, options);
    return;
  }
  if (!response.ok || response.body === null)
    throw new TransferError(`the server answers ${response.status} ${response.statusText}`.trimEnd());
  await writeFile(tagPath, response.headers.get('etag') ?? '');
  const start = response.status === 206 ? have : 0;
  const length = Number(response.headers.get('content-length') ?? NaN);
  const total = Number.isFinite(length) ? start + length : null;
  const done = await append(response.body, partial, start, (bytes) => options.onProgress?.(bytes, total));
  if (total !== null && done !== total) throw new TransferError(`the connection ended after ${done} of ${total} bytes`);
  await rename(partial, path);
  await rm(tagPath, { force: true });
}

function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Why a download failed, one line: `fetch` itself says no more than that it did. */
export function downloadFailure(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : messageOf(error);
}

async function append(body: ReadableStream<Uint8Array>, path: string, start: number, onBytes: (done: number) => void): Promise<number> {
  const handle = await open(path, start > 0 ? 'r+' : 'w');
  let done = start;
  try {
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      for (let offset = 0; offset < chunk.byteLength;) {
        const { bytesWritten } = await handle.write(chunk, offset, chunk.byteLength - offset, done + offset);
        offset += bytesWritten;
      }
      done += chunk.byteLength;
      onBytes(done);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return done;
}
