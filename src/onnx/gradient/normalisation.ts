import type { Tensor } from '../builder.js';
import { normalAxis } from '../dimensions.js';
import { add, div, mul, reduceMean, reduceSum, sqrt, sub } from '../ops.js';
import { once, single, term, type Rule } from './rule.js';
import { unbroadcast } from './unbroadcast.js';

const softmaxRule: Rule = single((view, g) => [
  term(() => {
    const y = view.output();
    const axis = view.attribute('axis', 'int') ?? -1;
    return mul(y, sub(g, reduceSum(mul(g, y), [normalAxis(axis, y.shape.length)])));
  }),
]);

/** With mean and reciprocal deviation of the forward pass where the node has them as outputs (`LayerNormalization` of three outputs). */
const layerNormalizationRule: Rule = (view, [g]) => {
  if (g === undefined || g === null) return [];
  const x = view.inputInfo(0);
  const axes = x.shape.map((_, axis) => axis).slice(normalAxis(view.attribute('axis', 'int') ?? -1, x.shape.length));
  const centred = once(() => sub(view.input(0), view.node.outputs.length > 1 ? view.output(1) : reduceMean(view.input(0), axes)));
  const inverse = once((): Tensor => {
    if (view.node.outputs.length > 2) return view.output(2);
    const variance = reduceMean(mul(centred(), centred()), axes);
    return div(1, sqrt(add(variance, view.attribute('epsilon', 'float') ?? 1e-5)));
  });
  return [
    term(() => {
      const slope = mul(g, view.input(1));
      // Both divisions by the deviation fall on one number per row.
      const along = mul(reduceMean(mul(slope, centred()), axes), mul(inverse(), inverse()));
      return mul(sub(sub(slope, reduceMean(slope, axes)), mul(centred(), along)), inverse());
    }),
    term(() => unbroadcast(mul(g, mul(centred(), inverse())), view.inputInfo(1).shape)),
    view.has(2) ? term(() => unbroadcast(g, view.inputInfo(2).shape)) : null,
  ];
};

export const NORMALISATION: readonly (readonly [string, Rule])[] = [
  ['Softmax', softmaxRule],
  ['LayerNormalization', layerNormalizationRule],
];
