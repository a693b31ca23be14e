import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MediaError, messageOf } from '../common/errors.js';
import type { Ffmpeg } from './ffmpeg.js';

export interface FfmpegProcessOptions {
  /** Called with every line of stderr, as ffmpeg wrote it: redact before showing. */
  readonly onLine?: (line: string) => void;
  /** Lines of stderr to keep for the explanation of a failure. Default 60. */
  readonly keptLines?: number;
  /** How long each step of `end()` waits for the process before the next, harsher one. Default 2000. */
  readonly graceMs?: number;
  /** Ends the process when aborted. */
  readonly signal?: AbortSignal;
}

export interface FfmpegExit {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

// Killed when this program exits by whatever way still runs code; SIGKILL runs none, but then the broken pipe ends ffmpeg.
const living = new Set<ChildProcessByStdio<Writable, Readable, Readable>>();
let watchingExit = false;

/**
 * One running ffmpeg: its standard output, the last lines of its standard error, and a graceful end. No shell is involved.
 */
export class FfmpegProcess {
  /** Resolves when the process is gone and reaped; never rejects. */
  readonly exited: Promise<FfmpegExit>;
  /** Set when the process could not even be started. */
  startFailure: MediaError | null = null;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: string[] = [];
  readonly #graceMs: number;
  #ending: Promise<FfmpegExit> | null = null;
  #gone = false;
  #isRead = false;

  constructor(ffmpeg: Pick<Ffmpeg, 'path'>, args: readonly string[], options: FfmpegProcessOptions = {}) {
    this.#graceMs = options.graceMs ?? 2000;
    const child = spawn(ffmpeg.path, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
      // A group of its own, so that Ctrl-C in the terminal reaches only us and ffmpeg is ended in order.
      detached: process.platform !== 'win32',
    });
    this.#child = child;
    living.add(child);
    watchExit();

    const keep = options.keptLines ?? 60;
    eachLine(child.stderr, (line) => {
      this.#lines.push(line);
      if (this.#lines.length > keep) this.#lines.shift();
      options.onLine?.(line);
    });
    // ffmpeg may be gone before it reads the 'q'.
    child.stdin.on('error', ignored);
    child.stdout.on('error', ignored);

    child.once('exit', () => {
      // Node empties the pipes of a process that has gone, into nothing when nobody happens to wait for data just then: the last pictures
      // of a video would be lost to whoever is busy with the one before. It leaves alone what has a listener.
      if (this.#isRead && this.#ending === null) child.stdout.on('readable', ignored);
    });

    this.exited = new Promise((resolve) => {
      child.once('error', (error) => {
        if (child.pid !== undefined) return;
        this.startFailure = new MediaError('ffmpeg-unusable', `${ffmpeg.path} cannot be started: ${messageOf(error)}.`, { cause: error });
        this.#finish();
        resolve({ code: null, signal: null });
      });
      // 'close' and not 'exit': all output has arrived by then.
      child.once('close', (code, signal) => {
        this.#finish();
        resolve({ code, signal });
      });
    });

    const { signal } = options;
    if (signal !== undefined) {
      const abort = (): void => void this.end();
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
      void this.exited.then(() => {
        signal.removeEventListener('abort', abort);
      });
    }
  }

  /** Its standard output, which waits for its reader: whoever has asked for it reads to its end, or calls `end()`. */
  get stdout(): Readable {
    this.#isRead = true;
    return this.#child.stdout;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The last lines of stderr, oldest first, as ffmpeg wrote them. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Writes to its standard input, where ffmpeg takes commands to its filters. */
  write(text: string): void {
    if (!this.#gone && this.#ending === null) this.#child.stdin.write(text, ignored);
  }

  /** Makes `bytes` its standard input, to the end; no commands can be written then. What goes wrong shows in how ffmpeg ends. */
  feed(bytes: AsyncIterable<Uint8Array>): void {
    pipeline(bytes, this.#child.stdin).catch(ignored);
  }

  /**
   * Asks ffmpeg to finish its files (`q`), then terminates, then kills it; resolves when it is gone. Output that nobody reads any more is
   * thrown away meanwhile, so that a full pipe cannot keep ffmpeg from hearing the question. Safe to call twice.
   */
  end(): Promise<FfmpegExit> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<FfmpegExit> {
    const child = this.#child;
    if (this.#gone || child.pid === undefined) return this.exited;
    child.stdout.removeAllListeners('data');
    child.stdout.removeAllListeners('readable');
    child.stdout.resume();
    child.stdin.write('q\n', ignored);
    const steps: (() => void)[] = [() => child.kill('SIGTERM'), () => child.kill('SIGKILL')];
    for (const step of steps) {
      if (await this.#goneWithin(this.#graceMs)) return this.exited;
      step();
    }
    return this.exited;
  }

  async #goneWithin(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => {
        resolve(false);
      }, timeoutMs);
    });
    const gone = await Promise.race([this.exited.then(() => true as const), late]);
    clearTimeout(timer);
    return gone;
  }

  #finish(): void {
    this.#gone = true;
    living.delete(this.#child);
  }
}

function watchExit(): void {
  if (watchingExit) return;
  watchingExit = true;
  process.once('exit', () => {
    for (const child of living) child.kill('SIGKILL');
  });
}

function eachLine(stream: Readable, take: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    // Progress lines end in a carriage return; a line without end must not grow without bound.
    const parts = (rest + decoder.write(chunk)).split(/\r\n|\n|\r/);
    rest = (parts.pop() ?? '').slice(-4096);
    for (const part of parts) if (part !== '') take(part);
  });
  stream.on('end', () => {
    if (rest !== '') take(rest);
    rest = '';
  });
  stream.on('error', ignored);
}

function ignored(): void {
  // What matters of it arrives as the exit of the process.
}
