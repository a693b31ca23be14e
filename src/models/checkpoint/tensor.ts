import { ModelError } from '../../common/errors.js';
import { float16ToFloat32 } from '../../onnx/float16.js';

/** Element types that checkpoints hold. */
export type TensorType = 'float32' | 'float16' | 'bfloat16' | 'float64' | 'int8' | 'uint8' | 'int16' | 'int32' | 'int64' | 'bool';

export const BYTES_PER_ELEMENT: Readonly<Record<TensorType, number>> = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  float64: 8,
  int8: 1,
  uint8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
};

/** A tensor of a file. Its elements are read when asked for, so that a file larger than memory can be walked through. */
export interface CheckpointTensor {
  readonly name: string;
  readonly type: TensorType;
  readonly shape: readonly number[];
  /** The elements in row-major order, whatever their strides in the file, as float32. The caller owns the array. */
  read(): Promise<Float32Array<ArrayBuffer>>;
}

/** A file of tensors. `close()` releases the file; tensors cannot be read afterwards. */
export interface TensorFile {
  readonly path: string;
  readonly format: 'pytorch' | 'safetensors';
  /** The nested containers as the file holds them; a flat file is one Map. */
  readonly root: CheckpointValue;
  close(): Promise<void>;
}

/** What a checkpoint may hold: tensors, plain containers and plain values. */
export type CheckpointValue =
  | CheckpointTensor
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | readonly CheckpointValue[]
  | ReadonlyMap<CheckpointKey, CheckpointValue>;

export type CheckpointKey = string | number | bigint | boolean | null;

export function isTensor(value: CheckpointValue): value is CheckpointTensor {
  return typeof value === 'object' && value !== null && 'read' in value && typeof value.read === 'function';
}

export function isMap(value: CheckpointValue): value is ReadonlyMap<CheckpointKey, CheckpointValue> {
  return value instanceof Map;
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

export function sameLengths(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, index) => length === b[index]);
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** Little-endian elements as float32. float64 and int64 are rounded to the nearest float32. */
export function toFloat32(type: TensorType, bytes: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const aligned = bytes.byteOffset % BYTES_PER_ELEMENT[type] === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset } = aligned;
  const length = aligned.byteLength / BYTES_PER_ELEMENT[type];
  switch (type) {
    case 'float32':
      return new Float32Array(buffer, byteOffset, length);
    case 'float16':
      return float16ToFloat32(new Uint16Array(buffer, byteOffset, length));
    case 'bfloat16':
      return bfloat16ToFloat32(new Uint16Array(buffer, byteOffset, length));
    case 'float64':
      return new Float32Array(new Float64Array(buffer, byteOffset, length));
    case 'int8':
      return new Float32Array(new Int8Array(buffer, byteOffset, length));
    case 'uint8':
      return new Float32Array(aligned);
    case 'bool':
      return new Float32Array(aligned);
    case 'int16':
      return new Float32Array(new Int16Array(buffer, byteOffset, length));
    case 'int32':
      return new Float32Array(new Int32Array(buffer, byteOffset, length));
    case 'int64':
      return Float32Array.from(new BigInt64Array(buffer, byteOffset, length), Number);
  }
}

/** bfloat16 is the upper half of float32. */
function bfloat16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(bits.length);
  for (let index = 0; index < bits.length; index++) words[index] = (bits[index] ?? 0) << 16;
  return new Float32Array(words.buffer);
}

/** The error of every reader for a file that is not what it claims to be. */
export function damagedCheckpoint(path: string, what: string, cause?: unknown): ModelError {
  return new ModelError('checkpoint-damaged', `${path} cannot be read: ${what}.`, {
    cause,
    remedy: 'Download or copy the file again and compare its size and SHA-256 with the source.',
  });
}
