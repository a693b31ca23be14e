export type Point = readonly [x: number, y: number];

/**
 * The pixels whose centres lie inside a convex polygon, row by row: row y holds pixels `spans[2 * y]` to before `spans[2 * y + 1]`,
 * which are equal where the polygon misses the row.
 */
export function rowSpans(polygon: readonly Point[], width: number, height: number): Int32Array {
  const spans = new Int32Array(2 * height);
  for (let y = 0; y < height; y += 1) spans[2 * y] = width;
  for (let index = 0; index < polygon.length; index += 1) {
    const [x, y] = polygon[index] ?? [0, 0];
    const [nextX, nextY] = polygon[(index + 1) % polygon.length] ?? [x, y];
    const top = Math.min(y, nextY);
    const bottom = Math.max(y, nextY);
    for (let row = Math.max(0, Math.ceil(top - 0.5)); row < Math.min(height, Math.ceil(bottom - 0.5)); row += 1) {
      const crossing = x + ((row + 0.5 - y) / (nextY - y)) * (nextX - x) - 0.5;
      spans[2 * row] = Math.min(spans[2 * row] ?? 0, Math.max(0, Math.ceil(crossing)));
      spans[2 * row + 1] = Math.max(spans[2 * row + 1] ?? 0, Math.min(width, Math.floor(crossing) + 1));
    }
  }
  for (let y = 0; y < height; y += 1) if ((spans[2 * y] ?? 0) > (spans[2 * y + 1] ?? 0)) spans[2 * y] = spans[2 * y + 1] ?? 0;
  return spans;
}
