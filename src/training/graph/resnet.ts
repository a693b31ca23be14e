import type { Tensor } from '../../onnx/builder.js';
import { add, cast, conv, div, mul, reduceMean, relu, reshape, sqrt, sub, transpose } from '../../onnx/ops.js';
import { resnetUnits, type ConvUnit } from '../../models/backbones/spec.js';
import { IMAGENET_MEAN, IMAGENET_STD } from '../../models/graph/preprocessing.js';
import { RESNET_BATCH_NORM_EPSILON } from '../../models/graph/resnet.js';
import type { TrainedResnet } from '../model.js';

export interface ResnetFeature {
  /** `[N, D]`. */
  readonly feature: Tensor;
  /** Moments of the batch, `[channels]`, by the names of the running ones that they move. Empty with running moments. */
  readonly moments: ReadonlyMap<string, Tensor>;
}

/**
 * What `emitResnet` of the inference graph gives, with the trained tensors as inputs. BatchNorm takes the moments of the batch where `parameters`
 * has no running ones (Ioffe and Szegedy 2015).
 */
export function emitTrainedResnet(pixels: Tensor, { name, spec }: TrainedResnet, parameters: ReadonlyMap<string, Tensor>): ResnetFeature {
  const graph = pixels.builder;
  const moments = new Map<string, Tensor>();
  const parameter = (tensor: string): Tensor => {
    const found = parameters.get(`${name}.${tensor}`);
    if (found === undefined) throw new TypeError(`No parameter ${tensor} of ${name}`);
    return found;
  };
  const perChannel = (vector: Tensor): Tensor => reshape(vector, [1, Number(vector.shape[0]), 1, 1]);
  const moment = (unit: ConvUnit, kind: 'mean' | 'var', ofBatch: () => Tensor): Tensor => {
    const tensor = `${name}.${unit.norm}.running_${kind}`;
    const running = parameters.get(tensor);
    if (running !== undefined) return perChannel(running);
    const value = ofBatch();
    moments.set(tensor, reshape(value, [unit.outputs]));
    return value;
  };
  const convNorm = (x: Tensor, unit: ConvUnit): Tensor =>
    graph.scope(unit.conv, () => {
      const pad = (unit.kernel - 1) / 2;
      const y = conv(x, parameter(`${unit.conv}.weight`), null, { strides: [unit.stride, unit.stride], pads: [pad, pad, pad, pad] });
      const centred = sub(
        y,
        moment(unit, 'mean', () => reduceMean(y, [0, 2, 3])),
      );
      const variance = moment(unit, 'var', () => reduceMean(mul(centred, centred), [0, 2, 3]));
      const scale = div(perChannel(parameter(`${unit.norm}.weight`)), sqrt(add(variance, RESNET_BATCH_NORM_EPSILON)));
      return add(mul(centred, scale), perChannel(parameter(`${unit.norm}.bias`)));
    });
  const feature = graph.scope(name, () => {
    const { stem, blocks } = resnetUnits(spec);
    const perColour = (what: string, values: readonly number[]): Tensor =>
      graph.constant(
        what,
        'float32',
        [values.length],
        values.map((value) => value * 255),
      );
    const normal = div(sub(cast(pixels, 'float32'), perColour('mean', IMAGENET_MEAN)), perColour('deviation', IMAGENET_STD));
    let x = relu(convNorm(transpose(normal, [0, 3, 1, 2]), stem));
    blocks.forEach(({ units, downsample }, block) => {
      x = graph.scope(`block${String(block)}`, () => {
        const shortcut = downsample === null ? x : convNorm(x, downsample);
        return relu(
          add(
            units.reduce((y, unit, index) => convNorm(index === 0 ? y : relu(y), unit), x),
            shortcut,
          ),
        );
      });
    });
    return reshape(reduceMean(x, [2, 3]), ['N', spec.dimension]);
  });
  return { feature, moments };
}
