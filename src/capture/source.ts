import { findFfmpeg } from '../media/ffmpeg.js';
import { FfmpegCapture } from './ffmpeg-source.js';
import type { CaptureEvent, FrameSource } from './frame.js';
import { resolveInput } from './input.js';
import { LatestQueue } from './latest-queue.js';
import { StillsCapture } from './stills-source.js';
import { validateSourceOptions, type SourceOptions } from './options.js';

export type { FieldOfViewOption, SourceOptions } from './options.js';

/** Frames of one type that may wait for a late consumer of a live source. */
const LIVE_CAPACITY = 4;

/**
 * Opens a source. For files, everything that can be known to fail fails here; devices and streams are opened when the iteration begins
 * and reopened whenever they fail.
 * @throws UsageError for invalid options; MediaError when the source cannot be read.
 */
export async function openSource(options: SourceOptions): Promise<FrameSource> {
  validateSourceOptions(options);
  options.signal?.throwIfAborted();
  const ffmpeg = options.ffmpeg ?? (await findFfmpeg());
  const input = await resolveInput(options.source, ffmpeg);
  const capture =
    input.kind === 'stills' ? await StillsCapture.open(options, input, ffmpeg.path) : await FfmpegCapture.open(options, ffmpeg, input);
  return new Source(options, capture);
}

interface Capture {
  readonly label: string;
  readonly live: boolean;
  events(): AsyncGenerator<CaptureEvent, void, undefined>;
  setRecording(open: boolean): void;
  dispose(): Promise<void>;
}

class Source implements FrameSource {
  readonly id: string;
  readonly label: string;
  readonly live: boolean;
  readonly #capture: Capture;
  readonly #signal: AbortSignal | undefined;
  #dropped = 0;
  #iterated = false;
  #disposing: Promise<void> | null = null;
  readonly #abort = (): void => void this.dispose();

  constructor(options: SourceOptions, capture: Capture) {
    this.id = options.id;
    this.label = capture.label;
    this.live = capture.live;
    this.#capture = capture;
    this.#signal = options.signal;
    this.#signal?.addEventListener('abort', this.#abort, { once: true });
  }

  get droppedFrames(): number {
    return this.#dropped;
  }

  setRecording(open: boolean): void {
    this.#capture.setRecording(open);
  }

  dispose(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#disposing ??= this.#capture.dispose();
    return this.#disposing;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CaptureEvent, void, undefined> {
    if (this.#iterated) throw new Error(`source ${this.id} has been iterated already`);
    this.#iterated = true;
    try {
      yield* this.live ? this.#latest() : this.#capture.events();
    } finally {
      await this.dispose();
    }
  }

  /** A live source is read at its own pace, whatever the consumer does; what comes too late for it is dropped and counted. */
  async *#latest(): AsyncGenerator<CaptureEvent, void, undefined> {
    const queue = new LatestQueue({
      capacity: LIVE_CAPACITY,
      onDrop: (event) => {
        if (event.type === 'analysis') this.#dropped += 1;
      },
    });
    const pump = async (): Promise<void> => {
      for await (const event of this.#capture.events()) queue.put(event);
    };
    const pumping = pump().then(
      () => {
        queue.close();
      },
      (error: unknown) => {
        queue.close({ error });
      },
    );
    yield* queue;
    await pumping;
  }
}
