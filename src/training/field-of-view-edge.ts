/** Directions in which the edge is looked for. */
export const EDGE_DIRECTIONS = 256;

/**
 * Where the lit part of a picture ends, by direction from its centre: what lies outside (black corners, borders) is no tissue, and a turned
 * picture must not bring it inside. `radii` are in half-widths and half-heights of the picture, so that 1 is its border to the right.
 */
export interface FieldOfViewEdge {
  readonly radii: Float32Array;
  readonly smallest: number;
}

/** Pixels are black where the field of view was cut; compression leaves them nearly so. */
const BLACK = 10;

/** Finds the edge of the pixels `[height, width, 3]`: in each direction the outermost pixel that is not black. */
export function edgeOf(pixels: Uint8Array, width: number, height: number): FieldOfViewEdge {
  const radii = new Float32Array(EDGE_DIRECTIONS);
  const lit = (x: number, y: number): boolean => {
    const at = (y * width + x) * 3;
    return Math.max(pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0) > BLACK;
  };
  const steps = Math.max(width, height);
  for (let direction = 0; direction < EDGE_DIRECTIONS; direction++) {
    const angle = ((direction + 0.5) / EDGE_DIRECTIONS) * 2 * Math.PI - Math.PI;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const border = 1 / Math.max(Math.abs(cos), Math.abs(sin));
    // A picture that is dark in this direction all the way keeps its border.
    radii[direction] = border;
    for (let step = 0; step < steps * 0.6; step++) {
      const radius = border * (1 - (step + 0.5) / steps);
      const x = Math.floor(((1 + radius * cos) / 2) * width);
      const y = Math.floor(((1 + radius * sin) / 2) * height);
      if (!lit(x, y)) continue;
      if (step > 0) radii[direction] = radius;
      break;
    }
  }
  return { radii, smallest: radii.reduce((least, radius) => Math.min(least, radius), Infinity) };
}

/** The edge in the direction of `(x, y)`. */
export function edgeTowards({ radii }: FieldOfViewEdge, x: number, y: number): number {
  const direction = Math.floor(((Math.atan2(y, x) + Math.PI) / (2 * Math.PI)) * EDGE_DIRECTIONS);
  return radii[Math.min(EDGE_DIRECTIONS - 1, direction)] ?? 1;
}
