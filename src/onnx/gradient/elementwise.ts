import type { Tensor } from '../builder.js';
import { and, cast, cos, div, exp, float, greater, greaterOrEqual, less, lessOrEqual, mul, neg, sin, sub } from '../ops.js';
import { single, term, type NodeView, type Rule } from './rule.js';

const unary = (make: (g: Tensor, view: NodeView) => Tensor): Rule => single((view, g) => [term(() => make(g, view))]);

/** The 0 or 1 of a condition as a factor. */
const gate = (g: Tensor, condition: Tensor): Tensor => mul(g, cast(condition, g.type));

export const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** Φ(x) + x·φ(x), with normal distribution function and density. */
export function geluSlope(x: Tensor): Tensor {
  const u = mul(x, Math.SQRT1_2);
  // 0.5·e + 0.5 in one pass; its limits at 0 and 1 are the error function's own.
  const distribution = x.builder.op('HardSigmoid', [x.builder.op('Erf', [u])], { alpha: float(0.5), beta: float(0.5) });
  const density = exp(neg(mul(u, u)));
  return x.builder.op('Add', [distribution, mul(mul(u, density), 1 / Math.sqrt(Math.PI))]);
}

export const ELEMENTWISE: readonly (readonly [string, Rule])[] = [
  ['Identity', unary((g) => g)],
  ['Neg', unary((g) => neg(g))],
  ['Abs', unary((g, view) => mul(g, view.graph.op('Sign', [view.input(0)])))],
  ['Exp', unary((g, view) => mul(g, view.output()))],
  ['Log', unary((g, view) => div(g, view.input(0)))],
  ['Sqrt', unary((g, view) => div(mul(g, 0.5), view.output()))],
  ['Reciprocal', unary((g, view) => neg(mul(g, mul(view.output(), view.output()))))],
  ['Sin', unary((g, view) => mul(g, cos(view.input(0))))],
  ['Cos', unary((g, view) => neg(mul(g, sin(view.input(0)))))],
  ['Relu', unary((g, view) => gate(g, greater(view.input(0), 0)))],
  ['Sigmoid', unary((g, view) => mul(g, mul(view.output(), sub(1, view.output()))))],
  ['Tanh', unary((g, view) => mul(g, sub(1, mul(view.output(), view.output()))))],
  ['Erf', unary((g, view) => mul(mul(g, TWO_OVER_SQRT_PI), exp(neg(mul(view.input(0), view.input(0))))))],
  ['Gelu', unary((g, view) => mul(g, geluSlope(view.input(0))))],
  ['Cast', unary((g, view) => cast(g, view.inputInfo(0).type))],
  [
    'Clip',
    unary((g, view) => {
      const x = view.input(0);
      const low = view.has(1) ? greaterOrEqual(x, view.input(1)) : null;
      const high = view.has(2) ? lessOrEqual(x, view.input(2)) : null;
      if (low !== null && high !== null) return gate(g, and(low, high));
      const inside = low ?? high;
      return inside === null ? g : gate(g, inside);
    }),
  ],
  ['LeakyRelu', unary((g, view) => leaky(g, view))],
];

function leaky(g: Tensor, view: NodeView): Tensor {
  const negative = cast(less(view.input(0), 0), g.type);
  const alpha = view.attribute('alpha', 'float') ?? 0.01;
  return mul(g, sub(1, mul(negative, 1 - alpha)));
}
