import { ModelError } from '../common/errors.js';
import type { Tensors } from '../inference/graph-messages.js';
import type { TensorValue } from '../inference/session.js';
import { sizeOf } from '../models/checkpoint/tensor.js';
import { tokensOf } from './graph/backbone.js';
import { dropoutNumbers } from './graph/dropout.js';
import { dropoutColumns } from './graph/graphs.js';
import { isTrainedTransformer, type TrainableModel } from './model.js';
import type { ParameterSpec } from './parameters.js';
import type { Parameters, StepPictures } from './step.js';

/** Pictures `from` to `to` of `count`. @throws TypeError when the arrays do not hold `count` pictures. */
export function pictureFeed(
  model: TrainableModel,
  activationLengths: ReadonlyMap<string, number> | null,
  pictures: StepPictures,
  [from, to, count]: readonly [from: number, to: number, count: number],
): Tensors {
  const { inputSize, backbones } = model;
  if ('pixels' in pictures) {
    const length = inputSize * inputSize * 3;
    const { pixels } = pictures;
    if (pixels.length !== count * length) {
      throw new TypeError(`pixels holds ${String(pixels.length)} bytes, not ${String(count)} pictures of ${String(inputSize)} px`);
    }
    return { pixels: { data: pixels.slice(from * length, to * length), shape: [to - from, inputSize, inputSize, 3] } };
  }
  return Object.fromEntries(
    backbones.map(({ name }) => {
      const length = activationLengths?.get(name) ?? 0;
      const values = pictures.activations.get(name) ?? new Float32Array();
      if (length === 0 || values.length !== count * length) {
        throw new TypeError(
          `The activations of ${name} hold ${String(values.length)} numbers, not ${String(count)} times ${String(length)}`,
        );
      }
      return [`activations:${name}`, { data: values.slice(from * length, to * length), shape: [to - from, length] }];
    }),
  );
}

/** All parameters. @throws TypeError when one is missing or of another size. */
export function parameterFeed(specs: ReadonlyMap<string, ParameterSpec>, parameters: Parameters): Tensors {
  const feed: Record<string, TensorValue> = {};
  for (const [name, { shape }] of specs) {
    const data = parameters.get(name);
    if (data?.length !== sizeOf(shape)) {
      throw new TypeError(`Parameter ${name} has ${String(data?.length ?? 0)} elements instead of ${String(sizeOf(shape))}`);
    }
    feed[name] = { data: data as Float32Array<ArrayBuffer>, shape };
  }
  return feed;
}

/** Rows and columns of the dropout of pictures `from` to `to`: the same for a picture whatever pieces its batch is cut into. */
export function dropoutFeed(model: TrainableModel, seed: number, from: number, to: number): Tensors {
  const feed: Record<string, TensorValue> = {};
  model.backbones.forEach((backbone, index) => {
    const columns = dropoutColumns(model, backbone);
    if (columns === 0 || !isTrainedTransformer(backbone)) return;
    const tokens = tokensOf(backbone, model.inputSize);
    const mixed = Math.imul(seed, 0x9e3779b1) + 2 * index;
    const rows = dropoutNumbers(to * tokens, mixed).slice(from * tokens);
    feed[`rows:${backbone.name}`] = { data: rows, shape: [rows.length, 1] };
    feed[`columns:${backbone.name}`] = { data: dropoutNumbers(columns, mixed + 1), shape: [1, columns] };
  });
  return feed;
}

export function floatsOf(tensors: Tensors, name: string): Float32Array<ArrayBuffer> {
  const data = tensors[name]?.data;
  if (!(data instanceof Float32Array)) throw new ModelError('model-contract', `The training graph has no output ${name}.`);
  return data;
}

export function vectorOf(values: Float32Array): TensorValue {
  return { data: Float32Array.from(values), shape: [values.length] };
}
