import { ModelError } from '../../common/errors.js';
import { damagedCheckpoint, type CheckpointKey, type CheckpointTensor, type CheckpointValue, type TensorType } from './tensor.js';

/** A storage as the pickle names it: a block of elements that lies elsewhere in the archive. */
export interface StorageReference {
  /** Type of the elements; null when the tensor says it (untyped storage). */
  readonly type: TensorType | null;
  /** Name of the archive entry below `data/`. */
  readonly key: string;
  /** Number of elements; of an untyped storage, of bytes. */
  readonly length: number;
}

/** A view of a storage, in elements. */
export interface TensorView {
  readonly storage: StorageReference;
  readonly type: TensorType;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export interface UnpickleOptions {
  /** For messages. */
  readonly path: string;
  /** Makes the tensor of a view; its name is set by the place where it stands. */
  readonly tensor: (view: TensorView) => CheckpointTensor;
}

const STORAGE_TYPES: Readonly<Record<string, TensorType | null>> = {
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  DoubleStorage: 'float64',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  ShortStorage: 'int16',
  IntStorage: 'int32',
  LongStorage: 'int64',
  BoolStorage: 'bool',
  UntypedStorage: null,
};

const DTYPES: Readonly<Record<string, TensorType>> = {
  float32: 'float32',
  float: 'float32',
  float16: 'float16',
  half: 'float16',
  bfloat16: 'bfloat16',
  float64: 'float64',
  double: 'float64',
  int8: 'int8',
  uint8: 'uint8',
  int16: 'int16',
  int32: 'int32',
  int64: 'int64',
  bool: 'bool',
};

/**
 * What a pickle may name. Each is one of these inert markers: nothing is looked up, imported or called. `rebuild-*` and `ordered-dict` are
 * the only ones that may be applied to arguments.
 */
type Global =
  | { readonly global: 'rebuild-tensor' | 'rebuild-typed-tensor' | 'rebuild-parameter' | 'ordered-dict' | 'size'; readonly name: string }
  | { readonly global: 'storage'; readonly name: string; readonly type: TensorType | null }
  | { readonly global: 'dtype'; readonly name: string; readonly type: TensorType };

function globalNamed(module: string, name: string): Global | null {
  const full = `${module}.${name}`;
  switch (full) {
    case 'torch._utils._rebuild_tensor_v2':
    case 'torch._utils._rebuild_tensor':
      return { global: 'rebuild-tensor', name: full };
    case 'torch._utils._rebuild_tensor_v3':
      return { global: 'rebuild-typed-tensor', name: full };
    case 'torch._utils._rebuild_parameter':
      return { global: 'rebuild-parameter', name: full };
    case 'collections.OrderedDict':
      return { global: 'ordered-dict', name: full };
    case 'torch.Size':
      return { global: 'size', name: full };
  }
  if ((module === 'torch' || module === 'torch.storage' || module === 'torch.cuda') && Object.hasOwn(STORAGE_TYPES, name)) {
    return { global: 'storage', name: full, type: STORAGE_TYPES[name] ?? null };
  }
  const dtype = module === 'torch' && Object.hasOwn(DTYPES, name) ? DTYPES[name] : undefined;
  return dtype === undefined ? null : { global: 'dtype', name: full, type: dtype };
}

class Marker {
  readonly what: Global | { readonly global: 'mark' };
  constructor(what: Global | { readonly global: 'mark' }) {
    this.what = what;
  }
}

class Storage implements StorageReference {
  readonly type: TensorType | null;
  readonly key: string;
  readonly length: number;
  constructor(type: TensorType | null, key: string, length: number) {
    this.type = type;
    this.key = key;
    this.length = length;
  }
}

type Scalar = CheckpointTensor | string | number | bigint | boolean | null | Uint8Array;
type Item = Scalar | Marker | Storage | Item[] | Map<CheckpointKey, Item>;

const DEEPEST_VALUE = 64;

/**
 * Reads a pickle of tensors and plain containers (protocols 2 to 5) without executing anything: classes and functions other than those
 * by which PyTorch rebuilds tensors are refused by name.
 * Source: CPython's Lib/pickletools.py for the opcodes; torch/_utils.py for the arguments of the rebuild functions.
 *
 * @throws ModelError `checkpoint-damaged`, `checkpoint-unsafe`
 */
export function unpickle(bytes: Uint8Array, options: UnpickleOptions): CheckpointValue {
  return new Unpickler(bytes, options).run();
}

class Unpickler {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #path: string;
  readonly #tensor: (view: TensorView) => CheckpointTensor;
  readonly #stack: Item[] = [];
  readonly #memo = new Map<number, Item>();
  readonly #finished = new Map<Item, CheckpointValue>();
  #position = 0;

  constructor(bytes: Uint8Array, options: UnpickleOptions) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#path = options.path;
    this.#tensor = options.tensor;
  }

  run(): CheckpointValue {
    while (true) {
      const opcode = this.#byte();
      if (opcode === 0x2e) return this.#plain(this.#pop(), 0);
      this.#step(opcode);
    }
  }

  #step(opcode: number): void {
    switch (opcode) {
      case 0x80: {
        // PROTO
        const version = this.#byte();
        if (version > 5) throw this.#damaged(`its pickle protocol ${String(version)} is unknown`);
        return;
      }
      case 0x95: // FRAME
        this.#skip(8);
        return;
      case 0x28: // MARK
        this.#push(new Marker({ global: 'mark' }));
        return;
      case 0x30: // POP
        this.#pop();
        return;
      case 0x31: // POP_MARK
        this.#popToMark();
        return;
      case 0x32: // DUP
        this.#push(this.#top());
        return;
      case 0x4e: // NONE
        this.#push(null);
        return;
      case 0x88: // NEWTRUE
        this.#push(true);
        return;
      case 0x89: // NEWFALSE
        this.#push(false);
        return;
      case 0x4b: // BININT1
        this.#push(this.#byte());
        return;
      case 0x4d: // BININT2
        this.#push(this.#view.getUint16(this.#skip(2), true));
        return;
      case 0x4a: // BININT
        this.#push(this.#view.getInt32(this.#skip(4), true));
        return;
      case 0x8a: // LONG1
        this.#push(this.#long(this.#byte()));
        return;
      case 0x8b: // LONG4
        this.#push(this.#long(this.#view.getInt32(this.#skip(4), true)));
        return;
      case 0x47: // BINFLOAT
        this.#push(this.#view.getFloat64(this.#skip(8)));
        return;
      case 0x58: // BINUNICODE
        this.#push(this.#text(this.#uint32()));
        return;
      case 0x8c: // SHORT_BINUNICODE
        this.#push(this.#text(this.#byte()));
        return;
      case 0x8d: // BINUNICODE8
        this.#push(this.#text(this.#uint64()));
        return;
      case 0x54: // BINSTRING
        this.#push(this.#text(this.#uint32()));
        return;
      case 0x55: // SHORT_BINSTRING
        this.#push(this.#text(this.#byte()));
        return;
      case 0x42: // BINBYTES
        this.#push(this.#slice(this.#uint32()));
        return;
      case 0x43: // SHORT_BINBYTES
        this.#push(this.#slice(this.#byte()));
        return;
      case 0x8e: // BINBYTES8
        this.#push(this.#slice(this.#uint64()));
        return;
      case 0x7d: // EMPTY_DICT
        this.#push(new Map());
        return;
      case 0x64: {
        // DICT
        const items = this.#popToMark();
        this.#push(this.#setItems(new Map(), items));
        return;
      }
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
      case 0x8f: // EMPTY_SET
        this.#push([]);
        return;
      case 0x6c: // LIST
      case 0x74: // TUPLE
      case 0x91: // FROZENSET
        this.#push(this.#popToMark());
        return;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: {
        // TUPLE3
        const count = opcode - 0x84;
        if (this.#stack.length < count) throw this.#damaged('its pickle takes more than it has put down');
        this.#push(this.#stack.splice(-count).map((item) => this.#unmarked(item)));
        return;
      }
      case 0x61: {
        // APPEND
        const item = this.#pop();
        this.#list().push(item);
        return;
      }
      case 0x65: // APPENDS
      case 0x90: {
        // ADDITEMS
        const items = this.#popToMark();
        const list = this.#list();
        for (const item of items) list.push(item);
        return;
      }
      case 0x73: {
        // SETITEM
        const value = this.#pop();
        const key = this.#pop();
        this.#setItems(this.#map(), [key, value]);
        return;
      }
      case 0x75: {
        // SETITEMS
        const items = this.#popToMark();
        this.#setItems(this.#map(), items);
        return;
      }
      case 0x71: // BINPUT
        this.#memo.set(this.#byte(), this.#top());
        return;
      case 0x72: // LONG_BINPUT
        this.#memo.set(this.#uint32(), this.#top());
        return;
      case 0x94: // MEMOIZE
        this.#memo.set(this.#memo.size, this.#top());
        return;
      case 0x68: // BINGET
        this.#recall(this.#byte());
        return;
      case 0x6a: // LONG_BINGET
        this.#recall(this.#uint32());
        return;
      case 0x63: {
        // GLOBAL
        const module = this.#line();
        this.#pushGlobal(module, this.#line());
        return;
      }
      case 0x93: {
        // STACK_GLOBAL
        const name = this.#pop();
        const module = this.#pop();
        if (typeof module !== 'string' || typeof name !== 'string')
          throw this.#damaged('its pickle names a class by something other than text');
        this.#pushGlobal(module, name);
        return;
      }
      case 0x51: // BINPERSID
        this.#push(this.#storage(this.#pop()));
        return;
      case 0x52: {
        // REDUCE
        const args = this.#pop();
        this.#push(this.#apply(this.#pop(), args));
        return;
      }
      case 0x62: {
        // BUILD: torch.save attaches `_metadata` to an OrderedDict; it holds version numbers that nothing here needs.
        this.#pop();
        if (!(this.#top() instanceof Map)) throw this.#unsafe('a class with a state of its own');
        return;
      }
      default:
        throw this.#unsafe(`opcode 0x${opcode.toString(16)} of its pickle, which builds objects`);
    }
  }

  #apply(callee: Item, args: Item): Item {
    if (!(callee instanceof Marker) || !Array.isArray(args)) throw this.#unsafe('a call of something that is not a function');
    const { what } = callee;
    switch (what.global) {
      case 'ordered-dict':
        return this.#orderedDict(args);
      case 'size':
        return this.#integers(args[0], 'a shape').slice();
      case 'rebuild-parameter':
        // _rebuild_parameter(data, requires_grad, backward_hooks)
        return args[0] ?? null;
      case 'rebuild-tensor':
        return this.#rebuild(args, null);
      case 'rebuild-typed-tensor': {
        // _rebuild_tensor_v3(storage, storage_offset, size, stride, requires_grad, backward_hooks, dtype, metadata=None)
        const dtype = args[6];
        if (!(dtype instanceof Marker) || dtype.what.global !== 'dtype') throw this.#damaged('a tensor has no known element type');
        return this.#rebuild(args, dtype.what.type);
      }
      case 'storage':
      case 'dtype':
        throw this.#unsafe(`a call of ${what.name}`);
      case 'mark':
        throw this.#damaged('its pickle calls a mark');
    }
  }

  /** OrderedDict(), or OrderedDict(pairs) as older Pythons write it. */
  #orderedDict(args: readonly Item[]): Map<CheckpointKey, Item> {
    const [pairs] = args;
    if (pairs === undefined) return new Map();
    if (!Array.isArray(pairs)) throw this.#damaged('an OrderedDict is not made of pairs');
    const flat: Item[] = [];
    for (const pair of pairs) {
      if (!Array.isArray(pair) || pair.length !== 2) throw this.#damaged('an OrderedDict is not made of pairs');
      flat.push(...pair);
    }
    return this.#setItems(new Map(), flat);
  }

  /** _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None) */
  #rebuild(args: readonly Item[], dtype: TensorType | null): CheckpointTensor {
    const [storage, offset, size, stride] = args;
    if (!(storage instanceof Storage)) throw this.#damaged('a tensor has no storage');
    const type = dtype ?? storage.type;
    if (type === null) throw this.#damaged('a tensor has no element type');
    if (!isLength(offset)) throw this.#damaged('a tensor starts at no valid place of its storage');
    const shape = this.#integers(size, 'the shape of a tensor');
    const strides = this.#integers(stride, 'the strides of a tensor');
    if (shape.length !== strides.length) throw this.#damaged('a tensor has not one stride per dimension');
    return this.#tensor({ storage, type, offset, shape, strides });
  }

  /** ('storage', class, key, location, length) */
  #storage(id: Item): Storage {
    if (!Array.isArray(id)) throw this.#damaged('a storage is named in an unknown way');
    const [tag, kind, key, , length] = id;
    if (tag !== 'storage' || !(kind instanceof Marker) || kind.what.global !== 'storage' || typeof key !== 'string' || !isLength(length)) {
      throw this.#damaged('a storage is named in an unknown way');
    }
    return new Storage(kind.what.type, key, length);
  }

  #pushGlobal(module: string, name: string): void {
    const found = globalNamed(module, name);
    if (found === null) throw this.#unsafe(`${module}.${name}`);
    this.#push(new Marker(found));
  }

  /** Checks that only plain values are left, and gives them their final type. */
  #plain(item: Item, depth: number): CheckpointValue {
    if (depth > DEEPEST_VALUE) throw this.#damaged('its containers are nested too deeply');
    if (item instanceof Marker) {
      if (item.what.global === 'mark') throw this.#damaged('its pickle ends inside a container');
      return item.what.name;
    }
    if (item instanceof Storage) throw this.#unsafe('a bare storage');
    if (!isContainer(item)) return item;
    // A container that stands in many places is converted once; otherwise a few hundred bytes could ask for 2^60 copies.
    const known = this.#finished.get(item);
    if (known !== undefined) return known;
    const plain = item instanceof Map ? this.#plainMap(item, depth) : item.map((entry) => this.#plain(entry, depth + 1));
    this.#finished.set(item, plain);
    return plain;
  }

  #plainMap(map: ReadonlyMap<CheckpointKey, Item>, depth: number): CheckpointValue {
    const plain = new Map<CheckpointKey, CheckpointValue>();
    for (const [key, value] of map) plain.set(key, this.#plain(value, depth + 1));
    return plain;
  }

  #setItems(map: Map<CheckpointKey, Item>, items: readonly Item[]): Map<CheckpointKey, Item> {
    if (items.length % 2 !== 0) throw this.#damaged('a dictionary has a key without a value');
    for (let index = 0; index < items.length; index += 2) {
      const key = items[index];
      if (typeof key === 'object' ? key !== null : key === undefined)
        throw this.#damaged('a dictionary has a key that is not a plain value');
      map.set(key as CheckpointKey, items[index + 1] ?? null);
    }
    return map;
  }

  #integers(item: Item | undefined, what: string): readonly number[] {
    if (!Array.isArray(item) || !item.every(isLength)) throw this.#damaged(`${what} is not a list of lengths`);
    return item;
  }

  #push(item: Item): void {
    this.#stack.push(item);
  }

  #pop(): Item {
    const item = this.#stack.pop();
    if (item === undefined) throw this.#damaged('its pickle takes more than it has put down');
    return this.#unmarked(item);
  }

  #top(): Item {
    const item = this.#stack.at(-1);
    if (item === undefined) throw this.#damaged('its pickle takes more than it has put down');
    return item;
  }

  #unmarked(item: Item): Item {
    if (item instanceof Marker && item.what.global === 'mark') throw this.#damaged('its pickle is out of balance');
    return item;
  }

  #popToMark(): Item[] {
    const mark = this.#stack.findLastIndex((item) => item instanceof Marker && item.what.global === 'mark');
    if (mark < 0) throw this.#damaged('its pickle is out of balance');
    const items = this.#stack.splice(mark);
    items.shift();
    return items;
  }

  #list(): Item[] {
    const list = this.#top();
    if (!Array.isArray(list)) throw this.#unsafe('a class that takes list items');
    return list;
  }

  #map(): Map<CheckpointKey, Item> {
    const map = this.#top();
    if (!(map instanceof Map)) throw this.#unsafe('a class that takes dictionary items');
    return map;
  }

  #recall(index: number): void {
    const item = this.#memo.get(index);
    if (item === undefined) throw this.#damaged('its pickle refers to something it has not remembered');
    this.#push(item);
  }

  #skip(count: number): number {
    const start = this.#position;
    if (start + count > this.#bytes.byteLength) throw this.#damaged('its pickle is cut short');
    this.#position = start + count;
    return start;
  }

  #byte(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  #uint32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  #uint64(): number {
    return Number(this.#view.getBigUint64(this.#skip(8), true));
  }

  #slice(byteLength: number): Uint8Array {
    const start = this.#skip(byteLength);
    return this.#bytes.subarray(start, start + byteLength);
  }

  #text(byteLength: number): string {
    return new TextDecoder().decode(this.#slice(byteLength));
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#position);
    if (end < 0) throw this.#damaged('its pickle is cut short');
    const text = this.#text(end - this.#position);
    this.#skip(1);
    return text;
  }

  /** Two's complement, little endian. */
  #long(byteLength: number): number | bigint {
    if (byteLength < 0 || byteLength > 64) throw this.#damaged('its pickle holds an implausibly long number');
    const bytes = this.#slice(byteLength);
    let value = 0n;
    for (let index = byteLength - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index] ?? 0);
    const signed = BigInt.asIntN(byteLength * 8, value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }

  #damaged(what: string): ModelError {
    return damagedCheckpoint(this.#path, what);
  }

  #unsafe(what: string): ModelError {
    return new ModelError('checkpoint-unsafe', `${this.#path} asks for ${what}. Only tensors and plain containers are read.`, {
      remedy:
        "If you trust the file, keep its weights alone: in Python, c = torch.load(FILE, weights_only=False); torch.save(c['teacher'] if 'teacher' in c else c.get('state_dict', c.get('model')), OUT).",
    });
  }
}

function isContainer(item: Item): item is Item[] | Map<CheckpointKey, Item> {
  return Array.isArray(item) || item instanceof Map;
}

function isLength(item: Item | undefined): item is number {
  return typeof item === 'number' && Number.isSafeInteger(item) && item >= 0;
}
