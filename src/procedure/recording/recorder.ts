import { join } from 'node:path';
import type { RecordedPacket } from '../../capture/frame.js';
import { mp4Fragment, mp4Header, type VideoSample } from '../../media/fragmented-mp4.js';
import { ByteQueue, openFileSink, type OpenSink } from './byte-queue.js';
import { DecodeTimes } from './decode-times.js';

/** One video file of a procedure. */
export interface RecordingPart {
  /** Name in the procedure's folder: `recording.mp4`, `recording-2.mp4`, … */
  readonly file: string;
  readonly codec: 'h264' | 'hevc';
  readonly width: number;
  readonly height: number;
  /** `ptsUs` of the frame at which the video's own time is 0. */
  readonly originPtsUs: number;
}

export interface RecordingPartEnd {
  readonly part: RecordingPart;
  /** Frames that were handed to the file. */
  readonly frames: number;
  /** From the first to the last frame shown. */
  readonly durationMs: number;
  /** The source changed, and the next file goes on. */
  readonly goesOn: boolean;
  /** Set when the file could not be written to its end. */
  readonly error: unknown;
}

export interface RecorderOptions {
  readonly folder: string;
  /** Packets may be shown in another order than they are decoded in: so many at most are held back for that. Default 0. */
  readonly reorder?: number;
  /** Default 64 MiB, about half a minute of video. */
  readonly maxWaitingBytes?: number;
  readonly onStarted: (part: RecordingPart) => void;
  /** A file is closed. */
  readonly onStopped: (end: RecordingPartEnd) => void;
  /** Nothing more is taken; told at once, while closing may take long on a disk that does not answer. */
  readonly onFailure?: (error: unknown) => void;
  readonly openSink?: OpenSink;
}

/** A killed process loses no more than what waits for its fragment, ms of video. */
const FRAGMENT_MS = 200;
const MAX_WAITING_BYTES = 64 * 2 ** 20;

interface OpenPart {
  readonly part: RecordingPart;
  readonly configuration: Uint8Array;
  readonly queue: ByteQueue;
  readonly times: DecodeTimes;
  pending: VideoSample[];
  fragments: number;
  frames: number;
  durationMs: number;
  error: unknown;
}

/**
 * Writes the packets of a source as fragmented MP4. `push` never waits: bytes go to the disk behind it. A source that comes back as it was goes
 * on in the same file, with the pause that there was; one that comes back with another geometry or codec goes on in the next file.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  #open: OpenPart | null = null;
  #parts = 0;
  #closing: Promise<void> = Promise.resolve();
  #closedBytes = 0;
  #closedFrames = 0;
  #over = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Written so far, in all files. */
  get bytes(): number {
    return this.#closedBytes + (this.#open?.queue.writtenBytes ?? 0);
  }

  /** Frames handed to the files so far. */
  get frames(): number {
    return this.#closedFrames + (this.#open?.frames ?? 0);
  }

  push(packet: RecordedPacket): void {
    if (this.#over) return;
    if (this.#open !== null && !isSame(this.#open, packet)) this.#closePart(true);
    // No decoder can begin in the middle of a group.
    if (this.#open === null && !packet.keyframe) return;
    const open = (this.#open ??= this.#openPart(packet));
    // Frames before the first key frame that refer to what came before it.
    if (packet.ptsUs < open.part.originPtsUs) return;
    open.frames += 1;
    this.#write(open, open.times.push(packet, open.part.originPtsUs));
  }

  /** Writes what is there to its end; resolves when the files are closed. Safe to call twice. */
  async stop(): Promise<void> {
    this.#over = true;
    this.#closePart();
    await this.#closing;
  }

  #openPart({ codec, width, height, ptsUs }: RecordedPacket): OpenPart {
    this.#parts += 1;
    const file = this.#parts === 1 ? 'recording.mp4' : `recording-${this.#parts}.mp4`;
    const part = { file, codec: codec.name, width, height, originPtsUs: ptsUs };
    const sink = (this.#options.openSink ?? openFileSink)(join(this.#options.folder, file));
    const queue = new ByteQueue({
      sink,
      maxWaitingBytes: this.#options.maxWaitingBytes ?? MAX_WAITING_BYTES,
      onFailure: (error) => {
        open.error = error;
        this.#over = true;
        this.#options.onFailure?.(error);
        if (this.#open === open) this.#closePart();
      },
    });
    const open: OpenPart = {
      ...{ part, configuration: codec.configuration, queue, times: new DecodeTimes(this.#options.reorder ?? 0) },
      ...{ pending: [], fragments: 0, frames: 0, durationMs: 0, error: null },
    };
    queue.put([mp4Header({ codec: codec.name, configuration: codec.configuration, width, height })]);
    this.#options.onStarted(part);
    return open;
  }

  #write(open: OpenPart, samples: readonly VideoSample[]): void {
    for (const sample of samples) {
      open.durationMs = Math.max(open.durationMs, sample.presentMs);
      const [first] = open.pending;
      // The next sample tells how long the last one of a fragment lasts.
      if (first !== undefined && sample.decodeMs - first.decodeMs >= FRAGMENT_MS) this.#putFragment(open, sample.decodeMs);
      open.pending.push(sample);
    }
  }

  #putFragment(open: OpenPart, endMs: number): void {
    if (open.pending.length === 0) return;
    open.fragments += 1;
    open.queue.put(mp4Fragment(open.fragments, open.pending, endMs));
    open.pending = [];
  }

  #closePart(goesOn = false): void {
    const open = this.#open;
    if (open === null) return;
    this.#open = null;
    this.#write(open, open.times.flush());
    const [last, before] = [open.pending.at(-1), open.pending.at(-2)];
    if (last !== undefined) this.#putFragment(open, last.decodeMs + (before === undefined ? 40 : last.decodeMs - before.decodeMs));
    const { part, frames, queue } = open;
    this.#closedFrames += frames;
    this.#closing = this.#closing.then(async () => {
      await queue.close();
      this.#closedBytes += queue.writtenBytes;
      this.#options.onStopped({ part, frames, durationMs: open.durationMs, goesOn, error: open.error });
    });
  }
}

function isSame({ part, configuration }: OpenPart, { codec, width, height }: RecordedPacket): boolean {
  if (part.codec !== codec.name || part.width !== width || part.height !== height) return false;
  return configuration === codec.configuration || Buffer.compare(configuration, codec.configuration) === 0;
}
