import { bell, between, chance, randomStream, wholeBetween, type Random } from '../common/random.js';

/** What befalls a frame of a live procedure and hardly ever a chosen still. */
export interface Disturbance {
  /** Blur along a line, as of a moving tip: its direction in radians and its length in widths of the picture. */
  readonly motion: { readonly angle: number; readonly length: number } | null;
  /** Side of the square that a point is spread over for want of focus, in widths of the picture; 0 is sharp. */
  readonly defocus: number;
  /** Standard deviation of the sensor's noise in values of 0…255; 0 is none. */
  readonly noise: number;
  /** Makes the noise; the same seed makes the same. */
  readonly noiseSeed: number;
  /** Something before the wall (an instrument, a bubble, stool): a rectangle in half-widths and half-heights of the picture, and its colour. */
  readonly cover: {
    readonly centre: readonly [x: number, y: number];
    readonly reach: readonly [x: number, y: number];
    readonly colour: readonly [number, number, number];
  } | null;
  /** Light of narrow bands: red is all but gone, green and blue are mixed anew. */
  readonly narrowBand: boolean;
}

export function drawDisturbance(random: Random): Disturbance {
  const blur = random();
  return {
    motion: blur < 0.2 ? { angle: between(random, 0, Math.PI), length: between(random, 0.02, 0.08) } : null,
    defocus: blur >= 0.2 && blur < 0.3 ? between(random, 0.02, 0.05) : 0,
    noise: chance(random, 0.3) ? between(random, 2, 10) : 0,
    noiseSeed: wholeBetween(random, 0, 0xffff_ffff),
    cover: chance(random, 0.4)
      ? {
          centre: [between(random, -0.8, 0.8), between(random, -0.8, 0.8)],
          reach: [between(random, 0.08, 0.45), between(random, 0.08, 0.45)],
          colour: [between(random, 11, 255), between(random, 11, 255), between(random, 11, 255)],
        }
      : null,
    narrowBand: chance(random, 0.12),
  };
}

/** Applies it to the pixels `[height, width, 3]`; noise and covers may cross the outline of the field of view. */
export function disturb(pixels: Uint8Array, width: number, height: number, change: Disturbance): Uint8Array {
  const result = new Uint8Array(pixels);
  if (change.narrowBand) narrowBand(result);
  if (change.motion !== null) {
    spread(result, width, height, change.motion.length * width, Math.cos(change.motion.angle), Math.sin(change.motion.angle));
  }
  if (change.defocus > 0) {
    spread(result, width, height, change.defocus * width, 1, 0);
    spread(result, width, height, change.defocus * width, 0, 1);
  }
  if (change.cover !== null) cover(result, width, height, change.cover);
  if (change.noise > 0) addNoise(result, change.noise, change.noiseSeed);
  return result;
}

function narrowBand(pixels: Uint8Array): void {
  for (let at = 0; at < pixels.length; at += 3) {
    const [red, green, blue] = [pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0];
    pixels[at] = 0.45 * red + 0.25 * green + 0.5;
    pixels[at + 1] = 0.95 * green + 0.5;
    pixels[at + 2] = Math.min(255, 0.6 * blue + 0.5 * green + 0.5);
  }
}

/** The mean of the pixels along a line through each; what is beyond the border or black, the surround of a field of view, takes no part. */
function spread(pixels: Uint8Array, width: number, height: number, length: number, cos: number, sin: number): void {
  const source = new Uint8Array(pixels);
  const reach = Math.max(1, Math.round(length / 2));
  const steps = Array.from(
    { length: 2 * reach + 1 },
    (_, step) => [Math.round((step - reach) * cos), Math.round((step - reach) * sin)] as const,
  );
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = (row * width + column) * 3;
      if (isBlack(source, at)) continue;
      let [count, red, green, blue] = [0, 0, 0, 0];
      for (const [across, down] of steps) {
        const [x, y] = [column + across, row + down];
        if (x < 0 || y < 0 || x >= width || y >= height) continue;
        const from = (y * width + x) * 3;
        if (isBlack(source, from)) continue;
        red += source[from] ?? 0;
        green += source[from + 1] ?? 0;
        blue += source[from + 2] ?? 0;
        count++;
      }
      pixels[at] = red / count + 0.5;
      pixels[at + 1] = green / count + 0.5;
      pixels[at + 2] = blue / count + 0.5;
    }
  }
}

function isBlack(pixels: Uint8Array, at: number): boolean {
  return (pixels[at] ?? 0) + (pixels[at + 1] ?? 0) + (pixels[at + 2] ?? 0) === 0;
}

function cover(pixels: Uint8Array, width: number, height: number, { centre, reach, colour }: NonNullable<Disturbance['cover']>): void {
  const from = (middle: number, half: number, size: number): number => Math.max(0, Math.round(((middle - half + 1) / 2) * size));
  const to = (middle: number, half: number, size: number): number => Math.min(size, Math.round(((middle + half + 1) / 2) * size));
  for (let row = from(centre[1], reach[1], height); row < to(centre[1], reach[1], height); row++) {
    for (let column = from(centre[0], reach[0], width); column < to(centre[0], reach[0], width); column++) {
      pixels.set(colour, (row * width + column) * 3);
    }
  }
}

function addNoise(pixels: Uint8Array, sigma: number, seed: number): void {
  const random = randomStream(seed, 'noise');
  for (let at = 0; at < pixels.length; at++) pixels[at] = Math.max(0, Math.min(255, (pixels[at] ?? 0) + sigma * bell(random) + 0.5));
}
