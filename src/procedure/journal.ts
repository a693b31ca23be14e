import { open } from 'node:fs/promises';
import { messageOf, ProcedureError, UsageError } from '../common/errors.js';
import { AppendQueue, type AppendHandle } from './append-queue.js';
import { chainLine, type ChainedLine, type ChainHead, type LineTimes } from './chain.js';
import { clockWatch, SYSTEM_CLOCK, type Clock, type Reading } from './clock-watch.js';
import { parseEntry, type Entry, type NewEntry } from './entries.js';
import type { InstallationKey } from './key.js';
import { sealLine } from './seal.js';

export interface JournalOptions {
  readonly file: string;
  /** What the next line has to carry. */
  readonly head: ChainHead;
  /** Where the file ends; 0 for a new one, which must not exist yet. */
  readonly position: number;
  readonly clock?: Clock;
  /** Default: `open` of Node. */
  readonly openFile?: (file: string, flags: 'wx' | 'r+') => Promise<AppendHandle>;
  /**
   * Time of the last line when an earlier process wrote it: how long that is ago, no clock of this process can tell, so that lines of this one
   * have no monotonic time. Null when this process opens the procedure.
   */
  readonly resumedAfter: string | null;
}

interface Item {
  readonly entry: NewEntry | InstallationKey;
  readonly times: LineTimes;
}

const EPOCH = new Date(0).toISOString();
const NO_HASH = '0'.repeat(64);
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

  private constructor(handle: AppendHandle, options: JournalOptions) {
    this.#options = options;
    this.#head = options.head;
    this.#read = clockWatch(options.clock ?? SYSTEM_CLOCK, options.resumedAfter);
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
    return new Journal(await (options.openFile ?? open)(options.file, options.position === 0 ? 'wx' : 'r+'), options);
  }

  /** What the next line will carry: `previous` is the head hash of everything that is on the disk. */
  get head(): ChainHead {
    return this.#head;
  }

  /**
   * Resolves when the line is on the disk.
   * @throws UsageError `journal-entry` naming the field that is not valid; ProcedureError `journal-write` when it is not; the journal then ends where it ended before.
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
    if ('type' in entry) checkEntry(entry);
    const { at, monotonicMs, jump } = this.#read();
    const times = { at, monotonicMs: this.#options.resumedAfter === null ? monotonicMs : null };
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

/** What could not be read again must not be written: it would make all that follows unreadable. */
function checkEntry(entry: NewEntry): void {
  const written: unknown = JSON.parse(
    JSON.stringify({ seq: 0, at: EPOCH, monotonicMs: null, previous: NO_HASH, ...entry, by: entry.by ?? 'lumenmark' }),
  );
  const parsed = parseEntry(written);
  if ('entry' in parsed) return;
  throw new UsageError('journal-entry', `This cannot be kept in a journal: ${parsed.problem}`, {
    remedy: 'Correct the field that is named.',
  });
}
