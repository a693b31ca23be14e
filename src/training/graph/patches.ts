import type { Tensor } from '../../onnx/builder.js';
import { multiplyDimensions } from '../../onnx/dimensions.js';
import { add, cast, concat, gemm, matMul, mul, pad, reshape, slice, transpose } from '../../onnx/ops.js';
import { embedPatches, patchesAcross } from '../../models/graph/vit.js';
import { IMAGENET_MEAN, IMAGENET_STD } from '../../models/graph/preprocessing.js';
import { resizePositions } from '../../models/positions.js';
import type { Layers } from './layers.js';

/** Tokens `[N, tokens, D]` of uint8 pixels `[N, S, S, 3]`; weights must be fetched. */
export function emitPatches(pixels: Tensor, layers: Layers, inputSize: number): Tensor {
  const { spec, positions } = layers.backbone;
  const side = patchesAcross(inputSize, spec);
  if (layers.trainsAll) return emitTrainedPatches(pixels, layers, side);
  const tokens = layers.graph.scope(layers.backbone.name, () => embedPatches(pixels, spec, layers.reader, { positions }, side));
  const { training } = layers.backbone;
  if (training.kind !== 'lora' || !training.targets.includes('patch')) return tokens;
  const update = layers.patchUpdate(normalisedPatches(pixels, side, spec.patch), (rows) => patchRows(rows, tokens, side));
  return update === null ? tokens : add(tokens, atPatches(update, layers, side));
}

/** The rows of the patches among those of all tokens. */
function patchRows(rows: Tensor, tokens: Tensor, side: number): Tensor {
  const [batch = 1, count = 1] = tokens.shape;
  const patches = slice(reshape(rows, [batch, count, 1]), [{ axis: 1, start: Number(count) - side * side }]);
  return reshape(patches, [multiplyDimensions(batch, side * side), 1]);
}

/** Rows `[N · side², 3 · P · P]` in the order of a convolution's weights. */
function normalisedPatches(pixels: Tensor, side: number, patch: number): Tensor {
  const [batch = 'N'] = pixels.shape;
  const graph = pixels.builder;
  const channel = (values: readonly number[]): Tensor => graph.constant(null, 'float32', [3, 1, 1], values);
  const cut = transpose(reshape(pixels, [batch, side, patch, side, patch, 3]), [0, 1, 3, 5, 2, 4]);
  const scaled = mul(cast(cut, 'float32'), channel(IMAGENET_STD.map((deviation) => 1 / (255 * deviation))));
  const normal = add(scaled, channel(IMAGENET_MEAN.map((mean, index) => -mean / (IMAGENET_STD[index] ?? 1))));
  return reshape(normal, [multiplyDimensions(batch, side * side), 3 * patch * patch]);
}

/** Puts rows of patches behind rows of zeros for class and register tokens. */
function atPatches(rows: Tensor, layers: Layers, side: number): Tensor {
  const { dimension, registers } = layers.backbone.spec;
  const batch = multiplyDimensions('N');
  return pad(reshape(rows, [batch, side * side, dimension]), [0, 1 + registers, 0, 0, 0, 0]);
}

function emitTrainedPatches(pixels: Tensor, layers: Layers, side: number): Tensor {
  const { dimension: d, patch, registers, grid } = layers.backbone.spec;
  const weight = reshape(layers.tensor('patch_embed.proj.weight'), [d, 3 * patch * patch]);
  const embedded = gemm(normalisedPatches(pixels, side, patch), weight, layers.tensor('patch_embed.proj.bias'), { transB: true });
  const stored = reshape(layers.tensor('pos_embed'), [1 + grid * grid, d]);
  const rest = slice(stored, [{ axis: 0, start: 1, end: 1 + grid * grid }]);
  const first = add(reshape(layers.tensor('cls_token'), [1, d]), slice(stored, [{ axis: 0, start: 0, end: 1 }]));
  const constants = [
    first,
    ...(registers > 0 ? [reshape(layers.tensor('register_tokens'), [registers, d])] : []),
    grid === side ? rest : matMul(resizing(layers, grid, side), rest),
  ];
  return add(atPatches(embedded, layers, side), concat(constants, 0));
}

/** Resizing position embeddings is linear: its matrix `[side², grid²]` is what it makes of the unit vectors. */
function resizing(layers: Layers, grid: number, side: number): Tensor {
  const places = grid * grid;
  const unit = new Float32Array(places * places);
  for (let place = 0; place < places; place++) unit[place * places + place] = 1;
  const matrix = resizePositions(unit, grid, side, places, layers.backbone.positions);
  return layers.graph.constant(`${layers.backbone.name}/positions`, 'float32', [side * side, places], matrix);
}
