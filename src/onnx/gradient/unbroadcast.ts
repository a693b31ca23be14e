import type { Tensor } from '../builder.js';
import { formatShape, sameShape } from '../dimensions.js';
import type { Shape } from '../graph.js';
import { reduceSum, reshape } from '../ops.js';

/**
 * The sum over the axes along which a tensor of `shape` was repeated to that of `cotangent`.
 *
 * @throws RangeError when that cannot be told before the graph runs.
 */
export function unbroadcast(cotangent: Tensor, shape: Shape): Tensor {
  if (sameShape(cotangent.shape, shape)) return cotangent;
  const added = cotangent.shape.length - shape.length;
  const axes = cotangent.shape.flatMap((length, axis) => {
    if (axis < added) return [axis];
    const own = shape[axis - added];
    if (own === length) return [];
    if (own !== 1) throw new RangeError(`${formatShape(cotangent.shape)} was not repeated from ${formatShape(shape)}`);
    return [axis];
  });
  const summed = axes.length === 0 ? cotangent : reduceSum(cotangent, axes);
  return added === 0 ? summed : reshape(summed, shape);
}
