import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { mapInOrder } from '../../src/common/map-in-order.js';

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const result of results) all.push(result);
  return all;
}

describe('mapInOrder', () => {
  it('keeps the order, whatever finishes first, and the limit', async () => {
    let running = 0;
    let most = 0;
    const results = mapInOrder([30, 1, 20, 1, 1], 3, async (ms) => {
      most = Math.max(most, ++running);
      await wait(ms);
      running -= 1;
      return ms;
    });
    expect(await collect(results)).toEqual([30, 1, 20, 1, 1]);
    expect(most).toBe(3);
  });

  it('reads no further ahead than it works', async () => {
    const read: number[] = [];
    function* items(): Generator<number> {
      for (let item = 0; item < 10; item++) {
        read.push(item);
        yield item;
      }
    }
    const results = mapInOrder(items(), 2, (item) => Promise.resolve(item));
    await results.next();
    expect(read).toEqual([0, 1]);
    await results.return();
    expect(read).toEqual([0, 1]);
  });

  it('ends with the first error in order, after the work under way has settled', async () => {
    const settled: number[] = [];
    const results = mapInOrder([0, 1, 2, 3], 2, async (item) => {
      await wait(5);
      settled.push(item);
      if (item === 1) throw new Error('one');
      return item;
    });
    await expect(collect(results)).rejects.toThrow('one');
    expect(settled).toEqual([0, 1, 2]);
  });
});
