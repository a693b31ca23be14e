import { describe, expect, it } from 'vitest';
import { multiplyTransposed, symmetricEigen } from '../../../src/models/descriptors/linear-algebra.js';
import { numbers } from '../../onnx/support/run.js';

/** Largest difference between m and the matrix that its eigenvalues and eigenvectors make again. */
function error(matrix: Float64Array, size: number): number {
  const { values, vectors } = symmetricEigen(matrix, size);
  let largest = 0;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let [sum, unit] = [0, 0];
      for (let k = 0; k < size; k++) {
        sum += values[k]! * vectors[k * size + i]! * vectors[k * size + j]!;
        unit += vectors[i * size + k]! * vectors[j * size + k]!;
      }
      largest = Math.max(largest, Math.abs(sum - matrix[i * size + j]!), Math.abs(unit - (i === j ? 1 : 0)));
    }
  }
  expect([...values]).toEqual([...values].sort((a, b) => b - a));
  return largest;
}

describe('symmetricEigen', () => {
  it('takes random matrices of many sizes apart', () => {
    for (const size of [1, 2, 3, 5, 17, 60]) {
      const rows = Float64Array.from(numbers(size * size, size));
      expect(error(multiplyTransposed(rows, rows, size, size, size), size)).toBeLessThan(1e-9 * size);
      const symmetric = Float64Array.from(rows, (value, index) => value + rows[(index % size) * size + Math.floor(index / size)]!);
      expect(error(symmetric, size)).toBeLessThan(1e-10 * size);
    }
  });

  it('takes singular, diagonal and repeated ones apart', () => {
    const diagonal = (...values: number[]): Float64Array =>
      Float64Array.from({ length: values.length ** 2 }, (_, index) =>
        index % (values.length + 1) === 0 ? values[index / (values.length + 1)]! : 0,
      );
    expect(error(diagonal(3, 3, 0, -1), 4)).toBeLessThan(1e-12);
    expect(error(new Float64Array(25), 5)).toBe(0);
    expect(error(new Float64Array(36).fill(2), 6)).toBeLessThan(1e-12);
    expect([...symmetricEigen(Float64Array.of(2, 1, 1, 2), 2).values]).toEqual([expect.closeTo(3), expect.closeTo(1)]);
  });

  it('says when values are not finite', () => {
    expect(() => symmetricEigen(Float64Array.of(NaN, 1, 1, 2), 2)).toThrow(RangeError);
  });
});
