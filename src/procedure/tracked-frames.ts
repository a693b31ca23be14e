import type { Gallery } from '../retrieval/gallery.js';
import type { Checklist } from '../tracking/checklist.js';
import { coverage, type Coverage, type CoverageInput } from '../tracking/coverage.js';
import type { Sighting, SightingEvent } from '../tracking/sighting.js';
import type { Tracker, TrackerState } from '../tracking/tracker.js';
import type { AnalysedFrame } from './analyse-frames.js';
import { detectionLine } from './detection-line.js';
import type { NewEntry } from './entries.js';
import { readTimers, startTimers, stepTimers, type TimersState } from './timers.js';
import type { ProcedureWriter } from './writer.js';

export interface FrameTrackerOptions {
  readonly writer: Pick<ProcedureWriter, 'append' | 'writeDetection'>;
  readonly tracker: Tracker;
  readonly checklist: Checklist;
  readonly gallery: Pick<Gallery, 'labels'>;
}

/** Tracks the frames of a video without a clock and keeps what is found: detections, sightings, and coverage whenever it changes. */
export class FrameTracker {
  frames = 0;
  lastPtsUs = 0;
  inferenceMs = 0;
  readonly #options: FrameTrackerOptions;
  readonly #sightings = new Map<number, Sighting>();
  #state: TrackerState;
  #timers: TimersState;
  #firstPtsUs: number | null = null;
  #coverage = '';

  constructor(options: FrameTrackerOptions) {
    this.#options = options;
    this.#state = options.tracker.initialState();
    this.#timers = startTimers(options.checklist.tract);
  }

  get sightings(): readonly Sighting[] {
    return [...this.#sightings.values()];
  }

  /** Resolves when the frame was handed to the disk: whoever waits for it makes the video wait. */
  async take({ detection, measures, inferenceMs }: AnalysedFrame): Promise<void> {
    const { writer, tracker } = this.#options;
    const { state, current, events } = tracker.step(this.#state, detection);
    this.#state = state;
    this.#timers = stepTimers(this.#timers, { ptsUs: detection.ptsUs, quality: detection.quality.verdict, landmark: current.landmark });
    this.#firstPtsUs ??= detection.ptsUs;
    this.frames += 1;
    this.lastPtsUs = detection.ptsUs;
    this.inferenceMs += inferenceMs;
    const written = writer.writeDetection(detectionLine(detection, { measures, current, inferenceMs, annotationAgeMs: null }));
    await this.#keep(events);
    await written;
  }

  /** Closes what is open, and keeps the timers: on the clock of the video, whose machine had another one. */
  async finish(): Promise<void> {
    const { state, events } = this.#options.tracker.finish(this.#state);
    this.#state = state;
    await this.#keep(events);
    const totalMs = (this.lastPtsUs - (this.#firstPtsUs ?? this.lastPtsUs)) / 1000;
    await this.#options.writer.append({ type: 'timers', totalMs, ...readTimers(this.#timers) });
  }

  /** The states of the sites as they are now, written when they are not what was written last. */
  async keepCoverage(input: Pick<CoverageInput, 'stills'> = {}): Promise<Coverage> {
    const { writer, checklist, gallery } = this.#options;
    const found = coverage(checklist, { labels: gallery.labels, sightings: this.sightings, ...input });
    const states = found.sites.map(({ state }) => state).join();
    if (states !== this.#coverage) await writer.append(coverageEntry(found));
    this.#coverage = states;
    return found;
  }

  async #keep(events: readonly SightingEvent[]): Promise<void> {
    const { writer } = this.#options;
    for (const event of events) {
      this.#sightings.set(event.sighting.id, event.sighting);
      if (event.type === 'sighting-opened') await writer.append({ type: event.type, sighting: event.sighting });
      if (event.type === 'sighting-closed') await writer.append({ type: event.type, sighting: event.sighting, reason: event.reason });
    }
    if (events.length > 0) await this.keepCoverage();
  }
}

export function coverageEntry({ checklistId, sites }: Coverage): NewEntry<'coverage'> {
  return {
    type: 'coverage',
    checklistId,
    sites: sites.map(({ id, state, manual, sightings, dwellMs }) => ({ id, state, manual, sightings, dwellMs })),
  };
}
