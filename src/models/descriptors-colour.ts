import type { Tensor } from '../onnx/builder.js';
import { elementsOf } from '../onnx/dimensions.js';
import * as ops from '../onnx/ops.js';
import { gridCells, poolCells, ringCells } from './descriptors-layout.js';

/**
 * *Colour*: moments of chromaticity and luminance over windows, and the layout of luminance in rings. `rgb` is `[N, 3, side, side]` in
 * 0…1; the result `[N, d]`.
 */
export function colourFeatures(rgb: Tensor): Tensor {
  const graph = rgb.builder;
  const sum = ops.add(ops.reduceSum(rgb, [1]), 0.05);
  const shares = ops.div(rgb, sum);
  const logs = ops.log(ops.add(rgb, 0.02));
  // Rows: red against green, yellow against blue (opponent colours), as in van de Sande et al. 2010.
  const opponent = graph.constant('opponent', 'float32', [2, 3, 1, 1], [Math.SQRT1_2, -Math.SQRT1_2, 0, 0.408, 0.408, -0.816]);
  const chroma = ops.conv(logs, opponent, null);
  const luminance = ops.conv(rgb, graph.constant(null, 'float32', [1, 3, 1, 1], [0.299, 0.587, 0.114]), null);
  const maps = ops.concat([luminance, ops.sqrt(luminance), ops.slice(shares, [{ axis: 1, start: 0, end: 2 }]), chroma], 1);
  const cells = [...gridCells(4), ...ringCells(6)];
  const mean = poolCells(maps, cells, 0);
  const squares = poolCells(ops.mul(maps, maps), cells, 0);
  const deviation = ops.sqrt(ops.add(ops.relu(ops.sub(squares, ops.mul(mean, mean))), 1e-6));
  const flat = (x: Tensor): Tensor => ops.reshape(x, [x.shape[0] ?? 1, elementsOf(x.shape.slice(1))]);
  return ops.concat([flat(mean), flat(deviation)], 1);
}
