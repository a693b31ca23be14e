import { Subject, throwError } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { latestWins } from '../../src/inference/latest-wins.js';

const scheduler = (): TestScheduler =>
  new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });

describe('latestWins', () => {
  it('passes every value on while the projection keeps up', () => {
    scheduler().run(({ hot, cold, expectObservable }) => {
      const source = hot('  a---b---c---|');
      const expected = '    --a---b---c-|';
      expectObservable(source.pipe(latestWins((value) => cold(`--(${value}|)`)))).toBe(expected);
    });
  });

  it('projects the newest of what arrived meanwhile, and counts the others', () => {
    const drops: number[] = [];
    scheduler().run(({ hot, cold, expectObservable }) => {
      const source = hot('  abcd----e----|');
      //                    a runs 0–5, then d 5–10, then e 10–15
      const expected = '    -----a----d----(e|)';
      expectObservable(
        source.pipe(
          latestWins(
            (value) => cold(`-----(${value}|)`),
            (dropped) => drops.push(dropped),
          ),
        ),
      ).toBe(expected);
    });
    expect(drops).toEqual([1, 2]);
  });

  it('projects what waits before it completes', () => {
    scheduler().run(({ hot, cold, expectObservable }) => {
      const source = hot('  ab|');
      const expected = '    ---a--(b|)';
      expectObservable(source.pipe(latestWins((value) => cold(`---(${value}|)`)))).toBe(expected);
    });
  });

  it('never runs two projections at once', () => {
    scheduler().run(({ hot, cold, expectSubscriptions }) => {
      const source = hot('  abc-----|');
      const projections = { a: cold('---(a|)'), b: cold('---(b|)'), c: cold('---(c|)') };
      source.pipe(latestWins((value) => projections[value as 'a'])).subscribe();
      expectSubscriptions(projections.a.subscriptions).toBe('^--!');
      expectSubscriptions(projections.b.subscriptions).toBe([]);
      expectSubscriptions(projections.c.subscriptions).toBe('---^--!');
    });
  });

  it('passes errors of source and projection on at once', () => {
    scheduler().run(({ hot, cold, expectObservable }) => {
      expectObservable(hot('a-#').pipe(latestWins((value) => cold(`-----(${value}|)`)))).toBe('--#');
      expectObservable(hot('ab--c|').pipe(latestWins((value) => (value === 'a' ? cold('--#') : cold('--(b|)'))))).toBe('--#');
      expectObservable(hot('a--|').pipe(latestWins(() => throwError(() => 'error')))).toBe('#');
    });
    const source = new Subject<number>();
    const errors: unknown[] = [];
    source
      .pipe(
        latestWins(() => {
          throw new Error('thrown, not returned');
        }),
      )
      .subscribe({ error: (error: unknown) => errors.push(error) });
    source.next(1);
    expect(errors).toEqual([new Error('thrown, not returned')]);
  });

  it('stops source and projection when it is unsubscribed', () => {
    scheduler().run(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source = hot('  a-b------|');
      const projection = cold('-----(a|)');
      expectObservable(source.pipe(latestWins(() => projection)), '^---!').toBe('-----');
      expectSubscriptions(source.subscriptions).toBe('^---!');
      expectSubscriptions(projection.subscriptions).toBe('^---!');
    });
  });

  it('survives a long run of projections that complete at once', () => {
    const source = new Subject<number>();
    let last = -1;
    source.pipe(latestWins((value) => [value])).subscribe((value) => (last = value));
    for (let value = 0; value < 100_000; value++) source.next(value);
    expect(last).toBe(99_999);
  });
});
