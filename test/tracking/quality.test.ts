import { describe, expect, it } from 'vitest';
import type { QualityMeasures } from '../../src/inference/embedder.js';
import { detailOf, judgeQuality, QUALITY_LIMITS } from '../../src/tracking/quality.js';

const of = (
  luminance: number,
  litShare: number,
  glareShare: number,
  sharpness: number,
  redness: number,
  saturation: number,
  contrast: number,
): QualityMeasures => ({ luminance, litShare, glareShare, sharpness, redness, saturation, contrast });

/** Measures of scenes of real examinations, at 224 × 224. */
const SCENES = {
  'antrum, pale and smooth': of(0.523, 0.898, 0.009, -0.622, 0.424, 0.42, 0.106),
  'retroflexion with the shaft': of(0.436, 0.897, 0.008, -0.71, 0.428, 0.422, 0.169),
  'angulus before a dark lumen': of(0.211, 0.87, 0, -1.187, 0.433, 0.504, 0.133),
  'retroflexion, dark lumen': of(0.303, 0.893, 0, -1.297, 0.492, 0.588, 0.178),
  'colonic lumen': of(0.451, 0.926, 0.013, -0.925, 0.481, 0.547, 0.163),
  'polyp in half shade': of(0.242, 0.755, 0.009, -0.974, 0.471, 0.508, 0.189),
  'blue of a mode change': of(0.189, 0.448, 0.013, -0.613, 0.216, 0.472, 0.144),
  'narrow-band light': of(0.234, 0.681, 0.002, -0.776, 0.37, 0.239, 0.148),
  'lens on the wall': of(0.451, 0.933, 0, -1.058, 0.669, 0.887, 0.088),
  'lens nearly on the wall': of(0.467, 0.921, 0.017, -1.382, 0.541, 0.69, 0.178),
  'fold in motion': of(0.397, 0.925, 0, -1.662, 0.476, 0.552, 0.15),
  'angulus in motion': of(0.309, 0.879, 0.008, -1.919, 0.394, 0.445, 0.23),
  'near wall, burnt out': of(0.637, 0.895, 0.502, -1.632, 0.405, 0.311, 0.371),
  'unlit lumen': of(0.077, 0.679, 0, -0.33, 0.329, 0.493, 0.046),
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
    ['fold in motion', 'blurred'],
    ['angulus in motion', 'blurred'],
    ['near wall, burnt out', 'glare'],
    ['unlit lumen', 'dark'],
  ] as const)('%s is %s', (scene, verdict) => {
    expect(judgeQuality(SCENES[scene]).verdict).toBe(verdict);
  });

  it('calls a grey room outside the body', () => {
    expect(judgeQuality(of(0.5, 1, 0.05, -0.8, 0.34, 0.12, 0.25)).verdict).toBe('out-of-body');
  });

  it('calls a black picture dark, with finite measures or the floors of an empty one', () => {
    expect(judgeQuality(of(0, 0, 0, -3, 0, 0, 0))).toEqual({ verdict: 'dark', score: 0 });
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
    expect(scoreOf({ luminance: 0.16, contrast: (base.contrast * 0.16) / base.luminance })).toBeLessThan(scoreOf({}));
  });
});

describe('detailOf', () => {
  it('is the Laplacian energy over contrast × luminance', () => {
    const energy = 0.0004;
    const [contrast, luminance] = [0.2, 0.4];
    const measures = of(luminance, 1, 0, Math.log10(energy / contrast ** 2), 0.45, 0.5, contrast);
    expect(detailOf(measures)).toBeCloseTo(Math.log10(energy / (contrast * luminance)), 12);
  });

  it('tells the clear scenes from the blurred ones', () => {
    expect(detailOf(SCENES['angulus before a dark lumen'])).toBeGreaterThan(QUALITY_LIMITS.minDetail + 0.2);
    expect(detailOf(SCENES['fold in motion'])).toBeLessThan(QUALITY_LIMITS.minDetail - 0.1);
  });
});
