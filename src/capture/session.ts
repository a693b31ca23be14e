/** One run of ffmpeg on one source: the pictures that leave it, in the order in which they leave. */
import type { MediaError } from '../common/errors.js';
import { failureFrom, type FailureContext } from '../media/failure.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import { MatroskaDemuxer, type MatroskaTrack } from '../media/matroska.js';
import { FfmpegProcess } from '../media/process.js';
import { parseShowinfo, type PictureShape } from '../media/shape.js';
import { captureArguments, gateCommand, type CapturePlan, type TrackRole } from './graph.js';
import type { InputArguments } from './input.js';

export interface Picture {
  readonly role: TrackRole;
  readonly ptsUs: number;
  readonly capturedAtMs: number;
  readonly width: number;
  readonly height: number;
  readonly keyframe: boolean;
  /** Of a `recording`: what a decoder needs to be told before; else null. */
  readonly codec: TrackCodec | null;
  /** JPEG for `preview`, else raw pixels; owns its ArrayBuffer. */
  readonly data: Uint8Array<ArrayBuffer>;
}

export interface TrackCodec {
  readonly name: 'h264' | 'hevc';
  readonly configuration: Uint8Array;
}

export interface SessionOptions {
  readonly ffmpeg: Ffmpeg;
  readonly input: InputArguments;
  /** Options before `-i` that place or repeat the input (`-ss`, `-stream_loop`). */
  readonly position?: readonly string[];
  /** The bytes of an input that is a pipe. */
  readonly feed?: AsyncIterable<Uint8Array>;
  readonly plan: CapturePlan;
  readonly context: FailureContext;
  /** Silence after which the session ends as stalled; null: wait for ever. */
  readonly stallTimeoutMs: number | null;
  /** The same before the first picture. */
  readonly firstPictureTimeoutMs: number | null;
  readonly onLine?: (line: string) => void;
}

export type SessionEnd =
  /** ffmpeg came to the end of its input. `damage` says what it could not decode on the way. */
  | { readonly type: 'finished'; readonly damage: string | null }
  | { readonly type: 'failed'; readonly error: MediaError }
  | { readonly type: 'stalled' }
  /** Somebody called `end()`. */
  | { readonly type: 'ended' };

export class CaptureSession {
  /** Of the first decoded picture; null until then. */
  shape: PictureShape | null = null;
  /** What the source has changed to since; null while it is as it was. Whoever has heeded it may reset it. */
  newShape: PictureShape | null = null;
  /** Set when the iteration is over. */
  outcome: SessionEnd | null = null;
  /** In ms of `performance.now()`. */
  readonly startedAtMs = performance.now();
  readonly #process: FfmpegProcess;
  readonly #roles: readonly TrackRole[];
  readonly #context: FailureContext;
  #silenceTimeoutMs: number | null;
  readonly #stallTimeoutMs: number | null;
  #shapeKnown: () => void = () => undefined;
  #damage: string | null = null;
  #ended = false;
  #hasPictures = false;
  #wantedGate: boolean | null = null;
  #gate: boolean | null = null;

  constructor(options: SessionOptions) {
    const { ffmpeg, input, plan } = options;
    const words = captureArguments(plan, ffmpeg);
    this.#roles = words.roles;
    this.#context = options.context;
    this.#stallTimeoutMs = options.stallTimeoutMs;
    this.#silenceTimeoutMs = options.firstPictureTimeoutMs;
    this.#process = new FfmpegProcess(
      ffmpeg,
      [
        ...['-hide_banner', '-nostats', '-loglevel', 'repeat+level+info'],
        ...words.device,
        ...(options.position ?? []),
        ...input.options,
        ...['-i', input.address],
        ...words.output,
      ],
      {
        // There is no file to finish.
        graceMs: 300,
        onLine: (line) => {
          this.#read(line);
          options.onLine?.(line);
        },
      },
    );
    if (options.feed !== undefined) this.#process.feed(options.feed);
  }

  /** The pictures, until the session ends; then `outcome` is set. Whoever does not ask for the next one makes ffmpeg wait. */
  async *pictures(): AsyncGenerator<Picture, void, undefined> {
    const demuxer = new MatroskaDemuxer();
    const { stdout } = this.#process;
    let stalled = false;
    try {
      while (!this.#ended) {
        const chunk = stdout.read() as Buffer | null;
        if (chunk === null) {
          if (stdout.readableEnded || stdout.destroyed) break;
          if (await this.#silence()) {
            stalled = true;
            break;
          }
          continue;
        }
        const capturedAtMs = performance.now();
        for (const packet of demuxer.push(chunk)) {
          const role = this.#roles[packet.track - 1];
          const track = demuxer.tracks[packet.track - 1];
          if (role === undefined || track === undefined) continue;
          if (this.shape === null) await this.#awaitShape();
          this.#silenceTimeoutMs = this.#stallTimeoutMs;
          this.#hasPictures = true;
          this.#tellGate();
          const { width, height } = track;
          const { ptsUs, keyframe, data } = packet;
          yield { role, ptsUs, capturedAtMs, width, height, keyframe, codec: role === 'recording' ? codecOf(track) : null, data };
        }
      }
    } finally {
      // Also when the consumer has had enough.
      const over = stdout.readableEnded && !this.#ended && !stalled;
      const exit = over ? await this.#process.exited : await this.end();
      this.outcome = stalled ? { type: 'stalled' } : over ? this.#judge(exit.code) : { type: 'ended' };
    }
  }

  /** Frames are recorded from now on, or no longer; ffmpeg hears it within a tenth of a second. */
  setRecording(open: boolean): void {
    this.#wantedGate = open;
    this.#gate = open;
    this.#tellGate();
  }

  /** Before its filters are set up ffmpeg would take the command and forget it. */
  #tellGate(): void {
    if (!this.#hasPictures || this.#wantedGate === null) return;
    this.#process.write(gateCommand(this.#wantedGate));
    this.#wantedGate = null;
  }

  /** Ends ffmpeg; resolves when it is gone. */
  async end(): Promise<{ code: number | null }> {
    this.#ended = true;
    this.#shapeKnown();
    return this.#process.end();
  }

  #judge(code: number | null): SessionEnd {
    if (this.#process.startFailure !== null) return { type: 'failed', error: this.#process.startFailure };
    if (code === 0) return { type: 'finished', damage: this.#damage };
    return { type: 'failed', error: failureFrom(this.#process.lines, this.#context) };
  }

  #read(line: string): void {
    const shape = parseShowinfo(line);
    if (shape !== null) {
      if (this.shape === null) this.shape = shape;
      else this.#changeShape(shape);
      this.#shapeKnown();
    } else if (this.#damage === null && DAMAGE.test(line)) {
      this.#damage = line;
    }
  }

  /** ffmpeg has built its filters anew, by which they have forgotten what they were told. */
  #changeShape(shape: PictureShape): void {
    this.newShape = shape;
    this.#wantedGate = this.#gate;
  }

  /** stderr and stdout are two pipes: the line that belongs to the first picture may be read after it. */
  async #awaitShape(): Promise<void> {
    if (this.shape !== null || this.#ended) return;
    await Promise.race([
      new Promise<void>((resolve) => {
        this.#shapeKnown = resolve;
      }),
      this.#process.exited,
    ]);
  }

  /** Waits for output, or for its end; true when neither comes within the time-out. */
  #silence(): Promise<boolean> {
    const { stdout } = this.#process;
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const settle = (silent: boolean) => (): void => {
        clearTimeout(timer);
        stdout.off('readable', heard);
        stdout.off('end', heard);
        stdout.off('close', heard);
        resolve(silent);
      };
      const heard = settle(false);
      if (this.#silenceTimeoutMs !== null) timer = setTimeout(settle(true), this.#silenceTimeoutMs);
      stdout.on('readable', heard);
      stdout.on('end', heard);
      stdout.on('close', heard);
    });
  }
}

const CODECS: Readonly<Record<string, TrackCodec['name']>> = { 'V_MPEG4/ISO/AVC': 'h264', 'V_MPEGH/ISO/HEVC': 'hevc' };

function codecOf({ codecId, codecPrivate }: MatroskaTrack): TrackCodec | null {
  const name = CODECS[codecId];
  return name === undefined || codecPrivate === null ? null : { name, configuration: codecPrivate };
}

/** What ffmpeg says of an input that it goes on reading although part of it is unusable. */
const DAMAGE =
  /\[(?:error|fatal)\].*|Invalid data found|partial file|corrupt|Truncat|error while decoding|Error while decoding|non-existing PPS|end mismatch/i;
