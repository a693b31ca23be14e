import { ModelError } from '../../common/errors.js';
import type { CheckpointTensor } from '../checkpoint/tensor.js';

/** The weights of one backbone in memory, handed out once each, so that they can be freed while the graph grows. */
export class LoadedWeights {
  readonly #arrays: Map<string, Float32Array>;

  constructor(arrays: ReadonlyMap<string, Float32Array>) {
    this.#arrays = new Map(arrays);
  }

  /** @throws TypeError for a tensor that is not there or was taken before: a mistake of the caller, since architectures are checked. */
  take(name: string): Float32Array {
    const found = this.#arrays.get(name);
    if (found === undefined) throw new TypeError(`No tensor ${name}`);
    this.#arrays.delete(name);
    return found;
  }

  get remaining(): readonly string[] {
    return [...this.#arrays.keys()];
  }
}

/**
 * Reads all tensors.
 *
 * @throws ModelError `weights-not-finite` with the names of the tensors that hold NaN or infinite values.
 */
export async function loadWeights(
  tensors: ReadonlyMap<string, CheckpointTensor>,
  path: string,
  signal?: AbortSignal,
): Promise<LoadedWeights> {
  const arrays = new Map<string, Float32Array>();
  const faulty: string[] = [];
  for (const [name, tensor] of tensors) {
    signal?.throwIfAborted();
    const values = await tensor.read();
    if (!allFinite(values)) faulty.push(name);
    arrays.set(name, values);
  }
  if (faulty.length > 0) {
    throw new ModelError(
      'weights-not-finite',
      `${path} holds NaN or infinite values in ${faulty.slice(0, 20).join(', ')}${faulty.length > 20 ? ` and ${faulty.length - 20} more` : ''}.`,
      {
        remedy: 'The training diverged or the file is damaged; use another checkpoint.',
      },
    );
  }
  return new LoadedWeights(arrays);
}

export function allFinite(values: Float32Array): boolean {
  // A sum is NaN or infinite as soon as one of its terms is, and costs no branch per element; it may overflow, so it is then looked at closely.
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index] ?? 0;
  return Number.isFinite(sum) || values.every((value) => Number.isFinite(value));
}
