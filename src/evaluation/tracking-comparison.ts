/** The temporal filter beside what it has to beat: the frames' own answers, and majority votes over the last frames. */
import { classInfo } from '../common/landmarks.js';
import type { Checklist } from '../tracking/checklist.js';
import type { Detection } from '../tracking/detection.js';
import type { TrackerOptions } from '../tracking/options.js';
import { createTracker } from '../tracking/tracker.js';
import { trackingMetrics, type LandmarkInterval, type TrackedRecording, type TrackingMetrics } from './tracking.js';

/** What is in view in one frame of a recording. */
export interface TruthFrame {
  readonly ptsUs: number;
  readonly landmark: string | null;
  readonly flags?: readonly string[];
}

/** A recording with its truth, both in order of time. */
export interface TruthRecording {
  readonly detections: readonly Detection[];
  readonly truth: readonly TruthFrame[];
}

export const TRACKING_METHODS = ['filter', 'raw', 'vote7', 'vote15'] as const;
export type TrackingMethod = (typeof TRACKING_METHODS)[number];

export interface TrackingComparisonOptions {
  readonly tracker: TrackerOptions;
  readonly checklist: Checklist | null;
  /** A landmark that leaves for less than this and comes back was there all the time (a red-out within a visit), ms. Default 1000. */
  readonly visitBridgeMs?: number;
  /** Shorter visits are no visits: nobody could have documented them, ms. Default 0. */
  readonly minVisitMs?: number;
}

/** Evaluates every method on the same detections. Truth landmarks that the gallery does not hold count as nothing in view. */
export function compareTracking(
  recordings: readonly TruthRecording[],
  options: TrackingComparisonOptions,
): Readonly<Record<TrackingMethod, TrackingMetrics>> {
  const { labels } = options.tracker;
  const metrics = (method: TrackingMethod): TrackingMetrics =>
    trackingMetrics(
      recordings.map((recording) => trackedRecording(recording, method, options)),
      { labels, checklist: options.checklist },
    );
  return { filter: metrics('filter'), raw: metrics('raw'), vote7: metrics('vote7'), vote15: metrics('vote15') };
}

/** The frames' own answers: the best landmark of a known frame of good quality, else null. */
export function rawAnswers(detections: readonly Detection[]): (string | null)[] {
  return detections.map(({ quality, match }) => {
    const best = match.scores[0];
    return quality.verdict === 'good' && match.known && best !== undefined && classInfo(best.label).kind === 'landmark' ? best.label : null;
  });
}

/** For every frame the commonest answer among it and the `window − 1` before it; among equals the latest one given. */
export function majorityAnswers(answers: readonly (string | null)[], window: number): (string | null)[] {
  return answers.map((_, index) => {
    const votes = new Map<string | null, number>();
    for (const answer of answers.slice(Math.max(0, index - window + 1), index + 1)) {
      const count = (votes.get(answer) ?? 0) + 1;
      // Deleted first, so that the map ends with the answer given last.
      votes.delete(answer);
      votes.set(answer, count);
    }
    let winner: string | null = null;
    let most = 0;
    for (const [answer, count] of votes) {
      if (count >= most) [winner, most] = [answer, count];
    }
    return winner;
  });
}

/** Intervals of equal answers in a row. */
export function intervalsOf(frames: readonly { readonly ptsUs: number; readonly landmark: string | null }[]): LandmarkInterval[] {
  const intervals: LandmarkInterval[] = [];
  let before: string | null = null;
  for (const { ptsUs, landmark } of frames) {
    const last = intervals.at(-1);
    if (landmark !== null) {
      if (last !== undefined && before === landmark) intervals[intervals.length - 1] = { ...last, endPtsUs: ptsUs };
      else intervals.push({ landmark, startPtsUs: ptsUs, endPtsUs: ptsUs });
    }
    before = landmark;
  }
  return intervals;
}

/** True visits: intervals of the truth, gaps up to `bridgeMs` closed where nothing else came between, those below `minMs` left out. */
export function visitsOf(truth: readonly TruthFrame[], bridgeMs: number, minMs: number): LandmarkInterval[] {
  const bridged: LandmarkInterval[] = [];
  for (const interval of intervalsOf(truth)) {
    const last = bridged.at(-1);
    if (last?.landmark === interval.landmark && interval.startPtsUs - last.endPtsUs <= bridgeMs * 1000) {
      bridged[bridged.length - 1] = { ...last, endPtsUs: interval.endPtsUs };
    } else bridged.push(interval);
  }
  return bridged.filter(({ startPtsUs, endPtsUs }) => endPtsUs - startPtsUs >= minMs * 1000);
}

/** A recording as one method answers it. */
export function trackedRecording(recording: TruthRecording, method: TrackingMethod, options: TrackingComparisonOptions): TrackedRecording {
  const { detections } = recording;
  const held = new Set(options.tracker.labels);
  const truth = recording.truth.map((frame) => ({
    ...frame,
    landmark: frame.landmark !== null && held.has(frame.landmark) ? frame.landmark : null,
  }));
  const { answers, sightings } = method === 'filter' ? filtered(detections, options.tracker) : voted(detections, method);
  const truthAt = truthReader(truth);
  return {
    frames: detections.map(({ ptsUs }, index) => {
      const { landmark = null, flags = [] } = truthAt(ptsUs) ?? {};
      return { ptsUs, truth: landmark, answer: answers[index] ?? null, flags };
    }),
    visits: visitsOf(truth, options.visitBridgeMs ?? 1000, options.minVisitMs ?? 0),
    sightings,
  };
}

interface Answers {
  readonly answers: readonly (string | null)[];
  readonly sightings: readonly LandmarkInterval[];
}

function filtered(detections: readonly Detection[], options: TrackerOptions): Answers {
  const tracker = createTracker(options);
  const sightings: LandmarkInterval[] = [];
  let state = tracker.initialState();
  const answers = detections.map((detection) => {
    const step = tracker.step(state, detection);
    state = step.state;
    for (const event of step.events) if (event.type === 'sighting-closed') sightings.push(event.sighting);
    return step.current.landmark;
  });
  for (const event of tracker.finish(state).events) sightings.push(event.sighting);
  return { answers, sightings };
}

function voted(detections: readonly Detection[], method: Exclude<TrackingMethod, 'filter'>): Answers {
  const raw = rawAnswers(detections);
  const answers = method === 'raw' ? raw : majorityAnswers(raw, method === 'vote7' ? 7 : 15);
  return { answers, sightings: intervalsOf(detections.map(({ ptsUs }, index) => ({ ptsUs, landmark: answers[index] ?? null }))) };
}

/** The truth of the frame that was on screen at a time; to be asked in order of time. */
function truthReader(truth: readonly TruthFrame[]): (ptsUs: number) => TruthFrame | undefined {
  let index = 0;
  return (ptsUs) => {
    while (index + 1 < truth.length && (truth[index + 1]?.ptsUs ?? Infinity) <= ptsUs) index += 1;
    return truth[index];
  };
}
