import { describe, expect, it } from 'vitest';
import { randomStream } from '../../src/common/random.js';
import { disturb, drawDisturbance, type Disturbance } from '../../src/training/disturbance.js';

const [WIDTH, HEIGHT] = [60, 40];
const NONE: Disturbance = { motion: null, defocus: 0, noise: 0, noiseSeed: 0, cover: null, narrowBand: false };

/** Pixels of a grey picture. */
function picture(value: (column: number, row: number) => number): Uint8Array {
  const pixels = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let at = 0; at < WIDTH * HEIGHT; at++) pixels.fill(value(at % WIDTH, Math.floor(at / WIDTH)), at * 3, at * 3 + 3);
  return pixels;
}

const columns = picture((column) => (column % 2 === 0 ? 60 : 180));
const rows = picture((_, row) => (row % 2 === 0 ? 60 : 180));

/** Standard deviation over the picture without its border. */
function deviation(pixels: Uint8Array): number {
  const inner: number[] = [];
  for (let row = 8; row < HEIGHT - 8; row++)
    for (let column = 8; column < WIDTH - 8; column++) inner.push(pixels[(row * WIDTH + column) * 3]!);
  const mean = inner.reduce((sum, value) => sum + value, 0) / inner.length;
  return Math.sqrt(inner.reduce((sum, value) => sum + (value - mean) ** 2, 0) / inner.length);
}

describe('disturb', () => {
  it('changes nothing where nothing happened, and never the picture it was given', () => {
    expect(disturb(columns, WIDTH, HEIGHT, NONE)).toEqual(columns);
    const given = new Uint8Array(columns);
    for (let draw = 0; draw < 20; draw++) disturb(given, WIDTH, HEIGHT, drawDisturbance(randomStream(1, draw)));
    expect(given).toEqual(columns);
  });

  it('blurs along the way of the tip and not across it', () => {
    const along = { ...NONE, motion: { angle: 0, length: 0.1 } };
    expect(deviation(disturb(columns, WIDTH, HEIGHT, along))).toBeLessThan(0.25 * deviation(columns));
    expect(disturb(rows, WIDTH, HEIGHT, along)).toEqual(rows);
    const across = { ...NONE, motion: { angle: Math.PI / 2, length: 0.1 } };
    expect(disturb(columns, WIDTH, HEIGHT, across)).toEqual(columns);
    expect(deviation(disturb(rows, WIDTH, HEIGHT, across))).toBeLessThan(0.25 * deviation(rows));
  });

  it('blurs in both directions without focus', () => {
    const unfocused = { ...NONE, defocus: 0.1 };
    for (const stripes of [columns, rows])
      expect(deviation(disturb(stripes, WIDTH, HEIGHT, unfocused))).toBeLessThan(0.25 * deviation(stripes));
  });

  it('adds noise of the deviation asked for, the same for the same seed', () => {
    const grey = picture(() => 128);
    const noisy = disturb(grey, WIDTH, HEIGHT, { ...NONE, noise: 8, noiseSeed: 5 });
    expect(deviation(noisy)).toBeGreaterThan(7);
    expect(deviation(noisy)).toBeLessThan(9);
    expect(disturb(grey, WIDTH, HEIGHT, { ...NONE, noise: 8, noiseSeed: 5 })).toEqual(noisy);
    expect(disturb(grey, WIDTH, HEIGHT, { ...NONE, noise: 8, noiseSeed: 6 })).not.toEqual(noisy);
  });

  it('covers a rectangle and what lies beyond the border not at all', () => {
    const covered = disturb(
      picture(() => 100),
      WIDTH,
      HEIGHT,
      { ...NONE, cover: { centre: [1, 0], reach: [0.5, 0.5], colour: [1, 2, 3] } },
    );
    const at = (column: number, row: number): number[] => [...covered.subarray((row * WIDTH + column) * 3, (row * WIDTH + column) * 3 + 3)];
    expect(at(45, 10)).toEqual([1, 2, 3]);
    expect(at(59, 29)).toEqual([1, 2, 3]);
    expect(at(44, 20)).toEqual([100, 100, 100]);
    expect(at(0, 20)).toEqual([100, 100, 100]);
    expect(at(59, 9)).toEqual([100, 100, 100]);
    expect(at(59, 30)).toEqual([100, 100, 100]);
  });

  it('takes the red out of narrow-band light', () => {
    const red = new Uint8Array(WIDTH * HEIGHT * 3).map((_, at) => [200, 90, 70][at % 3]!);
    const [r, g, b] = disturb(red, WIDTH, HEIGHT, { ...NONE, narrowBand: true });
    expect(r! / g!).toBeLessThan(1.4);
    expect(b!).toBeGreaterThanOrEqual(g!);
  });
});
