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

/** A window of the picture: weight of a place given as shares of width and height. */
export type Cell = (x: number, y: number) => number;

/** All that is used, evenly. */
export const WHOLE: Cell = () => 1;

/** Soft square cells, `count` × `count`, each overlapping its neighbours. */
export function gridCells(count: number): readonly Cell[] {
  return Array.from({ length: count * count }, (_, index) => {
    const [column, row] = [index % count, Math.floor(index / count)];
    // The used region reaches from 0.04 to 0.96.
    const centre = (place: number): number => 0.5 + ((place + 0.5) / count - 0.5) * 2 * HALF_AXIS;
    const width = HALF_AXIS / count;
    return (x: number, y: number) => Math.exp(-(((x - centre(column)) / width) ** 2 + ((y - centre(row)) / width) ** 2) / 1.2);
  });
}

/** Soft rings around the centre, innermost first. */
export function ringCells(count: number): readonly Cell[] {
  const width = HALF_AXIS / count;
  return Array.from({ length: count }, (_, ring) => (x: number, y: number) => {
    const radius = Math.hypot(x - 0.5, y - 0.5);
    return Math.exp(-(((radius - (ring + 0.5) * width) / width) ** 2));
  });
}

/**
 * Weighted means of `maps` `[N, C, side, side]` over cells, as `[N, C, cells]`. Only used places count, `marginPx` away from the edge of what is used.
 */
export function poolCells(maps: Tensor, cells: readonly Cell[], marginPx: number): Tensor {
  const [batch = 1, channels = 1, side] = maps.shape;
  if (typeof side !== 'number') throw new RangeError('maps of known size can be pooled');
  const mask = usedMask(side, marginPx);
  const weights = new Float32Array(side * side * cells.length);
  cells.forEach((cell, column) => {
    let sum = 0;
    const column0 = new Float64Array(side * side);
    mask.forEach((used, index) => {
      const weight = used === 0 ? 0 : cell(((index % side) + 0.5) / side, (Math.floor(index / side) + 0.5) / side);
      column0[index] = weight;
      sum += weight;
    });
    column0.forEach((weight, index) => {
      weights[index * cells.length + column] = sum > 0 ? weight / sum : 0;
    });
  });
  const flat = ops.reshape(maps, [batch, channels, side * side]);
  return ops.matMul(flat, maps.builder.constant(null, 'float32', [side * side, cells.length], weights));
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
