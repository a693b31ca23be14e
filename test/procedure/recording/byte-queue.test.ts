import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ByteQueue, openFileSink, type ByteSink } from '../../../src/procedure/recording/byte-queue.js';
import { fullAfter } from '../../support/full-disk.js';
import { temporaryFolder } from '../../support/temporary.js';

const piece = (value: number): Uint8Array[] => [Uint8Array.of(value), new Uint8Array(9).fill(value)];

/** Puts five pieces of ten bytes while the file is not open yet, so that all of them wait, and tells what becomes of them. */
async function fivePieces(sink: (path: string) => Promise<ByteSink>): Promise<{ values: number[]; written: number; failures: unknown[] }> {
  const path = join(temporaryFolder(), 'bytes');
  const failures: unknown[] = [];
  const queue = new ByteQueue({ sink: sink(path), maxWaitingBytes: 1000, onFailure: (error) => failures.push(error) });
  for (let value = 1; value <= 5; value++) queue.put(piece(value));
  await queue.close();
  return { values: [...readFileSync(path)], written: queue.writtenBytes, failures };
}

describe('ByteQueue', () => {
  it('writes what waits, in order', async () => {
    const { values, written, failures } = await fivePieces(openFileSink);
    expect(values).toEqual([1, 2, 3, 4, 5].flatMap((value) => Array<number>(10).fill(value)));
    expect([written, failures]).toEqual([50, []]);
  });

  it('keeps the whole pieces that a full disk still takes, however many waited together', async () => {
    const { values, written, failures } = await fivePieces(fullAfter(27));
    expect(values).toEqual([...Array<number>(10).fill(1), ...Array<number>(10).fill(2)]);
    expect(written).toBe(20);
    expect(failures).toMatchObject([{ code: 'ENOSPC' }]);
  });

  it('writes nothing behind half a piece that cannot be cut off', async () => {
    const stuck = async (path: string): Promise<ByteSink> => ({
      ...(await fullAfter(27)(path)),
      truncate: () => Promise.reject(new Error('EIO')),
    });
    const { values, written, failures } = await fivePieces(stuck);
    expect(values).toHaveLength(27);
    expect(written).toBe(0);
    expect(failures).toMatchObject([{ code: 'ENOSPC' }]);
  });

  it('loses nothing when there is room again at once', async () => {
    const { values, written, failures } = await fivePieces(fullAfter(27, { once: true }));
    expect(values).toEqual([1, 2, 3, 4, 5].flatMap((value) => Array<number>(10).fill(value)));
    expect([written, failures]).toEqual([50, []]);
  });
});
