import { firstValueFrom, from, Observable, toArray, type ObservableInput } from 'rxjs';

export interface InOrderOptions {
  /** Most values that are projected at the same time. */
  readonly concurrency: number;
}

/**
 * Pulls every value of an async iterable, projects up to `concurrency` of them at a time, and emits their results in the order of the
 * source. The next value is only pulled when there is room, so that a slow projection makes the source wait (backpressure) and nothing is lost
 * or piled up.
 *
 * Unsubscribing, or an error of a projection, ends the iteration through the iterator's `return`.
 */
export function inOrder<T, R>(
  project: (value: T) => ObservableInput<R>,
  { concurrency }: InOrderOptions,
): (source: AsyncIterable<T>) => Observable<R> {
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new TypeError(`concurrency is ${String(concurrency)}, not a positive whole number`);
  return (source) =>
    new Observable<R>((subscriber) => {
      const iterator = source[Symbol.asyncIterator]();
      const emitted: Promise<void>[] = [];
      let exhausted = false;

      const emit = (results: readonly R[]): void => {
        for (const result of results) subscriber.next(result);
      };

      const run = async (): Promise<void> => {
        let last = Promise.resolve();
        while (!subscriber.closed) {
          const step = await iterator.next();
          if (step.done === true) {
            exhausted = true;
            break;
          }
          const results = firstValueFrom(from(project(step.value)).pipe(toArray()));
          last = Promise.all([results, last]).then(([values]) => {
            emit(values);
          });
          // Whoever waits for it below meets the failure too; this one tells at once, also while the source takes its time.
          last.catch((error: unknown) => {
            subscriber.error(error);
          });
          emitted.push(last);
          if (emitted.length >= concurrency) await emitted.shift();
        }
        await last;
        subscriber.complete();
      };

      const end = (): void => {
        if (exhausted) return;
        exhausted = true;
        // The iteration is over for us; a source that fails to close has nobody left to tell.
        iterator.return?.().catch(() => undefined);
      };

      run().catch((error: unknown) => {
        subscriber.error(error);
      });
      return end;
    });
}
