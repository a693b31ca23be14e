import type { CaptureEvent } from './frame.js';

export interface LatestQueueOptions {
  /** Frames of one type that may wait before the oldest of them is dropped. */
  readonly capacity: number;
  readonly onDrop: (event: CaptureEvent) => void;
}

/**
 * Hands events from a producer that must not wait to a consumer that may be late: pictures to look at and to analyse are dropped when they
 * are old, everything else never is. An async iterable for one consumer.
 */
export class LatestQueue implements AsyncIterable<CaptureEvent> {
  readonly #options: LatestQueueOptions;
  readonly #waiting: CaptureEvent[] = [];
  #wake: (() => void) | null = null;
  #over = false;
  #failure: { readonly error: unknown } | null = null;

  constructor(options: LatestQueueOptions) {
    this.#options = options;
  }

  put(event: CaptureEvent): void {
    if (this.#over) return;
    const waiting = this.#waiting;
    if (event.type === 'preview' || event.type === 'analysis') {
      if (waiting.reduce((count, other) => count + (other.type === event.type ? 1 : 0), 0) >= this.#options.capacity) {
        const [oldest] = waiting.splice(
          waiting.findIndex((other) => other.type === event.type),
          1,
        );
        if (oldest !== undefined) this.#options.onDrop(oldest);
      }
    }
    waiting.push(event);
    this.#notify();
  }

  /** No more events will come; those that wait are still handed over, then the iteration ends, with `error` if there is one. */
  close(failure?: { readonly error: unknown }): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure ?? null;
    this.#notify();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CaptureEvent, void, undefined> {
    for (;;) {
      const event = this.#waiting.shift();
      if (event !== undefined) {
        yield event;
        continue;
      }
      if (this.#over) {
        if (this.#failure !== null) throw this.#failure.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
