import type { Tensor } from '../../onnx/builder.js';
import { multiplyDimensions } from '../../onnx/dimensions.js';
import type { Node } from '../../onnx/graph.js';
import { add, reshape, slice } from '../../onnx/ops.js';
import { attention, patchesAcross } from '../../models/graph/vit.js';
import { isTrained, isTrainedTransformer, type TrainableBackbone, type TrainedTransformer } from '../model.js';
import type { Layers } from './layers.js';
import { emitPatches } from './patches.js';

/** From where a backbone is computed. */
export type BackboneInput =
  | { readonly kind: 'pixels'; readonly pixels: Tensor }
  /** `[N, elements]`, what `emitEntry` gave. */
  | { readonly kind: 'activations'; readonly activations: Tensor };

export function tokensOf(backbone: TrainedTransformer, inputSize: number): number {
  return 1 + backbone.spec.registers + patchesAcross(inputSize, backbone.spec) ** 2;
}

/** The block whose input nothing below varies: the first trained one. Null where the patches are trained, so that nothing but the pixels stays the same. */
export function entryBlock({ spec, training }: TrainedTransformer): number | null {
  if (training.kind === 'all' || training.targets.includes('patch')) return null;
  return training.lastBlocks === null ? 0 : Math.max(0, spec.depth - training.lastBlocks);
}

/** Whether there is something below all that is trained, which can be computed once and for all. */
export function hasEntry(backbone: TrainableBackbone): boolean {
  return !isTrained(backbone) || (isTrainedTransformer(backbone) && entryBlock(backbone) !== null);
}

/** Elements for one picture of what lies below all that is trained: of `emitEntry`, or the feature of a fixed backbone. */
export function entryLength(backbone: TrainableBackbone, inputSize: number): number {
  return isTrainedTransformer(backbone) ? tokensOf(backbone, inputSize) * backbone.spec.dimension : backbone.spec.dimension;
}

/** What lies below everything that is trained, `[N, elements]`. */
export async function emitEntry(pixels: Tensor, layers: Layers, inputSize: number): Promise<Tensor> {
  const entry = entryBlock(layers.backbone);
  if (entry === null) throw new TypeError(`Everything in ${layers.backbone.name} is trained`);
  const x = await emitBlocks({ kind: 'pixels', pixels }, layers, inputSize, entry);
  return reshape(x, ['N', entryLength(layers.backbone, inputSize)]);
}

/** The class token after the final LayerNorm, `[N, D]`: what `emitVit` of the inference graph gives, with the trained tensors as inputs. */
export async function emitFeature(input: BackboneInput, layers: Layers, inputSize: number): Promise<Tensor> {
  const x = await emitBlocks(input, layers, inputSize, layers.backbone.spec.depth);
  await layers.fetch('norm.');
  return layers.graph.scope(layers.backbone.name, () => layers.norm(x, 'norm'));
}

/** Rows `[N · tokens, D]` before block `end`; after the last one the class tokens alone, `[N, D]`. */
async function emitBlocks(input: BackboneInput, layers: Layers, inputSize: number, end: number): Promise<Tensor> {
  const { name, spec } = layers.backbone;
  const tokens = tokensOf(layers.backbone, inputSize);
  const rows = multiplyDimensions('N', tokens);
  const first = input.kind === 'pixels' ? 0 : (entryBlock(layers.backbone) ?? 0);
  if (input.kind === 'pixels')
    for (const prefix of ['patch_embed.', 'pos_embed', 'cls_token', 'register_tokens']) await layers.fetch(prefix);
  let x = reshape(input.kind === 'pixels' ? emitPatches(input.pixels, layers, inputSize) : input.activations, [rows, spec.dimension]);
  for (let block = first; block < end; block++) {
    await layers.fetch(`blocks.${block}.`);
    x = layers.graph.scope(`${name}/block${block}`, () => emitBlock(x, block, layers, tokens));
  }
  return x;
}

/** The segment of `emitBlock` that a node belongs to, for recomputation. */
export function blockOf(node: Node): string | null {
  return /^.+\/block\d+(?=\/)/.exec(node.name)?.[0] ?? null;
}

function emitBlock(input: Tensor, block: number, layers: Layers, tokens: number): Tensor {
  const { dimension: d, depth, heads } = layers.backbone.spec;
  const at = `blocks.${block}`;
  const isLast = block === depth - 1;
  const rows3 = (x: Tensor, count: number): Tensor => reshape(x, ['N', count, d]);
  const rows2 = (x: Tensor, count: number): Tensor => reshape(x, [multiplyDimensions('N', count), d]);
  const all = (x: Tensor): Tensor => x;
  const classRows = (x: Tensor): Tensor => {
    const width = Number(x.shape[1]);
    return reshape(slice(reshape(x, ['N', tokens, width]), [{ axis: 1, start: 0, end: 1 }]), ['N', width]);
  };
  // The last block gives the class token alone, and computes it for no other.
  const wanted = isLast ? classRows : all;
  const count = isLast ? 1 : tokens;

  const qkv = layers.linear(layers.norm(input, `${at}.norm1`), `${at}.attn.qkv`, all);
  const [query, key, value] = [qkv({ from: 0, to: d }, wanted), qkv({ from: d, to: 2 * d }), qkv({ from: 2 * d, to: 3 * d })];
  const attended = rows2(attention(rows3(query, count), rows3(key, tokens), rows3(value, tokens), heads, 'N'), count);
  const gain = (name: string): string | null => (layers.backbone.spec.layerScale ? `${at}.${name}.gamma` : null);
  const x = add(wanted(input), layers.linear(attended, `${at}.attn.proj`, wanted, gain('ls1'))());
  const inner = layers.gelu(layers.linear(layers.norm(x, `${at}.norm2`), `${at}.mlp.fc1`, wanted)());
  return add(x, layers.linear(inner, `${at}.mlp.fc2`, wanted, gain('ls2'))());
}
