import type { Tensor } from '../../onnx/builder.js';
import { add, cast, greater, less, mul, reduceMax, reduceMean, reduceMin, sub } from '../../onnx/ops.js';
import type { LossOptions } from '../step.js';
import { maskedLogSum } from './log-sum.js';
import { similarities, type Loss, type Pairs } from './pairs.js';

// Beyond every cosine: stands where a pair does not count.
const BEYOND = 4;

/**
 * Multi-similarity loss: 1/α · log(1 + Σ_p exp(−α(s_p − λ))) + 1/β · log(1 + Σ_n exp(β(s_n − λ))), mean over the anchors. Mining keeps a negative that
 * is more similar than the least similar positive less ε, and a positive that is less similar than the most similar negative plus ε.
 * Source: Wang et al. 2019, equations 11 to 13.
 */
export function multiSimilarityLoss(embeddings: Tensor, pairs: Pairs, options: Extract<LossOptions, { kind: 'multi-similarity' }>): Loss {
  const s = similarities(embeddings);
  const { alpha, beta, base, epsilon } = options;
  const mined = epsilon === null ? pairs : minedPairs(s, pairs, epsilon);
  const positives = maskedLogSum(mul(sub(s, base), -alpha), mined.positive, true);
  const negatives = maskedLogSum(mul(sub(s, base), beta), mined.negative, true);
  const perAnchor = add(mul(positives, 1 / alpha), mul(negatives, 1 / beta));
  return { loss: reduceMean(perAnchor, [0, 1], { keepDimensions: false }), minedTriplets: null };
}

function minedPairs(s: Tensor, { positive, negative }: Pairs, epsilon: number): Pairs {
  const leastPositive = reduceMin(add(mul(s, positive), mul(sub(1, positive), BEYOND)), [1]);
  const mostNegative = reduceMax(sub(mul(s, negative), mul(sub(1, negative), BEYOND)), [1]);
  return {
    positive: mul(positive, cast(less(s, add(mostNegative, epsilon)), 'float32')),
    negative: mul(negative, cast(greater(s, sub(leastPositive, epsilon)), 'float32')),
  };
}
