import type { Tensor } from '../../onnx/builder.js';
import { add, cast, clip, div, greater, mul, reduceSum, sub } from '../../onnx/ops.js';
import type { LossOptions } from '../step.js';
import { maskedLogSum } from './log-sum.js';
import { similarities, type Loss, type Pairs } from './pairs.js';

/**
 * Supervised contrastive loss, the form with the sum outside the logarithm: for each anchor the mean over its positives p of
 * −log(exp(s_p/τ) / Σ_{a≠i} exp(s_a/τ)); mean over the anchors that have positives. Source: Khosla et al. 2020, equation 2.
 */
export function supervisedContrastiveLoss(
  embeddings: Tensor,
  { positive, negative }: Pairs,
  { temperature }: Extract<LossOptions, { kind: 'supervised-contrastive' }>,
): Loss {
  const scaled = mul(similarities(embeddings), 1 / temperature);
  const logTotal = maskedLogSum(scaled, add(positive, negative), false);
  const count = reduceSum(positive, [1]);
  const perAnchor = div(reduceSum(mul(sub(logTotal, scaled), positive), [1]), clip(count, 1, null));
  const anchors = reduceSum(cast(greater(count, 0), 'float32'), [0, 1], { keepDimensions: false });
  return { loss: div(reduceSum(perAnchor, [0, 1], { keepDimensions: false }), clip(anchors, 1, null)), minedTriplets: null };
}
