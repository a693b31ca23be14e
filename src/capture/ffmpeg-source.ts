import { MediaError, UsageError } from '../common/errors.js';
import { shortened, type FailureContext } from '../media/failure.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import { probeInput, type Probe } from '../media/probe.js';
import { redact } from '../media/redact.js';
import type { PictureShape } from '../media/shape.js';
import { backOffMs } from './back-off.js';
import { FieldOfViewSearch, FieldOfViewWatch, FILE_PATIENCE, LIVE_PATIENCE, type GrayPicture } from './field-of-view-search.js';
import { scaleFieldOfView } from './field-of-view.js';
import type { CaptureEvent, FieldOfView, FieldOfViewChange, RecordingUnavailable, SourceState, SourceStateName } from './frame.js';
import type { CapturePlan } from './graph.js';
import { inputArguments, isLiveInput, type Input } from './input.js';
import { maskFor } from './mask.js';
import { parseFieldOfView, type SourceOptions } from './options.js';
import { CaptureSession, type Picture, type SessionEnd } from './session.js';

const STALL_TIMEOUT_MS = 5000;
/** Before the first picture a stream may have to wait for its next key frame, and a device to start. */
const FIRST_PICTURE_TIMEOUT_MS = 15_000;
const GRAY_WIDTH = 320;
/** Pictures a second to look for the field of view in. */
const SEARCH_FPS = { live: 12, file: 3 };
/** A sought file is decoded from here on before the wanted frame, so that an imprecise index cannot skip it. */
const PRE_ROLL_US = 5_000_000;
const DEFAULT_QUALITY = 4;
const ENCODER_FAILED = /opening encoder|initializing output stream|write header|hwupload|Device creation failed|encoder setup failed/i;
const ENCODE_INSTEAD = 'Record it with --record-codec h264.';
const CLOCK_LEAP_US = 2_000_000;
const SETTLING_MS = 5000;

/** What the next session of ffmpeg is to do. */
interface Aim {
  fieldOfView: FieldOfView | null;
  /** Finite inputs: the first frame wanted, µs on the input's own clock. */
  sinceUs: number | null;
  /** Looped inputs: where in the file to begin, and at what time of the consumer's clock. */
  resume: { readonly seekUs: number; readonly ptsUs: number } | null;
  deinterlace: CapturePlan['deinterlace'];
}

/** Why a session was left, and what to do next. */
type Turn = { readonly type: 'again' } | { readonly type: 'over'; readonly end: SessionEnd };

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
  readonly #context: FailureContext;
  readonly #finite: boolean;
  readonly #durationUs: number | null;
  readonly #frameUs: number;
  readonly #disposed = new AbortController();
  readonly #aim: Aim;
  /** Of its pictures as far as they were seen. */
  #shape: PictureShape | null;
  #session: CaptureSession | null = null;
  #state: SourceStateName | null = null;
  #reconnects = 0;
  #failuresInARow = 0;
  #nextFrameId = 0;
  /** Times as the consumer sees them: the session's, moved by `#offsetUs`. */
  #offsetUs: number | null = null;
  #lastPtsUs: number | null = null;
  #lastCapturedAtMs = 0;
  #recordingOpen = false;
  #isRecordable: boolean;

  private constructor(options: SourceOptions, ffmpeg: Ffmpeg, input: Input, context: FailureContext, probe: Probe | null) {
    this.#options = options;
    this.#isRecordable = (options.recording ?? null) !== null;
    this.#ffmpeg = ffmpeg;
    this.#input = input;
    this.#context = context;
    this.#finite = !isLiveInput(input);
    this.#durationUs = probe?.durationUs ?? null;
    this.#shape = probe;
    this.#frameUs = Math.round(1e6 / (probe?.fps ?? 25));
    this.#aim = {
      fieldOfView: probe === null ? null : fixedFieldOfView(options, probe),
      sinceUs: null,
      resume: null,
      deinterlace: deinterlacing(options, probe),
    };
    this.label = input.label;
    this.live = !this.#finite || options.pace === 'realtime';
  }

  /** @throws MediaError when a finite input cannot be decoded; UsageError when a fixed field of view lies outside it. */
  static async open(options: SourceOptions, ffmpeg: Ffmpeg, input: Input): Promise<FfmpegCapture> {
    const kind = input.kind === 'stills' ? 'file' : input.kind;
    const context: FailureContext = { label: input.label, kind, ffmpegVersion: ffmpeg.version };
    let probe: Probe | null = null;
    if (!isLiveInput(input)) {
      const words = inputArguments(input, options.input, ffmpeg);
      probe = await probeInput(ffmpeg, {
        inputOptions: words.options,
        input: words.address,
        context,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
    }
    if (options.recording?.type === 'copy' && probe !== null && !['h264', 'hevc'].includes(probe.codec)) {
      throw new UsageError('codec-not-recordable', `${input.label} holds ${probe.codec}, which cannot be copied into MP4.`, {
        remedy: ENCODE_INSTEAD,
      });
    }
    return new FfmpegCapture(options, ffmpeg, input, context, probe);
  }

  setRecording(open: boolean): void {
    if (this.#recordingOpen === open) return;
    this.#recordingOpen = open;
    this.#session?.setRecording(open);
  }

  async dispose(): Promise<void> {
    this.#disposed.abort();
    await this.#session?.end();
  }

  async *events(): AsyncGenerator<CaptureEvent, void, undefined> {
    yield* this.#enter('connecting');
    while (!this.#disposed.signal.aborted) {
      const turn = this.#isSearchNeeded() ? yield* this.#search() : yield* this.#capture();
      if (turn.type === 'again') continue;
      if (turn.end.type === 'ended') return;
      if (turn.end.type === 'finished' && this.#beginLoopAgain()) continue;
      if (this.#finite) {
        yield* this.#conclude(turn.end);
        return;
      }
      if (!(yield* this.#reopen(turn.end))) return;
    }
  }

  /** A loop that was entered in the middle of the file goes on at its beginning, where ffmpeg itself would get the times wrong. */
  #beginLoopAgain(): boolean {
    if (this.#options.loop !== true || this.#lastPtsUs === null) return false;
    this.#aim.resume = { seekUs: 0, ptsUs: this.#lastPtsUs + this.#frameUs };
    return true;
  }

  /** The end of a finite input. */
  *#conclude(end: SessionEnd): Generator<SourceState, void, undefined> {
    if (end.type === 'failed' && this.#lastPtsUs === null) {
      yield* this.#enter('failed', end.error.message);
      throw end.error;
    }
    const damage =
      end.type === 'failed'
        ? end.error.message
        : end.type === 'finished' && end.damage !== null
          ? shortened(redact(end.damage)).replace(/^file:\S+: /, '')
          : null;
    yield* this.#enter('ended', damage === null ? undefined : `Part of ${this.label} is damaged and was left out (${damage}).`);
  }

  /** A live input that ended, failed or fell silent is opened again, after ever longer pauses; false when the wait was cut short. */
  async *#reopen(end: SessionEnd): AsyncGenerator<SourceState, boolean, undefined> {
    const why =
      end.type === 'failed'
        ? `${end.error.message}${end.error.remedy === undefined ? '' : ` ${end.error.remedy}`}`
        : end.type === 'stalled'
          ? `${this.label} sends no pictures.`
          : `${this.label} ended.`;
    if (end.type === 'stalled') yield* this.#enter('stalled', why);
    this.#reconnects += 1;
    const waitMs = backOffMs(this.#failuresInARow);
    this.#failuresInARow += 1;
    yield* this.#enter('reconnecting', why);
    return new Promise((resolve) => {
      const { signal } = this.#disposed;
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop);
        resolve(true);
      }, waitMs);
      const stop = (): void => {
        clearTimeout(timer);
        resolve(false);
      };
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  #isSearchNeeded(): boolean {
    return this.#aim.fieldOfView === null && (this.#options.fieldOfView ?? 'auto') === 'auto';
  }

  /** Looks at gray pictures only: until the field of view is known, nothing else leaves ffmpeg. */
  async *#search(): AsyncGenerator<CaptureEvent, Turn, undefined> {
    if (this.#finite) yield* this.#enter('searching-field-of-view');
    const { sinceUs, deinterlace } = this.#aim;
    const fps = this.#finite ? SEARCH_FPS.file : SEARCH_FPS.live;
    const session = this.#start({
      ...NOTHING,
      keepsTimes: this.#finite,
      gray: { width: GRAY_WIDTH, fps },
      size: this.#finite ? this.#shape : null,
      deinterlace,
      prompt: !this.#finite,
      sinceUs,
    });
    const search = new FieldOfViewSearch(this.#finite ? FILE_PATIENCE : LIVE_PATIENCE);
    let found: FieldOfView | null = null;
    for await (const picture of session.pictures()) {
      if (this.#isReshaped(session, picture)) {
        await session.end();
        return { type: 'again' };
      }
      if (picture.role !== 'gray') continue;
      this.#failuresInARow = 0;
      yield* this.#enter('searching-field-of-view');
      found = search.add(picture);
      if (found !== null) break;
    }
    const end = session.outcome ?? { type: 'ended' };
    if (found === null && this.#finite && end.type !== 'ended') found = search.best();
    const { shape } = session;
    if (found === null || shape === null) return { type: 'over', end: this.#finite && end.type === 'finished' ? this.#allDark() : end };
    if (this.#disposed.signal.aborted) return { type: 'over', end: { type: 'ended' } };
    const { width, height } = this.#seenShape(shape);
    this.#aim.fieldOfView = scaleFieldOfView(found, width, height);
    if (this.#aim.deinterlace === 'none') this.#aim.deinterlace = deinterlacing(this.#options, shape);
    return { type: 'again' };
  }

  async *#capture(): AsyncGenerator<CaptureEvent, Turn, undefined> {
    const aim = this.#aim;
    const watched = (this.#options.fieldOfView ?? 'auto') === 'auto';
    const plan = this.#capturePlan(watched);
    const session = this.#start(plan);
    // By which a shut encoder is set up; what follows it is not recorded.
    let isSetUp = plan.recording?.codec.type !== 'encode' || plan.recording.open;
    let watch: FieldOfViewWatch | null = null;
    const held: Picture[] = [];
    let isHolding = false;
    let announced = false;

    for await (const picture of session.pictures()) {
      if (session.shape === null) continue;
      if (this.#isReshaped(session, picture)) {
        await session.end();
        return { type: 'again' };
      }
      if (!announced) {
        announced = true;
        const turn = this.#checkShape(session.shape);
        if (turn !== null) {
          await session.end();
          return turn;
        }
        this.#failuresInARow = 0;
        if (aim.resume !== null) this.#offsetUs = aim.resume.ptsUs - picture.ptsUs;
        else if (this.#finite) this.#offsetUs ??= 0;
        else this.#offsetUs = this.#continuedOffset(picture);
        yield* this.#announce(aim.fieldOfView);
        yield* this.#enter('running');
      }
      if (picture.role === 'tick') continue;
      if (picture.role === 'recording') {
        const isWanted = isSetUp && this.#recordingOpen;
        isSetUp = true;
        if (picture.codec === null) yield* this.#giveUpRecording(`Its codec does not fit MP4. ${ENCODE_INSTEAD}`);
        else if (isWanted && isHolding) held.push(picture);
        else if (isWanted) yield* this.#hand(picture);
        continue;
      }
      if (picture.role === 'gray') {
        const shape = this.#shape ?? session.shape;
        watch ??= new FieldOfViewWatch(scaleFieldOfView(aim.fieldOfView ?? whole(shape), picture.width, picture.height));
        const verdict = watch.add(picture);
        if (verdict.type === 'changed') {
          // Frames that came before the change are shown anew by the next session where that can be; packets are not encoded twice.
          for (const past of held) if (past.role === 'recording' && past.ptsUs < verdict.sinceUs) yield* this.#hand(past);
          await session.end();
          return this.#changeGeometry(verdict.fieldOfView, picture, verdict.sinceUs, shape);
        }
        isHolding = verdict.type === 'suspected';
        if (!isHolding) for (const past of held.splice(0)) yield* this.#hand(past);
        continue;
      }
      if (isHolding) held.push(picture);
      else yield* this.#hand(picture);
    }
    for (const past of held) yield* this.#hand(past);
    const { outcome } = session;
    if (!announced && plan.recording !== null && outcome?.type === 'failed' && ENCODER_FAILED.test(String(outcome.error.cause))) {
      yield* this.#giveUpRecording(outcome.error.message);
      return { type: 'again' };
    }
    return { type: 'over', end: session.outcome ?? { type: 'ended' } };
  }

  /** What only the first picture of a live input can tell; the turn to take when the session cannot go on as it is. */
  #checkShape(shape: PictureShape): Turn | null {
    const aim = this.#aim;
    // Once on it stays on: it touches only pictures that are flagged.
    const isInterlaced = aim.deinterlace === 'none' && deinterlacing(this.#options, shape) !== 'none';
    const { width, height } = this.#seenShape(shape);
    const isOutdated = aim.fieldOfView !== null && (aim.fieldOfView.sourceWidth !== width || aim.fieldOfView.sourceHeight !== height);
    if (isOutdated) aim.fieldOfView = null;
    try {
      aim.fieldOfView ??= fixedFieldOfView(this.#options, shape);
    } catch (error) {
      // It may lie inside again when the source is what it was.
      const { code, message, remedy } = error as UsageError;
      return {
        type: 'over',
        end: { type: 'failed', error: new MediaError(code, message, { ...(remedy === undefined ? {} : { remedy }) }) },
      };
    }
    if (isInterlaced) aim.deinterlace = 'flagged';
    return isOutdated || isInterlaced ? { type: 'again' } : null;
  }

  /** The shape in which pictures come: a finite input is brought to the one in which it was first seen. */
  #seenShape(shape: PictureShape): PictureShape {
    if (!this.#finite || this.#shape === null) this.#shape = shape;
    return this.#shape;
  }

  /**
   * Whether a live input must be opened again since its size or pixel format has changed: it is wanted at its full resolution, and ffmpeg, whose
   * filters begin anew with the change, has forgotten by how much it had moved the times. What came in between was brought to the size of before.
   */
  #isReshaped(session: CaptureSession, { capturedAtMs }: Picture): boolean {
    const { newShape } = session;
    if (this.#finite || newShape === null) return false;
    session.newShape = null;
    const { fieldOfView } = this.#aim;
    const isResized = newShape.width !== session.shape?.width || newShape.height !== session.shape.height;
    if (isResized && fieldOfView !== null) this.#aim.fieldOfView = null;
    // Some streams settle on a pixel format with their second picture, whenever they are opened.
    return isResized || capturedAtMs - session.startedAtMs > SETTLING_MS;
  }

  /** Finite inputs go back to the first frame of the new geometry; live ones go on from now. */
  #changeGeometry(seen: FieldOfView, gray: GrayPicture, sinceUs: number, shape: PictureShape): Turn {
    if (this.#disposed.signal.aborted) return { type: 'over', end: { type: 'ended' } };
    this.#aim.fieldOfView = scaleFieldOfView({ ...seen, sourceWidth: gray.width, sourceHeight: gray.height }, shape.width, shape.height);
    if (this.#finite && this.#options.loop === true) {
      // Its clock has run through the file many times; decoding it all again would take as long.
      const seekUs = this.#durationUs === null ? 0 : sinceUs % this.#durationUs;
      this.#aim.resume = { seekUs, ptsUs: sinceUs + (this.#offsetUs ?? 0) };
    } else if (this.#finite) {
      this.#aim.sinceUs = sinceUs;
    }
    return { type: 'again' };
  }

  #capturePlan(watched: boolean): CapturePlan {
    const options = this.#options;
    const { fieldOfView, sinceUs, deinterlace } = this.#aim;
    const asked = parseFieldOfView(options.fieldOfView ?? 'auto');
    // Of a live input with a fixed field of view the size is not known yet, but the rectangle is.
    const cut = fieldOfView === null ? (typeof asked === 'string' ? null : asked) : isWhole(fieldOfView) ? null : fieldOfView;
    const paced = this.#finite && options.pace === 'realtime';
    return {
      gray: watched ? { width: GRAY_WIDTH, fps: null } : null,
      preview: options.preview === null ? null : { ...options.preview, quality: options.preview.quality ?? DEFAULT_QUALITY },
      analysis: options.analysis,
      recording: this.#isRecordable && options.recording ? { codec: options.recording, open: this.#recordingOpen } : null,
      size: this.#shape,
      cut,
      mask: fieldOfView === null ? null : maskFor(fieldOfView, this.#ffmpeg),
      wholePreview: options.keepBorders === true,
      deinterlace,
      keepsTimes: this.#finite,
      paced,
      prompt: this.live,
      sinceUs,
    };
  }

  #start(plan: CapturePlan): CaptureSession {
    const session = new CaptureSession({
      ffmpeg: this.#ffmpeg,
      input: inputArguments(this.#input, this.#options.input, this.#ffmpeg),
      position: this.#finite ? this.#position(plan.sinceUs) : [],
      plan,
      context: this.#context,
      stallTimeoutMs: this.#finite ? null : (this.#options.stallTimeoutMs ?? STALL_TIMEOUT_MS),
      firstPictureTimeoutMs: this.#finite ? null : FIRST_PICTURE_TIMEOUT_MS,
    });
    this.#session = session;
    if (this.#disposed.signal.aborted) void session.end();
    return session;
  }

  /** The input's own clock is kept (`-copyts`), so that a frame has the same time in whichever session it is read. */
  #position(sinceUs: number | null): string[] {
    if (this.#input.kind !== 'file') return [];
    const seekUs = this.#aim.resume?.seekUs ?? Math.max(0, (sinceUs ?? 0) - PRE_ROLL_US);
    return [
      ...(this.#options.loop === true && seekUs === 0 ? ['-stream_loop', '-1'] : []),
      ...(seekUs > 0 ? ['-ss', (seekUs / 1e6).toFixed(6)] : []),
      ...['-copyts', '-start_at_zero'],
    ];
  }

  /** Sessions of a live input follow each other on one clock, with the gap that there really was. */
  #continuedOffset(first: Picture): number {
    if (this.#lastPtsUs === null) return -first.ptsUs;
    const gapUs = Math.max(1000, Math.round((first.capturedAtMs - this.#lastCapturedAtMs) * 1000));
    return this.#lastPtsUs + gapUs - first.ptsUs;
  }

  /** A stream whose times leap while its pictures keep coming has changed its clock; ours goes on. */
  #followClock(picture: Picture): void {
    if (this.#lastPtsUs === null) return;
    const leapUs = picture.ptsUs + (this.#offsetUs ?? 0) - this.#lastPtsUs;
    const passedUs = (picture.capturedAtMs - this.#lastCapturedAtMs) * 1000;
    if (leapUs - passedUs > CLOCK_LEAP_US) this.#offsetUs = this.#continuedOffset(picture);
  }

  /** What cannot be recorded is watched all the same. */
  *#giveUpRecording(why: string): Generator<RecordingUnavailable, void, undefined> {
    if (!this.#isRecordable) return;
    this.#isRecordable = false;
    yield { type: 'recording-unavailable', detail: `${this.label} cannot be recorded. ${why}` };
  }

  *#hand(picture: Picture): Generator<CaptureEvent, void, undefined> {
    if (picture.role !== 'recording') yield this.#frame(picture);
    else if (picture.codec !== null) {
      const { ptsUs, keyframe, codec, width, height, data } = picture;
      yield { type: 'recorded', sourceId: this.#options.id, ptsUs: ptsUs + (this.#offsetUs ?? 0), keyframe, codec, width, height, data };
    }
  }

  #frame(picture: Picture): CaptureEvent {
    if (!this.#finite) this.#followClock(picture);
    const ptsUs = picture.ptsUs + (this.#offsetUs ?? 0);
    if (ptsUs !== this.#lastPtsUs) {
      this.#lastPtsUs = ptsUs;
      this.#lastCapturedAtMs = picture.capturedAtMs;
      this.#nextFrameId += 1;
    }
    const { capturedAtMs } = picture;
    const times = { sourceId: this.#options.id, frameId: this.#nextFrameId - 1, ptsUs, capturedAtMs };
    return picture.role === 'preview'
      ? { type: 'preview', ...times, jpeg: picture.data }
      : { type: 'analysis', ...times, width: picture.width, height: picture.height, pixels: picture.data };
  }

  #announced: FieldOfView | null = null;

  *#announce(fieldOfView: FieldOfView | null): Generator<FieldOfViewChange, void, undefined> {
    if (fieldOfView === null || fieldOfView === this.#announced) return;
    this.#announced = fieldOfView;
    yield { type: 'field-of-view', fieldOfView, ...(this.#options.keepBorders === true ? { wholePreview: true } : {}) };
  }

  *#enter(state: SourceStateName, detail?: string): Generator<SourceState, void, undefined> {
    if (this.#state === state) return;
    this.#state = state;
    yield { type: 'state', state, reconnects: this.#reconnects, ...(detail === undefined ? {} : { detail }) };
  }

  #allDark(): SessionEnd {
    return {
      type: 'failed',
      error: new MediaError('no-field-of-view', `${this.label} shows no lit picture: the field of view cannot be found.`, {
        remedy: 'Name it with --field-of-view WxH+X+Y, or show everything with --field-of-view none.',
      }),
    };
  }
}

const NOTHING: CapturePlan = {
  gray: null,
  preview: null,
  analysis: null,
  recording: null,
  size: null,
  cut: null,
  mask: null,
  wholePreview: false,
  deinterlace: 'none',
  keepsTimes: true,
  paced: false,
  prompt: false,
  sinceUs: null,
};

function deinterlacing(options: SourceOptions, shape: PictureShape | null): CapturePlan['deinterlace'] {
  const asked = options.deinterlace ?? 'auto';
  if (asked === 'on') return 'all';
  return asked === 'auto' && shape?.interlaced === true ? 'flagged' : 'none';
}

function whole({ width, height }: PictureShape): FieldOfView {
  return { x: 0, y: 0, width, height, sourceWidth: width, sourceHeight: height };
}

function isWhole(fieldOfView: FieldOfView): boolean {
  return fieldOfView.width === fieldOfView.sourceWidth && fieldOfView.height === fieldOfView.sourceHeight;
}

/** The field of view that the options fix, in a picture of this shape; null where it is to be found. */
function fixedFieldOfView(options: SourceOptions, shape: PictureShape): FieldOfView | null {
  const asked = parseFieldOfView(options.fieldOfView ?? 'auto');
  if (asked === 'auto') return null;
  if (asked === 'none') return whole(shape);
  const { width, height } = shape;
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
