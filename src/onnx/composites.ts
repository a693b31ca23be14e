import type { Tensor } from './builder.js';
import { elementsOf } from './dimensions.js';
import { add, clip, div, erf, gemm, matMul, mul, reduceL2, reshape } from './ops.js';

/** GELU with the error function, not its tanh approximation: 0.5 · x · (1 + erf(x / √2)) (Hendrycks and Gimpel 2016). */
export function gelu(x: Tensor): Tensor {
  // This order of nodes is the one that onnxruntime recognises and runs as a single kernel.
  return mul(mul(x, add(erf(div(x, Math.SQRT2)), 1)), 0.5);
}

/** x / max(‖x‖₂, epsilon) along `axis`, as `torch.nn.functional.normalize`. */
export function l2Normalise(x: Tensor, axis = -1, epsilon = 1e-12): Tensor {
  return div(x, clip(reduceL2(x, [axis]), epsilon, null));
}

/** x · weight + bias over the last axis; `weight` [in, out], `bias` [out]. */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  if (x.shape.length === 2) return gemm(x, weight, bias);
  const product = matMul(x, weight);
  return bias === null ? product : add(product, bias);
}

/** x · weightᵀ + bias, with `weight` [out, in] as PyTorch stores it, for matrices. */
export function linearTransposed(x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  const rows = reshape(x, [elementsOf(x.shape.slice(0, -1)), x.shape.at(-1) ?? 1]);
  const result = gemm(rows, weight, bias, { transB: true });
  return reshape(result, [...x.shape.slice(0, -1), weight.shape[0] ?? 1]);
}
