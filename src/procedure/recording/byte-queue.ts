import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where a recording is written to; a file, or what a test puts in its place. */
export interface ByteSink {
  /** Appends all of the bytes. */
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves when what was appended would survive a power cut. */
  sync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

export type OpenSink = (path: string) => Promise<ByteSink>;

/** @throws the error of the file system when the file exists already or cannot be made. */
export const openFileSink: OpenSink = async (path) => {
  // Appending: after a cut, what is written next follows where the file now ends.
  const handle = await open(path, 'ax');
  return {
    append: async (bytes) => {
      let done = 0;
      while (done < bytes.length) done += (await handle.write(bytes, done)).bytesWritten;
    },
    sync: () => handle.datasync(),
    truncate: (bytes) => handle.truncate(bytes),
    close: () => handle.close(),
  };
};

const SYNC_EVERY_MS = 1000;
const GIVE_UP_MS = 5000;

export interface ByteQueueOptions {
  readonly sink: Promise<ByteSink>;
  /** More than this waiting for the disk is a failure: whoever puts bytes in never waits. */
  readonly maxWaitingBytes: number;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Bytes on their way to a disk that may be slow, in order. What is put in at one time is whole or not at all in the file: after a failure
 * it is cut back to where the last whole piece ended.
 */
export class ByteQueue {
  readonly #options: ByteQueueOptions;
  #waiting: (readonly Uint8Array[])[] = [];
  #waitingBytes = 0;
  #writtenBytes = 0;
  #running: Promise<void> | null = null;
  #failed = false;
  #syncedAtMs = performance.now();

  constructor(options: ByteQueueOptions) {
    this.#options = options;
  }

  /** In the file by now. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Takes a piece. Never waits, never throws. */
  put(piece: readonly Uint8Array[]): void {
    if (this.#failed) return;
    this.#waiting.push(piece);
    this.#waitingBytes += piece.reduce((sum, part) => sum + part.length, 0);
    if (this.#waitingBytes > this.#options.maxWaitingBytes) {
      this.#fail(new Error(`${Math.round(this.#waitingBytes / 2 ** 20)} MiB wait for the disk: it is too slow`));
      return;
    }
    this.#running ??= this.#run();
  }

  /** Writes what is waiting, and closes the file. A failure on the way is told to `onFailure` alone. */
  async close(): Promise<void> {
    const closing = this.#close();
    // A disk that has stopped answering must not keep the rest from being closed.
    await (this.#failed ? Promise.race([closing, sleep(GIVE_UP_MS, undefined, { ref: false })]) : closing);
  }

  async #close(): Promise<void> {
    await this.#running;
    try {
      const sink = await this.#options.sink;
      if (!this.#failed) await sink.sync();
      await sink.close();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #run(): Promise<void> {
    try {
      const sink = await this.#options.sink;
      while (this.#waiting.length > 0) {
        const pieces = this.#waiting;
        this.#waiting = [];
        this.#waitingBytes = 0;
        await this.#append(sink, pieces);
        if (performance.now() - this.#syncedAtMs >= SYNC_EVERY_MS) {
          await sink.sync();
          this.#syncedAtMs = performance.now();
        }
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#running = null;
  }

  /** All pieces at once; where that fails, one by one, so that as many whole ones as the disk takes are in the file. */
  async #append(sink: ByteSink, pieces: readonly (readonly Uint8Array[])[]): Promise<void> {
    const bytes = Buffer.concat(pieces.flat());
    try {
      await sink.append(bytes);
    } catch (error) {
      // A disk that is full may still take a cut; where it does not, nothing may follow what was half written.
      const isCut = await sink.truncate(this.#writtenBytes).then(
        () => true,
        () => false,
      );
      if (!isCut || pieces.length === 1) throw error;
      for (const piece of pieces) await this.#append(sink, [piece]);
      return;
    }
    this.#writtenBytes += bytes.length;
  }

  #fail(error: unknown): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#failed) return;
    this.#failed = true;
    this.#options.onFailure(error);
  }
}
