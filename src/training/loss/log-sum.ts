import type { Tensor } from '../../onnx/builder.js';
import { add, clip, exp, log, mul, reduceMax, reduceSum, sub } from '../../onnx/ops.js';

// Far below every exponent that counts, and finite, so that its product with 0 is 0.
const LOWEST = -1e4;

/**
 * log(Σ mask · exp(x) [+ 1]) over the last axis, `[N, 1]`, without overflow. A row whose mask is empty gives 0 with `plusOne` and a large
 * negative number without.
 */
export function maskedLogSum(x: Tensor, mask: Tensor, plusOne: boolean): Tensor {
  const masked = add(mul(x, mask), mul(sub(1, mask), LOWEST));
  const largest = plusOne ? clip(reduceMax(masked, [1]), 0, null) : reduceMax(masked, [1]);
  const total = reduceSum(mul(exp(sub(masked, largest)), mask), [1]);
  const whole = plusOne ? add(total, exp(mul(largest, -1))) : clip(total, 1e-30, null);
  return add(log(whole), largest);
}
