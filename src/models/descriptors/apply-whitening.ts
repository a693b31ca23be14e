import type { Whitening } from './whitening.js';

/** Applies a whitening to `[count, inputs]` features and L2-normalises each row: `[count, outputs]`. */
export function applyWhitening(features: Float32Array, { inputs, outputs, mean, matrix }: Whitening): Float32Array<ArrayBuffer> {
  const count = features.length / inputs;
  const projected = new Float32Array(count * outputs);
  const row = new Float64Array(outputs);
  for (let at = 0; at < count; at++) {
    row.fill(0);
    for (let i = 0; i < inputs; i++) {
      const value = (features[at * inputs + i] ?? 0) - (mean[i] ?? 0);
      const start = i * outputs;
      for (let j = 0; j < outputs; j++) row[j] = (row[j] ?? 0) + value * (matrix[start + j] ?? 0);
    }
    const norm = Math.max(Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)), 1e-12);
    for (let j = 0; j < outputs; j++) projected[at * outputs + j] = (row[j] ?? 0) / norm;
  }
  return projected;
}
