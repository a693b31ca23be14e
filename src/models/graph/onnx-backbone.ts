import type { Tensor } from '../../onnx/builder.js';
import type { Dimension, GraphValue, OnnxModel } from '../../onnx/graph.js';
import { cast, div, gather, mul, sub, transpose } from '../../onnx/ops.js';
import { ModelError } from '../../common/errors.js';
import type { OnnxSpec } from '../manifest.js';
import { IMAGENET_MEAN, IMAGENET_STD } from './preprocessing.js';
import { allFinite } from './weights.js';

/** How an ONNX graph from elsewhere is used: which input takes the picture, which output is the feature. */
export interface OnnxBackbone {
  readonly spec: OnnxSpec;
  /** Side of the square input that the graph asks for; null where it takes any. */
  readonly inputSize: number | null;
  readonly notes: readonly string[];
}

/**
 * Accepts raw pixels uint8 `[N, H, W, 3]`, or normalised float32 `[N, 3, H, W]` as Hugging Face exports have them (`pixel_values`).
 * The feature is the one output `[N, D]`, or the first token of the one output `[N, T, D]` (`last_hidden_state`).
 *
 * @throws ModelError `onnx-backbone`, `weights-not-finite`
 */
export function inspectOnnx(model: OnnxModel, path: string): OnnxBackbone {
  refuseNotFinite(model, path);
  const inputs = model.graph.inputs.filter(({ name }) => !model.graph.initializers.has(name));
  const [input] = inputs;
  if (input === undefined || inputs.length !== 1) throw unusable(path, `it has ${inputs.length} inputs instead of one picture`);
  const inputSize = inputSizeOf(input, path);
  const { output, dimension } = featureOf(model.graph.outputs, path);
  const spec: OnnxSpec = { kind: 'onnx', family: 'onnx', dimension, input: input.name, output: output.name };
  const form = output.info?.shape.length === 3 ? `first token of \`${output.name}\`` : `\`${output.name}\``;
  return { spec, inputSize, notes: [`ONNX graph as it is: \`${input.name}\` → ${form}, ${dimension} features`] };
}

function refuseNotFinite(model: OnnxModel, path: string): void {
  for (const { name, type, data } of model.graph.initializers.values()) {
    if (type !== 'float32') continue;
    const copy = data.byteOffset % 4 === 0 ? data : new Uint8Array(data);
    if (allFinite(new Float32Array(copy.buffer, copy.byteOffset, copy.byteLength / 4))) continue;
    throw new ModelError('weights-not-finite', `${path} holds NaN or infinite values in ${name}.`, {
      remedy: 'Export the model again from sound weights.',
    });
  }
}

function inputSizeOf(input: GraphValue, path: string): number | null {
  const { type, shape } = input.info ?? { type: 'unknown', shape: [] };
  const isPixels = type === 'uint8' && shape.length === 4 && shape[3] === 3;
  const isNormalised = type === 'float32' && shape.length === 4 && (typeof shape[1] === 'string' || shape[1] === 3);
  if (!isPixels && !isNormalised) throw unusable(path, `its input ${input.name} is ${type} [${shape.join(', ')}]`);
  const sides: Dimension[] = isPixels ? [shape[1] ?? '', shape[2] ?? ''] : [shape[2] ?? '', shape[3] ?? ''];
  if (typeof shape[0] === 'number') throw unusable(path, `it takes batches of ${shape[0]} only; export it with a free batch size`);
  const fixed = sides.filter((side) => typeof side === 'number');
  if (fixed.length === 2 && fixed[0] !== fixed[1]) throw unusable(path, `its input is not square (${fixed.join('×')})`);
  return fixed[0] ?? null;
}

function featureOf(outputs: readonly GraphValue[], path: string): { output: GraphValue; dimension: number } {
  const floats = outputs.filter(({ info }) => info?.type === 'float32' && typeof info.shape.at(-1) === 'number');
  const tokens = floats.filter(({ info }) => info?.shape.length === 3);
  const vectors = floats.filter(({ info }) => info?.shape.length === 2);
  const named = vectors.filter(({ name }) => name === 'embedding' || name === 'image_embeds');
  // Tokens stand before `pooler_output`, which is a trained layer of its own in some classes.
  const choice = named.length === 1 ? named : tokens.length === 1 ? tokens : vectors;
  const [output] = choice;
  if (output === undefined || choice.length !== 1) {
    throw unusable(
      path,
      `its feature cannot be told from its outputs (${outputs.map(({ name, info }) => `${name} [${info?.shape.join(', ') ?? '?'}]`).join('; ')})`,
    );
  }
  return { output, dimension: Number(output.info?.shape.at(-1)) };
}

/** Joins the graph to `pixels` uint8 `[N, S, S, 3]`; returns its feature, float32 `[N, D]`. */
export function emitOnnx(pixels: Tensor, model: OnnxModel, spec: OnnxSpec, prefix: string): Tensor {
  const graph = pixels.builder;
  const type = model.graph.inputs.find(({ name }) => name === spec.input)?.info?.type;
  const vector = (values: readonly number[]): Tensor => graph.constant(null, 'float32', [3], values);
  const normalised = (): Tensor =>
    transpose(div(sub(mul(cast(pixels, 'float32'), 1 / 255), vector(IMAGENET_MEAN)), vector(IMAGENET_STD)), [0, 3, 1, 2]);
  const outputs = graph.merge(model, { [spec.input]: type === 'uint8' ? pixels : normalised() }, `${prefix}/`);
  const output = outputs.get(spec.output);
  if (output === undefined) throw new TypeError(`No output ${spec.output}`);
  if (output.shape.length === 2) return output;
  return gather(output, graph.constant(null, 'int64', [], [0]), 1);
}

function unusable(path: string, what: string): ModelError {
  return new ModelError('onnx-backbone', `${path} cannot be used as a backbone: ${what}.`, {
    remedy: 'Needed is one picture in (uint8 [N, H, W, 3] or normalised float32 [N, 3, H, W]) and one feature out ([N, D] or [N, T, D]).',
  });
}
