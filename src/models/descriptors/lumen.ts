import type { Tensor } from '../../onnx/builder.js';
import * as ops from '../../onnx/ops.js';
import { opponentColours } from './colour.js';
import { usedMask } from './layout.js';
import { boxMean, evenly, LUMA, mapConstant, sideOf } from './maps.js';

/** Rings around the lumen, and how far out they reach, as a share of the picture's side. */
const RINGS = 8;
const REACH = 0.6;
/** Waves around a ring: 2 is an oval, 3 a triangle. */
const WAVES = 6;
/** How much darker than the rest a place must be to count as lumen: weight e^(−DARKNESS · standard deviations). */
const DARKNESS = 6;
const WAVE_FLOOR = 0.01;

/**
 * *Lumen*: what the folds around the dark of the lumen look like. Its middle is the centre of mass of what is much darker than the rest;
 * around it, rings hold brightness and colour relative to the whole picture, edges facing in, out and along, and the amplitude of their
 * first waves around the ring. Neither moves when the endoscope is turned, nor much when the lumen leaves the middle of the picture; a triangular
 * lumen differs from a round one in its third wave. `rgb` is `[N, 3, side, side]` in 0…1; the result `[N, d]`.
 */
export function lumenFeatures(rgb: Tensor): Tensor {
  const side = sideOf(rgb);
  const [batch = 1] = rgb.shape;
  const luminance = ops.conv(rgb, mapConstant(rgb, [1, 3, 1, 1], LUMA), null);
  const { across, down, shape } = findLumen(luminance);

  const distance = ops.sqrt(ops.add(ops.add(ops.mul(across, across), ops.mul(down, down)), 1e-6));
  const cosine = ops.div(across, distance);
  const sine = ops.div(down, distance);
  const [rightwards, downwards] = relativeSlopes(luminance);
  const outwards = ops.add(ops.mul(rightwards, cosine), ops.mul(downwards, sine));
  const around = ops.sub(ops.mul(downwards, cosine), ops.mul(rightwards, sine));
  // Relative to the whole picture, a brighter light or another white balance changes nothing.
  const tones = relativeToPicture(ops.concat([ops.log(ops.add(luminance, 0.05)), ...opponentColours(rgb)], 1));
  const maps = ops.concat([tones, ops.relu(outwards), ops.relu(ops.neg(outwards)), ops.abs(around)], 1);

  const width = REACH / RINGS;
  const centres = mapConstant(rgb, [1, RINGS, 1, 1], evenly(width / 2, REACH - width / 2, RINGS));
  const offset = ops.div(ops.sub(distance, centres), width);
  const inner = mapConstant(rgb, [1, 1, side, side], usedMask(side, 1));
  const weights = ops.mul(ops.exp(ops.neg(ops.mul(offset, offset))), inner);
  // A ring that lies outside the picture says little, and must not blow up what little it sees.
  const rings = ops.transpose(
    ops.reshape(ops.div(weights, ops.add(ops.reduceSum(weights, [2, 3]), 1)), [batch, RINGS, side * side]),
    [0, 2, 1],
  );
  const pooled = (turned: Tensor): Tensor => {
    const channels = Number(turned.shape[1]);
    return ops.matMul(ops.reshape(turned, [batch, channels, side * side]), rings);
  };

  const features = [shape, flat(pooled(maps))];
  // Cosine and sine of each multiple of the angle from those of the one before.
  let [cosines, sines] = [cosine, sine];
  for (let wave = 1; wave <= WAVES; wave++) {
    const real = pooled(ops.mul(maps, cosines));
    const imaginary = pooled(ops.mul(maps, sines));
    const power = ops.add(ops.mul(real, real), ops.mul(imaginary, imaginary));
    features.push(flat(ops.log(ops.add(ops.sqrt(ops.add(power, 1e-10)), WAVE_FLOOR))));
    [cosines, sines] = [ops.sub(ops.mul(cosines, cosine), ops.mul(sines, sine)), ops.add(ops.mul(sines, cosine), ops.mul(cosines, sine))];
  }
  return ops.concat(features, 1);
}

interface Lumen {
  /** Place of each pixel relative to the middle of the lumen, shares of the side, `[N, 1, side, side]`. */
  readonly across: Tensor;
  readonly down: Tensor;
  /** Size, ovalness, distance from the middle of the picture, and contrast: `[N, 4]`. */
  readonly shape: Tensor;
}

function findLumen(luminance: Tensor): Lumen {
  const side = sideOf(luminance);
  const [batch = 1] = luminance.shape;
  const isUsed = mapConstant(luminance, [1, 1, side, side], usedMask(side));
  const places = Array.from({ length: side * side }, (_, index) => [
    ((index % side) + 0.5) / side,
    (Math.floor(index / side) + 0.5) / side,
  ]);
  const x = mapConstant(
    luminance,
    [1, 1, side, side],
    places.map(([value = 0]) => value),
  );
  const y = mapConstant(
    luminance,
    [1, 1, side, side],
    places.map(([, value = 0]) => value),
  );

  const logarithm = ops.log(ops.add(boxMean(boxMean(luminance, 5), 5), 0.02));
  const centred = relativeToPicture(logarithm);
  const deviation = ops.add(ops.sqrt(ops.add(meanOfUsed(ops.mul(centred, centred)), 1e-8)), 0.05);
  const dark = ops.mul(ops.exp(ops.mul(ops.div(centred, deviation), -DARKNESS)), isUsed);
  const weight = ops.div(dark, ops.reduceSum(dark, [2, 3]));
  const mean = (map: Tensor): Tensor => ops.reduceSum(ops.mul(map, weight), [2, 3]);
  const [middleX, middleY] = [mean(x), mean(y)];
  const across = ops.sub(x, middleX);
  const down = ops.sub(y, middleY);
  const [xx, yy, xy] = [mean(ops.mul(across, across)), mean(ops.mul(down, down)), mean(ops.mul(across, down))];
  const size = ops.add(xx, yy);
  const difference = ops.sub(xx, yy);
  const oval = ops.sqrt(ops.add(ops.add(ops.mul(difference, difference), ops.mul(ops.mul(xy, xy), 4)), 1e-10));
  const [fromX, fromY] = [ops.sub(middleX, 0.5), ops.sub(middleY, 0.5)];
  const aside = ops.sqrt(ops.add(ops.add(ops.mul(fromX, fromX), ops.mul(fromY, fromY)), 1e-8));
  const shape = ops.concat([ops.log(ops.add(size, 1e-3)), ops.div(oval, ops.add(size, 1e-4)), aside, deviation], 1);
  return { across, down, shape: ops.reshape(shape, [batch, 4]) };
}

/** Mean over what is used of the picture, `[N, C, 1, 1]`. */
function meanOfUsed(maps: Tensor): Tensor {
  const side = sideOf(maps);
  const mask = usedMask(side);
  const used = mask.reduce((sum, value) => sum + value, 0);
  const share = mapConstant(
    maps,
    [1, 1, side, side],
    mask.map((value) => value / used),
  );
  return ops.reduceSum(ops.mul(maps, share), [2, 3]);
}

function relativeToPicture(maps: Tensor): Tensor {
  return ops.sub(maps, meanOfUsed(maps));
}

/** Slope to the right and downwards relative to the luminance around. */
function relativeSlopes(luminance: Tensor): readonly [rightwards: Tensor, downwards: Tensor] {
  const kernels = [0, 0, 0, -0.5, 0, 0.5, 0, 0, 0, 0, -0.5, 0, 0, 0, 0, 0, 0.5, 0];
  const slopes = ops.conv(luminance, mapConstant(luminance, [2, 1, 3, 3], kernels), null, { pads: [1, 1, 1, 1] });
  const [rightwards, downwards] = ops.chunk(ops.div(slopes, ops.add(boxMean(luminance, 5), 0.05)), 2, 1);
  if (rightwards === undefined || downwards === undefined) throw new RangeError('two slopes expected');
  return [rightwards, downwards];
}

function flat(pooled: Tensor): Tensor {
  const [batch = 1, channels, cells] = pooled.shape;
  return ops.reshape(pooled, [batch, Number(channels) * Number(cells)]);
}
