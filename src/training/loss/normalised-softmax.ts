import type { Tensor } from '../../onnx/builder.js';
import { l2Normalise } from '../../onnx/composites.js';
import { add, exp, log, matMul, mul, reduceMax, reduceMean, reduceSum, sub, transpose } from '../../onnx/ops.js';
import type { LossOptions } from '../step.js';
import type { Loss } from './pairs.js';

/**
 * Normalised softmax loss: cross-entropy of the softmax over cosines to one proxy per class, divided by the temperature; mean over the batch.
 * Source: Zhai and Wu 2019, "Classification is a Strong Baseline for Deep Metric Learning", equation 2; label smoothing of Szegedy et al. 2016.
 *
 * @param embeddings `[N, D]`, L2-normalised.
 * @param proxies `[C, D]` of any length.
 * @param targets `[N, C]`, one-hot.
 */
export function normalisedSoftmaxLoss(
  embeddings: Tensor,
  proxies: Tensor,
  targets: Tensor,
  { temperature, smoothing }: Extract<LossOptions, { kind: 'normalised-softmax' }>,
): Loss {
  const [classes] = proxies.shape;
  if (typeof classes !== 'number') throw new TypeError('The number of classes must be known');
  const logits = mul(matMul(embeddings, transpose(l2Normalise(proxies), [1, 0])), 1 / temperature);
  const largest = reduceMax(logits, [1]);
  const logTotal = add(log(reduceSum(exp(sub(logits, largest)), [1])), largest);
  const wanted = add(mul(targets, 1 - smoothing), smoothing / classes);
  const perPicture = sub(logTotal, reduceSum(mul(logits, wanted), [1]));
  return { loss: reduceMean(perPicture, [0, 1], { keepDimensions: false }), minedTriplets: null };
}

/** One-hot rows `[labels, classes]`. @throws TypeError for a label that is no class. */
export function oneHot(labels: readonly number[], classes: number): Float32Array<ArrayBuffer> {
  const rows = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => {
    if (!Number.isInteger(label) || label < 0 || label >= classes) throw new TypeError(`Label ${label} is none of ${classes} classes`);
    rows[row * classes + label] = 1;
  });
  return rows;
}
