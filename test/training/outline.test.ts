import { describe, expect, it } from 'vitest';
import { randomStream } from '../../src/common/random.js';
import { drawOutline, isInside, type Outline } from '../../src/training/outline.js';

const RECTANGLE: Outline = { centre: [0, 0], size: 1, radius: Math.SQRT2, corner: 2 };

describe('isInside', () => {
  it('tells a circle, an octagon and a rectangle by their corners', () => {
    expect(isInside(RECTANGLE, 0.99, 0.99)).toBe(true);
    expect(isInside(RECTANGLE, 1.01, 0)).toBe(false);
    const circle = { ...RECTANGLE, radius: 1 };
    expect(isInside(circle, 0.99, 0)).toBe(true);
    expect(isInside(circle, 0.72, 0.72)).toBe(false);
    const octagon = { ...RECTANGLE, corner: 1.5 };
    expect(isInside(octagon, 0.99, 0.4)).toBe(true);
    expect(isInside(octagon, 0.8, 0.8)).toBe(false);
  });

  it('follows its centre and its size', () => {
    const moved = { ...RECTANGLE, centre: [0.1, -0.1] as const, size: 0.5 };
    expect(isInside(moved, 0.59, -0.59)).toBe(true);
    expect(isInside(moved, -0.41, 0)).toBe(false);
    expect(isInside(moved, 0, 0.41)).toBe(false);
  });
});

describe('drawOutline', () => {
  it('draws each shape, and always keeps the middle of the picture', () => {
    const drawn = Array.from({ length: 300 }, (_, draw) => drawOutline(randomStream(1, draw)));
    const circles = drawn.filter(({ radius }) => radius < Math.SQRT2);
    const octagons = drawn.filter(({ corner }) => corner < 2);
    expect(circles.length).toBeGreaterThan(80);
    expect(octagons.length).toBeGreaterThan(80);
    expect(drawn.length - circles.length - octagons.length).toBeGreaterThan(30);
    for (const outline of drawn) {
      for (let angle = 0; angle < 6.3; angle += 0.3) expect(isInside(outline, 0.75 * Math.cos(angle), 0.75 * Math.sin(angle))).toBe(true);
    }
  });
});
