import type { Tensor } from '../../onnx/builder.js';
import type { LossOptions } from '../step.js';
import { multiSimilarityLoss } from './multi-similarity.js';
import type { Loss, Pairs } from './pairs.js';
import { supervisedContrastiveLoss } from './supervised-contrastive.js';
import { tripletLoss } from './triplet.js';

/** Losses of the pairs within a batch. */
export type PairLossOptions = Exclude<LossOptions, { readonly kind: 'normalised-softmax' }>;

/** The loss of L2-normalised embeddings `[N, D]`. */
export function emitPairLoss(embeddings: Tensor, pairs: Pairs, options: PairLossOptions): Loss {
  switch (options.kind) {
    case 'triplet':
      return tripletLoss(embeddings, pairs, options);
    case 'multi-similarity':
      return multiSimilarityLoss(embeddings, pairs, options);
    case 'supervised-contrastive':
      return supervisedContrastiveLoss(embeddings, pairs, options);
  }
}
