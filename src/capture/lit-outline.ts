/** The outline of what is lit in a picture, told from the black around it and from the text and small pictures beside it. Pure. */
import type { Point } from '../media/row-spans.js';
import { eraseBars } from './bars.js';
import { largestRegion, openedSoftly } from './lit-region.js';
import { convexHull, polygonArea, simplified, trimmed } from './outline.js';

/** Black is never brighter than this, even where a converter has lifted it to the 16 of limited range. */
export const MAX_BLACK = 20;
/** How much brighter than black lit tissue is, at least. */
export const LIT_ABOVE_BLACK = 8;
/** Half the width, as shares of the longer side, of what counts as writing: letters, and bars with letters in them. */
const STROKES = [0.014, 0.045];
/** Lit regions smaller than this share of the picture are no field of view. */
const MIN_AREA = 0.06;

/** The brightest value that every pixel has had. */
export interface AccumulatedLuma {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** Convex outline of the lit region, corners in pixels of `luma` (pixel edges, not centres), or null. */
export function litOutline(luma: AccumulatedLuma): Point[] | null {
  const { width, height } = luma;
  const lit = litMask(luma);
  eraseBars(lit, luma);
  let best: { readonly outline: Point[]; readonly area: number; readonly solidity: number } | null = null;
  for (const stroke of STROKES) {
    const radius = Math.max(2, Math.round(stroke * Math.max(width, height)));
    const region = largestRegion(openedSoftly(lit, width, height, radius), width, height);
    if (region === null || region.area < MIN_AREA * width * height) break;
    const outline = simplified(trimmed(simplified(convexHull(region.boundary), 0.2), region.mask, width, height), 0.6);
    const area = polygonArea(outline);
    const solidity = region.area / area;
    // Coarser is better only where it takes away something that leaves black inside the outline.
    if (best === null || (solidity > best.solidity + 0.02 && area > 0.9 * best.area)) best = { outline, area, solidity };
  }
  return best?.outline ?? null;
}

function litMask({ pixels, width, height }: AccumulatedLuma): Uint8Array {
  const threshold = blackLevel(pixels, width, height) + LIT_ABOVE_BLACK;
  const mask = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i += 1) mask[i] = (pixels[i] ?? 0) > threshold ? 1 : 0;
  return mask;
}

/** The value of the black around the picture; 0 where there is none. Black is flat: dark tissue at the rim spreads over many values. */
function blackLevel(pixels: Uint8Array, width: number, height: number): number {
  const counts = new Uint32Array(2 * MAX_BLACK + 1);
  const rim = Math.max(2, Math.round(0.02 * width));
  let dark = 0;
  for (let y = 0; y < height; y += 1) {
    const wholeRow = y < rim || y >= height - rim;
    for (let x = 0; x < width; x += 1) {
      if (!wholeRow && x === rim) x = width - rim;
      const value = pixels[y * width + x] ?? 0;
      if (value >= counts.length) continue;
      counts[value] = (counts[value] ?? 0) + 1;
      dark += 1;
    }
  }
  const around = (value: number): number => {
    let sum = 0;
    for (let near = Math.max(0, value - 2); near <= value + 2; near += 1) sum += counts[near] ?? 0;
    return sum;
  };
  let best = 0;
  for (let value = 1; value <= MAX_BLACK; value += 1) if (around(value) > around(best)) best = value;
  return around(best) > 0.55 * dark ? best : 0;
}
