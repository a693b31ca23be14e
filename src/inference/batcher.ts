import { from, Observable, type ObservableInput, type Subscriber } from 'rxjs';

export interface BatcherOptions {
  /** Most items of one batch. */
  readonly limit: number;
}

/**
 * Joins single items to batches without ever waiting for more: an item that finds nothing running starts at once, alone; those that arrive
 * while a batch runs go together into the next one. So batches grow exactly as far as the load asks for, and a single source keeps the
 * latency of batch 1.
 *
 * `run` gets at least one item and must emit one array with a result per item. The returned function gives an observable that starts waiting when subscribed and
 * emits the item's result once; unsubscribing before its batch starts takes it out of the line.
 */
export function createBatcher<T, R>(
  run: (items: readonly T[]) => ObservableInput<readonly R[]>,
  { limit }: BatcherOptions,
): (item: T) => Observable<R> {
  if (!Number.isInteger(limit) || limit < 1) throw new TypeError(`limit is ${String(limit)}, not a positive whole number`);
  interface Entry {
    readonly item: T;
    readonly subscriber: Subscriber<R>;
  }
  const line: Entry[] = [];
  let running = false;

  const startNext = (): void => {
    if (running || line.length === 0) return;
    running = true;
    const batch = line.splice(0, limit);
    const fail = (error: unknown): void => {
      running = false;
      for (const { subscriber } of batch) subscriber.error(error);
      startNext();
    };
    let results: Observable<readonly R[]>;
    try {
      results = from(run(batch.map((entry) => entry.item)));
    } catch (error) {
      fail(error);
      return;
    }
    let answered: readonly R[] | null = null;
    results.subscribe({
      next: (values) => {
        answered = values;
      },
      error: fail,
      complete: () => {
        if (answered?.length !== batch.length) {
          fail(new RangeError(`A batch of ${String(batch.length)} was answered with ${String(answered?.length ?? 0)} results`));
          return;
        }
        running = false;
        // What the answers set off may already belong to the next batch, so that they come first.
        batch.forEach(({ subscriber }, index) => {
          subscriber.next(answered?.[index] as R);
          subscriber.complete();
        });
        startNext();
      },
    });
  };

  return (item) =>
    new Observable<R>((subscriber) => {
      const entry: Entry = { item, subscriber };
      line.push(entry);
      startNext();
      return () => {
        const index = line.indexOf(entry);
        if (index >= 0) line.splice(index, 1);
      };
    });
}
