import { Buffer } from 'node:buffer';

/** Faults that a video chain adds to the finished 8-bit picture (RGB, row by row), in place. */

/** Unsharp mask over the next neighbours, as processors do to please the eye. */
export function enhance(pixels: Uint8ClampedArray, width: number, height: number, amount: number): void {
  if (amount <= 0) return;
  const before = Uint8ClampedArray.from(pixels);
  const row = width * 3;
  for (let y = 1; y < height - 1; y++) {
    for (let index = y * row + 3; index < (y + 1) * row - 3; index++) {
      const value = before[index] as number;
      const around =
        ((before[index - 3] as number) +
          (before[index + 3] as number) +
          (before[index - row] as number) +
          (before[index + row] as number)) /
        4;
      pixels[index] = value + amount * (value - around);
    }
  }
}

/** Sensor noise: the same for the same frame of the same seed. */
export function grain(pixels: Uint8ClampedArray, amount: number, seed: number): void {
  let state = (seed | 0) ^ 0x9e3779b9;
  for (let index = 0; index < pixels.length; index += 3) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const value = ((state >>> 16) / 65536 + ((state >>> 4) & 0xfff) / 4096 - 1) * amount * 1.7;
    pixels[index] = (pixels[index] as number) + value;
    pixels[index + 1] = (pixels[index + 1] as number) + value * 0.8;
    pixels[index + 2] = (pixels[index + 2] as number) + value * 1.1;
  }
}

/** Two half pictures from different instants: every other line is `shiftPx` px further along the motion. */
export function interlace(pixels: Uint8ClampedArray, width: number, height: number, shiftPx: number): void {
  const shift = Math.round(Math.max(-12, Math.min(12, shiftPx)));
  if (shift === 0) return;
  const row = width * 3;
  for (let y = 1; y < height; y += 2) {
    const line = pixels.slice(y * row, (y + 1) * row);
    for (let x = 0; x < width; x++) {
      const from = Math.max(0, Math.min(width - 1, x + shift)) * 3;
      const to = y * row + x * 3;
      pixels[to] = line[from] as number;
      pixels[to + 1] = line[from + 1] as number;
      pixels[to + 2] = line[from + 2] as number;
    }
  }
}

const BLOCK = 8;
const BASIS = Float32Array.from({ length: 64 }, (_, index) => {
  const frequency = index >> 3;
  const place = index & 7;
  return (frequency === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * place + 1) * frequency * Math.PI) / 16);
});

/** Coarse block transform coding: what a starved encoder leaves of a picture. `step` is the coarsest of its steps. */
export function starve(pixels: Uint8ClampedArray, width: number, height: number, step: number): void {
  const block = new Float32Array(64);
  const scratch = new Float32Array(64);
  for (let blockY = 0; blockY + BLOCK <= height; blockY += BLOCK) {
    for (let blockX = 0; blockX + BLOCK <= width; blockX += BLOCK) {
      for (let channel = 0; channel < 3; channel++) {
        for (let index = 0; index < 64; index++) {
          block[index] = pixels[((blockY + (index >> 3)) * width + blockX + (index & 7)) * 3 + channel] as number;
        }
        transform(block, scratch, false);
        for (let index = 0; index < 64; index++) {
          const coarse = step * (0.25 + ((index >> 3) + (index & 7)) * 0.14);
          block[index] = Math.round((block[index] as number) / coarse) * coarse;
        }
        transform(block, scratch, true);
        for (let index = 0; index < 64; index++) {
          pixels[((blockY + (index >> 3)) * width + blockX + (index & 7)) * 3 + channel] = block[index] as number;
        }
      }
    }
  }
}

function transform(block: Float32Array, scratch: Float32Array, back: boolean): void {
  for (let pass = 0; pass < 2; pass++) {
    const from = pass === 0 ? block : scratch;
    const to = pass === 0 ? scratch : block;
    for (let line = 0; line < 8; line++) {
      for (let out = 0; out < 8; out++) {
        let sum = 0;
        for (let inner = 0; inner < 8; inner++) {
          sum += (from[line * 8 + inner] as number) * (BASIS[back ? inner * 8 + out : out * 8 + inner] as number);
        }
        // Written transposed, so that the second pass runs over the other direction.
        to[out * 8 + line] = sum;
      }
    }
  }
}

/** Bytes of a picture as a Buffer over the same memory. */
export function bytesOf(pixels: Uint8ClampedArray): Buffer {
  return Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength);
}
