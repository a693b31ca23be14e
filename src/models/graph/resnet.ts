import type { Tensor } from '../../onnx/builder.js';
import { add, cast, conv, globalAveragePool, maxPool, relu, reshape, sub, transpose } from '../../onnx/ops.js';
import { resnetUnits, type ConvUnit, type ResnetSpec } from '../backbones/spec.js';
import { activationType, floatConstant, type Precision } from './precision.js';
import { IMAGENET_MEAN, IMAGENET_STD } from './preprocessing.js';
import type { BackboneReader } from './weights.js';

/** torch.nn.BatchNorm2d's default. */
export const RESNET_BATCH_NORM_EPSILON = 1e-5;

/**
 * Emits a ResNet from uint8 pixels `[N, S, S, 3]` to its globally averaged feature, float32 `[N, D]`. BatchNorm is folded into the
 * convolutions. The mean is subtracted before the first of them and not folded into it: its zero padding stands for the mean.
 */
export function emitResnet(pixels: Tensor, spec: ResnetSpec, weights: BackboneReader, precision: Precision): Tensor {
  const graph = pixels.builder;
  const { stem, blocks } = resnetUnits(spec);
  const mean = graph.constant(
    'mean',
    'float32',
    [3],
    IMAGENET_MEAN.map((value) => value * 255),
  );
  let x = cast(transpose(sub(cast(pixels, 'float32'), mean), [0, 3, 1, 2]), activationType(precision));
  x = relu(convNorm(x, stem, weights, precision, true));
  if (spec.stemPool) x = maxPool(x, [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] });
  for (const { units, downsample } of blocks) {
    const shortcut = downsample === null ? x : convNorm(x, downsample, weights, precision);
    const inner = units.reduce((y, unit, index) => convNorm(index === 0 ? y : relu(y), unit, weights, precision), x);
    x = relu(add(inner, shortcut));
  }
  return reshape(cast(globalAveragePool(x), 'float32'), [x.shape[0] ?? 'N', spec.dimension]);
}

function convNorm(x: Tensor, unit: ConvUnit, weights: BackboneReader, precision: Precision, isStem = false): Tensor {
  const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((name) =>
    weights.take(`${unit.norm}.${name}`),
  );
  const kernel = weights.take(`${unit.conv}.weight`).slice();
  const bias = new Float32Array(unit.outputs);
  const perOutput = kernel.length / unit.outputs;
  const area = unit.kernel * unit.kernel;
  for (let output = 0; output < unit.outputs; output++) {
    const factor = (gamma?.[output] ?? 1) / Math.sqrt((variance?.[output] ?? 1) + RESNET_BATCH_NORM_EPSILON);
    bias[output] = (beta?.[output] ?? 0) - (mean?.[output] ?? 0) * factor;
    for (let index = 0; index < perOutput; index++) {
      const pixelScale = isStem ? 1 / (255 * (IMAGENET_STD[Math.floor(index / area)] ?? 1)) : 1;
      const at = output * perOutput + index;
      kernel[at] = (kernel[at] ?? 0) * factor * pixelScale;
    }
  }
  const pad = (unit.kernel - 1) / 2;
  return conv(
    x,
    floatConstant(x.builder, `${unit.conv}.weight`, [unit.outputs, unit.inputs, unit.kernel, unit.kernel], kernel, precision),
    floatConstant(x.builder, `${unit.conv}.bias`, [unit.outputs], bias, precision),
    { strides: [unit.stride, unit.stride], pads: [pad, pad, pad, pad] },
  );
}
