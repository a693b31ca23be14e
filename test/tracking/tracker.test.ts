import { describe, expect, it } from 'vitest';
import type { Detection } from '../../src/tracking/detection.js';
import type { Sighting, SightingEvent } from '../../src/tracking/sighting.js';
import { sightingsOf } from '../../src/tracking/sightings-of.js';
import { createTracker, type Current, type TrackerState } from '../../src/tracking/tracker.js';
import { detectionOf, syntheticRecording, type FrameSaid } from '../support/synthetic-detections.js';

const LABELS = ['z-line', 'antrum', 'pylorus', 'retroflex-stomach', 'polyps', 'bbps-0-1'];

type Segment = readonly [seconds: number, said: Omit<FrameSaid, 'ptsUs'> | null];

const sees = (landmark: string, score = 0.8): Omit<FrameSaid, 'ptsUs'> => ({ scores: { [landmark]: score, polyps: 1 - score } });
const UNKNOWN: Omit<FrameSaid, 'ptsUs'> = { scores: { antrum: 0.5, pylorus: 0.5 }, known: false };

/** Frames of consecutive segments; null leaves the time empty, as dropped frames do. */
function framesOf(fps: number, segments: readonly Segment[], startS = 0): Detection[] {
  const detections: Detection[] = [];
  let frame = Math.round(startS * fps);
  for (const [seconds, said] of segments) {
    for (const end = frame + Math.round(seconds * fps); frame < end; frame++) {
      if (said !== null) detections.push(detectionOf({ ...said, frameId: frame, ptsUs: Math.round((frame / fps) * 1e6) }));
    }
  }
  return detections;
}

function play(detections: readonly Detection[], finish = true): { events: SightingEvent[]; currents: Current[]; state: TrackerState } {
  const tracker = createTracker({ labels: LABELS });
  let state = tracker.initialState();
  const events: SightingEvent[] = [];
  const currents: Current[] = [];
  for (const detection of detections) {
    const step = tracker.step(state, detection);
    state = step.state;
    events.push(...step.events);
    currents.push(step.current);
  }
  if (finish) events.push(...tracker.finish(state).events);
  return { events, currents, state };
}

const closedOf = (events: readonly SightingEvent[]): { sighting: Sighting; reason: string }[] =>
  events.flatMap((event) => (event.type === 'sighting-closed' ? [{ sighting: event.sighting, reason: event.reason }] : []));

const namesOf = (detections: readonly Detection[]): string[] => sightingsOf(detections, { labels: LABELS }).map(({ landmark }) => landmark);

describe.each([2, 5, 10, 25])('tracker at %d frames per second', (fps) => {
  it('opens one sighting for one visit and dates it by the frames that support it', () => {
    const detections = framesOf(fps, [
      [2, UNKNOWN],
      [6, sees('antrum')],
      [4, UNKNOWN],
    ]);
    const [sighting, ...rest] = sightingsOf(detections, { labels: LABELS });
    expect(rest).toEqual([]);
    expect(sighting).toMatchObject({
      landmark: 'antrum',
      startPtsUs: 2e6,
      startFrameId: 2 * fps,
      endFrameId: 8 * fps - 1,
      frames: 6 * fps,
    });
    expect(sighting!.confidence).toBeGreaterThan(0.7);
    expect(sighting!.best.ptsUs).toBeGreaterThanOrEqual(2.5e6);
    expect(sighting!.best.ptsUs).toBeLessThanOrEqual(7.5e6);
  });

  it('does not open on a single frame, however sure it is', () => {
    expect(
      namesOf(
        framesOf(fps, [
          [2, UNKNOWN],
          [1 / fps, sees('pylorus', 1)],
          [4, UNKNOWN],
        ]),
      ),
    ).toEqual([]);
  });

  it('does not open on frames that contradict each other', () => {
    const flicker: Segment[] = Array.from({ length: 20 }, (_, index) => [1 / fps, sees(['antrum', 'pylorus', 'z-line'][index % 3]!)]);
    expect(namesOf(framesOf(fps, flicker))).toEqual([]);
  });

  it.each([
    ['of another landmark', sees('pylorus', 1)],
    ['that is unknown', UNKNOWN],
    ['outside the body', { verdict: 'out-of-body' } as const],
  ])('does not close for a single frame %s', (_, wrong) => {
    const { events, currents } = play(
      framesOf(fps, [
        [5, sees('antrum')],
        [1 / fps, wrong],
        [5, sees('antrum')],
      ]),
    );
    expect(closedOf(events)).toHaveLength(1);
    expect(currents[5 * fps]?.landmark).toBe('antrum');
  });

  it('follows a hard cut: one ends where the other begins', () => {
    const detections = framesOf(fps, [
      [5, sees('antrum')],
      [5, sees('retroflex-stomach')],
    ]);
    const { events } = play(detections);
    const [first, second] = closedOf(events);
    expect(first?.sighting).toMatchObject({ landmark: 'antrum', endFrameId: 5 * fps - 1 });
    expect(second?.sighting).toMatchObject({ landmark: 'retroflex-stomach', startFrameId: 5 * fps });
    expect(events).toHaveLength(4 + events.filter(({ type }) => type === 'sighting-improved').length);
  });

  it('bridges a short absence and keeps two long ones apart', () => {
    expect(
      namesOf(
        framesOf(fps, [
          [4, sees('antrum')],
          [1, UNKNOWN],
          [4, sees('antrum')],
        ]),
      ),
    ).toEqual(['antrum']);
    expect(
      namesOf(
        framesOf(fps, [
          [4, sees('antrum')],
          [6, UNKNOWN],
          [4, sees('antrum')],
        ]),
      ),
    ).toEqual(['antrum', 'antrum']);
  });

  it('holds a sighting through bad frames, but not for ever', () => {
    const { currents } = play(
      framesOf(fps, [
        [4, sees('antrum')],
        [2, { verdict: 'red-out' }],
        [2, sees('antrum')],
      ]),
    );
    expect(currents.slice(4 * fps).every(({ landmark }) => landmark === 'antrum')).toBe(true);
    const { events, state } = play(
      framesOf(fps, [
        [4, sees('antrum')],
        [10, { verdict: 'red-out' }],
      ]),
      false,
    );
    expect(closedOf(events)).toMatchObject([{ reason: 'lost', sighting: { endFrameId: 4 * fps - 1 } }]);
    expect(state.open).toBeNull();
  });
});

describe('tracker', () => {
  it('lets no bad frame speak for a landmark', () => {
    expect(namesOf(framesOf(10, [[8, { ...sees('antrum', 1), verdict: 'blurred' }]]))).toEqual([]);
  });

  it('believes a clear frame more than a poor one', () => {
    const after = (quality: number): number => {
      const tracker = createTracker({ labels: LABELS });
      return tracker.step(tracker.initialState(), detectionOf({ ptsUs: 0, ...sees('antrum'), quality })).posterior.landmarks['antrum']!;
    };
    expect(after(1)).toBeGreaterThan(after(0.5));
    expect(after(0.5)).toBeGreaterThan(after(0));
    expect(after(0)).toBeGreaterThan(1 / 4);
  });

  it('opens no sighting for classes that name no place', () => {
    expect(
      namesOf(
        framesOf(10, [
          [4, sees('polyps', 1)],
          [4, sees('bbps-0-1', 1)],
        ]),
      ),
    ).toEqual([]);
    expect(createTracker({ labels: LABELS }).landmarks).toEqual(['z-line', 'antrum', 'pylorus', 'retroflex-stomach']);
    expect(createTracker({ labels: [...LABELS, 'cecum', 'of-my-own'], tract: 'lower' }).landmarks).toEqual(['cecum', 'of-my-own']);
  });

  it('says nothing of a gallery without landmarks', () => {
    const tracker = createTracker({ labels: ['polyps'] });
    const step = tracker.step(tracker.initialState(), detectionOf({ ptsUs: 0, scores: { polyps: 1 } }));
    expect(step.current).toEqual({ landmark: null, score: 1 });
    expect(step.posterior).toEqual({ nothing: 1, landmarks: {} });
  });

  it('gives probabilities that sum to 1', () => {
    const tracker = createTracker({ labels: LABELS });
    let state = tracker.initialState();
    for (const detection of syntheticRecording({ seed: 3, labels: tracker.landmarks, seconds: 20, fps: 12 }).detections) {
      const step = tracker.step(state, detection);
      state = step.state;
      const total = Object.values(step.posterior.landmarks).reduce((sum, p) => sum + p, step.posterior.nothing);
      expect(total).toBeCloseTo(1, 9);
      expect(step.current.score).toBeGreaterThanOrEqual(0);
      expect(step.current.score).toBeLessThanOrEqual(1);
    }
  });

  it('closes what is open and starts afresh when time jumps back', () => {
    const once = framesOf(10, [[5, sees('antrum')]]);
    const { events } = play([...once, ...once]);
    expect(closedOf(events)).toMatchObject([
      { reason: 'discontinuity', sighting: { id: 0, landmark: 'antrum', endPtsUs: 4.9e6 } },
      { reason: 'finished', sighting: { id: 1, landmark: 'antrum', startPtsUs: 0, endPtsUs: 4.9e6 } },
    ]);
  });

  it('does the same when the source changes', () => {
    const later = framesOf(10, [[5, { ...sees('antrum'), sourceId: 'other' }]], 5);
    const { events } = play([...framesOf(10, [[5, sees('antrum')]]), ...later]);
    expect(closedOf(events).map(({ reason, sighting }) => [reason, sighting.sourceId])).toEqual([
      ['discontinuity', 'test'],
      ['finished', 'other'],
    ]);
  });

  it('does not let a sighting span a gap in time', () => {
    const { events } = play(
      framesOf(10, [
        [4, sees('antrum')],
        [60, null],
        [4, sees('antrum')],
      ]),
    );
    expect(closedOf(events)).toMatchObject([
      { reason: 'lost', sighting: { startPtsUs: 0, endPtsUs: 3.9e6 } },
      { reason: 'finished', sighting: { startPtsUs: 64e6 } },
    ]);
  });

  it('takes a repeated frame for no new evidence', () => {
    const same = Array.from({ length: 50 }, (_, frameId) => detectionOf({ ptsUs: 1e6, frameId, ...sees('antrum', 1) }));
    expect(namesOf(same)).toEqual([]);
  });

  it('keeps sightings apart in time, whatever it is shown', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { detections } = syntheticRecording({
        seed,
        labels: LABELS.slice(0, 4),
        seconds: 120,
        fps: 8,
        confusion: 0.5,
        falseKnown: 0.6,
        bad: 0.3,
      });
      const sightings = sightingsOf(detections, { labels: LABELS });
      expect(sightings.length).toBeGreaterThan(0);
      sightings.forEach(({ startPtsUs, endPtsUs, best, id }, index) => {
        expect(id).toBe(index);
        expect(endPtsUs).toBeGreaterThanOrEqual(startPtsUs);
        expect(best.ptsUs).toBeLessThanOrEqual(endPtsUs);
        if (index > 0) expect(startPtsUs).toBeGreaterThanOrEqual(sightings[index - 1]!.endPtsUs);
      });
    }
  });

  it('opens, improves and closes each sighting in order', () => {
    const { events } = play(syntheticRecording({ seed: 5, labels: LABELS.slice(0, 4), seconds: 120, fps: 10 }).detections);
    let openId: number | null = null;
    for (const { type, sighting } of events) {
      if (type === 'sighting-opened') {
        expect(openId).toBeNull();
        openId = sighting.id;
      } else {
        expect(sighting.id).toBe(openId);
        if (type === 'sighting-closed') openId = null;
      }
    }
    expect(openId).toBeNull();
    expect(events.some(({ type }) => type === 'sighting-improved')).toBe(true);
  });

  it('is a pure function: its state is never changed, survives JSON, and replays to the same steps', () => {
    const tracker = createTracker({ labels: LABELS });
    const { detections } = syntheticRecording({ seed: 7, labels: LABELS.slice(0, 4), seconds: 30, fps: 10 });
    let state = tracker.initialState();
    for (const detection of detections) {
      const before = JSON.stringify(state);
      const step = tracker.step(state, detection);
      expect(JSON.stringify(state)).toBe(before);
      expect(tracker.step(JSON.parse(before) as TrackerState, detection)).toEqual(step);
      state = step.state;
    }
  });

  it('tells the open sighting as it stands', () => {
    const tracker = createTracker({ labels: LABELS });
    const { state } = play(framesOf(10, [[3, sees('antrum')]]), false);
    expect(tracker.openSighting(state)).toMatchObject({ landmark: 'antrum', startPtsUs: 0, endPtsUs: 2.9e6, frames: 30 });
    expect(tracker.openSighting(tracker.initialState())).toBeNull();
    expect(tracker.finish(state).state.open).toBeNull();
  });

  it.each([
    [{ labels: [] }, 'labels'],
    [{ labels: ['antrum'], openAbove: 1.5 }, 'openAbove'],
    [{ labels: ['antrum'], minAgreeingFrames: 1 }, 'minAgreeingFrames'],
    [{ labels: ['antrum'], openAbove: 0.4, closeBelow: 0.6 }, 'closeBelow'],
  ])('refuses options that make no sense: %j', (options, field) => {
    expect(() => createTracker(options)).toThrow(
      expect.objectContaining({ name: 'UsageError', message: expect.stringContaining(field) as string }) as Error,
    );
  });
});
