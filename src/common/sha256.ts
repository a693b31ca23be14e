import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import * as z from 'zod';

/** As it stands in files that were written by somebody else. */
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256');

/** Large enough that reading, and not switching, takes the time. */
const PIECE_BYTES = 512 * 1024;

/** Hex, as `sha256sum` prints it; text counts as UTF-8. */
export function sha256Of(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export interface FileHashOptions {
  /** Told how many bytes were read since it was told before. */
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

/** Hex; the file is read in pieces, so that it may be of any size. */
export async function fileSha256(file: string, { onBytes, signal }: FileHashOptions = {}): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: PIECE_BYTES, signal }) as AsyncIterable<Buffer>) {
    hash.update(piece);
    onBytes?.(piece.length);
  }
  return hash.digest('hex');
}
