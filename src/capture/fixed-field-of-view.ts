/** The field of view where nothing is searched for: as the options fix it, or the whole picture. */
import { UsageError } from '../common/errors.js';
import type { FieldOfView } from './frame.js';
import type { Rectangle } from './graph.js';
import { parseFieldOfView, type SourceOptions } from './options.js';

interface Size {
  readonly width: number;
  readonly height: number;
}

export function wholePicture({ width, height }: Size): FieldOfView {
  return { x: 0, y: 0, width, height, sourceWidth: width, sourceHeight: height };
}

/**
 * The field of view that the options fix, in a picture of this size; null where it is to be found.
 * @throws UsageError when it lies outside the picture.
 */
export function fixedFieldOfView(options: SourceOptions, { width, height }: Size): FieldOfView | null {
  const asked = parseFieldOfView(options.fieldOfView ?? 'auto');
  if (asked === 'auto') return null;
  if (asked === 'none') return wholePicture({ width, height });
  if (asked.x + asked.width > width || asked.y + asked.height > height) {
    throw new UsageError(
      'invalid-option',
      `The field of view ${options.fieldOfView ?? ''} does not lie inside the picture of ${width}x${height}.`,
      { remedy: 'Choose a rectangle inside the picture, or auto.' },
    );
  }
  return { ...asked, sourceWidth: width, sourceHeight: height };
}

/** What to cut out of the picture; null where all of it is wanted. */
export function cutOf(fieldOfView: FieldOfView | null, options: SourceOptions): Rectangle | null {
  if (fieldOfView !== null) {
    const isWhole = fieldOfView.width === fieldOfView.sourceWidth && fieldOfView.height === fieldOfView.sourceHeight;
    return isWhole ? null : fieldOfView;
  }
  // Of a live input with a fixed field of view the size is not known yet, but the rectangle is.
  const asked = parseFieldOfView(options.fieldOfView ?? 'auto');
  return typeof asked === 'string' ? null : asked;
}
