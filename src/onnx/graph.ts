/**
 * The intermediate representation of a network: what ONNX calls a graph, as plain immutable values. Nodes stand in an order
 * in which every value is computed before it is used, and refer to values by name, as in the file.
 * Source: onnx/onnx.proto (ONNX 1.17).
 */

/** Codes of `TensorProto.DataType`. */
export const DATA_TYPE_CODES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
} as const;

export type DataType = keyof typeof DATA_TYPE_CODES;

const BITS: Readonly<Record<DataType, number>> = {
  float32: 32,
  uint8: 8,
  int8: 8,
  uint16: 16,
  int16: 16,
  int32: 32,
  int64: 64,
  string: 0,
  bool: 8,
  float16: 16,
  float64: 64,
  uint32: 32,
  uint64: 64,
  complex64: 64,
  complex128: 128,
  bfloat16: 16,
  float8e4m3fn: 8,
  float8e4m3fnuz: 8,
  float8e5m2: 8,
  float8e5m2fnuz: 8,
  uint4: 4,
  int4: 4,
};

/** Size of a tensor of known shape in bytes. */
export function byteLengthOf(type: DataType, elements: number): number {
  return Math.ceil((elements * BITS[type]) / 8);
}

export function isFloat(type: DataType): boolean {
  return type === 'float32' || type === 'float16' || type === 'float64' || type === 'bfloat16';
}

/**
 * A length, or a symbol for a length that is known when the graph runs: a name such as `N`, or a product in the form that
 * `multiplyDimensions` gives, such as `197*N`.
 */
export type Dimension = number | string;
export type Shape = readonly Dimension[];

export interface TensorInfo {
  readonly type: DataType;
  readonly shape: Shape;
}

export interface NamedTensorInfo extends TensorInfo {
  readonly name: string;
}

/** A constant of the graph. `data` holds the elements row by row, little endian, as `raw_data` does. */
export interface Initializer {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

export interface AttributeValues {
  readonly int: number;
  readonly float: number;
  readonly string: string;
  readonly ints: readonly number[];
  readonly floats: readonly number[];
  readonly strings: readonly string[];
  readonly tensor: Initializer;
  readonly graph: Graph;
  /** Kept as it stood in the file: the fields of an `AttributeProto`, without its name. */
  readonly opaque: Uint8Array;
}

export type AttributeKind = keyof AttributeValues;
export type Attribute = { readonly [K in AttributeKind]: { readonly kind: K; readonly value: AttributeValues[K] } }[AttributeKind];

export type Attributes = Readonly<Record<string, Attribute>>;

export interface Node {
  readonly name: string;
  readonly opType: string;
  /** Empty for the standard operators. */
  readonly domain: string;
  /** Names of values; the empty string is an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** A graph input or output. `info` is null where a file does not say, or says something other than a tensor. */
export interface GraphValue {
  readonly name: string;
  readonly info: TensorInfo | null;
}

export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  readonly initializers: ReadonlyMap<string, Initializer>;
  /** Type and shape of every value that is known, inputs, outputs and initializers included. */
  readonly values: ReadonlyMap<string, TensorInfo>;
  /** Encoded fields of `GraphProto` that are kept as they stood (sparse initializers, quantisation annotations). */
  readonly opaque: readonly Uint8Array[];
}

/** A graph with what a file says around it. */
export interface OnnxModel {
  readonly graph: Graph;
  readonly irVersion: number;
  /** Version of the operator set by domain; the empty domain is the standard one. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Encoded fields of `ModelProto` that are kept as they stood (model-local functions, training information). */
  readonly opaque: readonly Uint8Array[];
}

/** The attribute of `node`, or undefined. @throws TypeError when it is of another kind. */
export function attribute<K extends AttributeKind>(
  node: Pick<Node, 'opType' | 'attributes'>,
  name: string,
  kind: K,
): AttributeValues[K] | undefined {
  const found = node.attributes[name];
  if (found === undefined) return undefined;
  if (found.kind !== kind) throw new TypeError(`Attribute ${name} of ${node.opType} is ${found.kind}, not ${kind}`);
  return found.value as AttributeValues[K];
}
