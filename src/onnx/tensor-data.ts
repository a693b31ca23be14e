import { ModelError } from '../common/errors.js';
import { elementsOf, formatShape } from './dimensions.js';
import { byteLengthOf, type DataType, type Dimension, type Initializer } from './graph.js';
import { float32ToFloat16 } from './float16.js';

/** Elements row by row: plain numbers, or an array whose bytes are the elements as they stand. */
export type TensorData = readonly number[] | ArrayBufferView;

/** @throws ModelError `graph-constant` when the data do not fill the shape. */
export function makeInitializer(name: string, type: DataType, shape: readonly number[], data: TensorData): Initializer {
  const bytes = isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : encodeNumbers(type, data);
  const expected = byteLengthOf(type, Number(elementsOf(shape)));
  if (bytes.byteLength !== expected) {
    throw new ModelError(
      'graph-constant',
      `Constant ${name} of shape ${formatShape(shape)} and type ${type} takes ${String(expected)} bytes, not ${String(bytes.byteLength)}.`,
    );
  }
  return { name, type, shape, data: bytes };
}

function isView(data: TensorData): data is ArrayBufferView {
  return ArrayBuffer.isView(data);
}

const ARRAYS: Partial<Record<DataType, (values: readonly number[]) => ArrayBufferView>> = {
  float32: (values) => Float32Array.from(values),
  float64: (values) => Float64Array.from(values),
  float16: (values) => float32ToFloat16(Float32Array.from(values)),
  bool: (values) => Uint8Array.from(values),
  uint8: (values) => Uint8Array.from(values),
  int8: (values) => Int8Array.from(values),
  uint16: (values) => Uint16Array.from(values),
  int16: (values) => Int16Array.from(values),
  uint32: (values) => Uint32Array.from(values),
  int32: (values) => Int32Array.from(values),
  uint64: (values) => BigUint64Array.from(values, BigInt),
  int64: (values) => BigInt64Array.from(values, BigInt),
};

function encodeNumbers(type: DataType, values: readonly number[]): Uint8Array {
  const array = ARRAYS[type]?.(values);
  if (array === undefined) throw new TypeError(`Numbers cannot be stored as ${type}; give their bytes`);
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** The whole numbers in a small int64 or int32 constant, or null when it is something else. Shapes, axes and bounds are made of them. */
export function integersOf(constant: Initializer): readonly Dimension[] | null {
  const { type, data } = constant;
  if ((type !== 'int64' && type !== 'int32') || data.byteLength > 1024) return null;
  const copy = new Uint8Array(data).buffer;
  return type === 'int64' ? Array.from(new BigInt64Array(copy), Number) : [...new Int32Array(copy)];
}
