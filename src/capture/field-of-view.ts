/**
 * Finds the field of view: the lit part of an endoscope's picture, told from the black around it and from the text and small pictures
 * that processors write beside it. Pure; luminance in, outline out.
 */
import type { Point } from '../media/row-spans.js';
import type { FieldOfView } from './frame.js';
import { convexHull, polygonArea, simplified, trimmed } from './outline.js';

/** Pictures are looked at no larger than this; the outline is good to about one of these pixels. */
const WORKING_WIDTH = 320;
/** Black is never brighter than this, even where a converter has lifted it to the 16 of limited range. */
export const MAX_BLACK = 20;
/** How much brighter than black lit tissue is, at least. */
export const LIT_ABOVE_BLACK = 8;
/** Bars higher than this share of the picture are none. */
const MAX_BAR = 0.15;
/** Half the width, as shares of the longer side, of what counts as writing: letters, and bars with letters in them. */
const STROKES = [0.014, 0.045];
/** Lit regions smaller than this share of the picture are no field of view. */
const MIN_AREA = 0.06;
/** An outline that leaves less than this share of its bounding box is a rectangle. */
const RECTANGLE_GAP = 0.012;

/** The brightest value that every pixel has had. */
export interface AccumulatedLuma {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/**
 * The field of view of pictures that share one geometry (several frames of a video, or a single still).
 * @param pictures Luminance, full range, row by row, `width * height` bytes each.
 * @returns null when nothing is lit enough to tell.
 */
export function detectFieldOfView(pictures: readonly Uint8Array[], width: number, height: number): FieldOfView | null {
  const accumulated = new Uint8Array(width * height);
  for (const picture of pictures) accumulate(accumulated, picture);
  return fieldOfViewOf({ width, height, pixels: accumulated });
}

/** Raises `accumulated` to `picture` wherever that is brighter. */
export function accumulate(accumulated: Uint8Array, picture: Uint8Array): void {
  for (let i = 0; i < accumulated.length; i += 1) {
    const value = picture[i] ?? 0;
    if (value > (accumulated[i] ?? 0)) accumulated[i] = value;
  }
}

/** The field of view in pixels of `luma`, or null. */
export function fieldOfViewOf(luma: AccumulatedLuma): FieldOfView | null {
  const small = shrunk(luma);
  const outline = litOutline(small);
  if (outline === null) return null;
  return toFieldOfView(outline, small, luma.width, luma.height);
}

/** The same field of view in a picture of another size. */
export function scaleFieldOfView(fieldOfView: FieldOfView, sourceWidth: number, sourceHeight: number): FieldOfView {
  const outline = cornersOf(fieldOfView);
  return toFieldOfView(outline, { width: fieldOfView.sourceWidth, height: fieldOfView.sourceHeight }, sourceWidth, sourceHeight);
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

/**
 * Takes the coloured bars out of the mask that some processors draw over the whole width below or above the picture. A bar has a few flat
 * colours, the same in every row, and ends in a hard edge; tissue, even out of focus, has neither.
 */
function eraseBars(mask: Uint8Array, { pixels, width, height }: AccumulatedLuma): void {
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

/**
 * Opening with a square, forgiving of holes: a pixel stays where some square around it is nearly all lit. A square keeps the corners of
 * rectangles and, to a tenth of a pixel, circles. What lies beyond the picture counts as lit, so that a full picture stays full.
 */
function openedSoftly(mask: Uint8Array, width: number, height: number, radius: number): Uint8Array {
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

interface LitRegion {
  readonly area: number;
  readonly mask: Uint8Array;
  /** Corners of the first and last pixel of every row. */
  readonly boundary: readonly Point[];
}

function largestRegion(mask: Uint8Array, width: number, height: number): LitRegion | null {
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

/** Averages blocks so that neither side is more than `WORKING_WIDTH`. */
function shrunk(luma: AccumulatedLuma): AccumulatedLuma {
  const { width, height, pixels } = luma;
  const factor = Math.max(width, height) / WORKING_WIDTH;
  if (factor <= 1.25) return luma;
  const toWidth = Math.max(1, Math.round(width / factor));
  const toHeight = Math.max(1, Math.round(height / factor));
  const out = new Uint8Array(toWidth * toHeight);
  for (let y = 0; y < toHeight; y += 1) {
    const top = Math.floor((y * height) / toHeight);
    const bottom = Math.max(top + 1, Math.floor(((y + 1) * height) / toHeight));
    for (let x = 0; x < toWidth; x += 1) {
      const left = Math.floor((x * width) / toWidth);
      const right = Math.max(left + 1, Math.floor(((x + 1) * width) / toWidth));
      let sum = 0;
      for (let row = top; row < bottom; row += 1)
        for (let column = left; column < right; column += 1) sum += pixels[row * width + column] ?? 0;
      out[y * toWidth + x] = Math.round(sum / ((bottom - top) * (right - left)));
    }
  }
  return { width: toWidth, height: toHeight, pixels: out };
}

/** Outline in pixels of a `from` picture → field of view in a picture of another size, on even pixels as 4:2:0 video needs. */
export function toFieldOfView(
  outline: readonly Point[],
  from: { readonly width: number; readonly height: number },
  sourceWidth: number,
  sourceHeight: number,
): FieldOfView {
  const scaleX = sourceWidth / from.width;
  const scaleY = sourceHeight / from.height;
  // Less than a pixel of the small picture from the edge is at the edge.
  const snap = (value: number, size: number): number => (value <= 1 ? 0 : value >= size - 1 ? size : value);
  const points = outline.map(([x, y]): Point => [snap(x, from.width) * scaleX, snap(y, from.height) * scaleY]);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const even = (value: number): number => 2 * Math.floor(value / 2);
  const x = even(Math.min(...xs));
  const y = even(Math.min(...ys));
  const right = Math.min(sourceWidth, 2 * Math.ceil(Math.max(...xs) / 2));
  const bottom = Math.min(sourceHeight, 2 * Math.ceil(Math.max(...ys) / 2));
  const rectangle = { x, y, width: right - x, height: bottom - y, sourceWidth, sourceHeight };
  const gap = 1 - polygonArea(points) / (rectangle.width * rectangle.height);
  if (gap < RECTANGLE_GAP) return rectangle;
  return { ...rectangle, outline: points.map(([px, py]) => [Math.round(px * 10) / 10, Math.round(py * 10) / 10] as const) };
}

/** The outline, or the four corners of a field of view that has none. */
export function cornersOf({ x, y, width, height, outline }: FieldOfView): readonly Point[] {
  return (
    outline ?? [
      [x, y],
      [x + width, y],
      [x + width, y + height],
      [x, y + height],
    ]
  );
}
