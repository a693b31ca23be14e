import type { TrainableModel } from '../../src/training/model.js';
import { parametersOf } from '../../src/training/parameters.js';
import type { createTrainingStep } from '../../src/training/create-step.js';
import type { Parameters, StepPictures } from '../../src/training/step.js';

/** Side of the grid whose brightness is what the fake sees of a picture. */
const GRID = 8;

/**
 * A step without graphs: the fusion head's Linear on the brightness of an 8 × 8 grid, drawn together within a class and apart between classes. It
 * trains in earnest and is the same to the bit each time; everything else in the model has a gradient of zero.
 */
export function fakeSteps(
  options: { readonly onRun?: (run: number) => void | Promise<void>; readonly nanAt?: number } = {},
): typeof createTrainingStep {
  return (model) => {
    const dimension = model.head?.outputs ?? 0;
    let runs = 0;
    return Promise.resolve({
      dimension,
      activationLengths: null,
      activations: () => Promise.reject(new TypeError('The fake has none')),
      async run({ pictures, labels }, parameters) {
        await options.onRun?.(runs);
        const inputs = featuresOf(pictures, labels.length, model);
        const outputs = project(inputs, labels.length, dimension, parameters);
        const { loss, weight } = lossOf(inputs, outputs, labels, dimension);
        const gradients = new Map(
          [...parametersOf(model)].map(([name, { shape }]) => [name, new Float32Array(shape.reduce((size, length) => size * length, 1))]),
        );
        gradients.set('fusion_fc.0.weight', weight);
        const isBad = runs++ === options.nanAt;
        return {
          loss: isBad ? NaN : loss,
          minedTriplets: labels.length,
          gradients,
          statistics: new Map(),
          batchStatistics: { ...momentsOf(outputs, labels.length, dimension), count: labels.length },
          embeddings: normalised(outputs, dimension),
        };
      },
      embed: (pictures, count, parameters) =>
        Promise.resolve(normalised(project(featuresOf(pictures, count, model), count, dimension, parameters), dimension)),
      dispose: () => Promise.resolve(),
    });
  };
}

function featuresOf(pictures: StepPictures, count: number, model: TrainableModel): Float32Array {
  if (!('pixels' in pictures)) throw new TypeError('The fake takes pixels');
  const side = model.inputSize;
  const width = model.backbones.reduce((sum, { spec }) => sum + spec.dimension, 0);
  const features = new Float32Array(count * width);
  for (let picture = 0; picture < count; picture++) {
    const own = features.subarray(picture * width, picture * width + GRID * GRID);
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const cell = Math.floor((y * GRID) / side) * GRID + Math.floor((x * GRID) / side);
        own[cell]! += pictures.pixels[((picture * side + y) * side + x) * 3]! / 255 / ((side / GRID) * (side / GRID));
      }
    }
    const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
    own.forEach((value, cell) => (own[cell] = value - mean));
  }
  return features;
}

function project(inputs: Float32Array, count: number, dimension: number, parameters: Parameters): Float32Array<ArrayBuffer> {
  const weight = parameters.get('fusion_fc.0.weight')!;
  const width = inputs.length / count;
  return Float32Array.from({ length: count * dimension }, (_, at) => {
    const [row, output] = [Math.floor(at / dimension), at % dimension];
    let sum = 0;
    for (let input = 0; input < width; input++) sum += inputs[row * width + input]! * weight[output * width + input]!;
    return sum;
  });
}

function normalised(outputs: Float32Array, dimension: number): Float32Array<ArrayBuffer> {
  const result = Float32Array.from(outputs);
  for (let from = 0; from < result.length; from += dimension) {
    const row = result.subarray(from, from + dimension);
    const norm = Math.hypot(...row) + 1e-12;
    row.forEach((value, index) => (row[index] = value / norm));
  }
  return result;
}

/** 1 − cosine within a class, cosine + 1 between classes, averaged over pairs. */
function lossOf(inputs: Float32Array, outputs: Float32Array, labels: readonly number[], dimension: number) {
  const unit = normalised(outputs, dimension);
  const count = labels.length;
  const width = inputs.length / count;
  const weight = new Float32Array(dimension * width);
  let loss = 0;
  for (let a = 0; a < count; a++) {
    const slope = new Float64Array(dimension);
    for (let b = 0; b < count; b++) {
      if (a === b) continue;
      const sign = labels[a] === labels[b] ? -1 : 1 / count;
      for (let index = 0; index < dimension; index++) {
        loss += (sign * unit[a * dimension + index]! * unit[b * dimension + index]!) / count;
        slope[index]! += (2 * sign * unit[b * dimension + index]!) / count;
      }
    }
    const own = unit.subarray(a * dimension, (a + 1) * dimension);
    const norm = Math.hypot(...outputs.subarray(a * dimension, (a + 1) * dimension)) + 1e-12;
    const along = own.reduce((sum, value, index) => sum + value * slope[index]!, 0);
    for (let index = 0; index < dimension; index++) {
      const toOutput = (slope[index]! - along * own[index]!) / norm;
      for (let input = 0; input < width; input++) weight[index * width + input]! += toOutput * inputs[a * width + input]!;
    }
  }
  return { loss, weight };
}

function momentsOf(outputs: Float32Array, count: number, dimension: number) {
  const mean = new Float32Array(dimension);
  const variance = new Float32Array(dimension);
  outputs.forEach((value, at) => (mean[at % dimension]! += value / count));
  outputs.forEach((value, at) => (variance[at % dimension]! += (value - mean[at % dimension]!) ** 2 / count));
  return { mean, variance };
}
