import type { Tensor } from '../builder.js';
import { divideDimension, multiplyDimensions } from '../dimensions.js';
import { concat, contrib, gemm, ints, pad, reduceSum, reshape, slice, transpose } from '../ops.js';
import { once, single, term, type NodeView, type Rule } from './rule.js';

/** Convolutions of two spatial axes with explicit padding, in one group and without dilation. */
const convRule: Rule = single((view, g) => {
  const window = windowOf(view);
  if (window === null)
    throw new TypeError('only a convolution of pictures in one group, not dilated and explicitly padded, has a gradient here');
  return isPatches(view, window) ? patchTerms(view, g, window.kernel) : windowTerms(view, g, window);
});

interface Window {
  readonly kernel: readonly [height: number, width: number];
  readonly strides: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
}

function windowOf(view: NodeView): Window | null {
  const [, , height = 0, width = 0, ...more] = view.inputInfo(1).shape.map(Number);
  const [, , ...sizes] = view.inputInfo(0).shape;
  const [down = 1, across = 1] = view.attribute('strides', 'ints') ?? [];
  const [top = 0, left = 0, bottom = 0, right = 0] = view.attribute('pads', 'ints') ?? [];
  const isPlain =
    more.length === 0 &&
    sizes.length === 2 &&
    sizes.every((size) => typeof size === 'number') &&
    (view.attribute('dilations', 'ints') ?? []).every((step) => step === 1) &&
    view.attribute('auto_pad', 'string') === undefined &&
    (view.attribute('group', 'int') ?? 1) === 1;
  return isPlain ? { kernel: [height, width], strides: [down, across], pads: [top, left, bottom, right] } : null;
}

/** Whether it is a cut into whole patches that do not overlap, as in the patch embedding: a matrix product of the patches. */
function isPatches(view: NodeView, { kernel, strides, pads }: Window): boolean {
  const [, , ...sizes] = view.inputInfo(0).shape.map(Number);
  return (
    kernel.every((length, axis) => strides[axis] === length && (sizes[axis] ?? 0) % length === 0) && pads.every((amount) => amount === 0)
  );
}

function patchTerms(view: NodeView, g: Tensor, [height, width]: Window['kernel']): ReturnType<Rule> {
  const [outputs = 0, channels = 0] = view.inputInfo(1).shape.map(Number);
  const [batch = 1, , ...sizes] = view.inputInfo(0).shape;
  const [rows = 0, columns = 0] = sizes.map((size, axis) => Number(divideDimension(size, axis === 0 ? height : width)));
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
}

/**
 * Overlapping windows: to the input by the transposed convolution, to the kernel by a matrix product for each picture, of the cotangent with what the
 * window saw at each of its places.
 */
function windowTerms(view: NodeView, g: Tensor, window: Window): ReturnType<Rule> {
  const [outputs = 0, channels = 0] = view.inputInfo(1).shape.map(Number);
  const [batch = 1] = view.inputInfo(0).shape;
  const [, , rows = 0, columns = 0] = g.shape.map(Number);
  const area = rows * columns;
  return [
    term(() => transposedConvolution(view, g, window)),
    term(() => {
      const length = channels * window.kernel[0] * window.kernel[1];
      const seen = reshape(windowsOf(view.input(0), window, [rows, columns]), [batch, length, area]);
      const cotangents = reshape(g, [batch, outputs, area]);
      const products = contrib(
        'FusedMatMul',
        [cotangents, seen],
        { transB: { kind: 'int', value: 1 } },
        {
          outputs: [{ type: g.type, shape: [batch, outputs, length] }],
        },
      );
      return reshape(reduceSum(products, [0]), view.inputInfo(1).shape);
    }),
    view.has(2) ? term(() => reshape(reduceSum(g, [0, 2, 3]), [outputs])) : null,
  ];
}

function transposedConvolution(view: NodeView, g: Tensor, { kernel, strides, pads }: Window): Tensor {
  const { shape } = view.inputInfo(0);
  const [, , rows = 0, columns = 0] = g.shape.map(Number);
  // What the last window did not reach.
  const rest = [rows, columns].map(
    (count, axis) =>
      Number(shape[axis + 2]) - ((count - 1) * (strides[axis] ?? 1) - (pads[axis] ?? 0) - (pads[axis + 2] ?? 0) + (kernel[axis] ?? 1)),
  );
  return view.graph.op(
    'ConvTranspose',
    [g, view.input(1)],
    { kernel_shape: ints(kernel), strides: ints(strides), pads: ints(pads), output_padding: ints(rest) },
    { outputs: [{ type: g.type, shape }] },
  );
}

/** `[N, C, kh·kw, rows, columns]`: for each place in the window what stands there. */
function windowsOf(x: Tensor, { kernel, strides, pads }: Window, [rows, columns]: readonly [number, number]): Tensor {
  const [batch = 1, channels = 1] = x.shape;
  const [top, left, bottom, right] = pads;
  const padded = pads.every((amount) => amount === 0) ? x : pad(x, [0, 0, top, left, 0, 0, bottom, right]);
  const places: Tensor[] = [];
  for (let row = 0; row < kernel[0]; row++) {
    for (let column = 0; column < kernel[1]; column++) {
      const place = slice(padded, [
        { axis: 2, start: row, end: row + (rows - 1) * strides[0] + 1, step: strides[0] },
        { axis: 3, start: column, end: column + (columns - 1) * strides[1] + 1, step: strides[1] },
      ]);
      places.push(reshape(place, [batch, channels, 1, rows, columns]));
    }
  }
  return places.length === 1 ? (places[0] as Tensor) : concat(places, 2);
}

export const CONVOLUTION: readonly (readonly [string, Rule])[] = [['Conv', convRule]];
