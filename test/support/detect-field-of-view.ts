import { fieldOfViewOf } from '../../src/capture/field-of-view.js';
import type { FieldOfView } from '../../src/capture/frame.js';

/** The field of view of pictures that share one geometry: luminance, full range, row by row, `width * height` bytes each. */
export function detectFieldOfView(pictures: readonly Uint8Array[], width: number, height: number): FieldOfView | null {
  const pixels = new Uint8Array(width * height);
  for (const picture of pictures) for (const [at, value] of picture.entries()) pixels[at] = Math.max(pixels[at] ?? 0, value);
  return fieldOfViewOf({ width, height, pixels });
}
