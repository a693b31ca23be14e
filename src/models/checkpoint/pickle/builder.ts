import type { CheckpointKey, CheckpointTensor, TensorType } from '../tensor.js';
import { isLength, Marker, Storage, type Item, type TensorView } from './items.js';
import type { Refusals } from './refusals.js';

/** Applies what may be applied: makes storages, tensors and dictionaries of their arguments. */
export class Builder {
  readonly #tensor: (view: TensorView) => CheckpointTensor;
  readonly #refusals: Refusals;

  constructor(tensor: (view: TensorView) => CheckpointTensor, refusals: Refusals) {
    this.#tensor = tensor;
    this.#refusals = refusals;
  }

  apply(callee: Item, args: Item): Item {
    if (!(callee instanceof Marker) || !Array.isArray(args)) throw this.#refusals.unsafe('a call of something that is not a function');
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
        if (!(dtype instanceof Marker) || dtype.what.global !== 'dtype') throw this.#refusals.damaged('a tensor has no known element type');
        return this.#rebuild(args, dtype.what.type);
      }
      case 'storage':
      case 'dtype':
        throw this.#refusals.unsafe(`a call of ${what.name}`);
      case 'mark':
        throw this.#refusals.damaged('its pickle calls a mark');
    }
  }

  /** OrderedDict(), or OrderedDict(pairs) as older Pythons write it. */
  #orderedDict(args: readonly Item[]): Map<CheckpointKey, Item> {
    const [pairs] = args;
    if (pairs === undefined) return new Map();
    if (!Array.isArray(pairs)) throw this.#refusals.damaged('an OrderedDict is not made of pairs');
    const flat: Item[] = [];
    for (const pair of pairs) {
      if (!Array.isArray(pair) || pair.length !== 2) throw this.#refusals.damaged('an OrderedDict is not made of pairs');
      flat.push(...pair);
    }
    return this.setItems(new Map(), flat);
  }

  /** _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None) */
  #rebuild(args: readonly Item[], dtype: TensorType | null): CheckpointTensor {
    const [storage, offset, size, stride] = args;
    if (!(storage instanceof Storage)) throw this.#refusals.damaged('a tensor has no storage');
    const type = dtype ?? storage.type;
    if (type === null) throw this.#refusals.damaged('a tensor has no element type');
    if (!isLength(offset)) throw this.#refusals.damaged('a tensor starts at no valid place of its storage');
    const shape = this.#integers(size, 'the shape of a tensor');
    const strides = this.#integers(stride, 'the strides of a tensor');
    if (shape.length !== strides.length) throw this.#refusals.damaged('a tensor has not one stride per dimension');
    return this.#tensor({ storage, type, offset, shape, strides });
  }

  /** ('storage', class, key, location, length) */
  storage(id: Item): Storage {
    if (!Array.isArray(id)) throw this.#refusals.damaged('a storage is named in an unknown way');
    const [tag, kind, key, , length] = id;
    if (tag !== 'storage' || !(kind instanceof Marker) || kind.what.global !== 'storage' || typeof key !== 'string' || !isLength(length)) {
      throw this.#refusals.damaged('a storage is named in an unknown way');
    }
    return new Storage(kind.what.type, key, length);
  }

  setItems(map: Map<CheckpointKey, Item>, items: readonly Item[]): Map<CheckpointKey, Item> {
    if (items.length % 2 !== 0) throw this.#refusals.damaged('a dictionary has a key without a value');
    for (let index = 0; index < items.length; index += 2) {
      const key = items[index];
      if (typeof key === 'object' ? key !== null : key === undefined)
        throw this.#refusals.damaged('a dictionary has a key that is not a plain value');
      map.set(key as CheckpointKey, items[index + 1] ?? null);
    }
    return map;
  }

  #integers(item: Item | undefined, what: string): readonly number[] {
    if (!Array.isArray(item) || !item.every(isLength)) throw this.#refusals.damaged(`${what} is not a list of lengths`);
    return item;
  }
}
