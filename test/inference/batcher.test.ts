import { EMPTY, mergeMap, of, throwError, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { createBatcher } from '../../src/inference/batcher.js';
import { marbles } from '../support/marbles.js';

const upper = (items: readonly string[]): string[] => items.map((item) => item.toUpperCase());

describe('createBatcher', () => {
  it('starts a lone item at once and joins those that arrive meanwhile, up to the limit', () => {
    const batches: string[] = [];
    marbles(({ cold, hot, expectObservable }) => {
      const submit = createBatcher<string, string>(
        (items) => {
          batches.push(items.join(''));
          return cold('----(r|)', { r: upper(items) });
        },
        { limit: 2 },
      );
      const source = hot('abcd----------e|');
      const expected = '  ----A---(BC)D-----(E|)';
      expectObservable(source.pipe(mergeMap(submit))).toBe(expected);
    });
    expect(batches).toEqual(['a', 'bc', 'd', 'e']);
  });

  it('gives an item that is no longer wanted no place in a batch', () => {
    const batches: string[] = [];
    marbles(({ cold, expectObservable }) => {
      const submit = createBatcher<string, string>(
        (items) => {
          batches.push(items.join(''));
          return cold('----(r|)', { r: upper(items) });
        },
        { limit: 8 },
      );
      expectObservable(submit('a')).toBe('----(A|)');
      expectObservable(submit('b'), '^-!').toBe('----');
      expectObservable(submit('c')).toBe('--------(C|)');
    });
    expect(batches).toEqual(['a', 'c']);
  });

  it('fails the items of a failed batch and goes on with the next', () => {
    marbles(({ cold, expectObservable }) => {
      const submit = createBatcher<string, string>((items) => (items.includes('a') ? cold('--#') : cold('--(r|)', { r: upper(items) })), {
        limit: 8,
      });
      expectObservable(submit('a')).toBe('--#');
      expectObservable(submit('b')).toBe('----(B|)');
    });
  });

  it('refuses an answer of another length, whether it comes, fails at once, or does not come at all', () => {
    const failures: unknown[] = [];
    const ask = (run: (items: readonly string[]) => Observable<readonly string[]>): void => {
      createBatcher<string, string>(run, { limit: 1 })('a').subscribe({ error: (error: unknown) => failures.push(error) });
    };
    ask(() => of(['x', 'y']));
    ask(() => EMPTY);
    ask(() => throwError(() => new Error('broken')));
    ask(() => {
      throw new Error('thrown');
    });
    expect(failures.map(String)).toEqual([
      'RangeError: A batch of 1 was answered with 2 results',
      'RangeError: A batch of 1 was answered with 0 results',
      'Error: broken',
      'Error: thrown',
    ]);
    expect(() => createBatcher(() => of([]), { limit: 0 })).toThrow(/limit is 0/);
  });
});
