import { defer, finalize, of, Subject, throwError, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { latestWins } from '../../src/inference/latest-wins.js';
import { marbles } from '../support/marbles.js';

describe('latestWins', () => {
  it('keeps only the newest of what arrives during a projection, and counts the rest', () => {
    const dropped: string[] = [];
    marbles(({ cold, hot, expectObservable }) => {
      const source = hot('  -abcd------e--|');
      const expected = '    -----A---D---E|';
      const slow = (value: string) => cold(value === 'e' ? '--(r|)' : '----(r|)', { r: value.toUpperCase() });
      expectObservable(source.pipe(latestWins(slow, { onDrop: (value) => dropped.push(value) }))).toBe(expected);
    });
    expect(dropped).toEqual(['b', 'c']);
  });

  it('projects the value that waits when the source completes', () => {
    marbles(({ cold, hot, expectObservable }) => {
      const source = hot('ab|');
      expectObservable(source.pipe(latestWins((value) => cold('---(r|)', { r: value })))).toBe('---a--(b|)');
    });
  });

  it('loses nothing while projections are faster than the source', () => {
    const dropped: string[] = [];
    marbles(({ cold, hot, expectObservable }) => {
      const source = hot('a-b-c-|');
      expectObservable(source.pipe(latestWins((value) => cold('-(r|)', { r: value }), { onDrop: (value) => dropped.push(value) }))).toBe(
        '-a-b-c|',
      );
    });
    expect(dropped).toEqual([]);
  });

  it('handles projections that end at once, also for values that arrive from within', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('abc|').pipe(latestWins((value) => of(value)))).toBe('abc|');
    });
  });

  it('does not start a second projection for a value that a result sets off', () => {
    const source = new Subject<number>();
    const results: number[] = [];
    let running = 0;
    const project = (value: number): Observable<number> =>
      defer(() => {
        expect(++running).toBe(1);
        return of(value);
      }).pipe(finalize(() => running--));
    source.pipe(latestWins(project)).subscribe((value) => {
      results.push(value);
      if (value < 3) source.next(value + 1);
    });
    source.next(1);
    expect(results).toEqual([1, 2, 3]);
  });

  it('passes on errors of the source, of a projection and of project itself', () => {
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('a#').pipe(latestWins((value) => of(value)))).toBe('a#');
      expectObservable(hot('a-').pipe(latestWins(() => throwError(() => 'error')))).toBe('#');
      expectObservable(
        hot('a-').pipe(
          latestWins(() => {
            // eslint-disable-next-line @typescript-eslint/only-throw-error -- the marble `#` stands for this value
            throw 'error';
          }),
        ),
      ).toBe('#');
    });
  });

  it('unsubscribes from source and projection', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = hot('a-----');
      const inner = cold('   --------r|');
      expectObservable(source.pipe(latestWins(() => inner)), '^--!').toBe('----');
      expectSubscriptions(source.subscriptions).toBe('^--!');
      expectSubscriptions(inner.subscriptions).toBe('^--!');
    });
  });
});
