import type { Hit } from './vector-index.js';

/** Keeps the `k` most similar of the exemplars it is shown, without sorting the rest. */
export class Nearest {
  readonly #k: number;
  readonly #exemplars: Int32Array;
  readonly #similarities: Float64Array;
  #count = 0;
  /** What a new exemplar must exceed; of equals the one shown first stays. */
  floor = -Infinity;

  constructor(k: number) {
    this.#k = k;
    this.#exemplars = new Int32Array(k);
    this.#similarities = new Float64Array(k);
  }

  /** Call only with `similarity > floor`. */
  add(exemplar: number, similarity: number): void {
    const exemplars = this.#exemplars;
    const similarities = this.#similarities;
    let at = this.#count < this.#k ? this.#count++ : this.#k - 1;
    for (; at > 0 && (similarities[at - 1] ?? 0) < similarity; at--) {
      similarities[at] = similarities[at - 1] ?? 0;
      exemplars[at] = exemplars[at - 1] ?? 0;
    }
    similarities[at] = similarity;
    exemplars[at] = exemplar;
    if (this.#count === this.#k) this.floor = similarities[this.#k - 1] ?? 0;
  }

  /** Nearest first. */
  hits(): Hit[] {
    return Array.from({ length: this.#count }, (_, at) => ({
      exemplar: this.#exemplars[at] ?? 0,
      similarity: this.#similarities[at] ?? 0,
    }));
  }
}
