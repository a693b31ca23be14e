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
  /** Most principal components in which the classes are compared. */
  readonly components: number;
  /** Share of the average variance that the within-class covariance is drawn towards, 0…1. */
  readonly shrinkage: number;
  /** Weight of the spread of all pictures beside the spread of the class means, 0…1: what keeps classes apart that the gallery has not. */
  readonly spread: number;
}

/** Fewer pictures say nothing about directions; they are only centred. */
const FEWEST_PICTURES = 24;

/**
 * Directions in which classes differ, scaled so that the scatter inside a class is the same in each, and weighted by how much the classes differ
 * there: the two-covariance model (Ioffe 2006, Probabilistic LDA) on principal components of the standardised features, with a shrunk
 * within-class covariance (Ledoit and Wolf 2004). From it, cosine similarity is close to the likelihood ratio of “same class”. Every class counts alike,
 * however many pictures it has.
 *
 * Deterministic. `features` is `[labels.length, inputs]`, with at least one row.
 */
export function fitWhitening(features: Float32Array, labels: readonly string[], options: WhiteningOptions): Whitening {
  const rows = labels.length;
  const inputs = features.length / rows;
  const classes = rowsByLabel(labels);
  const weights = rowWeights(classes, rows);
  const { standardised, mean, deviation } = standardise(features, inputs, weights);
  if (rows < FEWEST_PICTURES || classes.length < 2) return centredOnly(inputs, mean, deviation);

  const basis = principalComponents(standardised, inputs, weights, Math.min(options.components, rows - 1, inputs));
  const size = basis.length / inputs;
  const components = multiplyTransposed(standardised, basis, rows, inputs, size);
  const means = classMeans(components, size, classes);
  const within = withinScatter(components, size, classes, means, weights);
  shrink(within, size, options.shrinkage);
  const whiten = inverseRoot(within, size);
  const centre = columnMeans(means, size);
  const between = secondMoments(multiplyTransposed(centred(means, centre), whiten, classes.length, size, size), size);
  const total = secondMoments(multiplyTransposed(components, whiten, rows, size, size), size);
  const blend = between.map((value, index) => (1 - options.spread) * value + options.spread * at(total, index));
  const directions = symmetricEigen(blend, size);

  const outputs = Math.min(options.outputs, size);
  const matrix = new Float32Array(inputs * outputs);
  for (let output = 0; output < outputs; output++) {
    const spread = Math.max(at(directions.values, output), 0);
    // The weight that a direction has in the likelihood ratio when noise inside a class is 1.
    const weight = Math.sqrt(spread / (spread + 1));
    const direction = rowTimes(rowTimes(directions.vectors.subarray(output * size, (output + 1) * size), whiten, size), basis, inputs);
    for (let input = 0; input < inputs; input++) matrix[input * outputs + output] = (at(direction, input) * weight) / at(deviation, input);
  }
  const shift = rowTimes(centre, basis, inputs);
  return { inputs, outputs, mean: Float32Array.from(mean, (value, input) => value + at(shift, input) * at(deviation, input)), matrix };
}

function at(array: Float64Array | Float32Array, index: number): number {
  return array[index] ?? 0;
}

function rowsByLabel(labels: readonly string[]): readonly (readonly number[])[] {
  const classes = new Map<string, number[]>();
  labels.forEach((label, row) => {
    const members = classes.get(label);
    if (members === undefined) classes.set(label, [row]);
    else members.push(row);
  });
  return [...classes.values()];
}

/** Weights of the rows; those of a class sum to 1 / number of classes. */
function rowWeights(classes: readonly (readonly number[])[], rows: number): Float64Array {
  const weights = new Float64Array(rows);
  for (const members of classes) for (const row of members) weights[row] = 1 / (members.length * classes.length);
  return weights;
}

function standardise(
  features: Float32Array,
  inputs: number,
  weights: Float64Array,
): { readonly standardised: Float64Array; readonly mean: Float64Array; readonly deviation: Float64Array } {
  const mean = new Float64Array(inputs);
  const deviation = new Float64Array(inputs);
  for (let index = 0; index < features.length; index++) {
    const input = index % inputs;
    mean[input] = at(mean, input) + at(features, index) * at(weights, (index - input) / inputs);
  }
  for (let index = 0; index < features.length; index++) {
    const input = index % inputs;
    deviation[input] = at(deviation, input) + (at(features, index) - at(mean, input)) ** 2 * at(weights, (index - input) / inputs);
  }
  // A feature that never changes must not turn noise into evidence.
  deviation.forEach((variance, input) => (deviation[input] = Math.sqrt(variance) + 1e-4));
  const standardised = Float64Array.from(features, (value, index) => (value - at(mean, index % inputs)) / at(deviation, index % inputs));
  return { standardised, mean, deviation };
}

function centredOnly(inputs: number, mean: Float64Array, deviation: Float64Array): Whitening {
  const average = Math.max(deviation.reduce((sum, value) => sum + value, 0) / inputs, 1e-3);
  const matrix = new Float32Array(inputs * inputs);
  for (let input = 0; input < inputs; input++) matrix[input * inputs + input] = 1 / average;
  // Centring on a single picture would leave nothing of it.
  return { inputs, outputs: inputs, mean: Float32Array.from(mean, (value) => value / 2), matrix };
}

/** Rows are the first `count` principal directions, in order. */
function principalComponents(rows: Float64Array, inputs: number, weights: Float64Array, count: number): Float64Array {
  const scaled = Float64Array.from(rows, (value, index) => value * Math.sqrt(at(weights, Math.floor(index / inputs))));
  const height = weights.length;
  if (height >= inputs) return symmetricEigen(secondMoments(scaled, inputs), inputs).vectors.subarray(0, count * inputs);
  // With fewer rows than columns the products of the rows hold the same directions in a smaller matrix.
  const { values, vectors } = symmetricEigen(multiplyTransposed(scaled, scaled, height, inputs, height), height);
  const directions = new Float64Array(count * inputs);
  for (let direction = 0; direction < count; direction++) {
    const scale = 1 / Math.sqrt(Math.max(at(values, direction), 1e-12));
    const combined = rowTimes(vectors.subarray(direction * height, (direction + 1) * height), scaled, inputs);
    combined.forEach((value, input) => (directions[direction * inputs + input] = value * scale));
  }
  return directions;
}

/** row · matrix, `matrix` [row.length, columns]. */
function rowTimes(row: Float64Array, matrix: Float64Array, columns: number): Float64Array {
  const product = new Float64Array(columns);
  row.forEach((factor, index) => {
    for (let column = 0; column < columns; column++) product[column] = at(product, column) + factor * at(matrix, index * columns + column);
  });
  return product;
}

function classMeans(rows: Float64Array, size: number, classes: readonly (readonly number[])[]): Float64Array {
  const means = new Float64Array(classes.length * size);
  classes.forEach((members, index) => {
    for (const row of members) {
      for (let k = 0; k < size; k++) means[index * size + k] = at(means, index * size + k) + at(rows, row * size + k) / members.length;
    }
  });
  return means;
}

function columnMeans(rows: Float64Array, size: number): Float64Array {
  const mean = new Float64Array(size);
  rows.forEach((value, index) => (mean[index % size] = at(mean, index % size) + (value * size) / rows.length));
  return mean;
}

function centred(rows: Float64Array, mean: Float64Array): Float64Array {
  return rows.map((value, index) => value - at(mean, index % mean.length));
}

/** Average of the classes' own covariances, each unbiased by its number of pictures. */
function withinScatter(
  rows: Float64Array,
  size: number,
  classes: readonly (readonly number[])[],
  means: Float64Array,
  weights: Float64Array,
): Float64Array {
  const deviations: number[] = [];
  let freedom = 0;
  classes.forEach((members, index) => {
    for (const row of members) {
      const weight = Math.sqrt(at(weights, row));
      for (let k = 0; k < size; k++) deviations.push((at(rows, row * size + k) - at(means, index * size + k)) * weight);
      freedom += (at(weights, row) * (members.length - 1)) / members.length;
    }
  });
  const scatter = sumOfSquares(Float64Array.from(deviations), size);
  return scatter.map((value) => value / Math.max(freedom, 1e-12));
}

/** Towards the identity times the average variance. Classes of one picture each show no scatter at all: then all directions count alike. */
function shrink(covariance: Float64Array, size: number, shrinkage: number): void {
  let trace = 0;
  for (let k = 0; k < size; k++) trace += at(covariance, k * size + k);
  const average = trace > 1e-9 ? trace / size : 1;
  covariance.forEach((value, index) => (covariance[index] = value * (1 - shrinkage)));
  for (let k = 0; k < size; k++) covariance[k * size + k] = at(covariance, k * size + k) + shrinkage * average;
}

/** Rows scale each eigenvector by the inverse root of its eigenvalue. */
function inverseRoot(covariance: Float64Array, size: number): Float64Array {
  const { values, vectors } = symmetricEigen(covariance, size);
  return vectors.map((value, index) => value / Math.sqrt(Math.max(at(values, Math.floor(index / size)), 1e-12)));
}

function sumOfSquares(rows: Float64Array, size: number): Float64Array {
  const sums = new Float64Array(size * size);
  for (let start = 0; start < rows.length; start += size) {
    for (let i = 0; i < size; i++) {
      const value = at(rows, start + i);
      for (let k = 0; k < size; k++) sums[i * size + k] = at(sums, i * size + k) + value * at(rows, start + k);
    }
  }
  return sums;
}

function secondMoments(rows: Float64Array, size: number): Float64Array {
  const count = rows.length / size;
  return sumOfSquares(rows, size).map((value) => value / count);
}
