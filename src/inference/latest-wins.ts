import { from, Observable, type ObservableInput, type OperatorFunction, type Subscription } from 'rxjs';

/**
 * Projects one value at a time; while it does, one value waits, and a newer value takes the place of the one that waits. So the
 * next value projected is always the newest, and no queue grows, however slow the projection is. (`exhaustMap` would drop the newest
 * instead; `audit` and `throttle` with `trailing` wait for a timer.)
 *
 * Completes when the source has completed and the value that waited was projected. `onDrop` is told how many values were replaced so
 * far, on each one.
 */
export function latestWins<T, R>(project: (value: T) => ObservableInput<R>, onDrop?: (dropped: number) => void): OperatorFunction<T, R> {
  return (source) =>
    new Observable((subscriber) => {
      let waiting: { readonly value: T } | null = null;
      let running: Subscription | null = null;
      let sourceCompleted = false;
      let dropped = 0;

      const start = (value: T): void => {
        const projection = from(project(value)).subscribe({
          next: (result) => {
            subscriber.next(result);
          },
          error: (error: unknown) => {
            subscriber.error(error);
          },
          complete: () => {
            running = null;
            if (waiting !== null) {
              const { value: newest } = waiting;
              waiting = null;
              startSafely(newest);
            } else if (sourceCompleted) {
              subscriber.complete();
            }
          },
        });
        // A projection that completes at once has already cleared the slot.
        if (!projection.closed) {
          running = projection;
          subscriber.add(projection);
        }
      };
      const startSafely = (value: T): void => {
        try {
          start(value);
        } catch (error) {
          subscriber.error(error);
        }
      };

      return source.subscribe({
        next: (value) => {
          if (running === null) {
            startSafely(value);
            return;
          }
          if (waiting !== null) {
            dropped += 1;
            onDrop?.(dropped);
          }
          waiting = { value };
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
        complete: () => {
          sourceCompleted = true;
          if (running === null) subscriber.complete();
        },
      });
    });
}
