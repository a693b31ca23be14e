import type { RecordedPacket } from '../../capture/frame.js';
import { isDiskFull, messageOf } from '../../common/errors.js';
import type { NewEntry } from '../entries.js';
import type { OpenSink } from './byte-queue.js';
import { watchDisk, type DiskReading } from './disk-watch.js';
import { Recorder, type RecordingPart, type RecordingPartEnd } from './recorder.js';

export interface ProcedureVideoOptions {
  readonly folder: string;
  /** Opens and shuts the recording of the source; null where it cannot be recorded. */
  readonly setRecording: ((open: boolean) => void) | null;
  /** See `RecorderOptions`. */
  readonly reorder: number;
  /** Takes a line for the journal; nobody waits. */
  readonly append: (entry: NewEntry) => void;
  /** Takes a sentence for people about what went wrong. */
  readonly say: (trouble: string) => void;
  readonly onChange: () => void;
  readonly openSink?: OpenSink | undefined;
  readonly freeBytes?: ((folder: string) => Promise<number>) | undefined;
  readonly diskEveryMs?: number | undefined;
}

export interface VideoStatus {
  /** `none`: this source cannot be recorded; `waiting`: no frame has come yet; `stopped`: for good. */
  readonly video: 'none' | 'waiting' | 'running' | 'stopped';
  readonly recordedFrames: number;
  readonly recordedBytes: number;
  /** Null until the disk was looked at. */
  readonly disk: DiskReading | null;
}

/** The video of one procedure and the disk that it fills: what becomes of either is journalled, and stops nothing else. */
export class ProcedureVideo {
  readonly #options: ProcedureVideoOptions;
  readonly #recorder: Recorder;
  readonly #watch: { stop(): void };
  #state: VideoStatus['video'];
  #disk: DiskReading | null = null;
  #stopReason: 'disk-full' | 'closed' | null = null;

  constructor(options: ProcedureVideoOptions) {
    const { folder, reorder, setRecording, openSink, freeBytes, diskEveryMs: everyMs } = options;
    this.#options = options;
    this.#state = setRecording === null ? 'none' : 'waiting';
    this.#recorder = new Recorder({
      ...{ folder, reorder, ...(openSink === undefined ? {} : { openSink }) },
      onStarted: (part) => {
        this.#onStarted(part);
      },
      onStopped: (end) => {
        this.#onStopped(end);
      },
      onFailure: (error) => {
        this.#onFailure(error);
      },
    });
    this.#watch = watchDisk({
      ...{ folder, ...(freeBytes === undefined ? {} : { freeBytes }), ...(everyMs === undefined ? {} : { everyMs }) },
      writtenBytes: () => this.#recorder.bytes,
      onReading: (reading) => {
        this.#onDisk(reading);
      },
    });
  }

  get status(): VideoStatus {
    const { frames: recordedFrames, bytes: recordedBytes } = this.#recorder;
    return { video: this.#state, recordedFrames, recordedBytes, disk: this.#disk };
  }

  /** Frames come from now on. */
  begin(): void {
    this.#options.setRecording?.(true);
  }

  take(packet: RecordedPacket): void {
    this.#recorder.push(packet);
  }

  /** The source turned out not to be recordable. */
  giveUp(): void {
    this.#state = this.#state === 'running' ? 'stopped' : 'none';
  }

  /** No more frames are asked for; those on their way are still taken. */
  shut(): void {
    this.#watch.stop();
    this.#stopReason ??= 'closed';
    this.#options.setRecording?.(false);
  }

  /** Resolves when the files are closed. */
  stop(): Promise<void> {
    return this.#recorder.stop();
  }

  #onStarted({ file, codec, originPtsUs }: RecordingPart): void {
    this.#state = 'running';
    this.#options.append({ type: 'recording-started', file, codec, originPtsUs });
    this.#options.onChange();
  }

  #onStopped({ frames, durationMs, goesOn, error }: RecordingPartEnd): void {
    const reason = error !== null ? (isDiskFull(error) ? 'disk-full' : 'failed') : goesOn ? 'source' : (this.#stopReason ?? 'source');
    const detail = error === null ? null : messageOf(error);
    this.#options.append({ type: 'recording-stopped', reason, detail, frames, durationMs });
    if (!goesOn) this.#state = 'stopped';
  }

  #onFailure(error: unknown): void {
    this.#state = 'stopped';
    this.#options.setRecording?.(false);
    const why = isDiskFull(error) ? 'The disk is full: the video has stopped.' : `The video has stopped: ${messageOf(error)}.`;
    this.#options.say(`${why} Tracking goes on.`);
  }

  #onDisk(reading: DiskReading): void {
    const before = this.#disk?.state ?? 'ok';
    this.#disk = reading;
    if (before === 'ok' && reading.state !== 'ok') this.#options.append({ type: 'disk-low', freeBytes: reading.freeBytes });
    if (reading.state === 'full' && this.#stopReason === null && (this.#state === 'running' || this.#state === 'waiting')) {
      this.#stopReason = 'disk-full';
      this.#state = 'stopped';
      this.#options.setRecording?.(false);
      void this.#recorder.stop();
      this.#options.say('The disk is nearly full: the video has stopped. Tracking goes on.');
    } else if (before !== reading.state) this.#options.onChange();
  }
}
