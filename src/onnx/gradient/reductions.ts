import type { Tensor } from '../builder.js';
import { elementsOf, normalAxis } from '../dimensions.js';
import type { Shape } from '../graph.js';
import { cast, clip, div, equal, expand, mul, reduceSum, reshape, shapeOf } from '../ops.js';
import { single, term, type NodeView, type Rule } from './rule.js';

function reducedAxes(view: NodeView, rank: number): readonly number[] {
  const given = view.attribute('axes', 'ints') ?? (view.has(1) ? view.integers(1) : []);
  if (given.length > 0) return given.map((axis) => normalAxis(axis, rank));
  return view.attribute('noop_with_empty_axes', 'int') === 1 ? [] : Array.from({ length: rank }, (_, axis) => axis);
}

/** The shape of the input with the reduced axes kept at length 1, for `g` or the output to be repeated from. */
function kept(view: NodeView): Shape {
  const { shape } = view.inputInfo(0);
  const axes = reducedAxes(view, shape.length);
  return shape.map((dimension, axis) => (axes.includes(axis) ? 1 : dimension));
}

const reduction = (make: (view: NodeView, g: Tensor, output: () => Tensor) => Tensor): Rule =>
  single((view, g) => [
    term(() => {
      const shape = kept(view);
      return make(view, reshape(g, shape), () => reshape(view.output(), shape));
    }),
  ]);

function repeatedLike(g: Tensor, x: Tensor): Tensor {
  if (x.shape.every((dimension) => typeof dimension === 'number')) return expand(g, x.shape);
  return g.builder.op('Expand', [g, shapeOf(x)], {}, { outputs: [{ type: g.type, shape: x.shape }] });
}

/** The number of elements behind each output as a number, or as a tensor where it depends on the input. */
function meanOf(view: NodeView, g: Tensor): Tensor {
  const x = view.inputInfo(0);
  const axes = reducedAxes(view, x.shape.length);
  const count = elementsOf(axes.map((axis) => x.shape[axis] ?? 1));
  if (typeof count === 'number') return repeatedLike(mul(g, 1 / count), view.input(0));
  const lengths = axes.map((axis) => cast(shapeOfAxis(view.input(0), axis), g.type));
  const scaled = lengths.reduce((sum, length) => div(sum, length), g);
  return repeatedLike(scaled, view.input(0));
}

function shapeOfAxis(x: Tensor, axis: number): Tensor {
  return x.builder.op('Gather', [shapeOf(x), x.builder.constant(null, 'int64', [], [axis])]);
}

/** Equal largest or smallest elements share. */
const extremum = reduction((view, g, output) => {
  const hits = cast(equal(view.input(0), output()), g.type);
  return div(mul(g, hits), reduceSum(hits, reducedAxes(view, hits.shape.length)));
});

export const REDUCTIONS: readonly (readonly [string, Rule])[] = [
  ['ReduceSum', reduction((view, g) => repeatedLike(g, view.input(0)))],
  ['ReduceMean', reduction((view, g) => meanOf(view, g))],
  ['ReduceSumSquare', reduction((view, g) => mul(mul(g, 2), view.input(0)))],
  // The norm of zeros has no direction: its gradient is zero, as in PyTorch.
  ['ReduceL2', reduction((view, g, output) => mul(div(g, clip(output(), 1e-30, null)), view.input(0)))],
  ['ReduceMax', extremum],
  ['ReduceMin', extremum],
];
