import { messageOf } from '../common/errors.js';

/** What of a file is needed, so that a test can put a failing disk in its place. */
export interface AppendHandle {
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesWritten: number }>;
  datasync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

export interface Encoded<Result> {
  readonly bytes: Uint8Array;
  readonly results: readonly Result[];
}

export interface AppendQueueOptions<Item, Result> {
  /** Opened for writing; the queue closes it. */
  readonly handle: AppendHandle;
  /** Where the file ends. */
  readonly position: number;
  /** Makes the bytes of items that are written together. Called again for later items only when these are written or have failed. */
  readonly encode: (items: readonly Item[]) => Encoded<Result>;
  /** Told when they are written (and, with `durable`, on the disk). */
  readonly written?: (results: readonly Result[]) => void;
  /** Flushes to the disk before an item counts as written. */
  readonly durable: boolean;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Appends to a file in the order of the calls. What is appended while a write is under way is written together in the next one, so that
 * one flush serves many (group commit). A write that fails is taken back: the file ends where it ended before, and its items are rejected.
 */
export class AppendQueue<Item, Result> {
  readonly #options: AppendQueueOptions<Item, Result>;
  #waiting: Waiting<Item, Result>[] = [];
  #position: number;
  #running: Promise<void> | null = null;
  #closed = false;
  #broken: Error | null = null;

  constructor(options: AppendQueueOptions<Item, Result>) {
    this.#options = options;
    this.#position = options.position;
  }

  /** Where the file ends, without what is still waiting. */
  get position(): number {
    return this.#position;
  }

  append(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error('the file is closed'));
        return;
      }
      this.#waiting.push({ item, resolve, reject });
      // Not in this tick: what is appended together is written together.
      this.#running ??= Promise.resolve().then(() => this.#run());
    });
  }

  /** Writes what is waiting and closes the file. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#running;
    await this.#options.handle.close();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const results = await this.#write(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, at) => {
          resolve(results[at] as Result);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = null;
  }

  async #write(items: readonly Item[]): Promise<readonly Result[]> {
    if (this.#broken !== null) throw this.#broken;
    const { handle, encode, written, durable } = this.#options;
    const { bytes, results } = encode(items);
    try {
      let done = 0;
      while (done < bytes.length) done += (await handle.write(bytes, done, bytes.length - done, this.#position + done)).bytesWritten;
      if (durable) await handle.datasync();
    } catch (error) {
      await this.#takeBack(error);
      throw error;
    }
    this.#position += bytes.length;
    written?.(results);
    return results;
  }

  /** A half-written line must not stay in front of the next one. Where that fails too, nothing can be appended any more. */
  async #takeBack(error: unknown): Promise<void> {
    try {
      await this.#options.handle.truncate(this.#position);
    } catch {
      this.#broken = error instanceof Error ? error : new Error(messageOf(error));
    }
  }
}
