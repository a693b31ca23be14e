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
  readonly outline?: readonly (readonly [x: number, y: number])[];
}

/** Where row centre `y` crosses a convex outline, or null where it does not. */
function spanAt(outline: readonly (readonly [number, number])[], y: number): readonly [number, number] | null {
  let from = Infinity;
  let to = -Infinity;
  let [previousX, previousY] = outline.at(-1) ?? [0, 0];
  for (const [x, nextY] of outline) {
    if (previousY <= y !== nextY <= y) {
      const crossing = previousX + ((y - previousY) / (nextY - previousY)) * (x - previousX);
      from = Math.min(from, crossing);
      to = Math.max(to, crossing);
    }
    previousX = x;
    previousY = nextY;
  }
  return from <= to ? [from, to] : null;
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
  const pixels = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    let from = x;
    let to = x + width;
    if (outline !== undefined) {
      const span = spanAt(outline, y + row + 0.5);
      if (span === null) continue;
      from = Math.max(from, Math.ceil(span[0] - 0.5));
      to = Math.min(to, Math.floor(span[1] - 0.5) + 1);
    }
    if (from >= to) continue;
    const start = ((y + row) * still.width + from) * 3;
    pixels.set(still.pixels.subarray(start, start + (to - from) * 3), (row * width + from - x) * 3);
  }
  return { width, height, pixels };
}
