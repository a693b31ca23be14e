import { UsageError } from '../common/errors.js';
import type { Model } from '../models/model.js';

/** Pictures of one size, packed `[count, height, width, 3]`, RGB. */
export interface PixelBatch {
  readonly count: number;
  readonly width: number;
  readonly height: number;
  /** Owns its whole ArrayBuffer; it is transferred, so the caller cannot use it after the call. */
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/**
 * Measures of one picture from which the quality gate decides, computed in the graph from the pixels that the model sees.
 * Luminance and saturation are in 0…1.
 */
export interface QualityMeasures {
  /** Mean luminance of the lit pixels. */
  readonly luminance: number;
  /** Share of pixels that are lit (luminance above the border's black). */
  readonly litShare: number;
  /** Share of lit pixels that are overexposed. */
  readonly glareShare: number;
  /** Mean over lit blocks of log10 of the squared Laplacian of luminance, relative to the squared luminance of the block. Higher is sharper. */
  readonly sharpness: number;
  /** Mean of R / (R + G + B) over lit pixels; 1/3 is grey. */
  readonly redness: number;
  /** Mean HSV saturation over lit pixels. */
  readonly saturation: number;
  /** Standard deviation of luminance over lit pixels. */
  readonly contrast: number;
}

export interface EmbeddingBatch {
  readonly count: number;
  /** `[count, dimension]` */
  readonly embeddings: Float32Array;
  readonly quality: readonly QualityMeasures[];
  /** By backbone name `[count, d]`; only when the embedder was created with `features: true`. */
  readonly features?: Readonly<Record<string, Float32Array>>;
  /** Time inside `InferenceSession.run`, ms; of the whole batch that the pictures went through in. */
  readonly inferenceMs: number;
}

/** Runs a model off the main thread. Calls may overlap; they are answered in order. */
export interface Embedder {
  readonly model: Model;
  readonly device: {
    /** The device that was taken, e.g. `cpu`. */
    readonly name: string;
    /** Why that one, for people. */
    readonly reason: string;
    /** Most pictures that go through the model together: who keeps fewer requests waiting leaves the device idle. */
    readonly batchLimit: number;
  };
  embed(batch: PixelBatch): Promise<EmbeddingBatch>;
  /** Rejects what is still waiting and resolves when the worker is gone. */
  dispose(): Promise<void>;
}

/** @throws UsageError when the pixels are not what `model` takes, or share their buffer with other data. */
export function checkPixels({ name, input }: Pick<Model, 'name' | 'input'>, { pixels, count, width, height }: PixelBatch): void {
  if (width !== input.width || height !== input.height) {
    throw new UsageError('pixels-size', `${name} takes ${sizeText(input)}, not ${sizeText({ width, height })} pixels.`);
  }
  const byteLength = count * width * height * 3;
  if (!Number.isInteger(count) || count < 1 || pixels.byteLength !== byteLength) {
    throw new UsageError(
      'pixels-length',
      `${String(count)} pictures of ${sizeText(input)} take ${String(byteLength)} bytes, not ${String(pixels.byteLength)}.`,
    );
  }
  if (pixels.buffer.byteLength !== byteLength) {
    throw new UsageError('pixels-shared', 'The pixels share their buffer with other data; give them a buffer of their own.');
  }
}

function sizeText({ width, height }: { readonly width: number; readonly height: number }): string {
  return `${String(width)}×${String(height)}`;
}
