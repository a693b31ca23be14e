import type { Tensor } from '../../onnx/builder.js';
import { add, cast, clip, div, greater, lessOrEqual, mul, reduceSum, relu, sub, unsqueeze } from '../../onnx/ops.js';
import type { LossOptions, TripletMiner } from '../step.js';
import { similarities, type Loss, type Pairs } from './pairs.js';

const ALL = { keepDimensions: false };

/**
 * Triplet margin loss over cosines, mined within the batch, every triplet at once as `[anchor, positive, negative]`. Semantics of
 * pytorch-metric-learning: `TripletMarginLoss` with `CosineSimilarity` and `AvgNonZeroReducer`, `TripletMarginMiner`; where the miner finds nothing,
 * all triplets count, as in the method's published code.
 */
export function tripletLoss(embeddings: Tensor, pairs: Pairs, options: Extract<LossOptions, { kind: 'triplet' }>): Loss {
  const s = similarities(embeddings);
  // s_ap − s_an
  const difference = sub(unsqueeze(s, [2]), unsqueeze(s, [1]));
  const valid = mul(unsqueeze(pairs.positive, [2]), unsqueeze(pairs.negative, [1]));
  const mined = mul(valid, minedMask(difference, options.miner, options.minerMargin));
  const count = sum(mined);
  const isNone = cast(lessOrEqual(count, 0), 'float32');
  const used = add(mined, mul(sub(valid, mined), isNone));
  const losses = mul(relu(sub(options.margin, difference)), used);
  const nonZero = sum(cast(greater(losses, 0), 'float32'));
  return { loss: div(sum(losses), clip(nonZero, 1, null)), minedTriplets: count };
}

function minedMask(difference: Tensor, miner: TripletMiner, margin: number): Tensor {
  const within = cast(lessOrEqual(difference, margin), 'float32');
  if (miner === 'all') return within;
  const ahead = cast(greater(difference, 0), 'float32');
  return mul(within, miner === 'semihard' ? ahead : sub(1, ahead));
}

function sum(x: Tensor): Tensor {
  return reduceSum(
    x,
    x.shape.map((_, axis) => axis),
    ALL,
  );
}
