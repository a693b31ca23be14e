import { between, type Random } from '../common/random.js';

/**
 * The outline of a field of view that touches the borders of its picture more or less: a circle, an octagon or a rectangle with cut corners,
 * whichever the processor draws. In half-widths and half-heights of the picture.
 */
export interface Outline {
  readonly centre: readonly [x: number, y: number];
  readonly size: number;
  /** Of the circle, in units of `size`; √2 reaches the corners. */
  readonly radius: number;
  /** Greatest |x| + |y|, in units of `size`; 2 reaches the corners. */
  readonly corner: number;
}

export function drawOutline(random: Random): Outline {
  const shape = random();
  return {
    centre: [between(random, -0.05, 0.05), between(random, -0.05, 0.05)],
    size: between(random, 0.88, 1.05),
    radius: shape < 0.4 ? between(random, 1, 1.2) : Math.SQRT2,
    corner: shape >= 0.4 && shape < 0.8 ? between(random, 1.35, 1.85) : 2,
  };
}

export function isInside({ centre, size, radius, corner }: Outline, x: number, y: number): boolean {
  const across = Math.abs(x - centre[0]) / size;
  const down = Math.abs(y - centre[1]) / size;
  return across <= 1 && down <= 1 && across * across + down * down <= radius * radius && across + down <= corner;
}
