import type { Tensor } from '../../onnx/builder.js';
import { matMul, transpose } from '../../onnx/ops.js';

/** Pairs within a batch as masks of 0 and 1, `[N, N]`: anchors in rows. */
export interface Pairs {
  /** Same label, and not the picture itself. */
  readonly positive: Tensor;
  readonly negative: Tensor;
}

export interface Loss {
  /** Scalar. */
  readonly loss: Tensor;
  /** Scalar: how many triplets were mined; null with a loss that mines none. */
  readonly minedTriplets: Tensor | null;
}

/** The masks of `Pairs` for these labels. */
export function pairMasks(labels: readonly number[]): {
  readonly positive: Float32Array<ArrayBuffer>;
  readonly negative: Float32Array<ArrayBuffer>;
} {
  const count = labels.length;
  const positive = new Float32Array(count * count);
  const negative = new Float32Array(count * count);
  for (let anchor = 0; anchor < count; anchor++) {
    for (let other = 0; other < count; other++) {
      const isSame = labels[anchor] === labels[other];
      positive[anchor * count + other] = isSame && anchor !== other ? 1 : 0;
      negative[anchor * count + other] = isSame ? 0 : 1;
    }
  }
  return { positive, negative };
}

/** Cosines `[N, N]` of L2-normalised embeddings `[N, D]`. */
export function similarities(embeddings: Tensor): Tensor {
  return matMul(embeddings, transpose(embeddings, [1, 0]));
}
