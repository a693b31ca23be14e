/** Outline of the lit picture; everything outside it is black. */
export type Aperture = 'octagon' | 'circle' | 'rounded';

/**
 * A wide-angle endoscope lens on a sensor of `width` × `height` px: which way each pixel looks, and which pixels are lit.
 * Equidistant projection: the angle off the axis grows with the distance from the centre.
 */
export interface Lens {
  readonly width: number;
  readonly height: number;
  /** Unit vectors in camera axes (−x right, y up, z forward), three per pixel. */
  readonly rays: Float32Array;
  /** 1 where lit. */
  readonly lit: Uint8Array;
  /** Share of the light that the lens passes, falling towards the edge. */
  readonly vignette: Float32Array;
  /** Angle between neighbouring pixels, rad. */
  readonly pixelRad: number;
}

export interface LensOptions {
  readonly width: number;
  readonly height: number;
  readonly aperture: Aperture;
  /** Angle of view across the diagonal. */
  readonly diagonalDeg: number;
  /** 0 none … 1 dark corners. */
  readonly vignetting: number;
}

export function makeLens({ width, height, aperture, diagonalDeg, vignetting }: LensOptions): Lens {
  const rays = new Float32Array(width * height * 3);
  const lit = new Uint8Array(width * height);
  const vignette = new Float32Array(width * height);
  const halfDiagonal = Math.hypot(width, height) / 2;
  const pixelRad = ((diagonalDeg / 2) * Math.PI) / 180 / halfDiagonal;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const right = x + 0.5 - width / 2;
      const up = height / 2 - y - 0.5;
      const distance = Math.hypot(right, up);
      const angle = distance * pixelRad;
      const across = distance > 0 ? Math.sin(angle) / distance : 0;
      const index = y * width + x;
      rays[index * 3] = -right * across;
      rays[index * 3 + 1] = up * across;
      rays[index * 3 + 2] = Math.cos(angle);
      lit[index] = isLit(aperture, Math.abs(right) / (width / 2), Math.abs(up) / (height / 2), width / height) ? 1 : 0;
      const off = distance / halfDiagonal;
      vignette[index] = 1 - vignetting * off * off * off;
    }
  }
  return { width, height, rays, lit, vignette, pixelRad };
}

function isLit(aperture: Aperture, x: number, y: number, aspect: number): boolean {
  switch (aperture) {
    case 'octagon':
      return (1 - x) * aspect + (1 - y) > 0.42;
    case 'circle':
      return Math.hypot(x * aspect, y) < Math.max(1, 0.97 * aspect);
    case 'rounded': {
      const dx = Math.max(0, x - 0.62) / 0.38;
      const dy = Math.max(0, y - 0.62) / 0.38;
      return Math.hypot(dx, dy) < 1;
    }
  }
}
