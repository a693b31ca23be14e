import { bell, between, chance, type Random } from '../common/random.js';
import { disturb, drawDisturbance, type Disturbance } from './disturbance.js';
import { drawOutline, isInside, type Outline } from './outline.js';
import { edgeOf, edgeTowards, type FieldOfViewEdge } from './field-of-view-edge.js';

/** One random change of a picture. */
export interface Augmentation {
  /** Turn of the content, radians. */
  readonly angle: number;
  readonly mirrored: boolean;
  /** Magnification about the centre. */
  readonly zoom: number;
  /** Shift of the content in half-widths and half-heights. */
  readonly shift: readonly [x: number, y: number];
  /** Exponent on values in 0…1. */
  readonly gamma: number;
  /** Factors of red, green and blue. */
  readonly gains: readonly [number, number, number];
  /** Factor of the distance from grey. */
  readonly saturation: number;
  /** Weight of the neighbours in a three-tap blur, 0…1/3; 0 is none. */
  readonly blur: number;
  readonly disturbance: Disturbance | null;
  /** Of another endoscope, in the place of the picture's own. */
  readonly outline: Outline | null;
}

/** How much befalls a picture: what happens to any still, or what happens to the frames of live procedures with other endoscopes. */
export type AugmentationKind = 'endoscopy' | 'strong';

/** How far each change goes. */
const REACH = {
  endoscopy: { zoom: [0.9, 1.15], shift: 0.08, gamma: 0.12, gain: 0.06 },
  strong: { zoom: [0.9, 1.33], shift: 0.12, gamma: 0.15, gain: 0.12 },
} as const;

/**
 * Draws what happens to an endoscope's picture anyway: it is turned by any angle and seen a little nearer or farther, lights and white
 * balances differ, focus is missed now and then. Mirroring happens to no endoscope, but doubles the anatomy that can be learnt from.
 * `strong` goes farther in all of it, disturbs the picture as live frames are, and cuts it to the outline of another endoscope: a network that is
 * always shown a picture's own learns it, and is at a loss with a processor that draws another.
 */
export function drawAugmentation(random: Random, kind: AugmentationKind): Augmentation {
  const { zoom, shift, gamma, gain } = REACH[kind];
  return {
    angle: between(random, -Math.PI, Math.PI),
    mirrored: chance(random, 0.5),
    zoom: between(random, zoom[0], zoom[1]),
    shift: [between(random, -shift, shift), between(random, -shift, shift)],
    gamma: Math.exp(gamma * bell(random)),
    gains: [1 + gain * bell(random), 1 + gain * bell(random), 1 + gain * bell(random)],
    saturation: between(random, 0.8, 1.2),
    blur: chance(random, 0.25) ? between(random, 0.05, 1 / 3) : 0,
    disturbance: kind === 'strong' ? drawDisturbance(random) : null,
    outline: kind === 'strong' ? drawOutline(random) : null,
  };
}

/**
 * Applies it to the pixels `[height, width, 3]` of a squashed field of view. Content is turned inside the field of view, whose outline
 * stays unless another is drawn: what would come from outside is mirrored at its edge.
 * @param aspect Width by height of the field of view before it was squashed, so that a circle stays one.
 */
export function augment(
  pixels: Uint8Array,
  width: number,
  height: number,
  aspect: number,
  change: Augmentation,
  target: Uint8Array = new Uint8Array(pixels.length),
): Uint8Array {
  // The edge is that of the picture as it came, which cuts what a disturbance moves across it.
  const edge = edgeOf(pixels, width, height);
  const source = change.disturbance === null ? pixels : disturb(pixels, width, height, change.disturbance);
  warp(source, width, height, edge, aspect, change, target);
  if (change.blur > 0) blurInPlace(target, width, height, change.blur);
  recolour(target, change);
  return target;
}

function warp(
  pixels: Uint8Array,
  width: number,
  height: number,
  edge: FieldOfViewEdge,
  aspect: number,
  change: Augmentation,
  target: Uint8Array,
): void {
  const [cos, sin] = [Math.cos(change.angle) / change.zoom, Math.sin(change.angle) / change.zoom];
  const across = change.mirrored ? -1 : 1;
  // From the place in the result to the place in the source, both in half-widths and half-heights.
  const [xx, xy, yx, yy] = [cos * across, -sin / aspect, sin * across * aspect, cos];
  for (let row = 0; row < height; row++) {
    const v = (2 * (row + 0.5)) / height - 1;
    for (let column = 0; column < width; column++) {
      const u = (2 * (column + 0.5)) / width - 1;
      const at = (row * width + column) * 3;
      if (change.outline === null ? isOutside(edge, u, v) : !isInside(change.outline, u, v)) {
        target[at] = target[at + 1] = target[at + 2] = 0;
        continue;
      }
      let x = xx * u + xy * v + change.shift[0];
      let y = yx * u + yy * v + change.shift[1];
      const radius = Math.hypot(x, y);
      if (radius > edge.smallest) {
        // The outermost pixel is half black already.
        const limit = 0.98 * edgeTowards(edge, x, y);
        if (radius > limit) {
          const inner = Math.max(0, 2 * limit - radius) / radius;
          x *= inner;
          y *= inner;
        }
      }
      sample(pixels, width, height, ((x + 1) * width) / 2 - 0.5, ((y + 1) * height) / 2 - 0.5, target, at);
    }
  }
}

function isOutside(edge: FieldOfViewEdge, u: number, v: number): boolean {
  const square = u * u + v * v;
  return square > edge.smallest * edge.smallest && Math.sqrt(square) > edgeTowards(edge, u, v) * 1.01;
}

/** Bilinear, clamped to the picture. */
function sample(pixels: Uint8Array, width: number, height: number, x: number, y: number, target: Uint8Array, at: number): void {
  const left = Math.min(width - 2, Math.max(0, Math.floor(x)));
  const top = Math.min(height - 2, Math.max(0, Math.floor(y)));
  const right = Math.min(1, Math.max(0, x - left));
  const down = Math.min(1, Math.max(0, y - top));
  const from = (top * width + left) * 3;
  const below = from + width * 3;
  for (let channel = 0; channel < 3; channel++) {
    const upper = (pixels[from + channel] ?? 0) * (1 - right) + (pixels[from + 3 + channel] ?? 0) * right;
    const lower = (pixels[below + channel] ?? 0) * (1 - right) + (pixels[below + 3 + channel] ?? 0) * right;
    target[at + channel] = upper * (1 - down) + lower * down + 0.5;
  }
}

/** [weight, 1 − 2·weight, weight] along rows, then along columns. */
function blurInPlace(pixels: Uint8Array, width: number, height: number, weight: number): void {
  const centre = 1 - 2 * weight;
  const line = new Float32Array(Math.max(width, height));
  const along = (start: number, stride: number, length: number): void => {
    for (let index = 0; index < length; index++) line[index] = pixels[start + index * stride] ?? 0;
    for (let index = 1; index < length - 1; index++) {
      pixels[start + index * stride] = weight * ((line[index - 1] ?? 0) + (line[index + 1] ?? 0)) + centre * (line[index] ?? 0) + 0.5;
    }
  };
  for (let row = 0; row < height; row++) for (let channel = 0; channel < 3; channel++) along(row * width * 3 + channel, 3, width);
  for (let column = 0; column < width * 3; column++) along(column, width * 3, height);
}

function recolour(pixels: Uint8Array, { gamma, gains, saturation }: Augmentation): void {
  const curves = gains.map((gain) => Float32Array.from({ length: 256 }, (_, value) => 255 * (value / 255) ** gamma * gain));
  const [reds, greens, blues] = curves as [Float32Array, Float32Array, Float32Array];
  for (let at = 0; at < pixels.length; at += 3) {
    const red = reds[pixels[at] ?? 0] ?? 0;
    const green = greens[pixels[at + 1] ?? 0] ?? 0;
    const blue = blues[pixels[at + 2] ?? 0] ?? 0;
    const grey = 0.299 * red + 0.587 * green + 0.114 * blue;
    pixels[at] = clamped(grey + saturation * (red - grey));
    pixels[at + 1] = clamped(grey + saturation * (green - grey));
    pixels[at + 2] = clamped(grey + saturation * (blue - grey));
  }
}

function clamped(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value + 0.5;
}
