import { ModelError } from '../../common/errors.js';
import type { CheckpointTensor } from '../checkpoint/tensor.js';

/**
 * The weights of one backbone, read a piece at a time while the graph grows and handed out once each: only the graph itself is in memory
 * as a whole.
 */
export class BackboneReader {
  readonly #tensors: Map<string, Pick<CheckpointTensor, 'read'>>;
  readonly #arrays = new Map<string, Float32Array>();
  readonly #path: string;
  readonly #signal: AbortSignal | undefined;

  constructor(tensors: ReadonlyMap<string, Pick<CheckpointTensor, 'read'>>, path: string, signal?: AbortSignal) {
    this.#tensors = new Map(tensors);
    this.#path = path;
    this.#signal = signal;
  }

  /**
   * Reads the tensors whose names start with `prefix`.
   *
   * @throws ModelError `weights-not-finite` with the names of the tensors that hold NaN or infinite values.
   */
  async fetch(prefix: string): Promise<void> {
    const faulty: string[] = [];
    for (const [name, tensor] of this.#tensors) {
      if (!name.startsWith(prefix)) continue;
      this.#signal?.throwIfAborted();
      const values = await tensor.read();
      if (!allFinite(values)) faulty.push(name);
      this.#arrays.set(name, values);
      this.#tensors.delete(name);
    }
    if (faulty.length === 0) return;
    throw new ModelError('weights-not-finite', `${this.#path} holds NaN or infinite values in ${faulty.join(', ')}.`, {
      remedy: 'The training diverged or the file is damaged; use another checkpoint.',
    });
  }

  /** @throws TypeError for a tensor that was not fetched or was taken before: a mistake of the caller, since architectures are checked. */
  take(name: string): Float32Array {
    const found = this.#arrays.get(name);
    if (found === undefined) throw new TypeError(`No tensor ${name}`);
    this.#arrays.delete(name);
    return found;
  }

  get remaining(): readonly string[] {
    return [...this.#tensors.keys(), ...this.#arrays.keys()];
  }
}

export function allFinite(values: Float32Array): boolean {
  // A sum is NaN or infinite as soon as one of its terms is, and costs no branch per element; it may overflow, so it is then looked at closely.
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index] ?? 0;
  return Number.isFinite(sum) || values.every((value) => Number.isFinite(value));
}
