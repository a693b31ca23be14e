import { describe, expect, it } from 'vitest';
import { createAssigner } from '../../../src/procedure/photographs/assign.js';
import type { Calibration } from '../../../src/retrieval/manifest.js';
import type { Match } from '../../../src/retrieval/match.js';

const LABELS = ['antrum', 'pylorus', 'stomach', 'cecum', 'polyps'];
const GOOD = { verdict: 'good', score: 0.9 } as const;

function match(scores: Readonly<Record<string, number>>, over: Partial<Match> = {}): Match {
  const sorted = Object.entries(scores)
    .map(([label, score]) => ({ label, score }))
    .sort((a, b) => b.score - a.score);
  return { scores: sorted, neighbours: [], known: true, confidence: 0.4, ...over };
}

const point = (threshold: number, precision: number, loss: number): Calibration['curve'][number] => ({
  threshold,
  precision,
  loss,
  falseAcceptance: 0.1,
});
const calibration = {
  chosen: point(0.3, 0.8, 0.2),
  curve: [point(0, 0.6, 0), point(0.3, 0.8, 0.2), point(0.5, 0.95, 0.6), point(0.9, 0, 1)],
} as unknown as Calibration;

describe('createAssigner', () => {
  const assign = createAssigner({ labels: LABELS, tract: 'upper', calibration });

  it('assigns what is clear, with the precision that the calibration saw', () => {
    expect(assign(GOOD, match({ antrum: 0.8, pylorus: 0.1, stomach: 0.1 }))).toEqual({
      outcome: 'assigned',
      landmark: 'antrum',
      score: 0.8,
      shows: 'antrum',
      doubts: [],
      precision: 0.8,
    });
    expect(assign(GOOD, match({ antrum: 1 }, { confidence: 0.7 })).precision).toBe(0.95);
    expect(assign(GOOD, match({ antrum: 1 }, { confidence: -1 })).precision).toBe(0.6);
  });

  it('doubts a close runner-up, a small majority and a soft picture, but no wider class', () => {
    expect(assign(GOOD, match({ antrum: 0.55, pylorus: 0.45 }))).toMatchObject({ outcome: 'doubtful', doubts: ['contested'] });
    expect(assign(GOOD, match({ antrum: 0.4, polyps: 0.15, z: 0.15, y: 0.15, x: 0.15 }))).toMatchObject({ outcome: 'doubtful' });
    expect(assign(GOOD, match({ antrum: 0.5, stomach: 0.45, pylorus: 0.05 }))).toMatchObject({ outcome: 'assigned', landmark: 'antrum' });
    expect(assign({ verdict: 'good', score: 0.3 }, match({ antrum: 1 }))).toMatchObject({ outcome: 'doubtful', doubts: ['soft'] });
  });

  it('doubts what a weak gallery says, however clear the vote', () => {
    const weak = { ...calibration, curve: [point(0, 0.2, 0), point(0.3, 0.4, 0.2), point(0.5, 0.9, 0.6)] };
    const assignWeak = createAssigner({ labels: LABELS, tract: 'upper', calibration: weak });
    expect(assignWeak(GOOD, match({ antrum: 1 }))).toMatchObject({ outcome: 'doubtful', doubts: ['imprecise'], precision: 0.4 });
    expect(assignWeak(GOOD, match({ antrum: 1 }, { confidence: 0.6 }))).toMatchObject({ outcome: 'assigned', precision: 0.9 });
    const assignBlind = createAssigner({ labels: LABELS, tract: 'upper', calibration: null });
    expect(assignBlind(GOOD, match({ antrum: 1 }))).toMatchObject({ outcome: 'doubtful', doubts: ['uncalibrated'], precision: null });
  });

  it('guesses only where the gallery does not know the picture', () => {
    expect(assign(GOOD, match({ antrum: 0.9, pylorus: 0.1 }, { known: false }))).toMatchObject({ outcome: 'unknown', landmark: 'antrum' });
  });

  it('tells findings from landmarks, and never answers with the other tract', () => {
    expect(assign(GOOD, match({ polyps: 0.9, antrum: 0.1 }))).toMatchObject({ outcome: 'other', landmark: null, shows: 'polyps' });
    expect(assign(GOOD, match({ cecum: 0.7, antrum: 0.3 }))).toMatchObject({ landmark: 'antrum', shows: 'antrum' });
  });

  it.each(['blurred', 'dark', 'red-out', 'glare', 'out-of-body'] as const)('does not use a picture that is %s', (verdict) => {
    expect(assign({ verdict, score: 0 }, match({ antrum: 1 }))).toMatchObject({ outcome: 'unusable', landmark: null });
  });
});
