import { UsageError } from '../common/errors.js';
import type { FailureContext } from '../media/failure.js';
import { shortened } from '../media/failure.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import { probeInput, type Probe } from '../media/probe.js';
import { redact } from '../media/redact.js';
import type { PictureShape } from '../media/shape.js';
import type { CaptureEvent, FieldOfView, SourceState, SourceStateName } from './frame.js';
import type { CapturePlan } from './graph.js';
import { inputArguments, isLiveInput, type Input } from './input.js';
import { parseFieldOfView, type SourceOptions } from './options.js';
import { CaptureSession, type Picture } from './session.js';

const STALL_TIMEOUT_MS = 5000;

/**
 * The life of a source that ffmpeg reads: search for the field of view, capture, and for live inputs reopening. One generator, read from
 * top to bottom; whoever does not ask for the next event makes ffmpeg wait.
 */
export class FfmpegCapture {
  readonly label: string;
  readonly live: boolean;
  readonly #options: SourceOptions;
  readonly #ffmpeg: Ffmpeg;
  readonly #input: Input;
  readonly #probe: Probe | null;
  readonly #context: FailureContext;
  #session: CaptureSession | null = null;
  readonly #disposed = new AbortController();
  #state: SourceStateName | null = null;
  #reconnects = 0;
  #nextFrameId = 0;
  #lastPtsUs = -1;

  private constructor(options: SourceOptions, ffmpeg: Ffmpeg, input: Input, context: FailureContext, probe: Probe | null) {
    this.#options = options;
    this.#ffmpeg = ffmpeg;
    this.#input = input;
    this.#context = context;
    this.#probe = probe;
    this.label = input.label;
    this.live = isLiveInput(input) || options.pace === 'realtime';
  }

  /** @throws MediaError when a finite input cannot be decoded; UsageError when a fixed field of view lies outside it. */
  static async open(options: SourceOptions, ffmpeg: Ffmpeg, input: Input): Promise<FfmpegCapture> {
    const context: FailureContext = {
      label: input.label,
      kind: input.kind === 'stills' ? 'file' : input.kind,
      ffmpegVersion: ffmpeg.version,
    };
    let probe: Probe | null = null;
    if (!isLiveInput(input)) {
      const words = inputArguments(input, options.input, ffmpeg);
      probe = await probeInput(ffmpeg, {
        inputOptions: words.options,
        input: words.address,
        context,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      fixedFieldOfView(options, probe);
    }
    return new FfmpegCapture(options, ffmpeg, input, context, probe);
  }

  async dispose(): Promise<void> {
    this.#disposed.abort();
    await this.#session?.end();
  }

  async *events(): AsyncGenerator<CaptureEvent, void, undefined> {
    yield* this.#enter('connecting');
    yield* this.#capture();
  }

  async *#capture(): AsyncGenerator<CaptureEvent, void, undefined> {
    const session = this.#start(this.#plan());
    let framed = false;
    for await (const picture of session.pictures()) {
      if (picture.role === 'tick' || picture.role === 'gray') continue;
      if (!framed) {
        framed = true;
        yield { type: 'field-of-view', fieldOfView: fixedFieldOfView(this.#options, session.shape ?? this.#probe) };
        yield* this.#enter('running');
      }
      yield this.#frame(picture);
    }
    const end = session.outcome;
    if (end === null || end.type === 'ended') return;
    if (end.type === 'finished') {
      yield* this.#enter('ended', end.damage === null ? undefined : `damaged: ${shortened(redact(end.damage))}`);
    } else if (end.type === 'failed') {
      yield* this.#enter('failed', end.error.message);
      throw end.error;
    }
  }

  #plan(): CapturePlan {
    const { options } = { options: this.#options };
    const shape = this.#probe;
    const fieldOfView = shape === null ? null : fixedFieldOfView(options, shape);
    const deinterlace = options.deinterlace ?? 'auto';
    return {
      gray: null,
      preview: options.preview === null ? null : { ...options.preview, quality: options.preview.quality ?? 4 },
      analysis: options.analysis,
      cut: options.keepBorders === true || fieldOfView === null || isWhole(fieldOfView) ? null : fieldOfView,
      mask: null,
      deinterlace: deinterlace === 'on' ? 'all' : deinterlace === 'auto' && shape?.interlaced === true ? 'flagged' : 'none',
      paced: !isLiveInput(this.#input) && options.pace === 'realtime',
      prompt: this.live,
      sinceUs: null,
    };
  }

  #start(plan: CapturePlan): CaptureSession {
    const finite = !isLiveInput(this.#input);
    const session = new CaptureSession({
      ffmpeg: this.#ffmpeg,
      input: inputArguments(this.#input, this.#options.input, this.#ffmpeg),
      position: finite
        ? [...(this.#options.loop === true && this.#input.kind === 'file' ? ['-stream_loop', '-1'] : []), '-copyts', '-start_at_zero']
        : [],
      plan,
      context: this.#context,
      stallTimeoutMs: finite ? null : (this.#options.stallTimeoutMs ?? STALL_TIMEOUT_MS),
    });
    this.#session = session;
    return session;
  }

  #frame(picture: Picture): CaptureEvent {
    if (picture.ptsUs !== this.#lastPtsUs) {
      this.#lastPtsUs = picture.ptsUs;
      this.#nextFrameId += 1;
    }
    const times = {
      sourceId: this.#options.id,
      frameId: this.#nextFrameId - 1,
      ptsUs: picture.ptsUs,
      capturedAtMs: picture.capturedAtMs,
    };
    return picture.role === 'preview'
      ? { type: 'preview', ...times, jpeg: picture.data }
      : { type: 'analysis', ...times, width: picture.width, height: picture.height, pixels: picture.data };
  }

  *#enter(state: SourceStateName, detail?: string): Generator<SourceState, void, undefined> {
    if (this.#state === state) return;
    this.#state = state;
    yield { type: 'state', state, reconnects: this.#reconnects, ...(detail === undefined ? {} : { detail }) };
  }
}

function isWhole(fieldOfView: FieldOfView): boolean {
  return fieldOfView.width === fieldOfView.sourceWidth && fieldOfView.height === fieldOfView.sourceHeight;
}

/** The field of view that the options fix, in a picture of this shape; the whole picture where they fix none. */
function fixedFieldOfView(options: SourceOptions, shape: PictureShape | null): FieldOfView {
  const { width, height } = shape ?? { width: 0, height: 0 };
  const asked = parseFieldOfView(options.fieldOfView ?? 'auto');
  if (typeof asked === 'string') return { x: 0, y: 0, width, height, sourceWidth: width, sourceHeight: height };
  if (asked.x + asked.width > width || asked.y + asked.height > height) {
    throw new UsageError(
      'invalid-option',
      `The field of view ${options.fieldOfView ?? ''} does not lie inside the picture of ${width}x${height}.`,
      {
        remedy: 'Choose a rectangle inside the picture, or auto.',
      },
    );
  }
  return { ...asked, sourceWidth: width, sourceHeight: height };
}
