import { Subject, type Observable, type Subscription } from 'rxjs';
import type { FieldOfView, FrameSource } from '../capture/frame.js';
import { LumenmarkError, messageOf } from '../common/errors.js';
import { trackLandmarks, type PipelineEvent, type PipelineOptions, type TimedDetection, type TrackedFrame } from '../pipeline.js';
import type { Checklist } from '../tracking/checklist.js';
import type { LiveProcedure } from '../procedure/recording/live-procedure.js';
import { coverage } from '../tracking/coverage.js';
import type { Sighting } from '../tracking/sighting.js';
import { Delays } from './delays.js';
import {
  coverageMessage,
  fieldOfViewEvent,
  frameMessage,
  procedureMessage,
  sightingEvent,
  sourceEvent,
  trackingMessage,
} from './messages.js';
import type { SessionMessage } from './session.js';
import { StillKeeper } from './still-keeper.js';

export interface SourceSessionOptions extends Omit<PipelineOptions, 'onDrop' | 'tract' | 'episode'> {
  readonly checklist: Checklist;
  /** The source shows no patient: a phantom. */
  readonly simulated: boolean;
  /** Whether procedures can be kept of it. */
  readonly keepsProcedures: boolean;
}

const STATS_PERIOD_MS = 1000;

/** One source while it is open: runs its pipeline and says in messages what comes of it. */
export class SourceSession {
  readonly source: FrameSource;
  readonly simulated: boolean;
  readonly #options: SourceSessionOptions;
  readonly #messages = new Subject<SessionMessage>();
  readonly #sightings = new Map<number, Sighting>();
  #stills = new StillKeeper();
  readonly #ages = new Delays();
  #checklist: Checklist;
  #procedure: LiveProcedure | null = null;
  #episode = 0;
  #isOver = false;
  #hasFailed = false;
  #fieldOfView: FieldOfView | null = null;
  #latest: TimedDetection | null = null;
  #previews = 0;
  #analysed = 0;
  #droppedFrames = 0;
  #inferenceMs = 0;
  #statsAtMs = performance.now();
  #coverageChanged = true;
  #subscription: Subscription | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: SourceSessionOptions) {
    this.source = options.source;
    this.simulated = options.simulated;
    this.#options = options;
    this.#checklist = options.checklist;
  }

  get id(): string {
    return this.source.id;
  }

  /** Hot, begins with `start()`; neither errors nor completes. */
  get messages(): Observable<SessionMessage> {
    return this.#messages;
  }

  get fieldOfView(): FieldOfView | null {
    return this.#fieldOfView;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#tick();
    }, STATS_PERIOD_MS);
    this.#subscription = trackLandmarks({
      ...this.#options,
      tract: () => this.#checklist.tract,
      episode: () => this.#episode,
      onDrop: (droppedFrames) => {
        this.#droppedFrames = droppedFrames;
      },
    }).subscribe({
      next: (event) => {
        this.#take(event);
      },
      error: (error: unknown) => {
        this.#fail(error);
      },
      complete: () => {
        this.#isOver = true;
        this.#sayCoverage();
      },
    });
  }

  /** What is kept of this source, or was kept last; null where nothing was. */
  get procedure(): LiveProcedure | null {
    return this.#procedure;
  }

  /** False when it has ended or failed and everything that it brought was tracked. */
  get isAlive(): boolean {
    return !this.#isOver;
  }

  /** A procedure begins: what was seen before is forgotten, so that nothing of another patient counts. */
  begin(procedure: LiveProcedure): void {
    this.#procedure = procedure;
    this.#episode += 1;
    this.#sightings.clear();
    this.#stills = new StillKeeper();
    this.#sayProcedure();
    this.#sayCoverage();
  }

  /** Makes the tracker close what is in view. */
  finishTracking(): void {
    this.#episode += 1;
  }

  /** The picture that was shown of a frame of the last seconds. */
  preview(frameId: number): Uint8Array | null {
    return this.#stills.recent(frameId);
  }

  /** Something of the procedure has changed. */
  procedureChanged(): void {
    this.#sayProcedure();
    this.#sayCoverage();
  }

  setChecklist(checklist: Checklist): void {
    this.#checklist = checklist;
    this.#procedure?.takeChecklist(checklist);
    this.#sayCoverage();
  }

  still(landmark: string, frameId: number): Uint8Array | null {
    return this.#stills.picture(landmark, frameId);
  }

  async dispose(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#subscription?.unsubscribe();
    await this.source.dispose();
  }

  #take(event: PipelineEvent): void {
    switch (event.type) {
      case 'preview':
        this.#previews += 1;
        this.#messages.next(frameMessage(event, this.#latest));
        this.#stills.offer(event);
        return;
      case 'recorded':
        this.#procedure?.takePacket(event);
        return;
      case 'recording-unavailable':
        this.#procedure?.takeNoVideo(event.detail);
        this.#messages.next({ type: 'error', code: 'not-recordable', message: event.detail });
        return;
      case 'tracked':
        this.#takeTracked(event);
        return;
      case 'state':
        this.#hasFailed = event.state === 'failed';
        this.#procedure?.takeSourceState(event);
        this.#messages.next(sourceEvent(this.id, event));
        // Whoever watches forgets an earlier source of this name when a new one connects: tell what is covered after that.
        if (event.state === 'connecting') {
          this.#sayCoverage();
          this.#sayProcedure();
        }
        return;
      case 'field-of-view':
        this.#procedure?.takeFieldOfView(event.fieldOfView);
        this.#fieldOfView = event.fieldOfView;
        this.#messages.next(fieldOfViewEvent(this.id, event.fieldOfView));
    }
  }

  #takeTracked({ detection, current, events }: TrackedFrame): void {
    for (const event of events) {
      this.#sightings.set(event.sighting.id, event.sighting);
      this.#stills.keep(event.sighting);
      this.#procedure?.takeSighting(event);
      const message = sightingEvent(event);
      if (message !== null) this.#messages.next(message);
    }
    if (detection !== null) {
      const nowMs = performance.now();
      this.#latest = detection;
      this.#analysed += 1;
      this.#inferenceMs = detection.inferenceMs;
      const annotationAgeMs = nowMs - detection.capturedAtMs;
      this.#ages.add(annotationAgeMs);
      const { measures, inferenceMs } = detection;
      this.#procedure?.takeDetection({ detection, measures, current, inferenceMs, annotationAgeMs });
      this.#messages.next(trackingMessage(detection, current, nowMs));
      this.#extendOpenSighting(detection, current.landmark);
    }
    if (events.length > 0) this.#sayCoverage();
  }

  /** The tracker reports a sighting's end when it closes; until then the time in view grows with each frame. */
  #extendOpenSighting({ ptsUs, frameId }: TimedDetection, landmark: string | null): void {
    const last = [...this.#sightings.values()].at(-1);
    if (last === undefined || last.landmark !== landmark || ptsUs <= last.endPtsUs) return;
    this.#sightings.set(last.id, { ...last, endPtsUs: ptsUs, endFrameId: frameId });
    this.#coverageChanged = true;
  }

  #fail(error: unknown): void {
    this.#isOver = true;
    const { code, remedy } = error instanceof LumenmarkError ? error : { code: 'source-failed', remedy: undefined };
    this.#messages.next({ type: 'error', code, message: messageOf(error), ...(remedy === undefined ? {} : { remedy }) });
    // A source that fails says so itself; a pipeline that fails around it does not.
    if (!this.#hasFailed)
      this.#messages.next(sourceEvent(this.id, { type: 'state', state: 'failed', detail: messageOf(error), reconnects: 0 }));
  }

  #sayCoverage(): void {
    this.#coverageChanged = false;
    const found = coverage(this.#checklist, {
      labels: this.#options.gallery.labels,
      sightings: [...this.#sightings.values()],
      stills: this.#stills.stills,
      marks: this.#procedure?.marks ?? [],
    });
    this.#procedure?.takeCoverage(found);
    const stillPath = (landmark: string, frameId: number): string =>
      `/stills/${encodeURIComponent(this.id)}/${encodeURIComponent(landmark)}/${String(frameId)}.jpg`;
    this.#messages.next(coverageMessage(this.id, found, stillPath, (siteId) => this.#procedure?.byHand(siteId) ?? null));
  }

  #sayProcedure(): void {
    if (!this.#options.keepsProcedures) return;
    this.#messages.next(procedureMessage(this.id, this.#procedure?.status ?? null));
  }

  #tick(): void {
    const nowMs = performance.now();
    const elapsedS = (nowMs - this.#statsAtMs) / 1000;
    this.#messages.next({
      type: 'stats',
      sourceId: this.id,
      previewFps: this.#previews / elapsedS,
      analysedFps: this.#analysed / elapsedS,
      droppedFrames: this.#droppedFrames + this.source.droppedFrames,
      annotationAgeMs: this.#ages.take() ?? { p50: 0, p95: 0 },
      inferenceMs: this.#inferenceMs,
    });
    this.#statsAtMs = nowMs;
    this.#previews = 0;
    this.#analysed = 0;
    if (this.#coverageChanged) this.#sayCoverage();
    if (this.#procedure !== null) this.#sayProcedure();
  }
}
