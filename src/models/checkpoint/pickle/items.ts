import type { CheckpointKey, CheckpointTensor, TensorType } from '../tensor.js';
import type { Global } from './globals.js';

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

/** Something named, or the mark that opens a container. */
export class Marker {
  readonly what: Global | { readonly global: 'mark' };
  constructor(what: Global | { readonly global: 'mark' }) {
    this.what = what;
  }
}

export class Storage implements StorageReference {
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
/** What lies on the stack of an unpickler. */
export type Item = Scalar | Marker | Storage | Item[] | Map<CheckpointKey, Item>;

export function isLength(item: Item | undefined): item is number {
  return typeof item === 'number' && Number.isSafeInteger(item) && item >= 0;
}
