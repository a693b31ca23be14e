import { describe, expect, it } from 'vitest';
import { clipped, convexHull, polygonArea, simplified } from '../../src/capture/outline.js';
import { rowSpans, type Point } from '../../src/media/row-spans.js';

const SQUARE: Point[] = [
  [1, 1],
  [5, 1],
  [5, 5],
  [1, 5],
];

describe('outline', () => {
  it('takes the hull without inner and collinear points', () => {
    const hull = convexHull([...SQUARE, [3, 3], [3, 1], [2, 4]]);
    expect([...hull].sort((a, b) => a[0] - b[0] || a[1] - b[1])).toEqual([
      [1, 1],
      [1, 5],
      [5, 1],
      [5, 5],
    ]);
    expect(polygonArea(hull)).toBe(16);
  });

  it('clips at a half-plane', () => {
    expect(polygonArea(clipped(SQUARE, 1, 0, 3))).toBeCloseTo(8);
    expect(clipped(SQUARE, 1, 0, 0)).toEqual([]);
    expect(polygonArea(clipped(SQUARE, 1, 0, 9))).toBe(16);
  });

  it('counts the pixels whose centres lie inside', () => {
    expect([...rowSpans(SQUARE, 8, 7)]).toEqual([0, 0, 1, 5, 1, 5, 1, 5, 1, 5, 0, 0, 0, 0]);
    // A diamond, cut by the right edge; its corners lie on pixel centres, which count.
    const diamond: Point[] = [
      [3, 0],
      [6, 3],
      [3, 6],
      [0, 3],
    ];
    expect([...rowSpans(diamond, 4, 6)]).toEqual([2, 4, 1, 4, 0, 4, 0, 4, 1, 4, 2, 4]);
  });

  it('leaves out corners that hardly matter', () => {
    const almost: Point[] = [
      [1, 1],
      [3, 0.9],
      [5, 1],
      [5, 5],
      [1, 5],
    ];
    expect(simplified(almost, 0.5)).toHaveLength(4);
    expect(simplified(almost, 0.05)).toHaveLength(5);
  });
});
