import type { Aperture } from './lens.js';
import { between, chance, pick, randomStream } from './random.js';

/** How one endoscopy system makes a picture out of light: its colours, sharpness, lamp and the shape of its picture. */
export interface Processor {
  readonly aperture: Aperture;
  /** Angle of view across the diagonal. */
  readonly diagonalDeg: number;
  readonly vignetting: number;
  /** White balance: factors on red, green and blue. */
  readonly balance: readonly [number, number, number];
  readonly saturation: number;
  /** Exponent of the tone curve; below 1 lifts the shadows. */
  readonly gamma: number;
  /** How much the middle tones are spread, 0…1. */
  readonly contrast: number;
  /** Brightness that the automatic exposure aims at, 0…1. */
  readonly target: number;
  /** Sharpening, 0…1. */
  readonly enhancement: number;
  /** Sensor noise, in steps of 0…255. */
  readonly grain: number;
  /** Distance at which the lamp's light has fallen to half, mm. */
  readonly halfMm: number;
  readonly glint: number;
  readonly film: number;
}

/** The room's equipment is drawn apart from the patient's anatomy, but from the same seed. */
export function drawProcessor(seed: number): Processor {
  const random = randomStream(seed, 'processor');
  const warm = between(random, -1, 1);
  return {
    aperture: pick(random, ['octagon', 'octagon', 'circle', 'rounded']),
    diagonalDeg: between(random, 132, 146),
    vignetting: between(random, 0.05, 0.35),
    balance: [1 + 0.06 * warm, 1 + between(random, -0.04, 0.04), 1 - 0.16 * warm],
    saturation: between(random, 0.98, 1.18),
    gamma: between(random, 0.86, 1.02),
    contrast: between(random, 0.25, 0.55),
    target: between(random, 0.56, 0.64),
    enhancement: chance(random, 0.5) ? between(random, 0.3, 0.8) : between(random, 0, 0.25),
    grain: between(random, 0.6, 2),
    halfMm: between(random, 9.5, 13),
    glint: between(random, 0.7, 1.2),
    film: between(random, 0.5, 0.9),
  };
}

/** Exposure at which the picture is as bright on average as the processor aims at. */
export function exposureOf(light: Float32Array, lit: Uint8Array, target: number): number {
  let exposure = 1;
  for (let round = 0; round < 4; round++) {
    let sum = 0;
    let count = 0;
    for (let index = 0; index < lit.length; index += 7) {
      if (lit[index] === 0) continue;
      const red = light[index * 3] as number;
      const green = light[index * 3 + 1] as number;
      sum += Math.sqrt(curve((0.55 * red + 0.45 * green) * exposure));
      count++;
    }
    const mean = count > 0 ? sum / count : target;
    exposure *= Math.min(4, Math.max(0.25, target / Math.max(1e-4, mean))) ** 1.6;
    exposure = Math.min(14, Math.max(0.3, exposure));
  }
  return exposure;
}

/** Film-like shoulder: linear light to 0…1. */
function curve(value: number): number {
  return 1 - Math.exp(-value);
}

const TONE_STEPS = 4096;
const TONE_LIMIT = 8;

/** Linear light to the 8-bit picture: exposure, white balance, tone curve, saturation. Unlit pixels become black. */
export function develop(light: Float32Array, lit: Uint8Array, processor: Processor, exposure: number, out: Uint8ClampedArray): void {
  const tone = new Float32Array(TONE_STEPS + 1);
  const power = processor.gamma / 2.1;
  for (let step = 0; step <= TONE_STEPS; step++) {
    const value = curve((step / TONE_STEPS) ** 2 * TONE_LIMIT) ** power;
    tone[step] = 255 * (value + processor.contrast * (value * value * (3 - 2 * value) - value));
  }
  const [r, g, b] = processor.balance;
  const scale = TONE_STEPS / Math.sqrt(TONE_LIMIT);
  const lookUp = (value: number): number => {
    const at = Math.sqrt(value < 0 ? 0 : value) * scale;
    return tone[at > TONE_STEPS ? TONE_STEPS : at | 0] as number;
  };
  for (let index = 0; index < lit.length; index++) {
    const base = index * 3;
    if (lit[index] === 0) {
      out[base] = out[base + 1] = out[base + 2] = 0;
      continue;
    }
    const red = lookUp((light[base] as number) * exposure * r);
    const green = lookUp((light[base + 1] as number) * exposure * g);
    const blue = lookUp((light[base + 2] as number) * exposure * b);
    const grey = 0.3 * red + 0.59 * green + 0.11 * blue;
    out[base] = grey + (red - grey) * processor.saturation;
    out[base + 1] = grey + (green - grey) * processor.saturation;
    out[base + 2] = grey + (blue - grey) * processor.saturation;
  }
}
