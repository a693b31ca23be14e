import { setTimeout as sleep } from 'node:timers/promises';
import { MediaError, UsageError } from '../common/errors.js';
import { shortened, type FailureContext } from '../media/failure.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import { readGrowing } from '../media/growing-file.js';
import { probeInput, type Probe } from '../media/probe.js';
import { redact } from '../media/redact.js';
import type { PictureShape } from '../media/shape.js';
import { capturePlan, isFieldOfViewSought, positionOptions, searchPlan } from './aim.js';
import { backOffMs } from './back-off.js';
import { CurrentAim } from './current-aim.js';
import { FieldOfViewSearch, FILE_PATIENCE, LIVE_PATIENCE } from './field-of-view-search.js';
import { FieldOfViewWatch } from './field-of-view-watch.js';
import { scaleFieldOfView } from './field-of-view.js';
import { wholePicture } from './fixed-field-of-view.js';
import type { CaptureEvent, FieldOfView, FieldOfViewChange, RecordingUnavailable, SourceState, SourceStateName } from './frame.js';
import type { CapturePlan } from './graph.js';
import { HeldBack } from './held-back.js';
import { fedArguments, inputArguments, isLiveInput, type Input } from './input.js';
import type { SourceOptions } from './options.js';
import { CaptureSession, type Picture, type SessionEnd } from './session.js';
import { SourceClock } from './source-clock.js';

const STALL_TIMEOUT_MS = 5000;
/** Before the first picture a stream may have to wait for its next key frame, and a device to start. */
const FIRST_PICTURE_TIMEOUT_MS = 15_000;
const ENCODER_FAILED = /opening encoder|initializing output stream|write header|hwupload|Device creation failed|encoder setup failed/i;
const ENCODE_INSTEAD = 'Record it with --record-codec h264.';

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
  readonly #aim: CurrentAim;
  readonly #clock: SourceClock;
  #session: CaptureSession | null = null;
  #state: SourceStateName | null = null;
  #reconnects = 0;
  #failuresInARow = 0;
  #announced: FieldOfView | null = null;
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
    this.#frameUs = Math.round(1e6 / (probe?.fps ?? 25));
    this.#aim = new CurrentAim(options, this.#finite, probe);
    this.#clock = new SourceClock(this.#finite);
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
      const turn = this.#aim.fieldOfView === null && isFieldOfViewSought(this.#options) ? yield* this.#search() : yield* this.#capture();
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
    const { lastPtsUs } = this.#clock;
    if (this.#options.loop !== true || lastPtsUs === null) return false;
    this.#aim.resume = { seekUs: 0, ptsUs: lastPtsUs + this.#frameUs };
    return true;
  }

  /** The end of a finite input. */
  *#conclude(end: SessionEnd): Generator<SourceState, void, undefined> {
    if (end.type === 'failed' && this.#clock.lastPtsUs === null) {
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
    return sleep(waitMs, true, { signal: this.#disposed.signal }).catch(() => false);
  }

  /** Looks for the field of view. */
  async *#search(): AsyncGenerator<CaptureEvent, Turn, undefined> {
    if (this.#finite) yield* this.#enter('searching-field-of-view');
    const session = this.#start(searchPlan(this.#aim, this.#finite));
    const search = new FieldOfViewSearch(this.#finite ? FILE_PATIENCE : LIVE_PATIENCE);
    let found: FieldOfView | null = null;
    for await (const picture of session.pictures()) {
      if (this.#aim.isLeftBy(session, picture.capturedAtMs)) {
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
    this.#aim.find(found, shape);
    return { type: 'again' };
  }

  async *#capture(): AsyncGenerator<CaptureEvent, Turn, undefined> {
    const aim = this.#aim;
    const plan = capturePlan(aim, this.#options, {
      ffmpeg: this.#ffmpeg,
      finite: this.#finite,
      recording: this.#isRecordable && this.#options.recording ? { codec: this.#options.recording, open: this.#recordingOpen } : null,
    });
    const session = this.#start(plan);
    // By which a shut encoder is set up; what follows it is not recorded.
    let isSetUp = plan.recording?.codec.type !== 'encode' || plan.recording.open;
    let watch: FieldOfViewWatch | null = null;
    const heldBack = new HeldBack();
    let announced = false;

    for await (const picture of session.pictures()) {
      if (session.shape === null) continue;
      if (this.#aim.isLeftBy(session, picture.capturedAtMs)) {
        await session.end();
        return { type: 'again' };
      }
      if (!announced) {
        announced = true;
        const turn = this.#accept(session.shape);
        if (turn !== null) {
          await session.end();
          return turn;
        }
        this.#failuresInARow = 0;
        this.#clock.begin(picture, aim.resume?.ptsUs ?? null);
        yield* this.#announce(aim.fieldOfView);
        yield* this.#enter('running');
      }
      if (picture.role === 'tick') continue;
      if (picture.role === 'recording') {
        const isWanted = isSetUp && this.#recordingOpen;
        isSetUp = true;
        if (picture.codec === null) yield* this.#giveUpRecording(`Its codec does not fit MP4. ${ENCODE_INSTEAD}`);
        else if (isWanted) yield* this.#hand(heldBack.pass(picture));
        continue;
      }
      if (picture.role === 'gray') {
        const shape = aim.shape ?? session.shape;
        watch ??= new FieldOfViewWatch(scaleFieldOfView(aim.fieldOfView ?? wholePicture(shape), picture.width, picture.height));
        const judged = heldBack.judge(watch, picture);
        if ('sinceUs' in judged) {
          yield* this.#hand(judged.released);
          await session.end();
          const { sinceUs, fieldOfView } = judged;
          const inGray = { ...fieldOfView, sourceWidth: picture.width, sourceHeight: picture.height };
          aim.follow(inGray, shape, sinceUs, { durationUs: this.#durationUs, ptsUs: this.#clock.at(sinceUs) });
          return { type: 'again' };
        }
        yield* this.#hand(judged);
        continue;
      }
      yield* this.#hand(heldBack.pass(picture));
    }
    yield* this.#hand(heldBack.rest());
    const { outcome } = session;
    if (!announced && plan.recording !== null && outcome?.type === 'failed' && ENCODER_FAILED.test(String(outcome.error.cause))) {
      yield* this.#giveUpRecording(outcome.error.message);
      return { type: 'again' };
    }
    return { type: 'over', end: session.outcome ?? { type: 'ended' } };
  }

  /** The turn to take when a session cannot go on as it is. */
  #accept(shape: PictureShape): Turn | null {
    try {
      return this.#aim.accept(shape) ? null : { type: 'again' };
    } catch (error) {
      // A field of view that lies outside may lie inside again when the source is what it was.
      const { code, message, remedy } = error as UsageError;
      return { type: 'over', end: { type: 'failed', error: new MediaError(code, message, remedy === undefined ? {} : { remedy }) } };
    }
  }

  #start(plan: CapturePlan): CaptureSession {
    const { growing } = this.#options;
    const input = inputArguments(this.#input, this.#options.input, this.#ffmpeg);
    const session = new CaptureSession({
      ffmpeg: this.#ffmpeg,
      ...(growing === undefined || this.#input.kind !== 'file'
        ? { input }
        : { input: fedArguments(input), feed: readGrowing(this.#input.address.replace(/^file:/, ''), growing) }),
      position: this.#input.kind === 'file' ? positionOptions(this.#aim, this.#options.loop === true) : [],
      plan,
      context: this.#context,
      stallTimeoutMs: this.#finite ? null : (this.#options.stallTimeoutMs ?? STALL_TIMEOUT_MS),
      firstPictureTimeoutMs: this.#finite ? null : FIRST_PICTURE_TIMEOUT_MS,
    });
    this.#session = session;
    if (this.#disposed.signal.aborted) void session.end();
    return session;
  }

  /** What cannot be recorded is watched all the same. */
  *#giveUpRecording(why: string): Generator<RecordingUnavailable, void, undefined> {
    if (!this.#isRecordable) return;
    this.#isRecordable = false;
    yield { type: 'recording-unavailable', detail: `${this.label} cannot be recorded. ${why}` };
  }

  *#hand(pictures: readonly Picture[]): Generator<CaptureEvent, void, undefined> {
    for (const picture of pictures) {
      if (picture.role !== 'recording') yield this.#frame(picture);
      else if (picture.codec !== null) {
        const { ptsUs, keyframe, codec, width, height, data } = picture;
        yield { type: 'recorded', sourceId: this.#options.id, ptsUs: this.#clock.at(ptsUs), keyframe, codec, width, height, data };
      }
    }
  }

  #frame(picture: Picture): CaptureEvent {
    const { capturedAtMs } = picture;
    const times = { sourceId: this.#options.id, ...this.#clock.stamp(picture), capturedAtMs };
    return picture.role === 'preview'
      ? { type: 'preview', ...times, jpeg: picture.data }
      : { type: 'analysis', ...times, width: picture.width, height: picture.height, pixels: picture.data };
  }

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
