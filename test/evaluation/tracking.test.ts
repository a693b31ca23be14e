import { describe, expect, it } from 'vitest';
import { compareTracking, intervalsOf, majorityAnswers, rawAnswers, visitsOf } from '../../src/evaluation/tracking-comparison.js';
import { f1Of, meanOf, median, percentile } from '../../src/evaluation/tracking-statistics.js';
import { countsFor, trackingMetrics, type LandmarkInterval, type TrackedRecording } from '../../src/evaluation/tracking.js';
import { loadChecklist, parseChecklist } from '../../src/tracking/checklist.js';
import { detectionOf, syntheticRecording } from '../support/synthetic-detections.js';

const interval = (landmark: string, startS: number, endS: number): LandmarkInterval => ({
  landmark,
  startPtsUs: startS * 1e6,
  endPtsUs: endS * 1e6,
});

const CHECKLIST = parseChecklist({
  id: 'two',
  name: 'Two',
  citation: 'None',
  status: 'check',
  tract: 'upper',
  sites: [
    { id: 'a', name: 'A', landmarks: ['antrum'] },
    { id: 'p', name: 'P', landmarks: ['pylorus'] },
    { id: 'd', name: 'D', landmarks: ['duodenum'] },
  ],
});
const LABELS = ['antrum', 'pylorus'];

/** One letter a frame, one frame a second: a antrum, p pylorus, - nothing. */
const lettersOf = (letters: string): (string | null)[] => Array.from(letters, (letter) => ({ a: 'antrum', p: 'pylorus' })[letter] ?? null);

function recordingOf(truth: string, answers: string, sightings: readonly LandmarkInterval[], flags = ''): TrackedRecording {
  const inView = lettersOf(truth);
  const answered = lettersOf(answers);
  return {
    frames: inView.map((landmark, second) => ({
      ptsUs: second * 1e6,
      truth: landmark,
      answer: answered[second] ?? null,
      flags: flags[second] === 'b' ? ['blur'] : [],
    })),
    visits: intervalsOf(inView.map((landmark, second) => ({ ptsUs: second * 1e6, landmark }))),
    sightings,
  };
}

describe('statistics', () => {
  it('are what a hand computes', () => {
    expect([meanOf([1, 2, 6]), meanOf([])]).toEqual([3, null]);
    expect([median([5, 1, 3]), median([4, 1, 3, 2]), median([])]).toEqual([3, 2.5, null]);
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([percentile(hundred, 0.95), percentile([7], 0.95), percentile([], 0.95)]).toEqual([95, 7, null]);
    expect([f1Of(0.5, 1), f1Of(null, 1), f1Of(0, 0), f1Of(null, null)]).toEqual([2 / 3, 0, 0, null]);
  });
});

describe('a sighting counts for a visit', () => {
  it.each([
    ['the half of the shorter, the sighting', interval('antrum', 8, 12), interval('antrum', 0, 10), true],
    ['less than the half of the sighting', interval('antrum', 9, 12), interval('antrum', 0, 10), false],
    ['the half of the shorter, the visit', interval('antrum', 0, 10), interval('antrum', 9, 11), true],
    ['another landmark', interval('pylorus', 0, 10), interval('antrum', 0, 10), false],
    ['apart', interval('antrum', 0, 4), interval('antrum', 5, 9), false],
    ['a single frame inside', interval('antrum', 5, 5), interval('antrum', 0, 10), true],
    ['a single frame outside', interval('antrum', 11, 11), interval('antrum', 0, 10), false],
  ])('%s', (_, sighting, visit, counts) => {
    expect(countsFor(sighting, visit)).toBe(counts);
  });
});

describe('trackingMetrics', () => {
  //                   0         1
  //                   0123456789012345678
  const truth = /**/ '--aaaaa---pppp-aaa-';
  const answers = /**/ '---aaaap--ppp-----p';
  const flags = /* */ '--bb-----------b---';
  const metrics = trackingMetrics(
    [
      recordingOf(
        truth,
        answers,
        [interval('antrum', 2, 3), interval('antrum', 5, 6), interval('pylorus', 10, 13), interval('pylorus', 16, 18)],
        flags,
      ),
    ],
    { labels: LABELS, checklist: CHECKLIST },
  );

  it('counts frames', () => {
    // antrum: 4 hits of 4 answers and 8 frames; pylorus: 3 hits of 5 answers and 4 frames.
    expect(metrics.frames.byLandmark).toEqual({ antrum: { f1: 8 / 12, n: 8 }, pylorus: { f1: 6 / 9, n: 4 } });
    expect(metrics.frames.macroF1).toBeCloseTo(2 / 3);
    // Wrong: second 2, 7, 13, 15, 16, 17, 18.
    expect(metrics.frames.accuracy).toBeCloseTo(12 / 19);
    expect(metrics.frames.n).toBe(19);
  });

  it('counts sightings, fragments and false ones', () => {
    expect(metrics.sightings).toMatchObject({ precision: 3 / 4, recall: 2 / 3, n: 4, visits: 3 });
    expect(metrics.sightings.f1).toBeCloseTo((2 * 0.75 * (2 / 3)) / (0.75 + 2 / 3));
    expect(metrics.sightings.byLandmark['antrum']).toMatchObject({ precision: 1, recall: 1 / 2, n: 2, visits: 2 });
    expect(metrics.sightings.byLandmark['pylorus']).toMatchObject({ precision: 1 / 2, recall: 1, n: 2, visits: 1 });
    expect(metrics.fragmentation).toEqual({ mean: 1.5, n: 2 });
    expect(metrics.falseSightingsPerMinute).toBeCloseTo(1 / (18 / 60));
  });

  it('measures the onset of what was answered', () => {
    expect(metrics.onsetDelayMs).toEqual({ median: 500, p95: 1000, n: 2 });
  });

  it('compares the coverage of supported sites', () => {
    expect(metrics.coverage).toEqual({ agreement: 1, n: 2, bySite: { a: { agreement: 1, n: 1 }, p: { agreement: 1, n: 1 } } });
    const missed = trackingMetrics([recordingOf('aaaa', '----', []), recordingOf('pppp', 'pppp', [interval('pylorus', 0, 3)])], {
      labels: LABELS,
      checklist: CHECKLIST,
    });
    expect(missed.coverage).toEqual({ agreement: 3 / 4, n: 4, bySite: { a: { agreement: 1 / 2, n: 2 }, p: { agreement: 1, n: 2 } } });
  });

  it('tells disturbed frames apart', () => {
    expect(metrics.byDisturbance).toEqual({ blur: { accuracy: 1 / 3, n: 3 } });
  });

  it('says null, not 0 or NaN, where there is nothing to count', () => {
    const empty = trackingMetrics([], { labels: LABELS, checklist: null });
    expect(empty).toMatchObject({
      frames: { macroF1: null, accuracy: null, n: 0 },
      sightings: { precision: null, recall: null, f1: null },
      falseSightingsPerMinute: null,
      onsetDelayMs: { median: null, p95: null, n: 0 },
      coverage: { agreement: null, n: 0 },
      n: { recordings: 0, frames: 0, minutes: 0 },
    });
  });
});

describe('baselines', () => {
  it('answer a frame by itself only when it is good, known and a landmark', () => {
    const said = [
      detectionOf({ ptsUs: 0, scores: { antrum: 0.6, polyps: 0.4 } }),
      detectionOf({ ptsUs: 1, scores: { antrum: 0.4, polyps: 0.6 } }),
      detectionOf({ ptsUs: 2, scores: { antrum: 1 }, known: false }),
      detectionOf({ ptsUs: 3, scores: { antrum: 1 }, verdict: 'dark' }),
      detectionOf({ ptsUs: 4 }),
    ];
    expect(rawAnswers(said)).toEqual(['antrum', null, null, null, null]);
  });

  it('vote over the frame and those before it, the later of equals winning', () => {
    expect(majorityAnswers(lettersOf('aappp-a'), 3)).toEqual(lettersOf('aaapppa'));
    expect(majorityAnswers(lettersOf('ap'), 7)).toEqual(lettersOf('ap'));
  });
});

describe('visits', () => {
  const frames = lettersOf('aa-aa-----a-p').map((landmark, second) => ({ ptsUs: second * 1e6, landmark }));

  it('bridge short gaps and drop short stays', () => {
    expect(visitsOf(frames, 2000, 0)).toEqual([interval('antrum', 0, 4), interval('antrum', 10, 10), interval('pylorus', 12, 12)]);
    expect(visitsOf(frames, 0, 500)).toEqual([interval('antrum', 0, 1), interval('antrum', 3, 4)]);
  });
});

describe('compareTracking', () => {
  const labels = ['z-line', 'antrum', 'angulus', 'stomach-body', 'retroflex-stomach', 'duodenal-bulb', 'duodenum'];
  const checklist = loadChecklist('esge-2016');

  it.each([5, 12, 25])('finds the temporal filter ahead of majority votes at %d frames per second', (fps) => {
    const recordings = Array.from({ length: 6 }, (_, seed) => syntheticRecording({ seed: 100 + seed, labels, seconds: 120, fps }));
    const { filter, raw, vote7, vote15 } = compareTracking(recordings, { tracker: { labels }, checklist });
    const bestVote = Math.max(vote7.sightings.f1!, vote15.sightings.f1!);
    expect(filter.sightings.f1!).toBeGreaterThan(bestVote + 0.1);
    expect(filter.falseSightingsPerMinute!).toBeLessThan(Math.min(vote7.falseSightingsPerMinute!, vote15.falseSightingsPerMinute!) / 2);
    expect(raw.fragmentation.mean!).toBeGreaterThan(filter.fragmentation.mean!);
    expect(filter.n).toMatchObject({ recordings: 6, frames: 6 * 120 * fps });
  });

  it('makes no mistake where the frames make none', () => {
    const recordings = [syntheticRecording({ seed: 1, labels, seconds: 120, fps: 12, confusion: 0, falseKnown: 0, bad: 0 })];
    // These visits follow one another in any order.
    const { filter, raw } = compareTracking(recordings, { tracker: { labels, skipShare: 1 }, checklist });
    expect(raw).toMatchObject({ frames: { macroF1: 1 }, sightings: { f1: 1 }, onsetDelayMs: { p95: 0 } });
    expect(filter).toMatchObject({
      sightings: { f1: 1 },
      falseSightingsPerMinute: 0,
      coverage: { agreement: 1 },
      fragmentation: { mean: 1 },
    });
  });

  it('takes a visit of a landmark that the gallery does not hold for nothing in view', () => {
    const recording = syntheticRecording({ seed: 1, labels, seconds: 60, fps: 5 });
    const { raw } = compareTracking([recording], { tracker: { labels: ['z-line'] }, checklist: null });
    expect(Object.keys(raw.sightings.byLandmark)).toContain('z-line');
    expect(raw.sightings.visits).toBe(visitsOf(recording.truth, 1000, 0).filter(({ landmark }) => landmark === 'z-line').length);
  });
});
