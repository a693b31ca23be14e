import { crc32Of } from '../../src/common/crc32.js';

/** A tensor to be pickled as `torch.save` does. Tensors with the same `storage` share it. */
export interface TorchTensor {
  readonly kind: 'tensor';
  readonly type: 'Float' | 'Half' | 'BFloat16' | 'Double' | 'Long' | 'Int' | 'Byte' | 'Bool';
  readonly storage: Uint8Array;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** What a pickle can hold here; `global` and `raw` are for what must be refused. */
export type PickleValue =
  | TorchTensor
  | string
  | number
  | boolean
  | null
  | readonly PickleValue[]
  | ReadonlyMap<string, PickleValue>
  | { readonly kind: 'raw'; readonly bytes: Uint8Array };

const BYTES = { Float: 4, Half: 2, BFloat16: 2, Double: 8, Long: 8, Int: 4, Byte: 1, Bool: 1 } as const;

export function torchTensor(shape: readonly number[], values: ArrayBufferView, type: TorchTensor['type'] = 'Float'): TorchTensor {
  const strides: number[] = [];
  let stride = 1;
  for (const length of shape.toReversed()) {
    strides.unshift(stride);
    stride *= length;
  }
  return { kind: 'tensor', type, storage: new Uint8Array(values.buffer, values.byteOffset, values.byteLength), shape, strides, offset: 0 };
}

export interface TorchFileOptions {
  readonly folder?: string;
  /** Further entries of the archive. */
  readonly entries?: Readonly<Record<string, Uint8Array>>;
  /** Writes sizes and places as zip64, as PyTorch does beyond 4 GiB. */
  readonly zip64?: boolean;
  /** Compression method in the headers. */
  readonly method?: number;
}

/** Writes a file in the format of `torch.save`: protocol 2, storages beside the pickle, data aligned to 64 bytes. */
export function torchFile(root: PickleValue, options: TorchFileOptions = {}): Uint8Array<ArrayBuffer> {
  const folder = options.folder ?? 'archive';
  const storages = new Map<Uint8Array, string>();
  const pickle = Buffer.concat([Buffer.from([0x80, 2]), ...write(root, storages), Buffer.from('.')]);
  const entries: [string, Uint8Array][] = [
    [`${folder}/data.pkl`, pickle],
    [`${folder}/byteorder`, Buffer.from('little')],
    ...Object.entries(options.entries ?? {}).map(([name, bytes]): [string, Uint8Array] => [`${folder}/${name}`, bytes]),
    ...[...storages].map(([bytes, key]): [string, Uint8Array] => [`${folder}/data/${key}`, bytes]),
  ];
  // What a later entry of the same name says replaces the earlier.
  return zip([...new Map(entries)], options);
}

function write(value: PickleValue, storages: Map<Uint8Array, string>): Buffer[] {
  if (value === null) return [Buffer.from('N')];
  if (typeof value === 'boolean') return [Buffer.from([value ? 0x88 : 0x89])];
  if (typeof value === 'number') return [int(value)];
  if (typeof value === 'string') return [text(value)];
  if (value instanceof Map) {
    const map = value as ReadonlyMap<string, PickleValue>;
    return [Buffer.from('}('), ...[...map].flatMap(([key, item]) => [text(key), ...write(item, storages)]), Buffer.from('u')];
  }
  if (isList(value)) return [Buffer.from(']('), ...value.flatMap((item) => write(item, storages)), Buffer.from('e')];
  if ('bytes' in value) return [Buffer.from(value.bytes)];
  return tensor(value as TorchTensor, storages);
}

function isList(value: PickleValue): value is readonly PickleValue[] {
  return Array.isArray(value);
}

function tensor(value: TorchTensor, storages: Map<Uint8Array, string>): Buffer[] {
  const key = storages.get(value.storage) ?? String(storages.size);
  storages.set(value.storage, key);
  const tuple = (numbers: readonly number[]): Buffer => Buffer.concat([Buffer.from('('), ...numbers.map(int), Buffer.from('t')]);
  return [
    Buffer.from('ctorch._utils\n_rebuild_tensor_v2\n(('),
    text('storage'),
    Buffer.from(`ctorch\n${value.type}Storage\n`),
    text(key),
    text('cpu'),
    int(value.storage.byteLength / BYTES[value.type]),
    Buffer.from('tQ'),
    int(value.offset),
    tuple(value.shape),
    tuple(value.strides),
    Buffer.from([0x89]),
    Buffer.from('ccollections\nOrderedDict\n)R'),
    Buffer.from('tR'),
  ];
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = 0x4a;
  bytes.writeInt32LE(value, 1);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const head = Buffer.alloc(5);
  head[0] = 0x58;
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function zip(entries: readonly [string, Uint8Array][], { zip64 = false, method = 0 }: TorchFileOptions): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  const push = (bytes: Uint8Array): void => {
    chunks.push(bytes);
    offset += bytes.byteLength;
  };
  for (const [name, bytes] of entries) {
    const nameBytes = Buffer.from(name);
    const checksum = crc32Of(bytes);
    const padding = Buffer.alloc((64 - ((offset + 30 + nameBytes.length) % 64)) % 64);
    const start = offset;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(method, 8);
    local.writeUInt32LE(checksum, 14);
    local.writeUInt32LE(zip64 ? 0xffffffff : bytes.byteLength, 18);
    local.writeUInt32LE(zip64 ? 0xffffffff : bytes.byteLength, 22);
    local.writeUInt16LE(nameBytes.length, 26);
    local.writeUInt16LE(padding.length, 28);
    push(local);
    push(nameBytes);
    push(padding);
    push(bytes);
    const extra = Buffer.alloc(zip64 ? 28 : 0);
    if (zip64) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      extra.writeBigUInt64LE(BigInt(bytes.byteLength), 4);
      extra.writeBigUInt64LE(BigInt(bytes.byteLength), 12);
      extra.writeBigUInt64LE(BigInt(start), 20);
    }
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(checksum, 16);
    central.writeUInt32LE(zip64 ? 0xffffffff : bytes.byteLength, 20);
    central.writeUInt32LE(zip64 ? 0xffffffff : bytes.byteLength, 24);
    central.writeUInt16LE(nameBytes.length, 28);
    central.writeUInt16LE(extra.length, 30);
    central.writeUInt32LE(zip64 ? 0xffffffff : start, 42);
    directory.push(central, nameBytes, extra);
  }
  const directoryStart = offset;
  const directoryBytes = Buffer.concat(directory);
  push(directoryBytes);
  if (zip64) {
    const record = Buffer.alloc(56);
    record.writeUInt32LE(0x06064b50, 0);
    record.writeBigUInt64LE(44n, 4);
    record.writeBigUInt64LE(BigInt(entries.length), 24);
    record.writeBigUInt64LE(BigInt(entries.length), 32);
    record.writeBigUInt64LE(BigInt(directoryBytes.length), 40);
    record.writeBigUInt64LE(BigInt(directoryStart), 48);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.writeBigUInt64LE(BigInt(offset), 8);
    locator.writeUInt32LE(1, 16);
    push(record);
    push(locator);
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(zip64 ? 0xffff : entries.length, 8);
  end.writeUInt16LE(zip64 ? 0xffff : entries.length, 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : directoryBytes.length, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : directoryStart, 16);
  push(end);
  return new Uint8Array(Buffer.concat(chunks));
}
