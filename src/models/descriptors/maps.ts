import type { Tensor } from '../../onnx/builder.js';
import * as ops from '../../onnx/ops.js';
import { cellSizes, poolCells, type Cell } from './layout.js';
import type { Pooled } from './turns.js';

/*
 * Steps that both descriptors are made of. Maps are [N, C, side, side], features [N, d].
 */

/** ITU-R BT.601. */
export const LUMA = [0.299, 0.587, 0.114];

export function halved(maps: Tensor): Tensor {
  return ops.averagePool(maps, [2, 2], { strides: [2, 2] });
}

/** Mean over the square of `side` px around each place; `side` is odd. */
export function boxMean(maps: Tensor, side: number): Tensor {
  const pad = (side - 1) / 2;
  return ops.averagePool(maps, [side, side], { pads: [pad, pad, pad, pad] });
}

export function sideOf(maps: Tensor): number {
  const side = maps.shape[3];
  if (typeof side !== 'number') throw new RangeError('maps of known size expected');
  return side;
}

export function mapConstant(like: Tensor, shape: readonly number[], values: Iterable<number>): Tensor {
  return like.builder.constant(null, 'float32', shape, Float32Array.from(values));
}

/** Means over cells on a logarithmic scale. `directions` as in `Pooled`. */
export function logEnergies(
  maps: Tensor,
  cells: readonly Cell[],
  marginPx: number,
  floor: number,
  directions: number | null = null,
): Pooled {
  const values = ops.log(ops.add(poolCells(maps, cells, marginPx), floor));
  return { values, cells, sizes: cellSizes(cells, sideOf(maps), marginPx), directions };
}

/**
 * Soft histogram of one map over cells: shares of Gaussian bins at `centres`, as square roots, so that Euclidean distance is Hellinger's.
 */
export function softHistogram(map: Tensor, centres: readonly number[], width: number, cells: readonly Cell[], marginPx: number): Pooled {
  const distance = ops.div(ops.sub(map, mapConstant(map, [1, centres.length, 1, 1], centres)), width);
  const bins = ops.exp(ops.mul(ops.mul(distance, distance), -0.5));
  const values = ops.sqrt(ops.add(poolCells(bins, cells, marginPx), 1e-4));
  return { values, cells, sizes: cellSizes(cells, sideOf(map), marginPx), directions: null };
}

/** `count` numbers evenly from `from` to `to`, both included. */
export function evenly(from: number, to: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => from + ((to - from) * index) / (count - 1));
}
