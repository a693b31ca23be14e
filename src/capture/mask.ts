/** Blackens, inside ffmpeg, what lies outside the outline of a field of view: text in the cut-off corners can identify a patient. */
import type { Ffmpeg } from '../media/ffmpeg.js';
import { encodeGrayAlphaPng } from '../media/png.js';
import { rowSpans } from '../media/row-spans.js';
import type { FieldOfView } from './frame.js';
import type { Mask, Rectangle } from './graph.js';

/** Boxes follow the outline to so many pixels, always on the side of hiding more. */
const BOX_TOLERANCE = 3;

/** The mask of a field of view in the coordinates of its bounding box; null where the box itself is the field of view. */
export function maskFor(fieldOfView: FieldOfView, ffmpeg: Pick<Ffmpeg, 'capabilities'>): Mask | null {
  if (fieldOfView.outline === undefined) return null;
  const { demuxers, protocols, decoders, filters } = ffmpeg.capabilities;
  const takesPicture =
    demuxers.has('png_pipe') && protocols.has('data') && decoders.has('png') && ['movie', 'overlay'].every((name) => filters.has(name));
  if (!takesPicture) return { type: 'boxes', boxes: maskBoxes(fieldOfView) };
  const png = Buffer.from(maskPicture(fieldOfView)).toString('base64');
  return { type: 'picture', format: 'png_pipe', address: `data:image/png;base64,${png}` };
}

/** PNG of the size of the bounding box: black, opaque outside the outline. */
function maskPicture(fieldOfView: FieldOfView): Uint8Array {
  const { width, height } = fieldOfView;
  const spans = spansOf(fieldOfView);
  const pixels = new Uint8Array(width * height * 2);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const inside = x >= (spans[2 * y] ?? 0) && x < (spans[2 * y + 1] ?? 0);
      pixels[2 * (y * width + x) + 1] = inside ? 0 : 255;
    }
  }
  return encodeGrayAlphaPng(pixels, width, height);
}

/** Black rectangles that cover everything outside the outline. */
export function maskBoxes(fieldOfView: FieldOfView): Rectangle[] {
  const { width, height } = fieldOfView;
  const spans = spansOf(fieldOfView);
  const boxes: Rectangle[] = [];
  let top = 0;
  while (top < height) {
    let left = spans[2 * top] ?? 0;
    let right = spans[2 * top + 1] ?? 0;
    let [leastLeft, mostRight] = [left, right];
    let bottom = top + 1;
    for (; bottom < height; bottom += 1) {
      const from = spans[2 * bottom] ?? 0;
      const to = spans[2 * bottom + 1] ?? 0;
      leastLeft = Math.min(leastLeft, from);
      mostRight = Math.max(mostRight, to);
      if (Math.max(left, from) - leastLeft > BOX_TOLERANCE || mostRight - Math.min(right, to) > BOX_TOLERANCE) break;
      left = Math.max(left, from);
      right = Math.min(right, to);
    }
    if (left >= right) boxes.push({ x: 0, y: top, width, height: bottom - top });
    else {
      if (left > 0) boxes.push({ x: 0, y: top, width: left, height: bottom - top });
      if (right < width) boxes.push({ x: right, y: top, width: width - right, height: bottom - top });
    }
    top = bottom;
  }
  return boxes;
}

function spansOf({ x, y, width, height, outline = [] }: FieldOfView): Int32Array {
  return rowSpans(
    outline.map(([px, py]) => [px - x, py - y] as const),
    width,
    height,
  );
}
