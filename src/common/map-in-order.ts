/**
 * Applies `work` to the items, at most `concurrency` at a time, and yields the results in the items' order. Reads no further ahead
 * than that, so a slow consumer slows the work. The first error ends the iteration after the work that is under way has settled.
 */
export async function* mapInOrder<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  concurrency: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const running: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // It is awaited in its turn; until then its failure is nobody's unhandled rejection.
      result.catch(() => undefined);
      running.push(result);
      if (running.length < concurrency) continue;
      const [first] = running;
      if (first !== undefined) yield await first;
      void running.shift();
    }
    for (const rest of running) yield await rest;
  } finally {
    await Promise.allSettled(running);
  }
}
