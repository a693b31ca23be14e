import type { GraphBuilder, NodeOptions, Tensor } from './builder.js';
import { divideDimension, elementsOf, formatShape, normalAxis, sameShape } from './dimensions.js';
import { DATA_TYPE_CODES, type Attribute, type Attributes, type DataType, type Dimension, type Shape } from './graph.js';

/*
 * The ONNX operators that our networks are written in, as functions of tensors. Names, axes and defaults follow the ONNX
 * operator specification; a plain number stands for a scalar of the other operand's type.
 */

export type Operand = Tensor | number;

export const int = (value: number): Attribute => ({ kind: 'int', value });
export const float = (value: number): Attribute => ({ kind: 'float', value });
export const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value });
export const string = (value: string): Attribute => ({ kind: 'string', value });
const flag = (value: boolean): Attribute => int(value ? 1 : 0);

function operand(graph: GraphBuilder, type: DataType, value: Operand): Tensor {
  return typeof value === 'number' ? graph.scalar(type, value) : value;
}

function binary(opType: string, a: Operand, b: Operand): Tensor {
  const typed = typeof a === 'number' ? b : a;
  if (typeof typed === 'number') throw new TypeError(`${opType} of two numbers needs no node`);
  return typed.builder.op(opType, [operand(typed.builder, typed.type, a), operand(typed.builder, typed.type, b)]);
}

const unary =
  (opType: string) =>
  (x: Tensor): Tensor =>
    x.builder.op(opType, [x]);

export const add = (a: Operand, b: Operand): Tensor => binary('Add', a, b);
export const sub = (a: Operand, b: Operand): Tensor => binary('Sub', a, b);
export const mul = (a: Operand, b: Operand): Tensor => binary('Mul', a, b);
export const div = (a: Operand, b: Operand): Tensor => binary('Div', a, b);
export const pow = (a: Operand, b: Operand): Tensor => binary('Pow', a, b);
export const minimum = (a: Operand, b: Operand): Tensor => binary('Min', a, b);
export const maximum = (a: Operand, b: Operand): Tensor => binary('Max', a, b);
export const equal = (a: Operand, b: Operand): Tensor => binary('Equal', a, b);
export const greater = (a: Operand, b: Operand): Tensor => binary('Greater', a, b);
export const greaterOrEqual = (a: Operand, b: Operand): Tensor => binary('GreaterOrEqual', a, b);
export const less = (a: Operand, b: Operand): Tensor => binary('Less', a, b);
export const lessOrEqual = (a: Operand, b: Operand): Tensor => binary('LessOrEqual', a, b);
export const and = (a: Tensor, b: Tensor): Tensor => binary('And', a, b);
export const or = (a: Tensor, b: Tensor): Tensor => binary('Or', a, b);

export const sqrt = unary('Sqrt');
export const erf = unary('Erf');
export const tanh = unary('Tanh');
export const log = unary('Log');
export const exp = unary('Exp');
export const abs = unary('Abs');
export const neg = unary('Neg');
export const relu = unary('Relu');
export const sigmoid = unary('Sigmoid');
export const sin = unary('Sin');
export const cos = unary('Cos');
export const floor = unary('Floor');
export const reciprocal = unary('Reciprocal');
export const identity = unary('Identity');
export const not = unary('Not');
export const globalAveragePool = unary('GlobalAveragePool');

export function cast(x: Tensor, type: DataType): Tensor {
  return x.type === type ? x : x.builder.op('Cast', [x], { to: int(DATA_TYPE_CODES[type]) });
}

export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const type = typeof a !== 'number' ? a.type : typeof b !== 'number' ? b.type : 'float32';
  return condition.builder.op('Where', [condition, operand(condition.builder, type, a), operand(condition.builder, type, b)]);
}

/** Limits to `low`…`high`; null leaves that side open. */
export function clip(x: Tensor, low: number | null, high: number | null): Tensor {
  const bound = (value: number | null): Tensor | null => (value === null ? null : x.builder.scalar(x.type, value));
  return x.builder.op('Clip', [x, bound(low), bound(high)]);
}

export function matMul(a: Tensor, b: Tensor): Tensor {
  return a.builder.op('MatMul', [a, b]);
}

export interface GemmOptions {
  readonly alpha?: number;
  readonly beta?: number;
  readonly transA?: boolean;
  readonly transB?: boolean;
}

/** alpha · A · B + beta · C, of matrices. */
export function gemm(a: Tensor, b: Tensor, c: Tensor | null, options: GemmOptions = {}): Tensor {
  const attributes: Record<string, Attribute> = {};
  if (options.alpha !== undefined) attributes['alpha'] = float(options.alpha);
  if (options.beta !== undefined) attributes['beta'] = float(options.beta);
  if (options.transA === true) attributes['transA'] = int(1);
  if (options.transB === true) attributes['transB'] = int(1);
  return a.builder.op('Gemm', [a, b, c], attributes);
}

export interface WindowOptions {
  readonly strides?: readonly number[];
  /** Before each spatial axis, then after each, as ONNX has it. */
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  readonly group?: number;
}

function windowAttributes(options: WindowOptions): Record<string, Attribute> {
  const attributes: Record<string, Attribute> = {};
  if (options.strides !== undefined) attributes['strides'] = ints(options.strides);
  if (options.pads !== undefined) attributes['pads'] = ints(options.pads);
  if (options.dilations !== undefined) attributes['dilations'] = ints(options.dilations);
  if (options.group !== undefined) attributes['group'] = int(options.group);
  return attributes;
}

/** `x` [N, C, …], `weight` [M, C/group, …], `bias` [M]. */
export function conv(x: Tensor, weight: Tensor, bias: Tensor | null, options: WindowOptions = {}): Tensor {
  const kernel = weight.shape.slice(2).map((length) => Number(length));
  return x.builder.op('Conv', [x, weight, bias], { kernel_shape: ints(kernel), ...windowAttributes(options) });
}

export interface PoolOptions extends Omit<WindowOptions, 'group'> {
  readonly ceilMode?: boolean;
  readonly countIncludePad?: boolean;
}

function pool(opType: string, x: Tensor, kernel: readonly number[], options: PoolOptions): Tensor {
  const attributes: Record<string, Attribute> = { kernel_shape: ints(kernel), ...windowAttributes(options) };
  if (options.ceilMode === true) attributes['ceil_mode'] = int(1);
  if (options.countIncludePad === true) attributes['count_include_pad'] = int(1);
  return x.builder.op(opType, [x], attributes);
}

/** Dilations are for MaxPool only in the default operator set. */
export const averagePool = (x: Tensor, kernel: readonly number[], options: Omit<PoolOptions, 'dilations'> = {}): Tensor =>
  pool('AveragePool', x, kernel, options);
export const maxPool = (x: Tensor, kernel: readonly number[], options: Omit<PoolOptions, 'countIncludePad'> = {}): Tensor =>
  pool('MaxPool', x, kernel, options);

export function softmax(x: Tensor, axis = -1): Tensor {
  return x.builder.op('Softmax', [x], { axis: int(axis) });
}

/** Over the axes from `axis` on. */
export function layerNormalization(x: Tensor, scale: Tensor, bias: Tensor | null, epsilon: number, axis = -1): Tensor {
  return x.builder.op('LayerNormalization', [x, scale, bias], { axis: int(axis), epsilon: float(epsilon) });
}

export interface BatchNormalizationParameters {
  readonly scale: Tensor;
  readonly bias: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** With running statistics (inference). */
export function batchNormalization(x: Tensor, { scale, bias, mean, variance }: BatchNormalizationParameters, epsilon = 1e-5): Tensor {
  return x.builder.op('BatchNormalization', [x, scale, bias, mean, variance], { epsilon: float(epsilon) });
}

export function transpose(x: Tensor, order: readonly number[]): Tensor {
  return x.builder.op('Transpose', [x], { perm: ints(order) });
}

/**
 * At most one length may be symbolic without standing at the same axis of `x`; it is then computed when the graph runs.
 *
 * @throws RangeError when the shapes hold different numbers of elements.
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (elementsOf(x.shape) !== elementsOf(shape))
    throw new RangeError(`${formatShape(x.shape)} cannot take the shape ${formatShape(shape)}`);
  const open = shape.map((dimension, axis) => typeof dimension === 'string' && dimension !== x.shape[axis]);
  if (open.filter(Boolean).length > 1) throw new RangeError(`${formatShape(shape)} has more than one unknown length`);
  const target = shape.map((dimension, axis) => (typeof dimension === 'number' ? dimension : open[axis] === true ? -1 : 0));
  return x.builder.op('Reshape', [x, x.builder.int64(target)], {}, { outputs: [{ type: x.type, shape }] });
}

export function flatten(x: Tensor, axis = 1): Tensor {
  return reshape(x, [elementsOf(x.shape.slice(0, axis)), elementsOf(x.shape.slice(axis))]);
}

export function squeeze(x: Tensor, axes: readonly number[]): Tensor {
  return x.builder.op('Squeeze', [x, x.builder.int64(axes)]);
}

export function unsqueeze(x: Tensor, axes: readonly number[]): Tensor {
  return x.builder.op('Unsqueeze', [x, x.builder.int64(axes)]);
}

export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts;
  if (first === undefined) throw new TypeError('Nothing to concatenate');
  return parts.length === 1 ? first : first.builder.op('Concat', parts, { axis: int(axis) });
}

/** Cuts along `axis` into parts of these lengths. */
export function split(x: Tensor, lengths: readonly number[], axis: number): readonly Tensor[] {
  return x.builder.ops('Split', [x, x.builder.int64(lengths)], lengths.length, { axis: int(axis) });
}

/** Into equal parts. @throws RangeError when the length is not a multiple of `parts`. */
export function chunk(x: Tensor, parts: number, axis: number): readonly Tensor[] {
  const length = divideDimension(x.shape[normalAxis(axis, x.shape.length)] ?? 0, parts);
  if (typeof length !== 'number')
    throw new RangeError(`axis ${String(axis)} of ${formatShape(x.shape)} cannot be cut into ${String(parts)} equal parts`);
  return split(
    x,
    Array.from({ length: parts }, () => length),
    axis,
  );
}

export interface SliceRange {
  readonly axis: number;
  readonly start: number;
  /** Exclusive; to the end of the axis when left out. */
  readonly end?: number;
  readonly step?: number;
}

/** Beyond every length; onnxruntime clamps it. */
const TO_THE_END = 2 ** 31 - 1;

export function slice(x: Tensor, ranges: readonly SliceRange[]): Tensor {
  const graph = x.builder;
  return graph.op('Slice', [
    x,
    graph.int64(ranges.map((range) => range.start)),
    graph.int64(ranges.map((range) => range.end ?? TO_THE_END)),
    graph.int64(ranges.map((range) => range.axis)),
    graph.int64(ranges.map((range) => range.step ?? 1)),
  ]);
}

/** Whole slices of `x` along `axis`, chosen by int64 or int32 `indices` of any shape. */
export function gather(x: Tensor, indices: Tensor | readonly number[], axis = 0): Tensor {
  const chosen = isTensor(indices) ? indices : x.builder.int64(indices);
  return x.builder.op('Gather', [x, chosen], { axis: int(axis) });
}

function isTensor(value: Tensor | readonly number[]): value is Tensor {
  return !Array.isArray(value);
}

export interface ReduceOptions {
  /** Keeps the reduced axes with length 1 (default true). */
  readonly keepDimensions?: boolean;
}

/** Operator set from which a reduction takes its axes as an input. */
const AXES_AS_INPUT: Readonly<Record<string, number>> = { ReduceSum: 13 };

function reduce(opType: string) {
  return (x: Tensor, axes: readonly number[], options: ReduceOptions = {}): Tensor => {
    const keepdims = flag(options.keepDimensions ?? true);
    if (x.builder.opset < (AXES_AS_INPUT[opType] ?? 18)) return x.builder.op(opType, [x], { axes: ints(axes), keepdims });
    return x.builder.op(opType, [x, x.builder.int64(axes)], { keepdims });
  };
}

export const reduceMean = reduce('ReduceMean');
export const reduceSum = reduce('ReduceSum');
export const reduceMax = reduce('ReduceMax');
export const reduceMin = reduce('ReduceMin');
export const reduceL2 = reduce('ReduceL2');
export const reduceSumSquare = reduce('ReduceSumSquare');

/** The lengths of `x` as an int64 vector. */
export function shapeOf(x: Tensor): Tensor {
  return x.builder.op('Shape', [x]);
}

/**
 * Repeats axes of length 1 to `shape`. A symbolic length of `shape` is read from `like`, which must have it.
 *
 * @throws RangeError when `like` does not have a length that `shape` asks for.
 */
export function expand(x: Tensor, shape: Shape, like: Tensor | null = null): Tensor {
  const graph = x.builder;
  const lengths = shape.map((dimension): Tensor => {
    if (typeof dimension === 'number') return graph.int64([dimension]);
    const axis = like?.shape.indexOf(dimension) ?? -1;
    if (like === null || axis < 0) throw new RangeError(`no tensor at hand has the length ${dimension}`);
    return slice(shapeOf(like), [{ axis: 0, start: axis, end: axis + 1 }]);
  });
  const target = shape.every((dimension) => typeof dimension === 'number') ? graph.int64(shape) : concat(lengths, 0);
  return graph.op('Expand', [x, target]);
}

/** `pads`: before each axis, then after each. */
export function pad(x: Tensor, pads: readonly number[], mode: 'constant' | 'reflect' | 'edge' = 'constant', value = 0): Tensor {
  const fill = mode === 'constant' ? x.builder.scalar(x.type, value) : null;
  return x.builder.op('Pad', [x, x.builder.int64(pads), fill], { mode: string(mode) });
}

export interface ResizeOptions {
  readonly mode: 'nearest' | 'linear' | 'cubic';
  readonly antialias?: boolean;
}

/** The float32 scale by which onnxruntime, which rounds the product down, arrives at `size`: 24 · fround(224 / 24) would end at 223. */
function scaleTo(size: number, length: number): number {
  const scale = Math.fround(size / length);
  return Math.floor(length * scale) < size ? Math.fround(scale * (1 + 2 ** -23)) : scale;
}

/** The last axes of `x` to `sizes`, sampled at pixel centres. */
export function resize(x: Tensor, sizes: readonly number[], options: ResizeOptions): Tensor {
  const kept = x.shape.length - sizes.length;
  const scales = sizes.map((size, index) => {
    const length = x.shape[kept + index];
    if (typeof length !== 'number') throw new RangeError('only axes of known length can be resized');
    return scaleTo(size, length);
  });
  // Scales rather than sizes, so that a symbolic batch axis can stay as it is.
  const factors = x.builder.constant(null, 'float32', [x.shape.length], [...Array.from({ length: kept }, () => 1), ...scales]);
  const attributes: Record<string, Attribute> = { mode: string(options.mode), coordinate_transformation_mode: string('half_pixel') };
  if (options.antialias === true) attributes['antialias'] = int(1);
  const shape: Dimension[] = [...x.shape.slice(0, kept), ...sizes];
  return x.builder.op('Resize', [x, null, factors], attributes, { outputs: [{ type: x.type, shape }] });
}

/** `axis` is the one that a vector of scales runs along. */
export function quantizeLinear(x: Tensor, scale: Tensor, zeroPoint: Tensor, axis = 1): Tensor {
  return x.builder.op('QuantizeLinear', [x, scale, zeroPoint], { axis: int(axis) });
}

export function dequantizeLinear(x: Tensor, scale: Tensor, zeroPoint: Tensor | null, axis = 1): Tensor {
  return x.builder.op('DequantizeLinear', [x, scale, zeroPoint], { axis: int(axis) });
}

export interface Quantized {
  readonly values: Tensor;
  readonly scale: Tensor;
  readonly zeroPoint: Tensor;
}

/** uint8 with one scale and zero point for the whole tensor, found from its range when the graph runs. */
export function dynamicQuantizeLinear(x: Tensor): Quantized {
  const [values, scale, zeroPoint] = x.builder.ops('DynamicQuantizeLinear', [x], 3);
  if (values === undefined || scale === undefined || zeroPoint === undefined)
    throw new TypeError('DynamicQuantizeLinear has three outputs');
  return { values, scale, zeroPoint };
}

/** Product of 8-bit matrices as int32. */
export function matMulInteger(a: Tensor, b: Tensor, aZeroPoint: Tensor | null, bZeroPoint: Tensor | null): Tensor {
  return a.builder.op('MatMulInteger', [a, b, aZeroPoint, bZeroPoint]);
}

/** An operator of another domain, e.g. `com.microsoft`. */
export function contrib(opType: string, inputs: readonly (Tensor | null)[], attributes: Attributes, options: NodeOptions): Tensor {
  const [first] = inputs.filter((input) => input !== null);
  if (first === undefined) throw new TypeError(`${opType} has no input`);
  return first.builder.op(opType, inputs, attributes, { domain: 'com.microsoft', ...options });
}
