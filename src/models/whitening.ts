import { multiplyTransposed, symmetricEigen } from './linear-algebra.js';

/** y = (x − mean) · matrix, with `mean` [inputs] and `matrix` [inputs, outputs]. */
export interface Whitening {
  readonly inputs: number;
  readonly outputs: number;
  readonly mean: Float32Array;
  readonly matrix: Float32Array;
}

export interface WhiteningOptions {
  /** Most directions that are kept. */
  readonly outputs: number;
  /** Share of the average variance that the within-class covariance is drawn towards, 0…1. */
  readonly shrinkage: number;
  /** Weight of the spread of all pictures beside the spread of the class means, 0…1: what keeps classes apart that the gallery has not. */
  readonly spread: number;
}

/**
 * Directions in which classes differ, scaled so that the scatter inside a class is the same in each, and weighted by how much the classes differ
 * there: the two-covariance model (Ioffe 2006, Probabilistic LDA) with a shrunk within-class covariance (Ledoit and Wolf 2004), from which
 * cosine similarity is close to the likelihood ratio “same class”.
 *
 * Deterministic. `features` is `[labels.length, inputs]`.
 */
export function fitWhitening(features: Float32Array, labels: readonly string[], options: WhiteningOptions): Whitening {
  const rows = labels.length;
  const inputs = rows === 0 ? 0 : features.length / rows;
  const groups = rowsByLabel(labels);
  const classMeans = groups.map((group) => meanOf(features, inputs, group));
  // Each class counts alike, however many pictures it has.
  const mean = averageOf(classMeans, inputs);
  const within = withinScatter(features, inputs, groups, classMeans);
  shrink(within, inputs, options.shrinkage);
  const inner = symmetricEigen(within, inputs);
  const whiten = new Float64Array(inputs * inputs);
  for (let i = 0; i < inputs; i++) {
    const scale = 1 / Math.sqrt(Math.max(inner.values[i] ?? 0, 1e-12));
    for (let k = 0; k < inputs; k++) whiten[i * inputs + k] = (inner.vectors[i * inputs + k] ?? 0) * scale;
  }
  const centredMeans = Float64Array.from(classMeans.flatMap((row) => [...row].map((value, k) => value - (mean[k] ?? 0))));
  const centredRows = Float64Array.from(features, (value, index) => value - (mean[index % inputs] ?? 0));
  const between = scatter(multiplyTransposed(centredMeans, whiten, classMeans.length, inputs, inputs), classMeans.length, inputs);
  const total = scatter(multiplyTransposed(centredRows, whiten, rows, inputs, inputs), rows, inputs);
  const blend = between.map((value, index) => (1 - options.spread) * value + options.spread * (total[index] ?? 0));
  const outer = symmetricEigen(blend, inputs);
  const outputs = Math.min(options.outputs, inputs);
  const matrix = new Float32Array(inputs * outputs);
  for (let j = 0; j < outputs; j++) {
    const spread = Math.max(outer.values[j] ?? 0, 0);
    const weight = Math.sqrt(spread / (spread + 1));
    for (let k = 0; k < inputs; k++) {
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum += (outer.vectors[j * inputs + i] ?? 0) * (whiten[i * inputs + k] ?? 0);
      matrix[k * outputs + j] = sum * weight;
    }
  }
  return { inputs, outputs, mean: Float32Array.from(mean), matrix };
}

function rowsByLabel(labels: readonly string[]): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>();
  labels.forEach((label, row) => {
    const group = groups.get(label);
    if (group === undefined) groups.set(label, [row]);
    else group.push(row);
  });
  return [...groups.values()];
}

function meanOf(features: Float32Array, inputs: number, rows: readonly number[]): Float64Array {
  const mean = new Float64Array(inputs);
  for (const row of rows) for (let k = 0; k < inputs; k++) mean[k] = (mean[k] ?? 0) + (features[row * inputs + k] ?? 0) / rows.length;
  return mean;
}

function averageOf(means: readonly Float64Array[], inputs: number): Float64Array {
  const average = new Float64Array(inputs);
  for (const mean of means) for (let k = 0; k < inputs; k++) average[k] = (average[k] ?? 0) + (mean[k] ?? 0) / means.length;
  return average;
}

/** Average over the pictures, large classes damped by the square root of their size. */
function withinScatter(
  features: Float32Array,
  inputs: number,
  groups: readonly (readonly number[])[],
  classMeans: readonly Float64Array[],
): Float64Array {
  const result = new Float64Array(inputs * inputs);
  let weights = 0;
  const deviation = new Float64Array(inputs);
  groups.forEach((group, index) => {
    if (group.length < 2) return;
    const mean = classMeans[index] ?? deviation;
    const weight = 1 / Math.sqrt(group.length);
    for (const row of group) {
      for (let k = 0; k < inputs; k++) deviation[k] = (features[row * inputs + k] ?? 0) - (mean[k] ?? 0);
      for (let i = 0; i < inputs; i++) {
        const scaled = (deviation[i] ?? 0) * weight;
        for (let k = i; k < inputs; k++) result[i * inputs + k] = (result[i * inputs + k] ?? 0) + scaled * (deviation[k] ?? 0);
      }
    }
    weights += weight * (group.length - 1);
  });
  for (let i = 0; i < inputs; i++) {
    for (let k = i; k < inputs; k++) {
      const value = (result[i * inputs + k] ?? 0) / Math.max(weights, 1e-12);
      result[i * inputs + k] = value;
      result[k * inputs + i] = value;
    }
  }
  return result;
}

/** Towards the identity times the average variance; a class structure that shows no scatter at all gets the identity. */
function shrink(covariance: Float64Array, inputs: number, shrinkage: number): void {
  let trace = 0;
  for (let i = 0; i < inputs; i++) trace += covariance[i * inputs + i] ?? 0;
  const average = trace / Math.max(inputs, 1);
  const floor = average > 0 ? shrinkage * average : 1;
  for (let index = 0; index < covariance.length; index++) covariance[index] = (covariance[index] ?? 0) * (1 - shrinkage);
  for (let i = 0; i < inputs; i++) covariance[i * inputs + i] = (covariance[i * inputs + i] ?? 0) + floor;
}

function scatter(rows: Float64Array, count: number, inputs: number): Float64Array {
  const result = new Float64Array(inputs * inputs);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < inputs; i++) {
      const value = (rows[row * inputs + i] ?? 0) / count;
      for (let k = 0; k < inputs; k++) result[i * inputs + k] = (result[i * inputs + k] ?? 0) + value * (rows[row * inputs + k] ?? 0);
    }
  }
  return result;
}

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
