import type { Tensor } from '../../onnx/builder.js';
import * as ops from '../../onnx/ops.js';

/*
 * Where in the picture the descriptors look. Endoscopy pictures carry things that have nothing to do with the anatomy but much with the
 * data set: black corners of an octagon or circle, text at the edge, and the position display of the colonoscope (ScopeGuide) in the lower left
 * corner, which is there in colonoscopies only. A descriptor that saw them would answer from them. So one fixed region of every picture is used, whether the
 * picture has such things or not.
 */

/** Half axes of the ellipse that is used, as shares of the picture's width and height. */
const HALF_AXIS = 0.46;
/** Lower left rectangle that the position display may cover, shares of the picture. */
const DISPLAY = { width: 0.37, height: 0.38 };

/** True where a picture is used; x and y are shares of its width and height. `margin` shrinks the region. */
function isUsed(x: number, y: number, margin = 0): boolean {
  const [dx, dy] = [x - 0.5, y - 0.5];
  if (Math.hypot(dx, dy) > HALF_AXIS - margin) return false;
  return x > DISPLAY.width + margin || y < 1 - DISPLAY.height - margin;
}

/** 1 where a picture of `side` × `side` is used, else 0, row by row. */
export function usedMask(side: number, marginPx = 0): Float32Array {
  return Float32Array.from({ length: side * side }, (_, index) => {
    const [x, y] = [((index % side) + 0.5) / side, (Math.floor(index / side) + 0.5) / side];
    return isUsed(x, y, marginPx / side) ? 1 : 0;
  });
}

/** A window of the picture. */
export interface Cell {
  /** Weight of a place given as shares of width and height. */
  readonly weight: (x: number, y: number) => number;
  /** Middle of a window on one side of the picture; null when the window is the same on all sides. */
  readonly middle: readonly [x: number, y: number] | null;
}

/** All that is used, evenly. */
export const WHOLE: Cell = { weight: () => 1, middle: null };

/** Soft square cells, `count` × `count`, each overlapping its neighbours. */
export function gridCells(count: number): readonly Cell[] {
  const width = HALF_AXIS / count;
  // The used region reaches from 0.04 to 0.96.
  const centre = (place: number): number => 0.5 + ((place + 0.5) / count - 0.5) * 2 * HALF_AXIS;
  return Array.from({ length: count * count }, (_, index) => {
    const [column, row] = [centre(index % count), centre(Math.floor(index / count))];
    return {
      weight: (x, y) => Math.exp(-(((x - column) / width) ** 2 + ((y - row) / width) ** 2) / 1.2),
      middle: [column, row],
    };
  });
}

/** Soft rings around the centre, innermost first. */
export function ringCells(count: number): readonly Cell[] {
  const width = HALF_AXIS / count;
  return Array.from({ length: count }, (_, ring) => ({
    weight: (x, y) => Math.exp(-(((Math.hypot(x - 0.5, y - 0.5) - (ring + 0.5) * width) / width) ** 2)),
    middle: null,
  }));
}

/** Weights of the used places in each cell, `marginPx` away from the edge of what is used, with their sum. */
function cellWeights(
  cells: readonly Cell[],
  side: number,
  marginPx: number,
): readonly { readonly weights: Float64Array; readonly sum: number }[] {
  const mask = usedMask(side, marginPx);
  return cells.map((cell) => {
    const weights = Float64Array.from(mask, (used, index) =>
      used === 0 ? 0 : cell.weight(((index % side) + 0.5) / side, (Math.floor(index / side) + 0.5) / side),
    );
    return { weights, sum: weights.reduce((total, weight) => total + weight, 0) };
  });
}

/** How much of each cell is used, in any unit. */
export function cellSizes(cells: readonly Cell[], side: number, marginPx: number): readonly number[] {
  return cellWeights(cells, side, marginPx).map(({ sum }) => sum);
}

/**
 * Weighted means of `maps` `[N, C, side, side]` over cells, as `[N, C, cells]`. Only used places count, `marginPx` away from the edge of what is used.
 */
export function poolCells(maps: Tensor, cells: readonly Cell[], marginPx: number): Tensor {
  const [batch = 1, channels = 1, side] = maps.shape;
  if (typeof side !== 'number') throw new RangeError('maps of known size can be pooled');
  const matrix = new Float32Array(side * side * cells.length);
  cellWeights(cells, side, marginPx).forEach(({ weights, sum }, column) => {
    weights.forEach((weight, index) => {
      matrix[index * cells.length + column] = sum > 0 ? weight / sum : 0;
    });
  });
  const flat = ops.reshape(maps, [batch, channels, side * side]);
  return ops.matMul(flat, maps.builder.constant(null, 'float32', [side * side, cells.length], matrix));
}

/** `maps` with the average of what is used in the place of what is not. */
export function fillUnused(maps: Tensor): Tensor {
  const [, , side] = maps.shape;
  if (typeof side !== 'number') throw new RangeError('maps of known size can be filled');
  const mask = usedMask(side);
  const used = mask.reduce((sum, value) => sum + value, 0);
  const graph = maps.builder;
  const share = graph.constant(
    null,
    'float32',
    [1, 1, side, side],
    mask.map((value) => value / used),
  );
  const average = ops.reduceSum(ops.mul(maps, share), [2, 3]);
  const kept = ops.mul(ops.sub(maps, average), graph.constant(null, 'float32', [1, 1, side, side], mask));
  return ops.add(kept, average);
}
