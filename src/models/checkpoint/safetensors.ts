import { z } from 'zod';
import { messageOf } from '../../common/errors.js';
import type { RandomAccess } from './random-access.js';
import {
  BYTES_PER_ELEMENT,
  damagedCheckpoint,
  sizeOf,
  toFloat32,
  type CheckpointTensor,
  type CheckpointValue,
  type TensorFile,
  type TensorType,
} from './tensor.js';

const TYPES: Readonly<Record<string, TensorType>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  F64: 'float64',
  I8: 'int8',
  U8: 'uint8',
  I16: 'int16',
  I32: 'int32',
  I64: 'int64',
  BOOL: 'bool',
};

const length = z.number().int().nonnegative();
const headerSchema = z.record(
  z.string(),
  z.union([
    z.object({ dtype: z.string(), shape: z.array(length), data_offsets: z.tuple([length, length]) }).strict(),
    z.record(z.string(), z.string()),
  ]),
);

// The reference implementation refuses larger headers.
const LARGEST_HEADER = 100_000_000;

export interface SafetensorsFile extends TensorFile {
  /** The free text fields of the header, `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
}

/**
 * Source: github.com/huggingface/safetensors, README, "Format".
 *
 * @throws ModelError `checkpoint-damaged`
 */
export async function readSafetensors(file: RandomAccess): Promise<SafetensorsFile> {
  const headerBytes = Number(new DataView((await file.read(0, 8)).buffer).getBigUint64(0, true));
  if (headerBytes > LARGEST_HEADER || 8 + headerBytes > file.byteLength)
    throw damagedCheckpoint(file.path, 'its safetensors header does not fit into the file');
  const header = parseHeader(file.path, await file.read(8, headerBytes));
  const start = 8 + headerBytes;
  const tensors = new Map<string, CheckpointTensor>();
  let metadata: Readonly<Record<string, string>> = {};
  let total = 0;
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__' || !isTensorEntry(entry)) {
      if (name !== '__metadata__' || isTensorEntry(entry)) throw damagedCheckpoint(file.path, `the header's entry ${name} is not a tensor`);
      metadata = entry;
      continue;
    }
    const tensor = tensorOf(file, start, name, entry);
    total += entry.data_offsets[1] - entry.data_offsets[0];
    tensors.set(name, tensor);
  }
  if (start + total !== file.byteLength) {
    throw damagedCheckpoint(file.path, `its tensors take ${String(total)} bytes, the file holds ${String(file.byteLength - start)}`);
  }
  return {
    path: file.path,
    format: 'safetensors',
    root: new Map<string, CheckpointValue>(tensors),
    metadata,
    tensors,
    close: () => file.close(),
  };
}

type HeaderEntry = z.infer<typeof headerSchema>[string];
interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

function isTensorEntry(entry: HeaderEntry): entry is HeaderEntry & { dtype: string; shape: number[]; data_offsets: [number, number] } {
  return Array.isArray(entry['data_offsets']);
}

function parseHeader(path: string, bytes: Uint8Array): z.infer<typeof headerSchema> {
  try {
    return headerSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (error) {
    throw damagedCheckpoint(path, `its safetensors header is damaged (${messageOf(error).split('\n')[0] ?? ''})`, error);
  }
}

function tensorOf(file: RandomAccess, start: number, name: string, entry: TensorEntry): CheckpointTensor {
  const type = Object.hasOwn(TYPES, entry.dtype) ? TYPES[entry.dtype] : undefined;
  if (type === undefined) throw damagedCheckpoint(file.path, `tensor ${name} has the unknown element type ${entry.dtype}`);
  const [from, to] = entry.data_offsets;
  const byteLength = sizeOf(entry.shape) * BYTES_PER_ELEMENT[type];
  if (to - from !== byteLength || start + to > file.byteLength) {
    throw damagedCheckpoint(file.path, `tensor ${name} of shape [${entry.shape.join(', ')}] does not fit its ${String(to - from)} bytes`);
  }
  return { name, type, shape: entry.shape, read: async () => toFloat32(type, await file.read(start + from, byteLength)) };
}

/** A tensor to be written; `read` is called when its turn comes, so that only one of them is in memory. */
export type WritableTensor = Pick<CheckpointTensor, 'name' | 'shape' | 'read'>;

/**
 * The chunks of a safetensors file of float32 tensors, header first. The same tensors and metadata give the same bytes whatever their
 * order: tensors stand in the order of their names.
 */
export async function* safetensorsChunks(
  tensors: readonly WritableTensor[],
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const sorted = tensors.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0)
    header['__metadata__'] = Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
  let offset = 0;
  for (const { name, shape } of sorted) {
    const end = offset + sizeOf(shape) * 4;
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = JSON.stringify(header);
  // Data start at a multiple of 8; the format pads the header with spaces.
  const headerBytes = new TextEncoder().encode(text.padEnd(text.length + ((8 - (Buffer.byteLength(text) % 8)) % 8)));
  const lengthBytes = new Uint8Array(8);
  new DataView(lengthBytes.buffer).setBigUint64(0, BigInt(headerBytes.byteLength), true);
  yield lengthBytes;
  yield headerBytes;
  for (const tensor of sorted) {
    const values = await tensor.read();
    if (values.length !== sizeOf(tensor.shape))
      throw new TypeError(`Tensor ${tensor.name} holds ${values.length} elements, not [${tensor.shape.join(', ')}]`);
    yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
}
