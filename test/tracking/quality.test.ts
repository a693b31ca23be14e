import { describe, expect, it } from 'vitest';
import type { QualityMeasures } from '../../src/inference/embedder.js';
import { judgeQuality } from '../../src/tracking/quality.js';

const of = (
  luminance: number,
  litShare: number,
  glareShare: number,
  sharpness: number,
  redness: number,
  saturation: number,
  contrast: number,
): QualityMeasures => ({ luminance, litShare, glareShare, sharpness, redness, saturation, contrast });

/** Measures of scenes of real examinations. */
const SCENES = {
  'antrum, pale and smooth': of(0.54, 0.9, 0.009, -3.05, 0.42, 0.41, 0.13),
  'retroflexion with the shaft': of(0.46, 0.9, 0.008, -2.48, 0.42, 0.4, 0.17),
  'angulus before a dark lumen': of(0.23, 0.88, 0, -2.69, 0.42, 0.48, 0.17),
  'retroflexion, dark lumen': of(0.35, 0.9, 0, -2.6, 0.49, 0.57, 0.17),
  'colonic lumen': of(0.45, 0.93, 0.013, -2.09, 0.48, 0.56, 0.19),
  'polyp in half shade': of(0.25, 0.78, 0.009, -2.13, 0.47, 0.5, 0.19),
  'narrow-band light': of(0.22, 0.68, 0.002, -2.3, 0.37, 0.24, 0.15),
  'blue of a mode change': of(0.19, 0.45, 0.013, -2.3, 0.22, 0.47, 0.14),
  'lens on the wall': of(0.45, 0.93, 0, -3.93, 0.67, 0.89, 0.09),
  'lens nearly on the wall': of(0.47, 0.92, 0.017, -3.29, 0.54, 0.69, 0.18),
  'smear of motion': of(0.42, 0.94, 0, -3.7, 0.47, 0.53, 0.13),
  'simulated antrum, very smooth': of(0.5, 0.9, 0.001, -3.33, 0.5, 0.56, 0.12),
  'simulated z-line in narrow-band light': of(0.5, 0.9, 0.02, -1.57, 0.36, 0.1, 0.25),
  'near wall, burnt out': of(0.64, 0.9, 0.5, -4.16, 0.41, 0.31, 0.37),
  'unlit lumen': of(0.077, 0.68, 0, -2.9, 0.33, 0.49, 0.05),
} as const;

describe('judgeQuality', () => {
  it.each([
    ['antrum, pale and smooth', 'good'],
    ['retroflexion with the shaft', 'good'],
    ['angulus before a dark lumen', 'good'],
    ['retroflexion, dark lumen', 'good'],
    ['colonic lumen', 'good'],
    ['polyp in half shade', 'good'],
    ['blue of a mode change', 'good'],
    ['narrow-band light', 'good'],
    ['lens on the wall', 'red-out'],
    ['lens nearly on the wall', 'red-out'],
    ['smear of motion', 'blurred'],
    ['simulated antrum, very smooth', 'good'],
    ['simulated z-line in narrow-band light', 'good'],
    ['near wall, burnt out', 'glare'],
    ['unlit lumen', 'dark'],
  ] as const)('%s is %s', (scene, verdict) => {
    expect(judgeQuality(SCENES[scene]).verdict).toBe(verdict);
  });

  it('calls a grey room outside the body', () => {
    expect(judgeQuality(of(0.5, 1, 0.05, -2, 0.335, 0.12, 0.25)).verdict).toBe('out-of-body');
  });

  it('calls a black picture dark, with finite measures or the floors of an empty one', () => {
    expect(judgeQuality(of(0, 0, 0, -4, 0, 0, 0))).toEqual({ verdict: 'dark', score: 0 });
  });

  it('scores between 0 and 1, clear above soft, exposed above dim', () => {
    for (const measures of Object.values(SCENES)) {
      const { score, verdict } = judgeQuality(measures);
      if (verdict === 'good') expect(score).toBeGreaterThan(0);
      else expect(score).toBe(0);
      expect(score).toBeLessThanOrEqual(1);
    }
    const base = SCENES['retroflexion with the shaft'];
    const scoreOf = (change: Partial<QualityMeasures>): number => judgeQuality({ ...base, ...change }).score;
    expect(scoreOf({ sharpness: base.sharpness + 0.3 })).toBeGreaterThan(scoreOf({}));
    expect(scoreOf({ glareShare: 0.15 })).toBeLessThan(scoreOf({}));
    expect(scoreOf({ luminance: 0.16 })).toBeLessThan(scoreOf({}));
  });
});
