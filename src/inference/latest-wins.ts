import { from, Observable, type ObservableInput, type OperatorFunction, type Subscription } from 'rxjs';

export interface LatestWinsOptions<T> {
  /** Called with every value that a newer one replaced before its turn came. */
  readonly onDrop?: (value: T) => void;
}

/**
 * Projects one value at a time. Of those that arrive meanwhile only the newest waits; the older ones are dropped. So a live source never falls
 * behind by more than one value, however slow `project` is. (Unlike `exhaustMap`, which drops the newest, and `switchMap`, which
 * throws away work that is half done.)
 *
 * When the source completes, the value that waits is still projected.
 */
export function latestWins<T, R>(project: (value: T) => ObservableInput<R>, options: LatestWinsOptions<T> = {}): OperatorFunction<T, R> {
  return (source) =>
    new Observable<R>((subscriber) => {
      let busy = false;
      let running: Subscription | null = null;
      let waiting: { readonly value: T } | null = null;
      let completed = false;

      const start = (value: T): void => {
        busy = true;
        let inner: Observable<R>;
        try {
          inner = from(project(value));
        } catch (error) {
          subscriber.error(error);
          return;
        }
        let ended = false;
        running = inner.subscribe({
          next: (result) => {
            subscriber.next(result);
          },
          error: (error: unknown) => {
            subscriber.error(error);
          },
          complete: () => {
            ended = true;
          },
        });
        // After its own clean-up, so that two projections never hold the same thing at once.
        running.add(() => {
          if (!ended) return;
          busy = false;
          next();
        });
      };

      const next = (): void => {
        const turn = waiting;
        waiting = null;
        if (turn !== null) start(turn.value);
        else if (completed) subscriber.complete();
      };

      const upstream = source.subscribe({
        next: (value) => {
          if (!busy) start(value);
          else {
            if (waiting !== null) options.onDrop?.(waiting.value);
            waiting = { value };
          }
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
        complete: () => {
          completed = true;
          if (!busy) next();
        },
      });

      return () => {
        upstream.unsubscribe();
        running?.unsubscribe();
      };
    });
}
