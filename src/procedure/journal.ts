import { open, type FileHandle } from 'node:fs/promises';
import { messageOf, ProcedureError } from '../common/errors.js';
import { AppendQueue } from './append-queue.js';
import { chainLine, type ChainedLine, type ChainHead, type LineTimes } from './chain.js';
import { clockWatch, SYSTEM_CLOCK, type Clock, type Reading } from './clock-watch.js';
import type { Entry, NewEntry } from './entries.js';
import type { InstallationKey } from './key.js';
import { sealLine } from './seal.js';

export interface JournalOptions {
  readonly file: string;
  /** What the next line has to carry. */
  readonly head: ChainHead;
  /** Where the file ends; 0 for a new one, which must not exist yet. */
  readonly position: number;
  readonly clock?: Clock;
  /** True when an earlier process opened the procedure: how long that is ago, no clock of this process can tell. */
  readonly resumed: boolean;
}

interface Item {
  readonly entry: NewEntry | InstallationKey;
  readonly times: LineTimes;
}

const LINE_FEED = Buffer.from('\n');

/**
 * The append-only log of a procedure. A line is acknowledged when it is on the disk; lines keep the order of the calls, and lines
 * appended at one time share a flush. The chain moves on only with what was written, so a full disk leaves no gap in it.
 */
export class Journal {
  readonly #queue: AppendQueue<Item, ChainedLine>;
  readonly #read: () => Reading;
  readonly #options: JournalOptions;
  #head: ChainHead;

  private constructor(handle: FileHandle, options: JournalOptions) {
    this.#options = options;
    this.#head = options.head;
    this.#read = clockWatch(options.clock ?? SYSTEM_CLOCK);
    this.#queue = new AppendQueue({
      handle,
      position: options.position,
      durable: true,
      encode: (items) => {
        let head = this.#head;
        const results = items.map(({ entry, times }) => {
          const line = 'type' in entry ? chainLine(head, entry, times) : sealLine(head, entry, times);
          head = line.head;
          return line;
        });
        return { results, bytes: Buffer.concat(results.flatMap(({ bytes }) => [bytes, LINE_FEED])) };
      },
      written: (lines) => {
        this.#head = lines.at(-1)?.head ?? this.#head;
      },
    });
  }

  static async open(options: JournalOptions): Promise<Journal> {
    return new Journal(await open(options.file, options.position === 0 ? 'wx' : 'r+'), options);
  }

  /** What the next line will carry: `previous` is the head hash of everything that is on the disk. */
  get head(): ChainHead {
    return this.#head;
  }

  /**
   * Resolves when the line is on the disk.
   * @throws ProcedureError `journal-write` when it is not; the journal then ends where it ended before.
   */
  async append<New extends NewEntry>(entry: New): Promise<Entry<New['type']>> {
    return (await this.#append(entry)).entry as Entry<New['type']>;
  }

  /** Appends a line and a seal over it and all before. Both are written in one: a crash leaves both or neither. */
  async seal(key: InstallationKey, entry: NewEntry): Promise<{ readonly entry: Entry; readonly seal: Entry<'seal'> }> {
    const [line, seal] = await Promise.all([this.#append(entry), this.#append(key)]);
    return { entry: line.entry, seal: seal.entry as Entry<'seal'> };
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  async #append(entry: NewEntry | InstallationKey): Promise<ChainedLine> {
    const { at, monotonicMs, jump } = this.#read();
    const times = { at, monotonicMs: this.#options.resumed ? null : monotonicMs };
    const lines: Promise<ChainedLine>[] = [];
    if (jump !== null) lines.push(this.#queue.append({ entry: { type: 'clock', ...jump }, times }));
    lines.push(this.#queue.append({ entry, times }));
    try {
      return (await Promise.all(lines)).at(-1) as ChainedLine;
    } catch (error) {
      throw new ProcedureError('journal-write', `${this.#options.file}: nothing can be written: ${messageOf(error)}`, {
        remedy: 'Free some space on the disk, or check it.',
        cause: error,
      });
    }
  }
}
