import { describe, expect, it } from 'vitest';
import { replayCommandOf, speedBeside } from '../../client/src/replay/replay-keys.js';
import { frameAt, frameIntervalUs, momentAfter, momentBefore, trackingAt, verdictRuns, verdictsAt } from '../../client/src/replay/track.js';
import type { ReplayTrack } from '../../src/server/procedure-protocol.js';

/** Five frames a second; the annotation of the third came 450 ms late. */
const TRACK: ReplayTrack = {
  labels: ['antrum', 'pylorus'],
  verdicts: ['good', 'blurred'],
  frameId: [0, 6, 12, 18],
  ptsUs: [0, 200_000, 400_000, 600_000],
  landmark: [-1, 0, 0, 1],
  score: [0.8, 0.7, 0.9, 0.6],
  frameLabel: [-1, 0, 1, 1],
  frameScore: [0, 0.5, 0.6, 0.7],
  known: [0, 1, 1, 1],
  quality: [1, 0, 0, 1],
  qualityScore: [0, 0.8, 0.9, 0],
  annotationAgeMs: [50, 50, 450, 50],
};

describe('what was on the screen at a time', () => {
  it('is the newest annotation that had come by then', () => {
    expect([-1, 0, 199_999, 200_000, 5_000_000].map((us) => frameAt(TRACK, us, false))).toEqual([-1, 0, 0, 1, 3]);
    expect([0, 49_000, 50_000, 250_000, 600_000, 650_000].map((us) => frameAt(TRACK, us, true))).toEqual([-1, -1, 0, 1, 1, 3]);
  });

  it('is told as the live page was told', () => {
    const neighbours = [{ exemplar: 3, label: 'antrum', similarity: 0.9 }];
    expect(trackingAt(TRACK, 2, 's', neighbours)).toEqual({
      ...{ type: 'tracking', sourceId: 's', frameId: 12, ptsUs: 400_000, landmark: 'antrum', score: 0.9 },
      ...{ frameLabel: 'pylorus', frameScore: 0.6, known: true, quality: 'good', qualityScore: 0.9, annotationAgeMs: 450, neighbours },
    });
    expect(trackingAt(TRACK, 0, 's', [])).toMatchObject({ landmark: null, frameLabel: null, known: false, quality: 'blurred' });
    expect(trackingAt(TRACK, -1, 's', [])).toBeNull();
    expect(verdictsAt(TRACK, 3)).toEqual(['blurred', 'good', 'good', 'blurred']);
    expect(verdictsAt(TRACK, -1)).toEqual([]);
  });

  it('has runs of one quality', () => {
    expect(verdictRuns(TRACK)).toEqual([
      { verdict: 'blurred', startPtsUs: 0, endPtsUs: 200_000 },
      { verdict: 'good', startPtsUs: 200_000, endPtsUs: 600_000 },
      { verdict: 'blurred', startPtsUs: 600_000, endPtsUs: 600_000 },
    ]);
  });
});

describe('moving about', () => {
  it('steps by the frames of the source, which a pause does not lengthen', () => {
    expect(frameIntervalUs(TRACK)).toBeCloseTo(200_000 / 6, 6);
    expect(frameIntervalUs({ frameId: [0, 3, 6, 9, 12], ptsUs: [0, 100_000, 60_000_000, 60_100_000, 60_200_000] })).toBeCloseTo(1e5 / 3, 6);
    expect(frameIntervalUs({ frameId: [4], ptsUs: [7] })).toBeNull();
  });

  it('goes from moment to moment, and back past the one that was just reached', () => {
    const times = [1e6, 3e6, 9e6];
    expect([momentAfter(times, 0), momentAfter(times, 1e6), momentAfter(times, 9e6)]).toEqual([1e6, 3e6, null]);
    expect([momentBefore(times, 3.2e6), momentBefore(times, 5e6), momentBefore(times, 1e6)]).toEqual([1e6, 3e6, null]);
  });

  it('understands keys, with and without shift', () => {
    const key = (name: string, shiftKey = false, ctrlKey = false) =>
      replayCommandOf({ key: name, shiftKey, ctrlKey, metaKey: false, altKey: false });
    expect([key('ArrowRight'), key('ArrowRight', true), key('K'), key('.'), key('?', true)]).toEqual([
      'next',
      'forward',
      'play',
      'frame-forward',
      'help',
    ]);
    expect([key('ArrowRight', false, true), key('x')]).toEqual([null, null]);
    expect([speedBeside(1, 1), speedBeside(1, -1), speedBeside(8, 1), speedBeside(0.25, -1)]).toEqual([1.5, 0.5, 8, 0.25]);
  });
});
