import type { Tensor } from '../../onnx/builder.js';
import { gelu, l2Normalise } from '../../onnx/composites.js';
import { concat, gemm } from '../../onnx/ops.js';
import { ModelError } from '../../common/errors.js';

/** Linear → BatchNorm → GELU → L2 over the concatenated, L2-normalised features; as trained, not yet folded. */
export interface FusionHead {
  readonly inputs: number;
  readonly outputs: number;
  /** `[outputs, inputs]` */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly norm: {
    readonly weight: Float32Array;
    readonly bias: Float32Array;
    readonly runningMean: Float32Array;
    readonly runningVar: Float32Array;
  };
}

// torch.nn.BatchNorm1d's default.
export const BATCH_NORM_EPSILON = 1e-5;

/**
 * Joins the features of the backbones `[N, d]` to the embedding, float32 `[N, dimension]`, L2-normalised. Without a head it is the
 * concatenation of the L2-normalised features, L2-normalised again.
 *
 * @throws ModelError `fusion-head` when the head was trained for other features.
 */
export function emitEmbedding(features: readonly Tensor[], head: FusionHead | null): Tensor {
  const joined = concat(
    features.map((feature) => l2Normalise(feature)),
    1,
  );
  if (head === null) return features.length === 1 ? joined : l2Normalise(joined);
  const { inputs, outputs, norm } = head;
  const width = joined.shape[1];
  if (width !== inputs) {
    throw new ModelError('fusion-head', `The fusion head takes ${inputs} features, the backbones give ${String(width)}.`, {
      remedy: 'Give the backbones that the head was trained with, in that order.',
    });
  }
  const weight = new Float32Array(inputs * outputs);
  const bias = new Float32Array(outputs);
  for (let output = 0; output < outputs; output++) {
    const factor = (norm.weight[output] ?? 1) / Math.sqrt((norm.runningVar[output] ?? 1) + BATCH_NORM_EPSILON);
    bias[output] = ((head.bias[output] ?? 0) - (norm.runningMean[output] ?? 0)) * factor + (norm.bias[output] ?? 0);
    for (let input = 0; input < inputs; input++) weight[input * outputs + output] = (head.weight[output * inputs + input] ?? 0) * factor;
  }
  const graph = joined.builder;
  const fused = gemm(
    joined,
    graph.constant('fusion.weight', 'float32', [inputs, outputs], weight),
    graph.constant('fusion.bias', 'float32', [outputs], bias),
  );
  return l2Normalise(gelu(fused));
}
