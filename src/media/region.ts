import { rowSpans, type Point } from './row-spans.js';

/** RGB, row by row, `[height, width, 3]`. */
export interface Still {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** Part of a picture that is kept: a rectangle in pixels and, inside it, the convex outline of what is lit. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly outline?: readonly Point[];
}

/**
 * Copies what lies inside `region`; pixels whose centre is outside the outline become black.
 * @throws RangeError when the region does not lie inside the picture.
 */
export function cutRegion(still: Still, region: Region): Still {
  const { x, y, width, height, outline } = region;
  const whole = [x, y, width, height].every(Number.isInteger);
  if (!whole || x < 0 || y < 0 || width < 1 || height < 1 || x + width > still.width || y + height > still.height) {
    throw new RangeError(`region ${width}x${height}+${x}+${y} is not inside a picture of ${still.width}x${still.height}`);
  }
  const spans = outline === undefined ? null : rowSpans(outline, still.width, still.height);
  const pixels = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const from = Math.max(x, spans?.[2 * (y + row)] ?? x);
    const to = Math.min(x + width, spans?.[2 * (y + row) + 1] ?? x + width);
    if (from >= to) continue;
    const start = ((y + row) * still.width + from) * 3;
    pixels.set(still.pixels.subarray(start, start + (to - from) * 3), (row * width + from - x) * 3);
  }
  return { width, height, pixels };
}
