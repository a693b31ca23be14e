import { mkdir, open, stat, truncate, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Of } from '../common/sha256.js';
import { writeDurably } from './durable-files.js';
import type { TornRecord } from './entries.js';

const PIECE_BYTES = 64 * 1024;

/**
 * Moves what stands in a file from `from` on to a new file, `PATH.torn` in the folder `below`: what a crash left unfinished is neither kept in
 * place, where it would spoil what follows, nor thrown away. The copy is on the disk before the cut. Null when nothing stands there.
 */
export async function cutEnd(folder: string, path: string, from: number, below = ''): Promise<TornRecord | null> {
  const file = join(folder, path);
  const length = (await stat(file)).size - from;
  if (length <= 0) return null;
  const bytes = await readRange(file, from, length);
  await mkdir(join(folder, below), { recursive: true });
  const keptAs = await freeName(folder, `${below === '' ? '' : `${below}/`}${path}`);
  await writeDurably(join(folder, keptAs), bytes);
  await truncate(file, from);
  return { path, bytes: length, sha256: sha256Of(bytes), keptAs };
}

/** A recovery that was itself cut short may have left one already. */
async function freeName(folder: string, stem: string): Promise<string> {
  for (let copy = 1; ; copy++) {
    const name = `${stem}${copy === 1 ? '' : `-${copy}`}.torn`;
    if (!(await exists(join(folder, name)))) return name;
  }
}

/** Where the last whole line of a file ends; 0 when the file is not there. */
export async function endOfLastLine(file: string): Promise<number> {
  const handle = await open(file, 'r').catch(() => null);
  if (handle === null) return 0;
  try {
    const { size } = await handle.stat();
    for (let end = size; end > 0; end -= PIECE_BYTES) {
      const from = Math.max(0, end - PIECE_BYTES);
      const at = (await readAt(handle, from, end - from)).lastIndexOf(0x0a);
      if (at >= 0) return from + at + 1;
    }
    return 0;
  } finally {
    await handle.close();
  }
}

export async function readRange(file: string, from: number, length: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    return await readAt(handle, from, length);
  } finally {
    await handle.close();
  }
}

async function readAt(handle: FileHandle, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, from);
  return bytes.subarray(0, bytesRead);
}

export async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
