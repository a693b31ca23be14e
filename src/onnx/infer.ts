import {
  addDimensions,
  broadcastShapes,
  divideDimension,
  elementsOf,
  formatShape,
  multiplyDimensions,
  normalAxis,
  opaqueDimension,
  sameShape,
} from './dimensions.js';
import { attribute, DATA_TYPE_CODES, type Attributes, type DataType, type Dimension, type Shape, type TensorInfo } from './graph.js';

/** What is known about one node when the type and shape of its outputs are asked for. */
export interface NodeFacts {
  readonly opType: string;
  readonly domain: string;
  readonly attributes: Attributes;
  /** Null for an input that is left out. */
  readonly inputs: readonly (TensorInfo | null)[];
  /** The whole numbers that an input holds where they are known: shapes, axes, bounds. They may be symbolic. */
  readonly integers: (input: number) => readonly Dimension[] | null;
  readonly outputCount: number;
  /** Version of the standard operator set. */
  readonly opset: number;
}

/** Type and shape of the outputs, and the whole numbers in them where they are known and few. */
export interface Inferred {
  readonly outputs: readonly TensorInfo[];
  readonly integers?: readonly Dimension[] | null;
}

type Rule = (facts: Facts) => Inferred;

/**
 * Type and shape of a node's outputs, after the ONNX operator specification. Returns null for an operator without a rule or where the shape
 * depends on values that are unknown.
 *
 * @throws RangeError or TypeError, with the reason, when the inputs do not go together.
 */
export function inferNode(facts: NodeFacts): Inferred | null {
  if (facts.domain !== '') return null;
  const rule = RULES.get(facts.opType);
  if (rule === undefined) return null;
  try {
    return rule(new Facts(facts));
  } catch (error) {
    if (error instanceof UnknownShapeError) return null;
    throw error;
  }
}

class UnknownShapeError extends Error {}

class Facts {
  readonly #facts: NodeFacts;
  constructor(facts: NodeFacts) {
    this.#facts = facts;
  }
  get opset(): number {
    return this.#facts.opset;
  }
  get outputCount(): number {
    return this.#facts.outputCount;
  }
  get inputCount(): number {
    return this.#facts.inputs.length;
  }
  has(index: number): boolean {
    return (this.#facts.inputs[index] ?? null) !== null;
  }
  input(index: number): TensorInfo {
    const info = this.#facts.inputs[index] ?? null;
    if (info === null) throw new TypeError(`input ${String(index)} is missing`);
    return info;
  }
  all(): TensorInfo[] {
    return this.#facts.inputs.map((_, index) => this.input(index));
  }
  integers(index: number): readonly Dimension[] | null {
    return this.has(index) ? this.#facts.integers(index) : null;
  }
  known(index: number): readonly Dimension[] {
    const values = this.integers(index);
    if (values === null) throw new UnknownShapeError();
    return values;
  }
  numbers(index: number): readonly number[] {
    return this.known(index).map((value) => {
      if (typeof value !== 'number') throw new UnknownShapeError();
      return value;
    });
  }
  int(name: string, fallback: number): number {
    return attribute(this.#facts, name, 'int') ?? fallback;
  }
  ints(name: string): readonly number[] | undefined {
    return attribute(this.#facts, name, 'ints');
  }
  string(name: string, fallback: string): string {
    return attribute(this.#facts, name, 'string') ?? fallback;
  }
  floats(name: string): readonly number[] | undefined {
    return attribute(this.#facts, name, 'floats');
  }
  attributes(): Attributes {
    return this.#facts.attributes;
  }
  typeAttribute(name: string, fallback: DataType): DataType {
    const code = attribute(this.#facts, name, 'int');
    if (code === undefined) return fallback;
    const entry = Object.entries(DATA_TYPE_CODES).find(([, other]) => other === code);
    if (entry === undefined) throw new TypeError(`data type ${String(code)} does not exist`);
    return entry[0] as DataType;
  }
}

function one(type: DataType, shape: Shape, integers: readonly Dimension[] | null = null): Inferred {
  return { outputs: [{ type, shape }], integers };
}

function sameTypes(infos: readonly TensorInfo[]): DataType {
  const type = infos[0]?.type ?? 'float32';
  const other = infos.find((info) => info.type !== type);
  if (other !== undefined) throw new TypeError(`types ${type} and ${other.type} are mixed`);
  return type;
}

function broadcast(infos: readonly TensorInfo[]): Shape {
  const shape = broadcastShapes(...infos.map((info) => info.shape));
  if (shape === null) throw new RangeError(`shapes ${infos.map((info) => formatShape(info.shape)).join(' and ')} do not broadcast`);
  return shape;
}

const sameAsFirst: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  return one(type, shape, facts.integers(0));
};

const arithmetic =
  (combine?: (a: Dimension, b: Dimension) => Dimension | null): Rule =>
  (facts) => {
    const infos = facts.all();
    const shape = broadcast(infos);
    return one(sameTypes(infos), shape, combine === undefined ? null : combineIntegers(facts, combine));
  };

function combineIntegers(facts: Facts, combine: (a: Dimension, b: Dimension) => Dimension | null): readonly Dimension[] | null {
  const a = facts.integers(0);
  const b = facts.integers(1);
  if (a === null || b === null || facts.inputCount !== 2 || (a.length !== b.length && a.length !== 1 && b.length !== 1)) return null;
  const combined: Dimension[] = [];
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const value = combine(a[a.length === 1 ? 0 : index] ?? 0, b[b.length === 1 ? 0 : index] ?? 0);
    if (value === null) return null;
    combined.push(value);
  }
  return combined;
}

const comparison: Rule = (facts) => {
  const infos = facts.all();
  sameTypes(infos);
  return one('bool', broadcast(infos));
};

function reductionAxes(facts: Facts, rank: number, axesAreInput: boolean): readonly number[] {
  const given = facts.ints('axes') ?? (axesAreInput && facts.has(1) ? facts.numbers(1) : undefined);
  if (given === undefined || given.length === 0) return facts.int('noop_with_empty_axes', 0) === 1 ? [] : [...Array(rank).keys()];
  return given.map((axis) => normalAxis(axis, rank));
}

function reducedShape(shape: Shape, axes: readonly number[], keepDimensions: boolean): Shape {
  return keepDimensions
    ? shape.map((dimension, axis) => (axes.includes(axis) ? 1 : dimension))
    : shape.filter((_, axis) => !axes.includes(axis));
}

const reduction: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const axes = reductionAxes(facts, shape.length, true);
  return one(type, reducedShape(shape, axes, facts.int('keepdims', 1) === 1));
};

const argument: Rule = (facts) => {
  const { shape } = facts.input(0);
  const axis = normalAxis(facts.int('axis', 0), shape.length);
  return one('int64', reducedShape(shape, [axis], facts.int('keepdims', 1) === 1));
};

const matMul =
  (resultType: (facts: Facts) => DataType, second = 1): Rule =>
  (facts) => {
    const a = facts.input(0).shape;
    const b = facts.input(second).shape;
    if (a.length === 0 || b.length === 0) throw new RangeError('a scalar has no matrix product');
    const rows = a.length === 1 ? [] : a.slice(-2, -1);
    const columns = b.length === 1 ? [] : b.slice(-1);
    const inner = a.at(-1);
    const otherInner = b.length === 1 ? b[0] : b.at(-2);
    if (typeof inner === 'number' && typeof otherInner === 'number' && inner !== otherInner) {
      throw new RangeError(`shapes ${formatShape(a)} and ${formatShape(b)} have no matrix product`);
    }
    const batch = broadcastShapes(a.slice(0, -2), b.slice(0, -2));
    if (batch === null) throw new RangeError(`shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast`);
    return one(resultType(facts), [...batch, ...rows, ...columns]);
  };

const gemm: Rule = (facts) => {
  const a = facts.input(0);
  const b = facts.input(1);
  if (a.shape.length !== 2 || b.shape.length !== 2) throw new RangeError('Gemm takes matrices');
  const [rows, inner] = facts.int('transA', 0) === 1 ? [a.shape[1], a.shape[0]] : a.shape;
  const [otherInner, columns] = facts.int('transB', 0) === 1 ? [b.shape[1], b.shape[0]] : b.shape;
  if (typeof inner === 'number' && typeof otherInner === 'number' && inner !== otherInner) {
    throw new RangeError(`shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} have no matrix product`);
  }
  return one(sameTypes([a, b]), [rows ?? 1, columns ?? 1]);
};

/** Lengths of the spatial axes after a window of `kernel` slid over them. */
function windowed(facts: Facts, lengths: Shape, kernel: readonly number[]): Shape {
  const strides = facts.ints('strides') ?? kernel.map(() => 1);
  const dilations = facts.ints('dilations') ?? kernel.map(() => 1);
  const pads = facts.ints('pads') ?? [...kernel, ...kernel].map(() => 0);
  const autoPad = facts.string('auto_pad', 'NOTSET');
  const ceiling = facts.int('ceil_mode', 0) === 1;
  return lengths.map((length, axis) => {
    const stride = strides[axis] ?? 1;
    const extent = ((kernel[axis] ?? 1) - 1) * (dilations[axis] ?? 1) + 1;
    const [before, after] = [pads[axis] ?? 0, pads[axis + kernel.length] ?? 0];
    const padding = before + after;
    if (typeof length === 'string') {
      if (stride === 1 && (padding === extent - 1 || autoPad.startsWith('SAME'))) return length;
      return opaqueDimension(`${length}|${String(stride)},${String(extent)},${String(padding)},${autoPad}`);
    }
    if (autoPad.startsWith('SAME')) return Math.ceil(length / stride);
    const steps = (length + (autoPad === 'VALID' ? 0 : padding) - extent) / stride;
    if (steps < 0) throw new RangeError(`a window of ${String(extent)} does not fit into ${String(length)}`);
    if (!ceiling) return Math.floor(steps) + 1;
    // A last window that would start in the padding behind the data is left out.
    const count = Math.ceil(steps) + 1;
    return (count - 1) * stride >= length + before ? count - 1 : count;
  });
}

const convolution =
  (resultType: (facts: Facts) => DataType, weightInput = 1): Rule =>
  (facts) => {
    const [batch = 1, channels = 1, ...lengths] = facts.input(0).shape;
    const [outputs = 1, perGroup = 1, ...kernel] = facts.input(weightInput).shape;
    const group = facts.int('group', 1);
    if (typeof channels === 'number' && typeof perGroup === 'number' && channels !== perGroup * group) {
      throw new RangeError(`${String(channels)} channels do not fit weights for ${String(perGroup)} × ${String(group)} groups`);
    }
    const sizes = kernel.map((length) => {
      if (typeof length !== 'number') throw new UnknownShapeError();
      return length;
    });
    return one(resultType(facts), [batch, outputs, ...windowed(facts, lengths, sizes)]);
  };

const pool: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const kernel = facts.ints('kernel_shape') ?? [];
  const result: TensorInfo = { type, shape: [...shape.slice(0, 2), ...windowed(facts, shape.slice(2), kernel)] };
  return { outputs: facts.outputCount > 1 ? [result, { type: 'int64', shape: result.shape }] : [result] };
};

const globalPool: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  return one(type, [...shape.slice(0, 2), ...shape.slice(2).map(() => 1)]);
};

const batchNormalization: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const mean = facts.input(3);
  const outputs = [{ type, shape }, mean, facts.input(4)];
  return { outputs: outputs.slice(0, facts.outputCount) };
};

const layerNormalization: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const axis = normalAxis(facts.int('axis', -1), shape.length);
  const moments: TensorInfo = { type: 'float32', shape: shape.map((dimension, index) => (index >= axis ? 1 : dimension)) };
  return { outputs: [{ type, shape }, moments, moments].slice(0, facts.outputCount) };
};

const transpose: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const order = facts.ints('perm') ?? shape.map((_, axis) => shape.length - 1 - axis);
  if (order.length !== shape.length || new Set(order).size !== shape.length)
    throw new RangeError(`[${order.join(', ')}] does not permute ${formatShape(shape)}`);
  return one(
    type,
    order.map((axis) => shape[normalAxis(axis, shape.length)] ?? 1),
  );
};

const reshape: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const keepsZero = facts.int('allowzero', 0) === 1;
  const target = facts.known(1).map((dimension, axis) => (dimension === 0 && !keepsZero ? (shape[axis] ?? 0) : dimension));
  const total = elementsOf(shape);
  const open = target.indexOf(-1);
  const rest = multiplyDimensions(...target.filter((_, axis) => axis !== open));
  if (open >= 0) {
    const length = divideDimension(total, rest);
    if (length === null && typeof total === 'number' && typeof rest === 'number') {
      throw new RangeError(`${formatShape(shape)} cannot take the shape ${formatShape(target)}`);
    }
    target[open] = length ?? opaqueDimension(`${String(total)}/${String(rest)}`);
  } else if (typeof total === 'number' && typeof rest === 'number' && total !== rest) {
    throw new RangeError(`${formatShape(shape)} cannot take the shape ${formatShape(target)}`);
  }
  return one(type, target, facts.integers(0));
};

const flatten: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const axis = facts.int('axis', 1);
  const cut = axis < 0 ? axis + shape.length : axis;
  return one(type, [elementsOf(shape.slice(0, cut)), elementsOf(shape.slice(cut))]);
};

const squeeze: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const given = facts.ints('axes') ?? (facts.has(1) ? facts.numbers(1) : undefined);
  const axes = given?.map((axis) => normalAxis(axis, shape.length));
  const kept = shape.filter((dimension, axis) => (axes === undefined ? dimension !== 1 : !axes.includes(axis)));
  return one(type, kept, facts.integers(0));
};

const unsqueeze: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const given = facts.ints('axes') ?? facts.numbers(1);
  const rank = shape.length + given.length;
  const axes = given.map((axis) => normalAxis(axis, rank));
  const rest = [...shape];
  const result = Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : (rest.shift() ?? 1)));
  return one(type, result, facts.integers(0));
};

const concat: Rule = (facts) => {
  const infos = facts.all();
  const first = facts.input(0).shape;
  const axis = normalAxis(facts.int('axis', 0), first.length);
  for (const { shape } of infos) {
    const fits =
      shape.length === first.length &&
      shape.every((d, i) => i === axis || typeof d === 'string' || typeof first[i] === 'string' || d === first[i]);
    if (!fits)
      throw new RangeError(
        `shapes ${infos.map((info) => formatShape(info.shape)).join(' and ')} cannot be joined along axis ${String(axis)}`,
      );
  }
  const joined = first.map((dimension, index) =>
    index === axis ? addDimensions(...infos.map((info) => info.shape[axis] ?? 0)) : dimension,
  );
  const integers: Dimension[] = [];
  for (let index = 0; index < infos.length; index++) {
    const part = facts.integers(index);
    if (part === null) return one(sameTypes(infos), joined);
    integers.push(...part);
  }
  return one(sameTypes(infos), joined, integers);
};

const split: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const axis = normalAxis(facts.int('axis', 0), shape.length);
  const total = shape[axis] ?? 0;
  const lengths = facts.ints('split') ?? (facts.has(1) ? facts.known(1) : evenParts(total, facts.outputCount));
  if (lengths.every((length) => typeof length === 'number') && typeof total === 'number' && addDimensions(...lengths) !== total) {
    throw new RangeError(`parts of ${lengths.join(', ')} do not make ${String(total)}`);
  }
  return { outputs: lengths.map((length) => ({ type, shape: shape.map((dimension, index) => (index === axis ? length : dimension)) })) };
};

function evenParts(total: Dimension, count: number): Dimension[] {
  if (typeof total === 'string') {
    const part = divideDimension(total, count);
    if (part === null) throw new UnknownShapeError();
    return Array.from({ length: count }, () => part);
  }
  const part = Math.ceil(total / count);
  return Array.from({ length: count }, (_, index) => Math.min(part, total - part * index));
}

const slice: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const starts = facts.numbers(1);
  const ends = facts.known(2);
  const axes = facts.has(3) ? facts.numbers(3) : starts.map((_, index) => index);
  const steps = facts.has(4) ? facts.numbers(4) : starts.map(() => 1);
  const result = [...shape];
  axes.forEach((given, index) => {
    const axis = normalAxis(given, shape.length);
    result[axis] = sliceLength(shape[axis] ?? 0, starts[index] ?? 0, ends[index] ?? 0, steps[index] ?? 1);
  });
  const integers = facts.integers(0);
  const [start = 0, end = 0] = [starts[0], ends[0]];
  const sliced =
    integers !== null && shape.length === 1 && typeof end === 'number' && (steps[0] ?? 1) === 1 ? integers.slice(start, end) : null;
  return one(type, result, sliced);
};

function sliceLength(length: Dimension, start: number, end: Dimension, step: number): Dimension {
  if (step === 0) throw new RangeError('a slice cannot step by 0');
  if (typeof length === 'string' || typeof end === 'string') {
    if (start === 0 && step === 1 && (end === length || (typeof end === 'number' && end >= 2 ** 31))) return length;
    return opaqueDimension(`${String(length)}[${String(start)}:${String(end)}:${String(step)}]`);
  }
  const from = start < 0 ? start + length : start;
  const to = end < 0 ? end + length : end;
  const clamped =
    step > 0
      ? [Math.min(Math.max(from, 0), length), Math.min(Math.max(to, 0), length)]
      : [Math.min(Math.max(from, 0), length - 1), Math.min(Math.max(to, -1), length - 1)];
  return Math.max(0, Math.ceil(((clamped[1] ?? 0) - (clamped[0] ?? 0)) / step));
}

const gather: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const indices = facts.input(1).shape;
  const axis = normalAxis(facts.int('axis', 0), shape.length);
  const integers = facts.integers(0);
  const chosen = facts.integers(1);
  const picked =
    integers !== null && chosen !== null && shape.length === 1
      ? chosen.map((index) => (typeof index === 'number' ? (integers.at(index) ?? null) : null))
      : null;
  const known = picked?.filter((value) => value !== null);
  return one(
    type,
    [...shape.slice(0, axis), ...indices, ...shape.slice(axis + 1)],
    known?.length === picked?.length ? (known ?? null) : null,
  );
};

const expand: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const result = broadcastShapes(shape, facts.known(1));
  if (result === null) throw new RangeError(`${formatShape(shape)} cannot be expanded to ${formatShape(facts.known(1))}`);
  return one(type, result);
};

const tile: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const repeats = facts.known(1);
  return one(
    type,
    shape.map((dimension, axis) => multiplyDimensions(dimension, repeats[axis] ?? 1)),
  );
};

const pad: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const amounts = facts.ints('pads') ?? facts.numbers(1);
  const axes = facts.has(3) ? facts.numbers(3).map((axis) => normalAxis(axis, shape.length)) : shape.map((_, axis) => axis);
  const result = [...shape];
  axes.forEach((axis, index) => {
    const amount = (amounts[index] ?? 0) + (amounts[index + axes.length] ?? 0);
    if (amount !== 0) result[axis] = addDimensions(shape[axis] ?? 0, amount);
  });
  return one(type, result);
};

const resize: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const axes = facts.ints('axes')?.map((axis) => normalAxis(axis, shape.length)) ?? shape.map((_, axis) => axis);
  if (!facts.has(3)) throw new UnknownShapeError();
  const sizes = facts.known(3);
  return one(
    type,
    shape.map((dimension, axis) => sizes[axes.indexOf(axis)] ?? dimension),
  );
};

const where: Rule = (facts) => {
  const [condition, a, b] = [facts.input(0), facts.input(1), facts.input(2)];
  if (condition.type !== 'bool') throw new TypeError(`the condition is ${condition.type}, not bool`);
  return one(sameTypes([a, b]), broadcast([condition, a, b]));
};

const shapeOf: Rule = (facts) => {
  const { shape } = facts.input(0);
  const part = shape.slice(facts.int('start', 0), facts.attributes()['end'] === undefined ? undefined : facts.int('end', 0));
  return one('int64', [part.length], part);
};

const constantOfShape: Rule = (facts) => {
  const value = attribute({ opType: 'ConstantOfShape', attributes: facts.attributes() }, 'value', 'tensor');
  return one(value?.type ?? 'float32', facts.known(0));
};

const constant: Rule = (facts) => {
  const attributes = facts.attributes();
  const node = { opType: 'Constant', attributes };
  const tensor = attribute(node, 'value', 'tensor');
  if (tensor !== undefined) return one(tensor.type, tensor.shape);
  const int = attribute(node, 'value_int', 'int');
  if (int !== undefined) return one('int64', [], [int]);
  const ints = attribute(node, 'value_ints', 'ints');
  if (ints !== undefined) return one('int64', [ints.length], ints);
  if (attribute(node, 'value_float', 'float') !== undefined) return one('float32', []);
  const floats = attribute(node, 'value_floats', 'floats');
  if (floats !== undefined) return one('float32', [floats.length]);
  throw new UnknownShapeError();
};

const topK: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const axis = normalAxis(facts.int('axis', -1), shape.length);
  const [k = 1] = facts.known(1);
  const result = shape.map((dimension, index) => (index === axis ? k : dimension));
  return {
    outputs: [
      { type, shape: result },
      { type: 'int64', shape: result },
    ],
  };
};

const dropout: Rule = (facts) => {
  const { type, shape } = facts.input(0);
  const outputs: TensorInfo[] = [
    { type, shape },
    { type: 'bool', shape },
  ];
  return { outputs: outputs.slice(0, facts.outputCount) };
};

const dynamicQuantize: Rule = (facts) => ({
  outputs: [
    { type: 'uint8', shape: facts.input(0).shape },
    { type: 'float32', shape: [] },
    { type: 'uint8', shape: [] },
  ],
});

const quantize: Rule = (facts) =>
  one(facts.has(2) ? facts.input(2).type : facts.typeAttribute('output_dtype', 'uint8'), facts.input(0).shape);

const gatherElements: Rule = (facts) => one(facts.input(0).type, facts.input(1).shape);

const scatter: Rule = (facts) => {
  sameTypes([facts.input(0), facts.input(2)]);
  return sameAsFirst(facts);
};

const range: Rule = (facts) => {
  const [start, limit, delta] = [facts.known(0)[0] ?? 0, facts.known(1)[0] ?? 0, facts.known(2)[0] ?? 1];
  if (start === 0 && delta === 1) return one(facts.input(0).type, [limit]);
  if (typeof start === 'string' || typeof limit === 'string' || typeof delta === 'string') throw new UnknownShapeError();
  return one(facts.input(0).type, [Math.max(0, Math.ceil((limit - start) / delta))]);
};

const oneHot: Rule = (facts) => {
  const { shape } = facts.input(0);
  const axis = facts.int('axis', -1);
  const at = axis < 0 ? axis + shape.length + 1 : axis;
  return one(facts.input(2).type, [...shape.slice(0, at), facts.known(1)[0] ?? 1, ...shape.slice(at)]);
};

const typeOfFirst = (facts: Facts): DataType => sameTypes([facts.input(0), facts.input(1)]);
const int32 = (): DataType => 'int32';

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...(
    'Abs Relu Sqrt Exp Log Erf Tanh Sigmoid Neg Reciprocal Floor Ceil Round Sign Sin Cos Softplus LeakyRelu Elu Gelu HardSigmoid HardSwish Identity Clip ' +
    'Softmax LogSoftmax Not CumSum Trilu InstanceNormalization GroupNormalization LpNormalization LRN PRelu Mish ThresholdedRelu'
  )
    .split(' ')
    .map((op): [string, Rule] => [op, sameAsFirst]),
  ...'Min Max Mean Sum Mod And Or Xor BitShift'.split(' ').map((op): [string, Rule] => [op, arithmetic()]),
  ['Add', arithmetic((a, b) => addDimensions(a, b))],
  ['Sub', arithmetic((a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : null))],
  ['Mul', arithmetic((a, b) => multiplyDimensions(a, b))],
  ['Div', arithmetic(divideDimension)],
  ['Pow', (facts) => one(facts.input(0).type, broadcast(facts.all()))],
  ...'Equal Less Greater LessOrEqual GreaterOrEqual'.split(' ').map((op): [string, Rule] => [op, comparison]),
  ...'ReduceMean ReduceSum ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp ReduceProd'
    .split(' ')
    .map((op): [string, Rule] => [op, reduction]),
  ['ArgMax', argument],
  ['ArgMin', argument],
  ['Cast', (facts) => one(facts.typeAttribute('to', 'float32'), facts.input(0).shape, facts.integers(0))],
  ['MatMul', matMul(typeOfFirst)],
  ['MatMulInteger', matMul(int32)],
  ['QLinearMatMul', matMul((facts) => facts.input(7).type, 3)],
  ['Gemm', gemm],
  ['Conv', convolution(typeOfFirst)],
  ['ConvInteger', convolution(int32)],
  ['QLinearConv', convolution((facts) => facts.input(7).type, 3)],
  ['AveragePool', pool],
  ['MaxPool', pool],
  ['LpPool', pool],
  ['GlobalAveragePool', globalPool],
  ['GlobalMaxPool', globalPool],
  ['BatchNormalization', batchNormalization],
  ['LayerNormalization', layerNormalization],
  ['Transpose', transpose],
  ['Reshape', reshape],
  ['Flatten', flatten],
  ['Squeeze', squeeze],
  ['Unsqueeze', unsqueeze],
  ['Concat', concat],
  ['Split', split],
  ['Slice', slice],
  ['Gather', gather],
  ['GatherElements', gatherElements],
  ['ScatterElements', scatter],
  ['ScatterND', scatter],
  ['Expand', expand],
  ['Tile', tile],
  ['Pad', pad],
  ['Resize', resize],
  ['Where', where],
  ['Shape', shapeOf],
  ['ConstantOfShape', constantOfShape],
  ['Constant', constant],
  ['Range', range],
  ['OneHot', oneHot],
  ['TopK', topK],
  ['Dropout', dropout],
  ['QuantizeLinear', quantize],
  ['DequantizeLinear', (facts) => one(facts.input(1).type, facts.input(0).shape)],
  ['DynamicQuantizeLinear', dynamicQuantize],
]);

/** True when two facts about one value say the same. */
export function sameInfo(a: TensorInfo, b: TensorInfo): boolean {
  return a.type === b.type && sameShape(a.shape, b.shape);
}
