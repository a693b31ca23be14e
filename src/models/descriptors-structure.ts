import type { Tensor } from '../onnx/builder.js';
import { elementsOf } from '../onnx/dimensions.js';
import * as ops from '../onnx/ops.js';
import { gridCells, poolCells, ringCells } from './descriptors-layout.js';

const SCALES = 3;
const ORIENTATIONS = 8;
const KERNEL = 9;
/** Wavelength and width of the filters, px of their scale. */
const WAVELENGTH = 5;
const SIGMA = 2.2;

/**
 * *Structure*: energy of oriented filters on locally normalised luminance at three scales, averaged over windows and log-compressed.
 * `luminance` is `[N, 1, side, side]` in 0…1; the result `[N, d]`.
 */
export function structureFeatures(luminance: Tensor): Tensor {
  const graph = luminance.builder;
  const cells = [...gridCells(4), ...ringCells(3)];
  const filters = graph.constant('filters', 'float32', [2 * ORIENTATIONS, 1, KERNEL, KERNEL], orientedFilters());
  const pad = (KERNEL - 1) / 2;
  const parts: Tensor[] = [];
  let picture = luminance;
  for (let scale = 0; scale < SCALES; scale++) {
    if (scale > 0) picture = ops.averagePool(picture, [2, 2], { strides: [2, 2] });
    const responses = ops.conv(normaliseLocally(picture), filters, null, { pads: [pad, pad, pad, pad] });
    const [even, odd] = ops.chunk(responses, 2, 1);
    if (even === undefined || odd === undefined) throw new RangeError('two halves expected');
    const energy = ops.sqrt(ops.add(ops.add(ops.mul(even, even), ops.mul(odd, odd)), 1e-4));
    const pooled = ops.log(ops.add(poolCells(energy, cells, 2), 0.02));
    parts.push(ops.reshape(pooled, [pooled.shape[0] ?? 1, elementsOf(pooled.shape.slice(1))]));
  }
  return ops.concat(parts, 1);
}

/** Removes the local mean and divides by the local contrast, so that light and distance matter less. */
function normaliseLocally(picture: Tensor): Tensor {
  const average = (x: Tensor): Tensor => ops.averagePool(x, [15, 15], { pads: [7, 7, 7, 7] });
  const detail = ops.sub(picture, average(picture));
  return ops.div(detail, ops.add(ops.sqrt(ops.add(average(ops.mul(detail, detail)), 1e-6)), 0.02));
}

/** Gabor filters (Daugman 1985) without mean: the even ones of all orientations, then the odd ones. */
function orientedFilters(): Float32Array {
  const size = KERNEL * KERNEL;
  const filters = new Float32Array(2 * ORIENTATIONS * size);
  for (let phase = 0; phase < 2; phase++) {
    for (let orientation = 0; orientation < ORIENTATIONS; orientation++) {
      const angle = (orientation * Math.PI) / ORIENTATIONS;
      const values = Array.from({ length: size }, (_, index) => {
        const [x, y] = [(index % KERNEL) - (KERNEL - 1) / 2, Math.floor(index / KERNEL) - (KERNEL - 1) / 2];
        const across = (2 * Math.PI * (x * Math.cos(angle) + y * Math.sin(angle))) / WAVELENGTH;
        const envelope = Math.exp(-(x * x + y * y) / (2 * SIGMA * SIGMA));
        return [envelope, envelope * (phase === 0 ? Math.cos(across) : Math.sin(across))] as const;
      });
      const envelopes = values.reduce((sum, [envelope]) => sum + envelope, 0);
      const mean = values.reduce((sum, [, value]) => sum + value, 0) / envelopes;
      const centred = values.map(([envelope, value]) => value - mean * envelope);
      const norm = Math.hypot(...centred);
      centred.forEach((value, index) => (filters[(phase * ORIENTATIONS + orientation) * size + index] = value / norm));
    }
  }
  return filters;
}
