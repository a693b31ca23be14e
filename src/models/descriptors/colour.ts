import type { Tensor } from '../../onnx/builder.js';
import * as ops from '../../onnx/ops.js';
import { cellSizes, gridCells, poolCells, ringCells, WHOLE, type Cell } from './layout.js';
import { evenly, LUMA, mapConstant, sideOf, softHistogram } from './maps.js';
import { turnMeans, type Pooled } from './turns.js';

/**
 * *Colour*: moments of luminance and chromaticity over a grid and rings, and their histograms. Opponent colours are taken of logarithms,
 * which a change of the light only shifts (after van de Sande et al. 2010). `rgb` is `[N, 3, side, side]` in 0…1; the result `[N, d]`.
 */
export function colourFeatures(rgb: Tensor): Tensor {
  const luminance = ops.conv(rgb, mapConstant(rgb, [1, 3, 1, 1], LUMA), null);
  const shares = ops.slice(ops.div(rgb, ops.add(ops.reduceSum(rgb, [1]), 0.05)), [{ axis: 1, start: 0, end: 2 }]);
  const [redGreen, yellowBlue] = opponentColours(rgb);
  const brightest = ops.reduceMax(rgb, [1]);
  const saturation = ops.div(ops.sub(brightest, ops.reduceMin(rgb, [1])), ops.clip(brightest, 1e-2, null));
  const cells: readonly Cell[] = [WHOLE, ...ringCells(3)];
  const histogram = (map: Tensor, from: number, to: number, width: number): Pooled =>
    softHistogram(map, evenly(from, to, 10), width, cells, 0);
  const pooled = [
    ...moments(ops.concat([luminance, ops.sqrt(luminance), shares, redGreen, yellowBlue], 1)),
    histogram(luminance, 0.05, 0.95, 0.06),
    histogram(redGreen, -0.1, 1.2, 0.09),
    histogram(yellowBlue, -0.1, 1.5, 0.1),
    histogram(saturation, 0.05, 0.95, 0.06),
  ];
  return ops.concat(pooled.map(turnMeans), 1);
}

/** Red against green and yellow against blue, of logarithms. */
export function opponentColours(rgb: Tensor): readonly [redGreen: Tensor, yellowBlue: Tensor] {
  const axes = [Math.SQRT1_2, -Math.SQRT1_2, 0, 1 / Math.sqrt(6), 1 / Math.sqrt(6), -2 / Math.sqrt(6)];
  const [redGreen, yellowBlue] = ops.chunk(ops.conv(ops.log(ops.add(rgb, 0.02)), mapConstant(rgb, [2, 3, 1, 1], axes), null), 2, 1);
  if (redGreen === undefined || yellowBlue === undefined) throw new RangeError('two opponent colours expected');
  return [redGreen, yellowBlue];
}

/** Mean and standard deviation in each cell. */
function moments(maps: Tensor): readonly Pooled[] {
  const cells = [...gridCells(4), ...ringCells(6)];
  const sizes = cellSizes(cells, sideOf(maps), 0);
  const mean = poolCells(maps, cells, 0);
  const squares = poolCells(ops.mul(maps, maps), cells, 0);
  const deviation = ops.sqrt(ops.add(ops.relu(ops.sub(squares, ops.mul(mean, mean))), 1e-6));
  return [mean, deviation].map((values) => ({ values, cells, sizes, directions: null }));
}
