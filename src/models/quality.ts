import { ModelError } from '../common/errors.js';
import { GraphBuilder, type Tensor } from '../onnx/builder.js';
import type { OnnxModel } from '../onnx/graph.js';
import * as ops from '../onnx/ops.js';

/** Name of the graph output that holds the measures, float32 `[N, 7]`. */
export const QUALITY_OUTPUT = 'quality';

/** Order of the measures in the output; what each means stands at `QualityMeasures` in inference/embedder.ts. */
export const QUALITY_MEASURES = ['luminance', 'litShare', 'glareShare', 'sharpness', 'redness', 'saturation', 'contrast'] as const;

/** Measures are taken at this size, so that one threshold serves models of every input size. */
const SIDE = 224;
/** ITU-R BT.601 luma. */
const LUMA = [0.299, 0.587, 0.114];
/** Below it lies the black of borders and masks, noise of the camera and of the compression included. */
const LIT_FROM = 0.06;
const GLARE_FROM = 0.92;
/** Side of the blocks that sharpness is taken in, px at half the measuring size. */
const BLOCK = 8;

/**
 * The quality measures of uint8 `pixels` `[N, height, width, 3]` as float32 `[N, 7]`.
 */
export function qualityMeasures(pixels: Tensor): Tensor {
  const graph = pixels.builder;
  return graph.scope('quality', () => {
    const rgb = atMeasuringSize(ops.mul(ops.transpose(ops.cast(pixels, 'float32'), [0, 3, 1, 2]), 1 / 255));
    const luminance = ops.conv(rgb, graph.constant(null, 'float32', [1, 3, 1, 1], LUMA), null);
    const lit = ops.cast(ops.greater(luminance, LIT_FROM), 'float32');
    const litShare = mean(lit);
    const over = (mask: Tensor, share: Tensor) => {
      const enough = ops.clip(share, 1e-4, null);
      return (values: Tensor): Tensor => ops.div(mean(ops.mul(values, mask)), enough);
    };
    const overLit = over(lit, litShare);

    const meanLuminance = overLit(luminance);
    const variance = overLit(square(ops.sub(luminance, meanLuminance)));
    const brightest = ops.reduceMax(rgb, [1]);
    const darkest = ops.reduceMin(rgb, [1]);
    const saturation = overLit(ops.div(ops.sub(brightest, darkest), ops.clip(brightest, 1e-3, null)));
    const red = ops.slice(rgb, [{ axis: 1, start: 0, end: 1 }]);
    const redness = overLit(ops.div(red, ops.clip(ops.reduceSum(rgb, [1]), 1e-3, null)));
    const glare = overLit(ops.cast(ops.greater(luminance, GLARE_FROM), 'float32'));

    const sharpness = sharpnessOf(luminance, lit);

    const measures = {
      luminance: meanLuminance,
      litShare,
      glareShare: glare,
      sharpness,
      redness,
      saturation,
      contrast: ops.sqrt(variance),
    };
    const columns = QUALITY_MEASURES.map((name) => measures[name]);
    return ops.reshape(ops.concat(columns, 1), [pixels.shape[0] ?? 1, QUALITY_MEASURES.length]);
  });
}

/**
 * Mean over blocks of log10 of the squared Laplacian relative to the squared luminance. The mean of logarithms keeps the few blocks with glare or
 * burnt-in text, always sharp, from outweighing the rest; half the size keeps out the noise of the camera and of the compression; blocks that are not wholly
 * lit are left out, since the edge of the field of view is always sharp too.
 */
function sharpnessOf(luminance: Tensor, lit: Tensor): Tensor {
  const graph = luminance.builder;
  const half = { strides: [2, 2] };
  const blocks = { strides: [BLOCK, BLOCK] };
  const picture = ops.averagePool(luminance, [2, 2], half);
  const laplacian = ops.conv(picture, graph.constant(null, 'float32', [1, 1, 3, 3], [0, 1, 0, 1, -4, 1, 0, 1, 0]), null, {
    pads: [1, 1, 1, 1],
  });
  const energy = ops.averagePool(square(laplacian), [BLOCK, BLOCK], blocks);
  const level = ops.averagePool(picture, [BLOCK, BLOCK], blocks);
  const unlit = ops.maxPool(ops.sub(1, lit), [2 * BLOCK, 2 * BLOCK], { strides: [2 * BLOCK, 2 * BLOCK] });
  // The outermost blocks hold the edge of the picture, where the Laplacian sees the padding.
  const count = SIDE / 2 / BLOCK;
  const inside = Array.from({ length: count * count }, (_, index) => {
    const [column, row] = [index % count, Math.floor(index / count)];
    return Math.min(column, row) > 0 && Math.max(column, row) < count - 1 ? 1 : 0;
  });
  const counted = ops.mul(ops.sub(1, unlit), graph.constant(null, 'float32', [1, 1, count, count], inside));
  // The floors keep black finite and below everything else: log10(1e-7 / 1e-3) = −4.
  const ratio = ops.div(ops.add(energy, 1e-7), ops.add(square(level), 1e-3));
  const logs = ops.add(ops.mul(ops.log(ratio), Math.LOG10E), 4);
  return ops.sub(ops.div(mean(ops.mul(logs, counted)), ops.clip(mean(counted), 1e-4, null)), 4);
}

/**
 * The same model with the quality measures as a further output; unchanged when it has them. For graphs that were not built here.
 *
 * @throws ModelError `model-quality` when its operator set is older than 13 or newer than 22, or its input is not raw pixels.
 */
export function withQuality(model: OnnxModel, input: { readonly width: number; readonly height: number }): OnnxModel {
  if (model.graph.outputs.some(({ name }) => name === QUALITY_OUTPUT)) return model;
  const name = model.graph.name;
  const opset = model.opsets.get('') ?? 0;
  if (opset < 13 || opset > 22) {
    throw new ModelError(
      'model-quality',
      `${name} is written for operator set ${String(opset)}; quality measures can be joined to sets 13 to 22.`,
      {
        remedy: 'Export the model again for operator set 18.',
      },
    );
  }
  const graph = new GraphBuilder({ name, opset });
  const pixels = graph.input('pixels', 'uint8', ['N', input.height, input.width, 3]);
  const inputs = model.graph.inputs.filter((value) => !model.graph.initializers.has(value.name));
  const bindings = Object.fromEntries(inputs.map((value) => [value.name, pixels]));
  for (const [output, tensor] of graph.merge(model, bindings, 'model/')) graph.output(output, tensor);
  graph.output(QUALITY_OUTPUT, qualityMeasures(pixels));
  return graph.model();
}

/** By two matrix products, since not every device implements an antialiased Resize. */
function atMeasuringSize(rgb: Tensor): Tensor {
  const [, , height, width] = rgb.shape;
  if (typeof height !== 'number' || typeof width !== 'number') throw new TypeError('The size of the pixels is not known');
  if (height === SIDE && width === SIDE) return rgb;
  const graph = rgb.builder;
  const across = graph.constant(
    'across',
    'float32',
    [width, SIDE],
    samplingMatrix(width, (source, target) => source * SIDE + target),
  );
  const down = graph.constant(
    'down',
    'float32',
    [SIDE, height],
    samplingMatrix(height, (source, target) => target * height + source),
  );
  return ops.matMul(down, ops.matMul(rgb, across));
}

/** Weights of an antialiased bilinear resize of one axis: a triangle as wide as the step, normalised at the edges. */
function samplingMatrix(length: number, place: (source: number, target: number) => number): Float32Array {
  const matrix = new Float32Array(length * SIDE);
  const scale = length / SIDE;
  const support = Math.max(scale, 1);
  for (let target = 0; target < SIDE; target++) {
    const centre = (target + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support + 0.5));
    const end = Math.min(length, Math.floor(centre + support + 0.5));
    const weights = Array.from({ length: end - first }, (_, index) => Math.max(0, 1 - Math.abs(first + index + 0.5 - centre) / support));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    weights.forEach((weight, index) => {
      matrix[place(first + index, target)] = weight / total;
    });
  }
  return matrix;
}

function mean(x: Tensor): Tensor {
  return ops.reduceMean(x, [1, 2, 3]);
}

function square(x: Tensor): Tensor {
  return ops.mul(x, x);
}
