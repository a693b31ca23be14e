import type { CheckpointKey, CheckpointTensor, CheckpointValue } from '../tensor.js';
import { Builder } from './builder.js';
import { ByteReader } from './byte-reader.js';
import { globalNamed } from './globals.js';
import { Marker, type Item, type TensorView } from './items.js';
import { PlainValues } from './plain-values.js';
import { refusalsOf, type Refusals } from './refusals.js';

export interface UnpickleOptions {
  /** For messages. */
  readonly path: string;
  /** Makes the tensor of a view; its name is set by the place where it stands. */
  readonly tensor: (view: TensorView) => CheckpointTensor;
}

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

/** The stack machine. */
class Unpickler {
  readonly #refusals: Refusals;
  readonly #reader: ByteReader;
  readonly #builder: Builder;
  readonly #stack: Item[] = [];
  readonly #memo = new Map<number, Item>();

  constructor(bytes: Uint8Array, { path, tensor }: UnpickleOptions) {
    this.#refusals = refusalsOf(path);
    this.#reader = new ByteReader(bytes, this.#refusals);
    this.#builder = new Builder(tensor, this.#refusals);
  }

  run(): CheckpointValue {
    while (true) {
      const opcode = this.#reader.byte();
      if (opcode === 0x2e) return new PlainValues(this.#refusals).plain(this.#pop());
      this.#step(opcode);
    }
  }

  #step(opcode: number): void {
    const reader = this.#reader;
    switch (opcode) {
      case 0x80: {
        // PROTO
        const version = reader.byte();
        if (version > 5) throw this.#refusals.damaged(`its pickle protocol ${String(version)} is unknown`);
        return;
      }
      case 0x95: // FRAME
        reader.skip(8);
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
        this.#push(reader.byte());
        return;
      case 0x4d: // BININT2
        this.#push(reader.view.getUint16(reader.skip(2), true));
        return;
      case 0x4a: // BININT
        this.#push(reader.view.getInt32(reader.skip(4), true));
        return;
      case 0x8a: // LONG1
        this.#push(reader.long(reader.byte()));
        return;
      case 0x8b: // LONG4
        this.#push(reader.long(reader.view.getInt32(reader.skip(4), true)));
        return;
      case 0x47: // BINFLOAT
        this.#push(reader.view.getFloat64(reader.skip(8)));
        return;
      case 0x58: // BINUNICODE
        this.#push(reader.text(reader.uint32()));
        return;
      case 0x8c: // SHORT_BINUNICODE
        this.#push(reader.text(reader.byte()));
        return;
      case 0x8d: // BINUNICODE8
        this.#push(reader.text(reader.uint64()));
        return;
      case 0x54: // BINSTRING
        this.#push(reader.text(reader.uint32()));
        return;
      case 0x55: // SHORT_BINSTRING
        this.#push(reader.text(reader.byte()));
        return;
      case 0x42: // BINBYTES
        this.#push(reader.slice(reader.uint32()));
        return;
      case 0x43: // SHORT_BINBYTES
        this.#push(reader.slice(reader.byte()));
        return;
      case 0x8e: // BINBYTES8
        this.#push(reader.slice(reader.uint64()));
        return;
      case 0x7d: // EMPTY_DICT
        this.#push(new Map());
        return;
      case 0x64: {
        // DICT
        const items = this.#popToMark();
        this.#push(this.#builder.setItems(new Map(), items));
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
        if (this.#stack.length < count) throw this.#refusals.damaged('its pickle takes more than it has put down');
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
        this.#builder.setItems(this.#map(), [key, value]);
        return;
      }
      case 0x75: {
        // SETITEMS
        const items = this.#popToMark();
        this.#builder.setItems(this.#map(), items);
        return;
      }
      case 0x71: // BINPUT
        this.#memo.set(reader.byte(), this.#top());
        return;
      case 0x72: // LONG_BINPUT
        this.#memo.set(reader.uint32(), this.#top());
        return;
      case 0x94: // MEMOIZE
        this.#memo.set(this.#memo.size, this.#top());
        return;
      case 0x68: // BINGET
        this.#recall(reader.byte());
        return;
      case 0x6a: // LONG_BINGET
        this.#recall(reader.uint32());
        return;
      case 0x63: {
        // GLOBAL
        const module = reader.line();
        this.#pushGlobal(module, reader.line());
        return;
      }
      case 0x93: {
        // STACK_GLOBAL
        const name = this.#pop();
        const module = this.#pop();
        if (typeof module !== 'string' || typeof name !== 'string')
          throw this.#refusals.damaged('its pickle names a class by something other than text');
        this.#pushGlobal(module, name);
        return;
      }
      case 0x51: // BINPERSID
        this.#push(this.#builder.storage(this.#pop()));
        return;
      case 0x52: {
        // REDUCE
        const args = this.#pop();
        this.#push(this.#builder.apply(this.#pop(), args));
        return;
      }
      case 0x62: {
        // BUILD: torch.save attaches `_metadata` to an OrderedDict; it holds version numbers that nothing here needs.
        this.#pop();
        if (!(this.#top() instanceof Map)) throw this.#refusals.unsafe('a class with a state of its own');
        return;
      }
      default:
        throw this.#refusals.unsafe(`opcode 0x${opcode.toString(16)} of its pickle, which builds objects`);
    }
  }

  #pushGlobal(module: string, name: string): void {
    const found = globalNamed(module, name);
    if (found === null) throw this.#refusals.unsafe(`${module}.${name}`);
    this.#push(new Marker(found));
  }

  #push(item: Item): void {
    this.#stack.push(item);
  }

  #pop(): Item {
    const item = this.#stack.pop();
    if (item === undefined) throw this.#refusals.damaged('its pickle takes more than it has put down');
    return this.#unmarked(item);
  }

  #top(): Item {
    const item = this.#stack.at(-1);
    if (item === undefined) throw this.#refusals.damaged('its pickle takes more than it has put down');
    return item;
  }

  #unmarked(item: Item): Item {
    if (item instanceof Marker && item.what.global === 'mark') throw this.#refusals.damaged('its pickle is out of balance');
    return item;
  }

  #popToMark(): Item[] {
    const mark = this.#stack.findLastIndex((item) => item instanceof Marker && item.what.global === 'mark');
    if (mark < 0) throw this.#refusals.damaged('its pickle is out of balance');
    const items = this.#stack.splice(mark);
    items.shift();
    return items;
  }

  #list(): Item[] {
    const list = this.#top();
    if (!Array.isArray(list)) throw this.#refusals.unsafe('a class that takes list items');
    return list;
  }

  #map(): Map<CheckpointKey, Item> {
    const map = this.#top();
    if (!(map instanceof Map)) throw this.#refusals.unsafe('a class that takes dictionary items');
    return map;
  }

  #recall(index: number): void {
    const item = this.#memo.get(index);
    if (item === undefined) throw this.#refusals.damaged('its pickle refers to something it has not remembered');
    this.#push(item);
  }
}
