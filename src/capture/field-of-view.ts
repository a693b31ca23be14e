/**
 * The field of view: the lit part of an endoscope's picture. Pure; luminance in, outline out.
 */
import type { Point } from '../media/row-spans.js';
import type { FieldOfView } from './frame.js';
import { litOutline, type AccumulatedLuma } from './lit-outline.js';
import { polygonArea } from './outline.js';

/** Pictures are looked at no larger than this; the outline is good to about one of these pixels. */
const WORKING_WIDTH = 320;
/** An outline that leaves less than this share of its bounding box is a rectangle. */
const RECTANGLE_GAP = 0.012;

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
