import { UsageError } from '../common/errors.js';
import type { FieldOfView } from '../capture/frame.js';
import { fieldOfViewOf, scaleFieldOfView } from '../capture/field-of-view.js';
import { lumaOf, type Still } from '../media/stills.js';

/** How the field of view of a still is found: by looking (`auto`), not at all (`none`), or `WxH+X+Y` in its pixels. */
export type FieldOfViewMode = string;

/** What the detection itself looks at; it need not shrink a large picture in JavaScript. */
const LOOK_WIDTH = 320;
const GEOMETRY = /^(\d+)x(\d+)\+(\d+)\+(\d+)$/;

/** @throws UsageError when it is none of `auto`, `none` and `WxH+X+Y`. */
export function checkFieldOfViewMode(mode: string): void {
  if (mode !== 'auto' && mode !== 'none' && !GEOMETRY.test(mode)) {
    throw new UsageError('field-of-view', `field of view: ${mode} is neither auto, none nor WxH+X+Y`, {
      remedy: 'For a region of 1000 × 900 pixels that begins 300 from the left and 50 from the top write 1000x900+300+50.',
    });
  }
}

/** The field of view of a still; null when the whole picture is kept: it was asked for, or nothing is lit enough to tell. */
export async function fieldOfViewOfStill(still: Still, mode: FieldOfViewMode): Promise<FieldOfView | null> {
  if (mode === 'none') return null;
  if (mode === 'auto') {
    const found = fieldOfViewOf(await lumaOf(still, LOOK_WIDTH));
    return found === null ? null : scaleFieldOfView(found, still.width, still.height);
  }
  const [width = 0, height = 0, x = 0, y = 0] = (GEOMETRY.exec(mode) ?? []).slice(1).map(Number);
  return { x, y, width, height, sourceWidth: still.width, sourceHeight: still.height };
}
