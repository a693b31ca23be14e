import { describe, expect, it } from 'vitest';
import { createEvidenceReader } from '../../src/tracking/evidence.js';
import { resolveTrackerOptions } from '../../src/tracking/options.js';
import { detectionOf } from '../support/synthetic-detections.js';

const options = resolveTrackerOptions({
  labels: ['x'],
  scoreFloor: 0.1,
  nothingShare: 0.2,
  widerClassShare: 0.5,
  falseAcceptance: 0.25,
  falseRejection: 0.1,
  outOfBodyShare: 0.05,
});

describe('evidence of a frame', () => {
  const read = createEvidenceReader(['pylorus', 'z-line'], options);

  const rounded = (values: readonly number[]): number[] => values.map((value) => Number(value.toFixed(6)));

  it('takes class scores as likelihoods, above a floor', () => {
    const evidence = read(detectionOf({ ptsUs: 0, scores: { pylorus: 0.7, 'z-line': 0.3 } }))!;
    expect(rounded(evidence.likelihoods)).toEqual([0.05, 0.72, 0.36]);
    expect(evidence).toMatchObject({ supports: 0, score: 0.7 });
  });

  it('weighs an unknown frame by how often the gallery errs about that', () => {
    const evidence = read(detectionOf({ ptsUs: 0, scores: { pylorus: 0.7, 'z-line': 0.3 }, known: false }))!;
    expect(rounded(evidence.likelihoods)).toEqual([0.15, 0.08, 0.04]);
    expect(evidence).toMatchObject({ supports: null, score: 0 });
    const strict = createEvidenceReader(['pylorus', 'z-line'], { ...options, falseRejection: 0.6 });
    expect(strict(detectionOf({ ptsUs: 0, scores: { pylorus: 0.7, 'z-line': 0.3 }, known: false }))).toMatchObject({
      supports: 0,
      score: 0.7,
    });
  });

  it('weighs how near the frame is, where the gallery states what that says', () => {
    const confidenceRatios = [
      { confidence: 0.2, ratio: 0.01 },
      { confidence: 0.6, ratio: 100 },
    ];
    const near = createEvidenceReader(['pylorus', 'z-line'], { ...options, confidenceRatios });
    const at = (confidence: number): number => {
      const [nothing = 0, pylorus = 0] = near(withConfidence(confidence))!.likelihoods;
      return pylorus / nothing;
    };
    const withConfidence = (confidence: number): ReturnType<typeof detectionOf> => {
      const detection = detectionOf({ ptsUs: 0, scores: { pylorus: 1 } });
      return { ...detection, match: { ...detection.match, confidence } };
    };
    // At a ratio of 1 the frame says nothing but its scores; far off, as much as the gallery's errors on video allow.
    expect(at(0.4)).toBeCloseTo(((1.1 / 0.2) * (0.9 + 0.1)) / (0.25 + 0.75), 6);
    expect(at(0.1)).toBeCloseTo(((1.1 / 0.2) * (0.9 * 0.01 + 0.1)) / (0.25 * 0.01 + 0.75), 6);
    expect(at(0.9)).toBeCloseTo(((1.1 / 0.2) * (0.9 * 100 + 0.1)) / (0.25 * 100 + 0.75), 6);
  });

  it('counts votes for findings and quality classes for nothing', () => {
    const evidence = read(detectionOf({ ptsUs: 0, scores: { polyps: 0.5, pylorus: 0.4, 'bbps-0-1': 0.1 } }))!;
    expect(evidence.likelihoods[0]).toBeCloseTo(0.05 + 0.9 * 0.6);
    expect(evidence.supports).toBeNull();
  });

  it('reads out-of-body frames as nothing, other bad frames as no evidence', () => {
    expect(read(detectionOf({ ptsUs: 0, scores: { pylorus: 1 }, verdict: 'out-of-body' }))?.likelihoods).toEqual([1, 0.05, 0.05]);
    for (const verdict of ['blurred', 'dark', 'red-out', 'glare'] as const) {
      expect(read(detectionOf({ ptsUs: 0, scores: { pylorus: 1 }, verdict }))).toBeNull();
    }
  });

  it('lets a vote for a wider class help the narrower ones within it, never the other way round', () => {
    const within = createEvidenceReader(['stomach', 'antrum', 'z-line'], options);
    const antrum = within(detectionOf({ ptsUs: 0, scores: { antrum: 0.5, stomach: 0.5 } }))!;
    expect(antrum.supports).toBe(1);
    expect(antrum.score).toBe(0.5);
    expect(rounded(antrum.likelihoods)).toEqual([0.05, 0.54, 0.765, 0.09]);
    expect(within(detectionOf({ ptsUs: 0, scores: { stomach: 1 } }))!.supports).toBe(0);
  });

  it('does not hear votes for the tract that is not examined', () => {
    const upper = createEvidenceReader(['pylorus'], { ...options, tract: 'upper' });
    const scores = { pylorus: 0.3, cecum: 0.6, 'impacted-stool': 0.1 };
    expect(upper(detectionOf({ ptsUs: 0, scores }))).toMatchObject({ supports: 0 });
    expect(rounded(upper(detectionOf({ ptsUs: 0, scores }))!.likelihoods)).toEqual([0.05, 0.36]);
    expect(read(detectionOf({ ptsUs: 0, scores }))).toMatchObject({ supports: null });
  });

  it('does not take an inherited vote for a supporting frame', () => {
    const all = createEvidenceReader(['antrum'], { ...options, widerClassShare: 1, nothingShare: 0.01 });
    expect(all(detectionOf({ ptsUs: 0, scores: { stomach: 1 } }))!.supports).toBeNull();
  });
});
