/** What tells, picture by picture, that a field of view no longer holds. Pure. */
import { rowSpans, type Point } from '../media/row-spans.js';
import { cornersOf, fieldOfViewOf, toFieldOfView } from './field-of-view.js';
import type { FieldOfView } from './frame.js';
import { LIT_ABOVE_BLACK, MAX_BLACK, type AccumulatedLuma } from './lit-outline.js';
import { convexHull, simplified } from './outline.js';

export interface Geometry {
  /** Shares of the picture, lit outside the outline, and of the outline, lit inside it. */
  glance(pixels: Uint8Array): { readonly outside: number; readonly inside: number };
  /** Whether this picture alone shows another geometry: light well outside the outline, or hard edges well inside it. */
  isLeftBy(luma: AccumulatedLuma): boolean;
  /** Whether this picture alone shows hard edges well inside the outline: another geometry, and not only other light. */
  isReplacedBy(luma: AccumulatedLuma): boolean;
  /**
   * The field of view to go on with when pictures of another geometry show `seen`, and `luma` is the last of them: `seen` itself, or both
   * together where the light merely reached what had been dark before while other parts are dark now.
   */
  succeededBy(seen: FieldOfView, luma: AccumulatedLuma): FieldOfView;
}

/** A glance takes black for no more than this. */
const GLANCE_LIT = MAX_BLACK + LIT_ABOVE_BLACK;
/** An outline has left another when this share of the picture lies outside it. */
const GROWN = 0.02;
/** An outline this much smaller than another may be another geometry. */
const SHRUNK = 0.9;

/** What it takes to recognise, picture by picture, that a field of view no longer holds. */
export function geometryOf(fieldOfView: FieldOfView): Geometry {
  const { sourceWidth: width, sourceHeight: height } = fieldOfView;
  const outline = cornersOf(fieldOfView);
  const spans = rowSpans(outline, width, height);
  const area = areaOf(spans);
  const near = rowSpans(grown(outline, 3), width, height);
  const commonWith = (seen: Int32Array): number => {
    let common = 0;
    for (let y = 0; y < height; y += 1) {
      const from = Math.max(near[2 * y] ?? 0, seen[2 * y] ?? 0);
      common += Math.max(0, Math.min(near[2 * y + 1] ?? 0, seen[2 * y + 1] ?? 0) - from);
    }
    return common;
  };
  const core = grown(outline, -0.03 * width);
  return {
    glance(pixels) {
      let outside = 0;
      let inside = 0;
      for (let y = 0; y < height; y += 1) {
        const row = y * width;
        const from = spans[2 * y] ?? 0;
        const to = spans[2 * y + 1] ?? 0;
        for (let x = from; x < to; x += 1) if ((pixels[row + x] ?? 0) > GLANCE_LIT) inside += 1;
        const nearFrom = near[2 * y] ?? 0;
        const nearTo = near[2 * y + 1] ?? 0;
        for (let x = 0; x < nearFrom; x += 1) if ((pixels[row + x] ?? 0) > GLANCE_LIT) outside += 1;
        for (let x = nearTo; x < width; x += 1) if ((pixels[row + x] ?? 0) > GLANCE_LIT) outside += 1;
      }
      return { outside: outside / (width * height), inside: inside / Math.max(1, area) };
    },
    isLeftBy(luma) {
      const seen = fieldOfViewOf(luma);
      if (seen === null) return false;
      const seenOutline = cornersOf(seen);
      const seenSpans = rowSpans(seenOutline, width, height);
      if (areaOf(seenSpans) - commonWith(seenSpans) > GROWN * width * height) return true;
      return areaOf(seenSpans) < SHRUNK * area && hasHardInnerEdges(seenOutline, luma, core);
    },
    isReplacedBy(luma) {
      const seen = fieldOfViewOf(luma);
      return seen !== null && hasHardInnerEdges(cornersOf(seen), luma, core);
    },
    succeededBy(seen, luma) {
      const seenOutline = cornersOf(seen);
      const covered = commonWith(rowSpans(seenOutline, width, height)) >= 0.95 * area;
      if (covered || hasHardInnerEdges(seenOutline, luma, core)) return seen;
      return toFieldOfView(simplified(convexHull([...outline, ...seenOutline]), 0.6), { width, height }, width, height);
    },
  };
}

/**
 * Whether the edges of `outline` that run inside `core` are steps from light to black nearly everywhere. The edge of a field of view is;
 * where a scene fades into the dark, it is not.
 */
function hasHardInnerEdges(outline: readonly Point[], { pixels, width, height }: AccumulatedLuma, core: readonly Point[]): boolean {
  const coreSpans = rowSpans(core, width, height);
  const at = (x: number, y: number): number | null => {
    const [px, py] = [Math.round(x), Math.round(y)];
    return px < 0 || py < 0 || px >= width || py >= height ? null : (pixels[py * width + px] ?? 0);
  };
  let samples = 0;
  let hard = 0;
  for (const [index, [x, y]] of outline.entries()) {
    const [nextX, nextY] = outline[(index + 1) % outline.length] ?? [x, y];
    const length = Math.hypot(nextX - x, nextY - y);
    const [nx, ny] = [(nextY - y) / length, (x - nextX) / length];
    for (let step = 0.5; step < length; step += 1) {
      const px = x + ((nextX - x) * step) / length;
      const py = y + ((nextY - y) * step) / length;
      const row = Math.floor(py);
      if (px < (coreSpans[2 * row] ?? 0) || px >= (coreSpans[2 * row + 1] ?? 0)) continue;
      // The normal's side depends on the direction of the corners: black must lie on one side, light on the other.
      const one = at(px + 3 * nx - 0.5, py + 3 * ny - 0.5);
      const other = at(px - 3 * nx - 0.5, py - 3 * ny - 0.5);
      if (one === null || other === null) continue;
      samples += 1;
      if (Math.min(one, other) <= GLANCE_LIT && Math.abs(one - other) >= 25) hard += 1;
    }
  }
  return samples >= 20 && hard >= 0.75 * samples;
}

/** A convex outline with every corner moved away from its centre by `distance` px, or towards it. */
function grown(outline: readonly Point[], distance: number): Point[] {
  const centreX = outline.reduce((sum, [x]) => sum + x, 0) / outline.length;
  const centreY = outline.reduce((sum, [, y]) => sum + y, 0) / outline.length;
  return outline.map(([x, y]) => {
    const away = Math.hypot(x - centreX, y - centreY);
    const factor = away === 0 ? 1 : Math.max(0, 1 + distance / away);
    return [centreX + (x - centreX) * factor, centreY + (y - centreY) * factor];
  });
}

function areaOf(spans: Int32Array): number {
  let area = 0;
  for (let i = 0; i < spans.length; i += 2) area += (spans[i + 1] ?? 0) - (spans[i] ?? 0);
  return area;
}
