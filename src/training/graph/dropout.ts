import { seededRandom } from '../../common/random.js';
import type { Tensor } from '../../onnx/builder.js';
import { cast, greater, mul, slice } from '../../onnx/ops.js';

/**
 * Dropout that depends on its seed alone and costs no memory between graphs. Each row and each column has a random odd whole number; an element
 * is dropped when the product of both, which wraps around at 2³², falls into the lowest share of its range: a multiplicative hash, uniform in
 * each factor, of operators that every device has.
 */
export class Dropout {
  readonly share: number;
  readonly #rows: Tensor;
  readonly #columns: Tensor;
  #used = 0;

  /** `rows` int32 `[rows, 1]`, `columns` int32 `[1, columns of all layers]`. */
  constructor(share: number, rows: Tensor, columns: Tensor) {
    this.share = share;
    this.#rows = rows;
    this.#columns = columns;
  }

  /** Takes the next columns for `x` `[rows, width]`, which is 0 where it is dropped and the same elsewhere: to be divided by the share that is kept. */
  drop(x: Tensor, rowsOf: (rows: Tensor) => Tensor): Tensor {
    const width = Number(x.shape[1]);
    const columns = slice(this.#columns, [{ axis: 1, start: this.#used, end: this.#used + width }]);
    this.#used += width;
    const isKept = greater(mul(rowsOf(this.#rows), columns), Math.round(this.share * 2 ** 32) - 2 ** 31);
    // A product takes both cores where onnxruntime's Where takes one.
    return mul(x, cast(isKept, x.type));
  }
}

/** Random odd numbers for rows or columns. */
export function dropoutNumbers(count: number, seed: number): Int32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const numbers = new Int32Array(count);
  for (let index = 0; index < count; index++) numbers[index] = (random() * 2 ** 32) | 1;
  return numbers;
}
