import type { AccumulatedLuma } from './lit-outline.js';

/** Bars higher than this share of the picture are none. */
const MAX_BAR = 0.15;

/**
 * Takes the coloured bars out of the mask that some processors draw over the whole width below or above the picture. A bar has a few flat
 * colours, the same in every row, and ends in a hard edge; tissue, even out of focus, has neither.
 */
export function eraseBars(mask: Uint8Array, { pixels, width, height }: AccumulatedLuma): void {
  const row = (y: number): Uint8Array => pixels.subarray(y * width, (y + 1) * width);
  for (const [edge, inwards] of [
    [0, 1],
    [height - 1, -1],
  ] as const) {
    let y = edge;
    let rows = 0;
    while (rows < MAX_BAR * height && isFlat(row(y)) && (rows === 0 || changed(row(y), row(y - inwards)) < 0.2)) {
      y += inwards;
      rows += 1;
    }
    // A row or two may mix bar and picture.
    const beyond = y + 2 * inwards;
    if (rows < 2 || rows >= MAX_BAR * height || changed(row(beyond), row(y - inwards)) < 0.4) continue;
    const from = Math.min(edge, y);
    const bar = mask.subarray(from * width, (from + rows + 1) * width);
    if (bar.subarray(0, -width).includes(1)) bar.fill(0);
  }
}

function isFlat(row: Uint8Array): boolean {
  const counts = new Uint32Array(260);
  for (const value of row) counts[value + 2] = (counts[value + 2] ?? 0) + 1;
  let covered = 0;
  for (let colours = 0; colours < 3; colours += 1) {
    let best = 2;
    let most = -1;
    for (let at = 2; at <= 257; at += 1) {
      let around = 0;
      for (let near = at - 2; near <= at + 2; near += 1) around += counts[near] ?? 0;
      if (around > most) [best, most] = [at, around];
    }
    covered += most;
    counts.fill(0, best - 2, best + 3);
  }
  return covered > 0.8 * row.length;
}

/** Share of the columns in which two rows differ visibly. */
function changed(a: Uint8Array, b: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < a.length; i += 1) if (Math.abs((a[i] ?? 0) - (b[i] ?? 0)) > 6) count += 1;
  return count / Math.max(1, a.length);
}
