import { describe, expect, it } from 'vitest';
import { randomStream } from '../../src/common/random.js';
import { augment, drawAugmentation, type Augmentation } from '../../src/training/augmentation.js';
import type { Disturbance } from '../../src/training/disturbance.js';
import { isInside, type Outline } from '../../src/training/outline.js';

const SIZE = 64;
const NONE: Augmentation = {
  angle: 0,
  mirrored: false,
  zoom: 1,
  shift: [0, 0],
  gamma: 1,
  gains: [1, 1, 1],
  saturation: 1,
  blur: 0,
  disturbance: null,
  outline: null,
};

/** A lit ellipse on black with a smooth pattern and one bright spot to the right of its centre. */
function picture(): Uint8Array {
  const pixels = new Uint8Array(SIZE * SIZE * 3);
  for (let row = 0; row < SIZE; row++) {
    for (let column = 0; column < SIZE; column++) {
      const [u, v] = [(2 * (column + 0.5)) / SIZE - 1, (2 * (row + 0.5)) / SIZE - 1];
      if (Math.hypot(u, v) > 0.9) continue;
      const spot = Math.hypot(u - 0.5, v) < 0.12 ? 90 : 0;
      pixels.set([140 + 25 * Math.sin(3 * u) + spot, 80 + 20 * Math.cos(2 * v), 60], (row * SIZE + column) * 3);
    }
  }
  return pixels;
}

const at = (pixels: Uint8Array, u: number, v: number): number =>
  pixels[(Math.floor(((v + 1) / 2) * SIZE) * SIZE + Math.floor(((u + 1) / 2) * SIZE)) * 3]!;
const lit = (pixels: Uint8Array): boolean[] => Array.from({ length: SIZE * SIZE }, (_, place) => pixels[place * 3]! > 10);

describe('augment', () => {
  it('leaves a picture alone when nothing is to change', () => {
    const original = picture();
    const result = augment(original, SIZE, SIZE, 1, NONE);
    const worst = Math.max(...result.map((value, index) => Math.abs(value - original[index]!)));
    expect(worst).toBeLessThanOrEqual(1);
  });

  it('turns and mirrors the content', () => {
    const turned = augment(picture(), SIZE, SIZE, 1, { ...NONE, angle: Math.PI / 2 });
    expect(Math.abs(at(turned, 0, -0.5) - at(turned, 0, 0.5))).toBeGreaterThan(50);
    const mirrored = augment(picture(), SIZE, SIZE, 1, { ...NONE, mirrored: true });
    expect(at(mirrored, -0.5, 0)).toBeGreaterThan(at(mirrored, 0.5, 0) + 50);
  });

  it('turns a squashed circle along a circle', () => {
    // The field of view is twice as wide as high: half a half-width is a whole half-height, of which 0.7 are left.
    const turned = augment(picture(), SIZE, SIZE, 2, { ...NONE, angle: Math.PI / 2, zoom: 0.7 });
    expect(Math.max(at(turned, 0, 0.7), at(turned, 0, -0.7))).toBeGreaterThan(200);
  });

  it('keeps the outline and brings no black inside, whatever is drawn', () => {
    const original = picture();
    const expected = lit(original);
    for (let draw = 0; draw < 40; draw++) {
      const result = lit(augment(original, SIZE, SIZE, 1.25, { ...drawAugmentation(randomStream(1, draw), 'endoscopy'), blur: 0 }));
      const changed = result.filter((value, place) => value !== expected[place]).length;
      // The outline is found in 256 directions; a few pixels of its rim may differ.
      expect(changed).toBeLessThan(SIZE * SIZE * 0.03);
    }
  });

  it('changes colours mildly', () => {
    const original = picture();
    for (let draw = 0; draw < 40; draw++) {
      const { gamma, gains, saturation } = drawAugmentation(randomStream(2, draw), 'endoscopy');
      const result = augment(original, SIZE, SIZE, 1, { ...NONE, gamma, gains, saturation });
      const mean = (pixels: Uint8Array): number => pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
      expect(mean(result) / mean(original)).toBeGreaterThan(0.6);
      expect(mean(result) / mean(original)).toBeLessThan(1.6);
    }
  });

  it('blurs without changing the mean', () => {
    const original = picture();
    const result = augment(original, SIZE, SIZE, 1, { ...NONE, blur: 0.3 });
    const roughness = (pixels: Uint8Array): number =>
      pixels.reduce((sum, value, index) => sum + (value - (pixels[index - 3] ?? value)) ** 2, 0);
    expect(roughness(result)).toBeLessThan(0.6 * roughness(original));
  });

  it('cuts a disturbance at the outline of the picture', () => {
    const original = picture();
    const expected = lit(original);
    const disturbance: Disturbance = {
      motion: { angle: 0.4, length: 0.1 },
      defocus: 0.05,
      noise: 0,
      noiseSeed: 0,
      cover: { centre: [0.6, -0.6], reach: [0.4, 0.4], colour: [250, 250, 250] },
      narrowBand: false,
    };
    const result = lit(augment(original, SIZE, SIZE, 1, { ...NONE, disturbance }));
    expect(result.filter((value, place) => value && !expected[place]).length).toBeLessThan(SIZE * SIZE * 0.01);
  });

  it('cuts the picture to another outline and fills what was black with tissue', () => {
    const outline: Outline = { centre: [0, 0], size: 0.95, radius: Math.SQRT2, corner: 1.5 };
    const result = lit(augment(picture(), SIZE, SIZE, 1, { ...NONE, outline }));
    const expected = Array.from({ length: SIZE * SIZE }, (_, place) =>
      isInside(outline, (2 * ((place % SIZE) + 0.5)) / SIZE - 1, (2 * (Math.floor(place / SIZE) + 0.5)) / SIZE - 1),
    );
    expect(result.filter((value, place) => value !== expected[place]).length).toBeLessThan(SIZE * SIZE * 0.005);
  });

  it('draws disturbances and outlines when asked for them alone', () => {
    const drawn = (kind: 'endoscopy' | 'strong') => Array.from({ length: 200 }, (_, draw) => drawAugmentation(randomStream(3, draw), kind));
    expect(drawn('endoscopy').every(({ disturbance, outline }) => disturbance === null && outline === null)).toBe(true);
    expect(drawn('strong').every(({ outline }) => outline !== null)).toBe(true);
    const disturbances = drawn('strong').flatMap(({ disturbance }) => disturbance ?? []);
    expect(disturbances).toHaveLength(200);
    for (const happens of [
      (one: Disturbance) => one.motion !== null,
      (one: Disturbance) => one.defocus > 0,
      (one: Disturbance) => one.noise > 0,
      (one: Disturbance) => one.cover !== null,
      (one: Disturbance) => one.narrowBand,
    ]) {
      expect(disturbances.filter(happens).length).toBeGreaterThan(5);
      expect(disturbances.filter(happens).length).toBeLessThan(120);
    }
  });
});
