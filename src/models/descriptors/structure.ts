import type { Tensor } from '../../onnx/builder.js';
import * as ops from '../../onnx/ops.js';
import { gridCells, ringCells, WHOLE, type Cell } from './layout.js';
import { boxMean, evenly, halved, logEnergies, mapConstant, sideOf, softHistogram } from './maps.js';
import { asItStands, turnMeans, type Pooled } from './turns.js';

const DIRECTIONS = 8;
/** Added to local means, so that the dark does not amplify noise. */
const DARK = 0.05;

interface Scale {
  readonly luminance: Tensor;
  /** Distance from the edge of the used region within which filters would see it, px. */
  readonly marginPx: number;
  /** Cells a side for the energies. */
  readonly grid: number;
}

/**
 * *Structure*: where edges of which direction and size lie, which way they face, and how strong detail is. From locally
 * normalised luminance at four scales: energies of directed derivative filters over a grid and rings (after Dalal and Triggs 2005, with sign), energies towards
 * and away from the centre, which do not change when the endoscope is turned, and histograms of detail.
 * Twice: whichever way round the picture stands, and *upright*, as it stands, which examiners of a stomach keep the same way up.
 * `luminance` is `[N, 1, side, side]` in 0…1; the results `[N, d]`.
 */
export function structureFeatures(luminance: Tensor): { readonly structure: Tensor; readonly upright: Tensor } {
  const second = halved(luminance);
  const third = halved(second);
  const fourth = halved(third);
  const scales: readonly Scale[] = [
    { luminance, marginPx: 2, grid: 4 },
    { luminance: second, marginPx: 1, grid: 4 },
    { luminance: third, marginPx: 1, grid: 3 },
    { luminance: fourth, marginPx: 0, grid: 3 },
  ];
  const pooled = [
    ...scales.flatMap((scale) => [directedEnergies(scale), radialEnergies(scale)]),
    ...scales.slice(0, 3).flatMap(detailHistograms),
  ];
  return { structure: ops.concat(pooled.map(turnMeans), 1), upright: ops.concat(pooled.map(asItStands), 1) };
}

/** Derivative relative to the local luminance, in `count` directions all around. */
function relativeDerivatives(luminance: Tensor, count: number): Tensor {
  const filters = Array.from({ length: count }, (_, direction) => derivative((direction * 2 * Math.PI) / count));
  const slopes = ops.conv(luminance, mapConstant(luminance, [count, 1, 3, 3], filters.flat()), null, { pads: [1, 1, 1, 1] });
  return ops.div(slopes, ops.add(boxMean(luminance, 5), DARK));
}

/** Sobel's 3 × 3 derivative towards `angle`. */
function derivative(angle: number): number[] {
  return Array.from({ length: 9 }, (_, index) => {
    const [x, y] = [(index % 3) - 1, Math.floor(index / 3) - 1];
    return ((x * Math.cos(angle) + y * Math.sin(angle)) * (x !== 0 && y !== 0 ? 1 : 2)) / 8;
  });
}

const ENERGY_FLOOR = 0.005;

function directedEnergies({ luminance, marginPx, grid }: Scale): Pooled {
  const cells = [...gridCells(grid), ...ringCells(2)];
  return logEnergies(ops.relu(relativeDerivatives(luminance, DIRECTIONS)), cells, marginPx, ENERGY_FLOOR, DIRECTIONS);
}

/** How much brighter, darker and merely different the picture gets on the way out from the centre. */
function radialEnergies({ luminance, marginPx }: Scale): Pooled {
  const [across, down] = ops.split(relativeDerivatives(luminance, 4), [1, 1, 2], 1);
  if (across === undefined || down === undefined) throw new RangeError('two derivatives expected');
  const side = sideOf(luminance);
  const angles = Array.from({ length: side * side }, (_, index) =>
    Math.atan2((Math.floor(index / side) + 0.5) / side - 0.5, ((index % side) + 0.5) / side - 0.5),
  );
  const cosine = mapConstant(luminance, [1, 1, side, side], angles.map(Math.cos));
  const sine = mapConstant(luminance, [1, 1, side, side], angles.map(Math.sin));
  const outwards = ops.add(ops.mul(across, cosine), ops.mul(down, sine));
  const around = ops.sub(ops.mul(down, cosine), ops.mul(across, sine));
  const maps = ops.concat([ops.relu(outwards), ops.relu(ops.neg(outwards)), ops.abs(around)], 1);
  return logEnergies(maps, [...ringCells(5), ...gridCells(2)], marginPx, ENERGY_FLOOR);
}

/** Detail relative to the luminance around it, and relative to the contrast around it. */
function detailHistograms({ luminance, marginPx }: Scale): readonly Pooled[] {
  const cells: readonly Cell[] = [WHOLE, ...ringCells(3)];
  const margin = marginPx + 1;
  const fine = ops.sub(luminance, boxMean(luminance, 5));
  const relative = ops.div(fine, ops.add(boxMean(luminance, 15), 0.03));
  const coarse = ops.sub(luminance, boxMean(luminance, 15));
  const contrast = ops.sqrt(ops.add(boxMean(ops.mul(coarse, coarse), 15), 1e-6));
  const normalised = ops.div(coarse, ops.add(contrast, 0.02));
  return [
    softHistogram(relative, [-0.3, -0.15, -0.07, -0.03, 0, 0.03, 0.07, 0.15, 0.3, 0.6], 0.04, cells, margin),
    softHistogram(normalised, evenly(-3, 3, 9), 0.5, cells, margin),
  ];
}
