import type { Noise } from '../noise.js';

/**
 * Mixes in what a lens pressed against the mucosa sees: its own light, come back through the tissue, palest where the wall leaves
 * the lens, with a shadow of what lies before it.
 */
export function redOut(
  light: Float32Array,
  width: number,
  height: number,
  amount: number,
  timeS: number,
  noise: Noise,
  seed: number,
): void {
  const turn = seed * 2.4 + timeS * 0.5;
  const cos = Math.cos(turn);
  const sin = Math.sin(turn);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const u = x / width - 0.5;
      const v = y / height - 0.5;
      const cloud = noise.fractal(u * 3 + timeS * 0.4, v * 3, seed % 61, 2);
      const pale = Math.max(0, u * cos + v * sin + 0.15 * cloud);
      const glow = 0.25 + 0.75 * Math.exp(-2.4 * (u * u + v * v)) * (1 + 0.5 * cloud);
      const index = (y * width + x) * 3;
      light[index] = mix(light[index] as number, glow * (0.95 + pale), amount);
      light[index + 1] = mix(light[index + 1] as number, glow * (0.17 + 0.05 * cloud + 1.5 * pale * pale), amount);
      light[index + 2] = mix(light[index + 2] as number, glow * (0.06 + 1.1 * pale * pale), amount);
    }
  }
}

/** Water running over the lens: the picture swims, softens and glitters. */
export function water(light: Float32Array, width: number, height: number, amount: number, timeS: number, noise: Noise): void {
  const before = Float32Array.from(light);
  const shift = amount * width * 0.07;
  const f = 4.5 / width;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const a = noise.at(x * f, y * f - timeS * 2.2, timeS * 0.9);
      const b = noise.at(x * f + 13, y * f - timeS * 2.2, timeS * 0.9 + 5);
      const sx = Math.max(0, Math.min(width - 1, Math.round(x + shift * a)));
      const sy = Math.max(0, Math.min(height - 1, Math.round(y + shift * b)));
      const from = (sy * width + sx) * 3;
      const drop = noise.at(x * f * 5 + 40, y * f * 5 - timeS * 3, timeS * 2);
      const glitter = amount * 0.9 * Math.max(0, drop + 0.5 * a - 0.72);
      const to = (y * width + x) * 3;
      for (let channel = 0; channel < 3; channel++) light[to + channel] = (before[from + channel] as number) + glitter;
    }
  }
}

/**
 * The look of narrow-band light (415 and 540 nm): vessels dark brown and green on a pale, greenish mucosa, because only green and
 * blue light comes back and is shown as green-blue and red.
 */
export function narrowBand(light: Float32Array, amount: number): void {
  for (let index = 0; index < light.length; index += 3) {
    const red = light[index] as number;
    const green = light[index + 1] as number;
    const blue = light[index + 2] as number;
    const short = 0.75 * blue + 0.35 * green;
    light[index] = mix(red, 1.35 * green + 0.06 * red, amount);
    light[index + 1] = mix(green, 1.3 * short, amount);
    light[index + 2] = mix(blue, 1.12 * short, amount);
  }
}

export function colourCast(light: Float32Array, factors: readonly [number, number, number]): void {
  for (let index = 0; index < light.length; index += 3) {
    light[index] = (light[index] as number) * factors[0];
    light[index + 1] = (light[index + 1] as number) * factors[1];
    light[index + 2] = (light[index + 2] as number) * factors[2];
  }
}

function mix(a: number, b: number, weight: number): number {
  return a + (b - a) * weight;
}
