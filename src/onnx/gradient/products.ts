import type { Tensor } from '../builder.js';
import { elementsOf, sameShape } from '../dimensions.js';
import { gemm, matMul, mul, reshape, transpose, unsqueeze } from '../ops.js';
import { single, term, type NodeView, type Rule, type Term } from './rule.js';
import { unbroadcast } from './unbroadcast.js';

/** With the sum so far as the addend of the product. */
function product(a: Tensor, b: Tensor, alpha: number, transA: boolean, transB: boolean): Term {
  const scale = alpha === 1 ? {} : { alpha };
  return (sum) => gemm(a, b, sum, { ...scale, transA, transB });
}

const gemmRule: Rule = single((view, g) => {
  const alpha = view.attribute('alpha', 'float') ?? 1;
  const beta = view.attribute('beta', 'float') ?? 1;
  const transA = view.attribute('transA', 'int') === 1;
  const transB = view.attribute('transB', 'int') === 1;
  return [
    (sum) => (transA ? product(view.input(1), g, alpha, transB, true) : product(g, view.input(1), alpha, false, !transB))(sum),
    (sum) => (transB ? product(g, view.input(0), alpha, true, transA) : product(view.input(0), g, alpha, !transA, false))(sum),
    view.has(2)
      ? term(() => {
          const own = unbroadcast(g, view.inputInfo(2).shape);
          return beta === 1 ? own : mul(own, beta);
        })
      : null,
  ];
});

const matMulRule: Rule = single((view, g) => {
  const [left, right] = [view.inputInfo(0), view.inputInfo(1)];
  // A vector is a matrix of one row or column for the time of the product.
  const rows = left.shape.length === 1;
  const columns = right.shape.length === 1;
  const a = (): Tensor => (rows ? unsqueeze(view.input(0), [0]) : view.input(0));
  const b = (): Tensor => (columns ? unsqueeze(view.input(1), [1]) : view.input(1));
  const whole = columns ? unsqueeze(g, [-1]) : g;
  const full = rows ? unsqueeze(whole, [-2]) : whole;
  return [
    term(() => fit(matMul(full, swapped(b())), view, 0, rows)),
    term(() => {
      const matrix = a();
      const isShared = right.shape.length === 2 && matrix.shape.length > 2;
      return isShared ? gemm(asRows(matrix), asRows(full), null, { transA: true }) : fit(matMul(swapped(matrix), full), view, 1, columns);
    }),
  ];
});

function fit(value: Tensor, view: NodeView, index: number, isVector: boolean): Tensor {
  const { shape } = view.inputInfo(index);
  const matrix = isVector ? (index === 0 ? [1, ...shape] : [...shape, 1]) : shape;
  const summed = unbroadcast(value, matrix);
  return sameShape(summed.shape, shape) ? summed : reshape(summed, shape);
}

function swapped(x: Tensor): Tensor {
  const axes = x.shape.map((_, axis) => axis);
  return transpose(x, [...axes.slice(0, -2), ...axes.slice(-2).reverse()]);
}

function asRows(x: Tensor): Tensor {
  return reshape(x, [elementsOf(x.shape.slice(0, -1)), x.shape.at(-1) ?? 1]);
}

export const PRODUCTS: readonly (readonly [string, Rule])[] = [
  ['Gemm', gemmRule],
  ['MatMul', matMulRule],
];
