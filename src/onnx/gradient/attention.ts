import type { Tensor } from '../builder.js';
import { matMul, mul, reduceSum, reshape, softmax, sub, transpose } from '../ops.js';
import { once, single, term, type Rule } from './rule.js';

/**
 * onnxruntime's fused attention of query, key and value `[N, tokens, D]`. The weights P = softmax(scale · Q·Kᵀ) are computed again, as they would
 * take more memory than everything else; the sum of P ∘ dP over the keys is that of O ∘ dO over the channels.
 * Source: Dao et al. 2022 (FlashAttention), appendix B.
 */
const attentionRule: Rule = single((view, g) => {
  if (view.inputCount > 3) throw new TypeError('attention with masks or biases has no gradient here');
  const heads = view.attribute('num_heads', 'int') ?? 1;
  const width = Number(view.inputInfo(0).shape[2]) / heads;
  const scale = view.attribute('scale', 'float') ?? 1 / Math.sqrt(width);
  const perHead = (x: Tensor): Tensor => transpose(reshape(x, [x.shape[0] ?? 1, x.shape[1] ?? 1, heads, width]), [0, 2, 1, 3]);
  const joined = (x: Tensor, input: number): Tensor => reshape(transpose(x, [0, 2, 1, 3]), view.inputInfo(input).shape);
  const turned = (x: Tensor): Tensor => transpose(x, [0, 1, 3, 2]);
  const query = once(() => mul(perHead(view.input(0)), scale));
  const key = once(() => perHead(view.input(1)));
  const weights = once(() => softmax(matMul(query(), turned(key())), -1));
  const cotangent = once(() => perHead(g));
  const scores = once(() => {
    const [batch = 1, tokens = 1] = g.shape;
    // Summed before the heads are moved, which then moves one number for each.
    const inner = transpose(reduceSum(reshape(mul(g, view.output()), [batch, tokens, heads, width]), [3]), [0, 2, 1, 3]);
    return mul(weights(), sub(matMul(cotangent(), turned(perHead(view.input(2)))), inner));
  });
  return [
    term(() => joined(mul(matMul(scores(), key()), scale), 0)),
    term(() => joined(matMul(turned(scores()), query()), 1)),
    term(() => joined(matMul(turned(weights()), cotangent()), 2)),
  ];
});

export const ATTENTION: readonly (readonly [string, Rule])[] = [['MultiHeadAttention', attentionRule]];
