import type { Tensor } from '../builder.js';
import { add, cast, div, equal, greater, less, log, mul, neg, pow, sub, where } from '../ops.js';
import { single, term, type NodeView, type Rule, type Term } from './rule.js';
import { unbroadcast } from './unbroadcast.js';

/** A term for an input that may have been repeated to the shape of the output. */
function repeated(view: NodeView, index: number, make: () => Tensor): Term {
  return term(() => unbroadcast(make(), view.inputInfo(index).shape));
}

/** Which of two operands was taken; equal ones share, as the subgradient in PyTorch and JAX does. */
function extremum(takesFirst: (a: Tensor, b: Tensor) => Tensor): Rule {
  return single((view, g) => {
    if (view.inputCount !== 2) throw new TypeError(`${view.node.opType} of ${String(view.inputCount)} operands has no gradient here`);
    const share = (index: number): Tensor => {
      const [mine, other] = [view.input(index), view.input(1 - index)];
      return add(cast(takesFirst(mine, other), g.type), mul(cast(equal(mine, other), g.type), 0.5));
    };
    return [0, 1].map((index) => repeated(view, index, () => mul(g, share(index))));
  });
}

export const ARITHMETIC: readonly (readonly [string, Rule])[] = [
  ['Add', single((view, g) => [0, 1].map((index) => repeated(view, index, () => g)))],
  ['Sub', single((view, g) => [repeated(view, 0, () => g), repeated(view, 1, () => neg(g))])],
  ['Mul', single((view, g) => [0, 1].map((index) => repeated(view, index, () => mul(g, view.input(1 - index)))))],
  [
    'Div',
    single((view, g) => [
      repeated(view, 0, () => div(g, view.input(1))),
      repeated(view, 1, () => neg(div(mul(g, view.output()), view.input(1)))),
    ]),
  ],
  [
    'Pow',
    single((view, g) => [
      repeated(view, 0, () => mul(g, mul(view.input(1), pow(view.input(0), sub(view.input(1), 1))))),
      // 0^b does not change with b > 0; its logarithm must not turn that into NaN.
      repeated(view, 1, () => {
        const base = view.input(0);
        return mul(g, mul(view.output(), log(where(greater(base, 0), base, 1))));
      }),
    ]),
  ],
  ['Max', extremum(greater)],
  ['Min', extremum(less)],
];
