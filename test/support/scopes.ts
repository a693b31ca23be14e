/** Drawn endoscope pictures, for the search for the field of view. */
export interface ScopePicture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export interface ScopeOptions {
  readonly width?: number;
  readonly height?: number;
  /** Whether a pixel centre lies in the field of view. */
  readonly inside: (x: number, y: number) => boolean;
  /** Luminance inside; default a soft gradient from 60 to 180. */
  readonly light?: (x: number, y: number) => number;
  readonly black?: number;
  readonly seed?: number;
}

export function scopePicture(options: ScopeOptions): ScopePicture {
  const { width = 320, height = 256, inside, black = 0 } = options;
  const light = options.light ?? ((x: number, y: number) => 60 + (80 * x) / width + (40 * y) / height);
  const pixels = new Uint8Array(width * height);
  let seed = (options.seed ?? 1) >>> 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      const noise = (seed >>> 24) / 64;
      const level = inside(x + 0.5, y + 0.5) ? light(x, y) + noise : black + noise / 2;
      pixels[y * width + x] = Math.max(0, Math.min(255, Math.round(level)));
    }
  }
  return { width, height, pixels };
}

export function disc(centreX: number, centreY: number, radius: number): (x: number, y: number) => boolean {
  return (x, y) => Math.hypot(x - centreX, y - centreY) < radius;
}

export function rectangle(left: number, top: number, width: number, height: number): (x: number, y: number) => boolean {
  return (x, y) => x >= left && x < left + width && y >= top && y < top + height;
}

/** A rectangle with corners cut off at 45°. */
export function octagon(left: number, top: number, width: number, height: number, cut: number): (x: number, y: number) => boolean {
  return (x, y) => {
    const fromX = Math.min(x - left, left + width - x);
    const fromY = Math.min(y - top, top + height - y);
    return fromX > 0 && fromY > 0 && fromX + fromY > cut;
  };
}

/** Writes lines of letter-like strokes, 2 px wide, 8 px high, brightly. */
export function write(picture: ScopePicture, left: number, top: number, letters: number, lines = 1): void {
  for (let line = 0; line < lines; line += 1) {
    for (let letter = 0; letter < letters; letter += 1) {
      const x = left + letter * 7;
      const y = top + line * 11;
      fill(picture, x, y, 2, 8);
      fill(picture, x + 3, y + (letter % 2) * 4, 2, 4);
      fill(picture, x, y + 3, 5, 2);
    }
  }
}

export function fill({ width, height, pixels }: ScopePicture, left: number, top: number, w: number, h: number, value = 230): void {
  for (let y = Math.max(0, top); y < Math.min(height, top + h); y += 1)
    pixels.fill(value, y * width + Math.max(0, left), y * width + Math.min(width, left + w));
}
