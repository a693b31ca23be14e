import type { CheckpointKey, CheckpointValue } from '../tensor.js';
import { Marker, Storage, type Item } from './items.js';
import type { Refusals } from './refusals.js';

const DEEPEST_VALUE = 64;

/** Turns what a pickle has built into plain values. */
export class PlainValues {
  readonly #refusals: Refusals;
  readonly #finished = new Map<Item, CheckpointValue>();

  constructor(refusals: Refusals) {
    this.#refusals = refusals;
  }

  /** Checks that only plain values are left, and gives them their final type. */
  plain(item: Item, depth = 0): CheckpointValue {
    if (depth > DEEPEST_VALUE) throw this.#refusals.damaged('its containers are nested too deeply');
    if (item instanceof Marker) {
      if (item.what.global === 'mark') throw this.#refusals.damaged('its pickle ends inside a container');
      return item.what.name;
    }
    if (item instanceof Storage) throw this.#refusals.unsafe('a bare storage');
    if (!isContainer(item)) return item;
    // A container that stands in many places is converted once; otherwise a few hundred bytes could ask for 2^60 copies.
    const known = this.#finished.get(item);
    if (known !== undefined) return known;
    const plain = item instanceof Map ? this.#plainMap(item, depth) : item.map((entry) => this.plain(entry, depth + 1));
    this.#finished.set(item, plain);
    return plain;
  }

  #plainMap(map: ReadonlyMap<CheckpointKey, Item>, depth: number): CheckpointValue {
    const plain = new Map<CheckpointKey, CheckpointValue>();
    for (const [key, value] of map) plain.set(key, this.plain(value, depth + 1));
    return plain;
  }
}

function isContainer(item: Item): item is Item[] | Map<CheckpointKey, Item> {
  return Array.isArray(item) || item instanceof Map;
}
