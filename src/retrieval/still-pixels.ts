import { UsageError } from '../common/errors.js';
import type { FieldOfView } from '../capture/frame.js';
import type { Still } from '../media/stills.js';

/** How the field of view of a still is found: by looking (`auto`), not at all (`none`), or `WxH+X+Y` in its pixels. */
export type FieldOfViewMode = string;

const GEOMETRY = /^(\d+)x(\d+)\+(\d+)\+(\d+)$/;

/** @throws UsageError when it is none of `auto`, `none` and `WxH+X+Y`. */
export function checkFieldOfViewMode(mode: string): void {
  if (mode !== 'auto' && mode !== 'none' && !GEOMETRY.test(mode)) {
    throw new UsageError('field-of-view', `field of view: ${mode} is neither auto, none nor WxH+X+Y`, {
      remedy: 'For a region of 1000 × 900 pixels that begins 300 from the left and 50 from the top write 1000x900+300+50.',
    });
  }
}

/** The field of view of a still; null when the whole picture is kept. */
export function fieldOfViewOf(still: Still, mode: FieldOfViewMode): Promise<FieldOfView | null> {
  const geometry = GEOMETRY.exec(mode);
  if (geometry === null) return Promise.resolve(null);
  const [width = 0, height = 0, x = 0, y = 0] = geometry.slice(1).map(Number);
  return Promise.resolve({ x, y, width, height, sourceWidth: still.width, sourceHeight: still.height });
}
