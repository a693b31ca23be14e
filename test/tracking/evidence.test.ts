import { describe, expect, it } from 'vitest';
import { createEvidenceReader } from '../../src/tracking/evidence.js';
import { resolveTrackerOptions } from '../../src/tracking/options.js';
import { detectionOf } from '../support/synthetic-detections.js';

const options = resolveTrackerOptions({
  labels: ['x'],
  scoreFloor: 0.1,
  nothingShare: 0.2,
  oddScore: 0.3,
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

  it('hardly hears the vote of an unknown frame, and weighs it by how often the gallery errs about that', () => {
    const unknown = detectionOf({ ptsUs: 0, scores: { pylorus: 0.7, 'z-line': 0.3 }, known: false });
    const evidence = read(unknown)!;
    expect(rounded(evidence.likelihoods)).toEqual([0.15, 0.054, 0.042]);
    expect(evidence).toMatchObject({ supports: null, score: 0 });
    const strict = createEvidenceReader(['pylorus', 'z-line'], { ...options, falseRejection: 0.6 });
    expect(rounded(strict(unknown)!.likelihoods)).toEqual([0.15, 0.324, 0.252]);
    expect(strict(unknown)).toMatchObject({ supports: 0, score: 0.7 });
  });

  it('counts an unknown frame for the landmarks that the gallery often refuses, more than for what it looks like', () => {
    const each = createEvidenceReader(['pylorus', 'z-line'], { ...options, oddShareOf: { 'z-line': 0.5 } });
    const unknown = each(detectionOf({ ptsUs: 0, scores: { pylorus: 1 }, known: false }))!;
    expect(rounded(unknown.likelihoods)).toEqual([0.15, 0.063, 0.165]);
    const known = each(detectionOf({ ptsUs: 0, scores: { 'z-line': 1 } }))!;
    expect(rounded(known.likelihoods)).toEqual([0.05, 0.09, 0.55]);
  });

  it('weighs how near the frame is, where the gallery states what that says', () => {
    const confidenceRatios = [
      { confidence: 0.2, ratio: 0.01 },
      { confidence: 0.6, ratio: 100 },
    ];
    const near = createEvidenceReader(['pylorus', 'z-line'], { ...options, confidenceRatios });
    const at = (confidence: number): number[] => rounded(near(withConfidence(confidence))!.likelihoods);
    const withConfidence = (confidence: number): ReturnType<typeof detectionOf> => {
      const detection = detectionOf({ ptsUs: 0, scores: { pylorus: 1 } });
      return { ...detection, match: { ...detection.match, confidence } };
    };
    // At a ratio of 1 half of the frame is a typical view, the vote of which counts, and half an odd one, of which it hardly does.
    expect(at(0.4)).toEqual(rounded([0.2 / 2, (0.9 * 1.1 + 0.1 * 0.3 * 2.1) / 2, (0.9 * 0.1 + 0.1 * 0.3 * 1.1) / 2]));
    expect(at(0.1)).toEqual(rounded([0.2 * (0.25 * 0.01 + 0.75), 0.9 * 0.01 * 1.1 + 0.063, 0.9 * 0.01 * 0.1 + 0.033].map((x) => x / 1.01)));
    expect(at(0.9)).toEqual(rounded([0.2 * (0.25 * 100 + 0.75), 0.9 * 100 * 1.1 + 0.063, 0.9 * 100 * 0.1 + 0.033].map((x) => x / 101)));
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
