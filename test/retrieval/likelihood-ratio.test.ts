import { describe, expect, it } from 'vitest';
import { confidenceRatios, ratioAt } from '../../src/retrieval/likelihood-ratio.js';
import { operatingPoint } from '../../src/retrieval/operating-point.js';

/** Evenly spread over `centre` ± 0.2. */
const queries = (label: string, centre: number, count = 200): { label: string; confidence: number; right: boolean }[] =>
  Array.from({ length: count }, (_, at) => ({ label, confidence: centre + 0.4 * ((at + 0.5) / count - 0.5), right: true }));

describe('the likelihood ratio of a confidence', () => {
  it('is the ratio of the densities where known and foreign overlap, and large or small beyond', () => {
    // Known 0.3…0.7, foreign 0.1…0.5; between 0.3 and 0.5 both are as dense.
    const points = confidenceRatios(operatingPoint(queries('a', 0.5), queries('b', 0.3), 0.2).curve);
    expect(ratioAt(points, 0.4)).toBeGreaterThan(0.7);
    expect(ratioAt(points, 0.4)).toBeLessThan(1.4);
    expect(ratioAt(points, 0.15)).toBeLessThan(0.1);
    expect(ratioAt(points, 0.65)).toBeGreaterThan(10);
  });

  it('never falls as the confidence rises, whatever the queries', () => {
    const known = [0.1, 0.5, 0.52, 0.7, 0.3, 0.9, 0.4].map((confidence) => ({ label: 'a', confidence, right: true }));
    const foreign = [0.2, 0.6, 0.05, 0.45, 0.31, 0.33].map((confidence) => ({ label: 'b', confidence, right: true }));
    const points = confidenceRatios(operatingPoint(known, foreign, 1).curve);
    const ratios = Array.from({ length: 101 }, (_, at) => ratioAt(points, at / 100));
    for (let at = 1; at < ratios.length; at++) expect(ratios[at]!).toBeGreaterThanOrEqual(ratios[at - 1]! - 1e-12);
    expect(ratios[0]).toBeLessThan(ratios[100]!);
  });

  it('goes on level beyond the ends, and is 1 without a curve', () => {
    const points = [
      { confidence: 0.2, ratio: 0.1 },
      { confidence: 0.4, ratio: 10 },
    ];
    expect(ratioAt(points, -1)).toBe(0.1);
    expect(ratioAt(points, 2)).toBe(10);
    expect(ratioAt(points, 0.3)).toBeCloseTo(1);
    expect(ratioAt([], 0.3)).toBe(1);
    expect(confidenceRatios([])).toEqual([]);
  });
});
