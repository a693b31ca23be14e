import { describe, expect, it } from 'vitest';
import { float16ToFloat32, float32ToFloat16 } from '../../src/onnx/float16.js';

describe('float16', () => {
  it('brings every half back to itself', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
    const back = float32ToFloat16(float16ToFloat32(halves));
    const isNaNBits = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;
    const differing = [...halves].filter((bits) => (isNaNBits(bits) ? !isNaNBits(back[bits] ?? 0) : back[bits] !== bits));
    expect(differing).toEqual([]);
  });

  it('rounds to the nearest half, ties to even', () => {
    const values = [
      0,
      -0,
      1,
      65504,
      65519,
      65520,
      -1e9,
      2 ** -24,
      2 ** -25,
      1.5 * 2 ** -24,
      2.5 * 2 ** -24,
      2049,
      2051,
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
    ];
    const rounded = [0, -0, 1, 65504, 65504, Infinity, -Infinity, 2 ** -24, 0, 2 ** -23, 2 ** -23, 2048, 2052, 1, 1 + 2 ** -9];
    expect([...float16ToFloat32(float32ToFloat16(Float32Array.from(values)))]).toEqual(rounded);
    expect(float16ToFloat32(float32ToFloat16(Float32Array.of(NaN)))[0]).toBeNaN();
  });
});
