import type { Tensor } from '../builder.js';
import { divideDimension, multiplyDimensions } from '../dimensions.js';
import { gemm, reduceSum, reshape, transpose } from '../ops.js';
import { once, single, term, type NodeView, type Rule } from './rule.js';

/**
 * Convolution with stride equal to kernel and no padding, as in the patch embedding: a matrix product of patches. Others have no gradient
 * here.
 */
const convRule: Rule = single((view, g) => {
  const [outputs = 0, channels = 0, ...kernel] = view.inputInfo(1).shape.map(Number);
  checkPatches(view, kernel);
  const [batch = 1, , ...sizes] = view.inputInfo(0).shape;
  const [rows = 0, columns = 0] = sizes.map((size, axis) => Number(divideDimension(size, kernel[axis] ?? 1)));
  const [height = 1, width = 1] = kernel;
  const length = channels * height * width;
  const total = multiplyDimensions(batch, rows, columns);
  const cotangents = once(() => reshape(transpose(g, [0, 2, 3, 1]), [total, outputs]));
  const weight = (): Tensor => reshape(view.input(1), [outputs, length]);
  const patches = (): Tensor => {
    const cut = reshape(view.input(0), [batch, channels, rows, height, columns, width]);
    return reshape(transpose(cut, [0, 2, 4, 1, 3, 5]), [total, length]);
  };
  return [
    term(() => {
      const cut = reshape(gemm(cotangents(), weight(), null), [batch, rows, columns, channels, height, width]);
      return reshape(transpose(cut, [0, 3, 1, 4, 2, 5]), view.inputInfo(0).shape);
    }),
    term(() => reshape(gemm(cotangents(), patches(), null, { transA: true }), view.inputInfo(1).shape)),
    view.has(2) ? term(() => reshape(reduceSum(cotangents(), [0]), [outputs])) : null,
  ];
});

function checkPatches(view: NodeView, kernel: readonly number[]): void {
  const strides = view.attribute('strides', 'ints') ?? [];
  const isPatches =
    kernel.length === 2 &&
    kernel.every((length, axis) => strides[axis] === length) &&
    (view.attribute('pads', 'ints') ?? []).every((amount) => amount === 0) &&
    (view.attribute('dilations', 'ints') ?? []).every((step) => step === 1) &&
    (view.attribute('group', 'int') ?? 1) === 1 &&
    view
      .inputInfo(0)
      .shape.slice(2)
      .every((size, axis) => typeof size === 'number' && size % (kernel[axis] ?? 1) === 0);
  if (!isPatches) throw new TypeError('only a convolution of whole patches that do not overlap has a gradient here');
}

export const CONVOLUTION: readonly (readonly [string, Rule])[] = [['Conv', convRule]];
