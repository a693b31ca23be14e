import type { Paint } from '../tube.js';

/** 1 at 0, closing to 0 at 1 as a sphere does. */
export function dome(part: number): number {
  const clipped = Math.max(0, Math.min(1, part));
  return Math.sqrt(1 - clipped * clipped);
}

/** Where `value` lies between `low` (0) and `high` (1). */
export function ramp(value: number, low: number, high: number): number {
  return Math.max(0, Math.min(1, (value - low) / (high - low)));
}

/** Between two angles, 0…π. */
export function angleBetween(a: number, b: number): number {
  const turn = Math.abs(a - b) % (2 * Math.PI);
  return Math.min(turn, 2 * Math.PI - turn);
}

/** Distance from the middle to the side of a triangle with rounded corners, at an angle, for a side 1 away from the middle. */
export function triangle(angle: number): number {
  const third = (2 * Math.PI) / 3;
  const within = ((angle % third) + third) % third;
  return 1 / Math.max(0.55, Math.cos(within - third / 2));
}

export function mixPaint(into: Paint, other: Paint, weight: number): void {
  into.red += (other.red - into.red) * weight;
  into.green += (other.green - into.green) * weight;
  into.blue += (other.blue - into.blue) * weight;
  into.gloss += (other.gloss - into.gloss) * weight;
}
