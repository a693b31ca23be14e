import type { Tensor } from '../../onnx/builder.js';
import { l2Normalise } from '../../onnx/composites.js';
import { add, concat, contrib, div, gemm, mul, reduceMean, reshape, sqrt, sub } from '../../onnx/ops.js';
import { BATCH_NORM_EPSILON } from '../../models/graph/fusion.js';
import { FUSION_PREFIX } from '../parameters.js';

/** Mean and variance, `[1, outputs]`. */
export interface Moments {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

export interface Embedded {
  /** `[N, dimension]`, L2-normalised. */
  readonly embeddings: Tensor;
  /** Of the batch before BatchNorm; null without a head. */
  readonly moments: Moments | null;
}

/**
 * The fusion head of `emitEmbedding` with its tensors as inputs of the graph. BatchNorm takes the moments of the batch, or `running` ones
 * where they are given.
 */
export function emitHead(
  features: readonly Tensor[],
  parameters: ReadonlyMap<string, Tensor>,
  hasHead: boolean,
  running: Moments | null,
): Embedded {
  const joined = concat(
    features.map((feature) => l2Normalise(feature)),
    1,
  );
  if (!hasHead) return { embeddings: features.length === 1 ? joined : l2Normalise(joined), moments: null };
  const parameter = (name: string): Tensor => {
    const found = parameters.get(`${FUSION_PREFIX}.${name}`);
    if (found === undefined) throw new TypeError(`No parameter ${name} of the fusion head`);
    return found;
  };
  const linear = gemm(joined, parameter('0.weight'), parameter('0.bias'), { transB: true });
  const moments = running ?? momentsOf(linear);
  const normal = div(sub(linear, moments.mean), sqrt(add(moments.variance, BATCH_NORM_EPSILON)));
  const scaled = add(mul(normal, parameter('1.weight')), parameter('1.bias'));
  const active = contrib('Gelu', [scaled], {}, { outputs: [{ type: scaled.type, shape: scaled.shape }] });
  return { embeddings: l2Normalise(active), moments };
}

function momentsOf(x: Tensor): Moments {
  const mean = reduceMean(x, [0]);
  const centred = sub(x, mean);
  return { mean, variance: reduceMean(mul(centred, centred), [0]) };
}

export function asRow(vector: Tensor): Tensor {
  return reshape(vector, [1, ...vector.shape]);
}
