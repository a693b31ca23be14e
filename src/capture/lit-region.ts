/** Regions of a mask: `[height, width]`, 1 where it is lit. Pure. */
import type { Point } from '../media/row-spans.js';

/**
 * Opening with a square, forgiving of holes: a pixel stays where some square around it is nearly all lit. A square keeps the corners of
 * rectangles and, to a tenth of a pixel, circles. What lies beyond the picture counts as lit, so that a full picture stays full.
 */
export function openedSoftly(mask: Uint8Array, width: number, height: number, radius: number): Uint8Array {
  const lit = boxSums(mask, width, height, radius);
  const eroded = new Uint8Array(mask.length);
  for (let y = 0; y < height; y += 1) {
    const rows = Math.min(height - 1, y + radius) - Math.max(0, y - radius) + 1;
    for (let x = 0; x < width; x += 1) {
      const columns = Math.min(width - 1, x + radius) - Math.max(0, x - radius) + 1;
      if ((lit[y * width + x] ?? 0) >= 0.9 * rows * columns) eroded[y * width + x] = 1;
    }
  }
  const dilated = boxSums(eroded, width, height, radius);
  const opened = new Uint8Array(mask.length);
  // Only what was lit comes back: forgiving of holes must not mean growing into the black.
  for (let i = 0; i < mask.length; i += 1) opened[i] = (dilated[i] ?? 0) > 0 && mask[i] === 1 ? 1 : 0;
  return opened;
}

/** Sum over the square of `2 * radius + 1` pixels around each pixel, cut at the edges. */
function boxSums(mask: Uint8Array, width: number, height: number, radius: number): Uint32Array {
  const stride = width + 1;
  const integral = new Uint32Array(stride * (height + 1));
  for (let y = 0; y < height; y += 1) {
    let row = 0;
    for (let x = 0; x < width; x += 1) {
      row += mask[y * width + x] ?? 0;
      integral[(y + 1) * stride + x + 1] = (integral[y * stride + x + 1] ?? 0) + row;
    }
  }
  const sums = new Uint32Array(mask.length);
  for (let y = 0; y < height; y += 1) {
    const top = Math.max(0, y - radius) * stride;
    const bottom = Math.min(height, y + radius + 1) * stride;
    for (let x = 0; x < width; x += 1) {
      const left = Math.max(0, x - radius);
      const right = Math.min(width, x + radius + 1);
      sums[y * width + x] =
        (integral[bottom + right] ?? 0) - (integral[top + right] ?? 0) - (integral[bottom + left] ?? 0) + (integral[top + left] ?? 0);
    }
  }
  return sums;
}

export interface LitRegion {
  readonly area: number;
  readonly mask: Uint8Array;
  /** Corners of the first and last pixel of every row. */
  readonly boundary: readonly Point[];
}

/** The largest region whose pixels touch side by side; null where nothing is lit. */
export function largestRegion(mask: Uint8Array, width: number, height: number): LitRegion | null {
  const labels = new Int32Array(mask.length);
  const queue = new Int32Array(mask.length);
  let best = 0;
  let bestArea = 0;
  let label = 0;
  let tail = 0;
  const visit = (next: number): void => {
    if (mask[next] !== 1 || labels[next] !== 0) return;
    labels[next] = label;
    queue[tail] = next;
    tail += 1;
  };
  for (let seed = 0; seed < mask.length; seed += 1) {
    if (mask[seed] !== 1 || labels[seed] !== 0) continue;
    label += 1;
    labels[seed] = label;
    queue[0] = seed;
    tail = 1;
    for (let head = 0; head < tail; head += 1) {
      const at = queue[head] ?? 0;
      const x = at % width;
      if (x > 0) visit(at - 1);
      if (x < width - 1) visit(at + 1);
      if (at >= width) visit(at - width);
      if (at < mask.length - width) visit(at + width);
    }
    if (tail > bestArea) {
      bestArea = tail;
      best = label;
    }
  }
  if (bestArea === 0) return null;
  const region = new Uint8Array(mask.length);
  const boundary: Point[] = [];
  for (let y = 0; y < height; y += 1) {
    let first = -1;
    let last = -1;
    for (let x = 0; x < width; x += 1) {
      if (labels[y * width + x] !== best) continue;
      region[y * width + x] = 1;
      if (first < 0) first = x;
      last = x;
    }
    if (first >= 0) boundary.push([first, y], [first, y + 1], [last + 1, y], [last + 1, y + 1]);
  }
  return { area: bestArea, mask: region, boundary };
}
