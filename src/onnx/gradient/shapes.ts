import type { Tensor } from '../builder.js';
import { normalAxis } from '../dimensions.js';
import type { Dimension, Shape } from '../graph.js';
import { add, cast, concat, equal, matMul, mul, pad, reshape, slice, split, transpose } from '../ops.js';
import { once, single, term, type NodeView, type Rule } from './rule.js';
import { unbroadcast } from './unbroadcast.js';

/** Operators that leave the elements in their order: the way back is a reshape. */
const reshaped: Rule = single((view, g) => [term(() => reshape(g, view.inputInfo(0).shape))]);

const transposed: Rule = single((view, g) => {
  const rank = g.shape.length;
  const order = view.attribute('perm', 'ints') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  return [
    term(() =>
      transpose(
        g,
        order.map((_, axis) => order.indexOf(axis)),
      ),
    ),
  ];
});

function lengthOf(shape: Shape, axis: number): number {
  const length = shape[axis];
  if (typeof length !== 'number') throw new TypeError(`the length of axis ${String(axis)} is not known`);
  return length;
}

const sliced: Rule = single((view, g) => {
  const { shape } = view.inputInfo(0);
  const starts = view.integers(1);
  const axes = view.has(3) ? view.integers(3) : starts.map((_, index) => index);
  if (view.has(4) && view.integers(4).some((step) => step !== 1)) throw new TypeError('a slice in steps has no gradient here');
  return [
    term(() => {
      const pads = [...shape, ...shape].map(() => 0);
      axes.forEach((given, index) => {
        const axis = normalAxis(given, shape.length);
        if (g.shape[axis] === shape[axis]) return;
        const start = starts[index] ?? 0;
        const length = lengthOf(shape, axis);
        const from = start < 0 ? start + length : start;
        pads[axis] = from;
        pads[axis + shape.length] = length - from - lengthOf(g.shape, axis);
      });
      return pads.some((amount) => amount !== 0) ? padded(g, pads) : g;
    }),
  ];
});

/** Pad on one axis is a concatenation with zeros where the others are known; Pad serves every shape. */
function padded(g: Tensor, pads: readonly number[]): Tensor {
  return pad(g, pads);
}

const splitRule: Rule = (view, cotangents) => {
  const { shape } = view.inputInfo(0);
  const axis = normalAxis(view.attribute('axis', 'int') ?? 0, shape.length);
  return [
    term(() =>
      concat(
        cotangents.map((g, index) => g ?? zerosLike(view, index)),
        axis,
      ),
    ),
  ];
};

/** Zeros in the shape of an output, which may only be known when the graph runs. */
function zerosLike(view: NodeView, output: number): Tensor {
  return mul(view.output(output), 0);
}

const concatenated: Rule = single((view, g) => {
  const axis = normalAxis(view.attribute('axis', 'int') ?? 0, g.shape.length);
  const parts = once(() =>
    split(
      g,
      view.node.inputs.map((_, index) => lengthOf(view.inputInfo(index).shape, axis)),
      axis,
    ),
  );
  return view.node.inputs.map((_, index) =>
    term(() => {
      const part = parts()[index];
      if (part === undefined) throw new TypeError('Concat has too few parts');
      return part;
    }),
  );
});

/**
 * Gather of known or unknown indices along an axis of known length, as a product with the matrix of 0 and 1 that it is: indices may repeat,
 * and not every device can scatter with sums.
 */
const gathered: Rule = single((view, g) => {
  const { shape } = view.inputInfo(0);
  const axis = normalAxis(view.attribute('axis', 'int') ?? 0, shape.length);
  return [
    term(() => {
      const length = lengthOf(shape, axis);
      const indices = view.inputInfo(1);
      const count = indices.shape.reduce<number>((product, dimension) => {
        if (typeof dimension !== 'number') throw new TypeError('the number of indices is not known');
        return product * dimension;
      }, 1);
      const known = view.graph.integers(indices);
      const only = known?.[0];
      if (count === 1 && typeof only === 'number') {
        const from = only < 0 ? only + length : only;
        const pads = [...shape, ...shape].map(() => 0);
        pads[axis] = from;
        pads[axis + shape.length] = length - from - 1;
        return pad(reshape(g, withAxis(shape, axis, 1)), pads);
      }
      const chosen = cast(reshape(view.input(1), [count]), 'int64');
      const places = view.graph.int64(Array.from({ length }, (_, place) => place));
      // Negative indices count from the end.
      const hits = (offset: number): Tensor =>
        cast(equal(reshape(places, [length, 1]), reshape(offset === 0 ? chosen : add(chosen, offset), [1, count])), g.type);
      const selection = add(hits(0), hits(length));
      // The chosen axis goes last but one, so that the product runs along it.
      const flat = reshape(g, withAxis(shape, axis, count));
      const axes = shape.map((_, index) => index);
      const order = [...axes.filter((index) => index !== axis), axis];
      const moved = transpose(flat, order);
      const summed = matMul(moved, transpose(selection, [1, 0]));
      return transpose(
        summed,
        axes.map((index) => order.indexOf(index)),
      );
    }),
  ];
});

function withAxis(shape: Shape, axis: number, length: Dimension): Shape {
  return shape.map((dimension, index) => (index === axis ? length : dimension));
}

const expanded: Rule = single((view, g) => [term(() => unbroadcast(g, view.inputInfo(0).shape))]);

const paddedRule: Rule = single((view, g) => {
  const { shape } = view.inputInfo(0);
  const mode = view.attribute('mode', 'string') ?? 'constant';
  if (mode !== 'constant' || view.has(3)) throw new TypeError(`Pad with ${mode} has no gradient here`);
  const pads = view.integers(1);
  return [
    term(() => {
      const ranges = shape.flatMap((dimension, axis) => {
        const [before = 0, after = 0] = [pads[axis], pads[axis + shape.length]];
        if (before === 0 && after === 0) return [];
        if (typeof dimension !== 'number') throw new TypeError(`the length of axis ${String(axis)} is not known`);
        return [{ axis, start: before, end: before + dimension }];
      });
      return ranges.length === 0 ? g : slice(g, ranges);
    }),
  ];
});

export const SHAPES: readonly (readonly [string, Rule])[] = [
  ['Reshape', reshaped],
  ['Flatten', reshaped],
  ['Squeeze', reshaped],
  ['Unsqueeze', reshaped],
  ['Transpose', transposed],
  ['Slice', sliced],
  ['Split', splitRule],
  ['Concat', concatenated],
  ['Gather', gathered],
  ['Expand', expanded],
  ['Pad', paddedRule],
];
