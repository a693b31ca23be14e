import type { CheckpointTensor } from '../checkpoint/tensor.js';
import type { TensorMap } from './state-dict.js';

/**
 * Names of Hugging Face's DINOv2, ViT and ResNet classes in terms of the original code. Where one tensor of the original is stored in
 * several (query, key and value), the parts are joined along their first axis.
 * Sources: transformers, convert_dinov2_to_hf.py, convert_dino_to_pytorch.py, modeling_dinov2.py, modeling_vit.py, modeling_resnet.py.
 */
export function isHuggingFace(tensors: TensorMap): boolean {
  return tensors.has('embeddings.cls_token') || tensors.has('embedder.embedder.convolution.weight');
}

/** Where a tensor of Hugging Face's naming belongs: `part` of `parts` along the first axis of `name`. */
export interface Place {
  readonly name: string;
  readonly part: number;
  readonly parts: number;
}

const WHOLE: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^embeddings\.cls_token$/, 'cls_token'],
  [/^embeddings\.mask_token$/, 'mask_token'],
  [/^embeddings\.register_tokens$/, 'register_tokens'],
  [/^embeddings\.position_embeddings$/, 'pos_embed'],
  [/^embeddings\.patch_embeddings\.projection\./, 'patch_embed.proj.'],
  [/^encoder\.layer\.(\d+)\.(?:norm1|layernorm_before)\./, 'blocks.$1.norm1.'],
  [/^encoder\.layer\.(\d+)\.(?:norm2|layernorm_after)\./, 'blocks.$1.norm2.'],
  [/^encoder\.layer\.(\d+)\.attention\.output\.dense\./, 'blocks.$1.attn.proj.'],
  [/^encoder\.layer\.(\d+)\.layer_scale1\.lambda1$/, 'blocks.$1.ls1.gamma'],
  [/^encoder\.layer\.(\d+)\.layer_scale2\.lambda1$/, 'blocks.$1.ls2.gamma'],
  [/^encoder\.layer\.(\d+)\.mlp\.fc([12])\./, 'blocks.$1.mlp.fc$2.'],
  [/^encoder\.layer\.(\d+)\.mlp\.weights_in\./, 'blocks.$1.mlp.w12.'],
  [/^encoder\.layer\.(\d+)\.mlp\.weights_out\./, 'blocks.$1.mlp.w3.'],
  [/^encoder\.layer\.(\d+)\.intermediate\.dense\./, 'blocks.$1.mlp.fc1.'],
  [/^encoder\.layer\.(\d+)\.output\.dense\./, 'blocks.$1.mlp.fc2.'],
  [/^layernorm\./, 'norm.'],
  [/^embedder\.embedder\.convolution\./, 'conv1.'],
  [/^embedder\.embedder\.normalization\./, 'bn1.'],
];

/** The place of a name, or null where it is none of Hugging Face's. Works for module names too (`encoder.layer.0.mlp.fc1`). */
export function placeOf(name: string): Place | null {
  const qkv = /^encoder\.layer\.(\d+)\.attention\.attention\.(query|key|value)(\..*)?$/.exec(name);
  if (qkv !== null) {
    const [, block = '', role = '', rest = ''] = qkv;
    return { name: `blocks.${block}.attn.qkv${rest}`, part: ['query', 'key', 'value'].indexOf(role), parts: 3 };
  }
  const unit = /^encoder\.stages\.(\d+)\.layers\.(\d+)\.(?:layer\.(\d+)|(shortcut))\.(convolution|normalization)(\..*)?$/.exec(name);
  if (unit !== null) {
    const [, stage = '0', layer = '0', index = '0', shortcut, kind, rest = ''] = unit;
    const at = `layer${Number(stage) + 1}.${layer}`;
    const isConv = kind === 'convolution';
    if (shortcut !== undefined) return { name: `${at}.downsample.${isConv ? 0 : 1}${rest}`, part: 0, parts: 1 };
    return { name: `${at}.${isConv ? 'conv' : 'bn'}${Number(index) + 1}${rest}`, part: 0, parts: 1 };
  }
  // A module name has no dot at its end for the patterns to meet.
  const dotted = `${name}.`;
  for (const [pattern, replacement] of WHOLE) {
    if (pattern.test(name)) return { name: name.replace(pattern, replacement), part: 0, parts: 1 };
    if (pattern.test(dotted)) return { name: dotted.replace(pattern, replacement).slice(0, -1), part: 0, parts: 1 };
  }
  return null;
}

/** The same weights under the names of the original code; names that are not known here are kept. */
export function fromHuggingFace(tensors: TensorMap): TensorMap {
  const result = new Map<string, CheckpointTensor>();
  const split = new Map<string, CheckpointTensor[]>();
  for (const [name, tensor] of tensors) {
    const place = placeOf(name);
    if (place === null || place.parts === 1) {
      result.set(place?.name ?? name, tensor);
      continue;
    }
    const parts = split.get(place.name) ?? [];
    parts[place.part] = { ...tensor, name, read: () => tensor.read() };
    split.set(place.name, parts);
  }
  for (const [name, parts] of split) {
    const present = parts.filter((part) => part !== (undefined as unknown));
    const [first] = present;
    // An incomplete set stays under its own names and is reported as missing and unexpected.
    if (first === undefined || present.length !== 3) for (const part of present) result.set(part.name, part);
    else result.set(name, joinRows(name, present, first));
  }
  return result;
}

function joinRows(name: string, parts: readonly CheckpointTensor[], first: CheckpointTensor): CheckpointTensor {
  const [, ...rest] = first.shape;
  return {
    name,
    type: first.type,
    shape: [parts.reduce((rows, part) => rows + (part.shape[0] ?? 0), 0), ...rest],
    async read() {
      const arrays = await Promise.all(parts.map((part) => part.read()));
      const joined = new Float32Array(arrays.reduce((total, array) => total + array.length, 0));
      let offset = 0;
      for (const array of arrays) {
        joined.set(array, offset);
        offset += array.length;
      }
      return joined;
    },
  };
}
