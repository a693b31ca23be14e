import { describe, expect, it } from 'vitest';
import { clockText, intervalText, percentText } from '../../src/report/format.js';
import { extent, linearScale, plainNumber, roundTicks } from '../../src/report/scale.js';

describe('linearScale', () => {
  it('maps ends to ends, and a single value to the middle', () => {
    const scale = linearScale([0, 10], [100, 200]);
    expect([scale(0), scale(5), scale(10)]).toEqual([100, 150, 200]);
    expect(linearScale([3, 3], [0, 100])(3)).toBe(50);
  });
});

describe('roundTicks', () => {
  it('gives round values within the range', () => {
    expect(roundTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(roundTicks(-7, 23, 6)).toEqual([-5, 0, 5, 10, 15, 20]);
    expect(roundTicks(0.0012, 0.0031, 4)).toEqual([0.0015, 0.002, 0.0025, 0.003]);
    expect(roundTicks(4, 4, 5)).toEqual([4]);
  });
});

describe('numbers as text', () => {
  it('is what a reader expects', () => {
    expect(extent([NaN, 3, -1])).toEqual([-1, 3]);
    expect(extent([])).toEqual([0, 1]);
    expect(plainNumber(0.1 + 0.2)).toBe('0.3');
    expect(percentText(0.97714)).toBe('97.7 %');
    expect(percentText(NaN)).toBe('–');
    expect(intervalText([0.956, 0.988])).toBe('95.6 – 98.8 %');
    expect([clockText(63), clockText(3723)]).toEqual(['1:03', '1:02:03']);
  });
});
