import { firstValueFrom, lastValueFrom, of, take, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { inOrder } from '../../src/inference/in-order.js';

/** Counts how far it was pulled, and whether it was closed. */
function countingSource(length: number) {
  const state = { pulled: 0, closed: false };
  async function* numbers(): AsyncGenerator<number> {
    try {
      for (let value = 0; value < length; value++) {
        state.pulled++;
        await Promise.resolve();
        yield value;
      }
    } finally {
      state.closed = true;
    }
  }
  return { state, source: numbers() };
}

/** Lets everything run that does not wait for a gate. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

describe('inOrder', () => {
  it('emits every result in the order of the source, whichever is ready first', async () => {
    const { source } = countingSource(20);
    const project = async (value: number): Promise<number> => {
      for (let turn = 0; turn < (value * 7) % 11; turn++) await Promise.resolve();
      return value;
    };
    const results = await lastValueFrom(inOrder(project, { concurrency: 4 })(source).pipe(toArray()));
    expect(results).toEqual([...Array(20).keys()]);
  });

  it('pulls no further than there is room', async () => {
    const { source, state } = countingSource(100);
    const open: ((value: number) => void)[] = [];
    const results: number[] = [];
    const project = (): Promise<number> => new Promise((resolve) => open.push(resolve));
    const subscription = inOrder(project, { concurrency: 3 })(source).subscribe((value) => results.push(value));
    await settle();
    expect(state.pulled).toBe(3);
    open[1]?.(1);
    await settle();
    // The second is ready, but it is not its turn.
    expect({ results, pulled: state.pulled }).toEqual({ results: [], pulled: 3 });
    open[0]?.(0);
    await settle();
    expect(results).toEqual([0, 1]);
    expect(state.pulled).toBe(5);
    subscription.unsubscribe();
  });

  it('emits what is ready while the source takes its time', async () => {
    const results: number[] = [];
    async function* slow(): AsyncGenerator<number> {
      yield 1;
      await new Promise(() => undefined);
    }
    const subscription = inOrder((value: number) => of(value), { concurrency: 4 })(slow()).subscribe((value) => results.push(value));
    await settle();
    expect(results).toEqual([1]);
    subscription.unsubscribe();
  });

  it('closes the source when the results are no longer wanted', async () => {
    const { source, state } = countingSource(100);
    await firstValueFrom(inOrder((value: number) => of(value), { concurrency: 2 })(source).pipe(take(1)));
    await settle();
    expect(state.closed).toBe(true);
    expect(state.pulled).toBeLessThan(100);
  });

  it('fails with a projection, in its turn, and closes the source', async () => {
    const { source, state } = countingSource(100);
    const results: number[] = [];
    const run = inOrder((value: number) => (value === 3 ? throwError(() => new Error('frame 3')) : of(value)), { concurrency: 8 })(source);
    await expect(
      new Promise((resolve, reject) => {
        run.subscribe({
          next: (value) => results.push(value),
          error: reject,
          complete: () => {
            resolve(null);
          },
        });
      }),
    ).rejects.toThrow('frame 3');
    expect(results).toEqual([0, 1, 2]);
    await settle();
    expect(state.closed).toBe(true);
  });

  it('fails with the source, after what came before', async () => {
    // eslint-disable-next-line @typescript-eslint/require-await -- an iterable that fails needs nothing to wait for
    async function* broken(): AsyncGenerator<number> {
      yield 1;
      throw new Error('source gone');
    }
    await expect(lastValueFrom(inOrder((value: number) => of(value), { concurrency: 1 })(broken()))).rejects.toThrow('source gone');
    expect(() => inOrder((value: number) => of(value), { concurrency: 0 })).toThrow(/concurrency is 0/);
  });

  it('keeps several results of one value together and skips values without any', async () => {
    const { source } = countingSource(4);
    const results = await lastValueFrom(
      inOrder((value: number) => Array<number>(value).fill(value), { concurrency: 2 })(source).pipe(toArray()),
    );
    expect(results).toEqual([1, 2, 2, 3, 3, 3]);
  });
});
