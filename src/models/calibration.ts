import { seededRandom } from '../common/random.js';
import type { Model } from './model.js';

/** Pictures on which a variant of a model is compared with the exact one, `[count, size, size, 3]` RGB. */
export interface CalibrationPictures {
  readonly name: string;
  readonly count: number;
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/**
 * Runs a model on pictures. Given by whoever may load onnxruntime, since this folder only writes graphs.
 * `device` in the answer is the one that was taken.
 */
export type RunModel = (
  model: Model,
  pictures: CalibrationPictures,
  device: string,
) => Promise<{ readonly embeddings: Float32Array; readonly device: string }>;

const CALIBRATION_COUNT = 24;

/**
 * Deterministic pictures that resemble endoscopy in what matters to a network's numbers: a lit disc on black, mucosa of smoothly varying
 * hue, dark lumen, folds, vessels and highlights. They ship as code, since no picture of a patient may; `--calibration DIR` takes real ones.
 */
export function syntheticPictures(size: number, count = CALIBRATION_COUNT): CalibrationPictures {
  const pixels = new Uint8Array(count * size * size * 3);
  for (let picture = 0; picture < count; picture++) paint(pixels.subarray(picture * size * size * 3), size, seededRandom(1000 + picture));
  return { name: `synthetic, ${count} pictures`, count, pixels };
}

interface Wave {
  readonly fx: number;
  readonly fy: number;
  readonly phase: number;
  readonly weight: number;
}

function paint(target: Uint8Array, size: number, random: () => number): void {
  const between = (low: number, high: number): number => low + (high - low) * random();
  const waves = (count: number, lowest: number, highest: number): Wave[] =>
    Array.from({ length: count }, () => {
      const angle = between(0, Math.PI);
      const frequency = between(lowest, highest);
      return { fx: frequency * Math.cos(angle), fy: frequency * Math.sin(angle), phase: between(0, 7), weight: between(0.4, 1) };
    });
  const at = (set: readonly Wave[], x: number, y: number): number =>
    set.reduce((sum, wave) => sum + wave.weight * Math.sin(2 * Math.PI * (wave.fx * x + wave.fy * y) + wave.phase), 0) / set.length;
  const tissue = waves(5, 0.5, 3);
  const folds = waves(2, 3, 7);
  const vessels = waves(3, 10, 24);
  const [red, green, blue] = [between(150, 235), between(70, 150), between(45, 130)];
  const [lumenX, lumenY, lumenRadius] = [between(0.25, 0.75), between(0.25, 0.75), between(0.08, 0.3)];
  const [exposure, foldDepth] = [between(0.6, 1.15), between(0, 0.5)];
  const glints = Array.from(
    { length: Math.floor(between(0, 9)) },
    () => [between(0.2, 0.8), between(0.2, 0.8), between(0.005, 0.03)] as const,
  );
  const border = between(0.42, 0.75);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const x = (column + 0.5) / size;
      const y = (row + 0.5) / size;
      const place = (row * size + column) * 3;
      if (Math.hypot(x - 0.5, y - 0.5) > border) continue;
      const lumen = 1 / (1 + Math.exp(-(Math.hypot(x - lumenX, y - lumenY) - lumenRadius) * 18));
      const light = exposure * (0.15 + 0.85 * lumen) * (1 - foldDepth * Math.max(0, at(folds, x, y))) * (1 + 0.25 * at(tissue, x, y));
      const vessel = 1 - 0.25 * Math.max(0, at(vessels, x, y) - 0.35);
      const glint = glints.some(([gx, gy, radius]) => Math.hypot(x - gx, y - gy) < radius) ? 200 : 0;
      const noise = between(-4, 4);
      target[place] = clampByte(red * light + glint + noise);
      target[place + 1] = clampByte(green * light * vessel * (1 + 0.2 * at(tissue, y, x)) + glint + noise);
      target[place + 2] = clampByte(blue * light * vessel + glint + noise);
    }
  }
}

function clampByte(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}
