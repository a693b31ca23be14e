import { sizeOf } from '../checkpoint/tensor.js';
import type { PositionRecipe } from '../positions.js';

/** A vision transformer of the DINO or DINOv2 kind. Its feature is the class token after the final LayerNorm. */
export interface VitSpec {
  readonly kind: 'vit';
  readonly family: 'dino' | 'dinov2';
  /** Width of the tokens, and length of the feature. */
  readonly dimension: number;
  readonly depth: number;
  readonly heads: number;
  /** Side of a patch, px. */
  readonly patch: number;
  /** Side of the stored grid of position embeddings. */
  readonly grid: number;
  /** Number of register tokens. */
  readonly registers: number;
  readonly layerScale: boolean;
  readonly mlp: 'gelu' | 'swiglu';
  /** Width between the two layers of the MLP. */
  readonly hidden: number;
}

/** A ResNet in torchvision's structure and names. Its feature is the globally averaged output of the last stage. */
export interface ResnetSpec {
  readonly kind: 'resnet';
  readonly family: 'resnet';
  /** Two 3×3 convolutions, or 1×1, 3×3 and 1×1 with four times the channels after the last. */
  readonly block: 'basic' | 'bottleneck';
  /** Max pool after the first convolution. Without it the first stage halves the picture, as the others do. */
  readonly stemPool: boolean;
  readonly dimension: number;
  /** Channels after the first convolution. */
  readonly stem: number;
  /** Number of blocks per stage. */
  readonly blocks: readonly number[];
  /** Channels of the 3×3 convolutions, per stage. */
  readonly widths: readonly number[];
}

export type BackboneSpec = VitSpec | ResnetSpec;

/** Width of one attention head in every DINO and DINOv2 transformer. */
export const HEAD_WIDTH = 64;

/** Names in the original code (facebookresearch/dinov2, facebookresearch/dino, torchvision) with their shapes. */
export function expectedTensors(spec: BackboneSpec): ReadonlyMap<string, readonly number[]> {
  return spec.kind === 'vit' ? vitTensors(spec) : resnetTensors(spec);
}

/** Whether a tensor holds running moments of BatchNorm, which follow the batches and are not learnt. */
export function isStatistic(name: string): boolean {
  return /\.running_(mean|var)$/.test(name);
}

export function parameterCount(spec: BackboneSpec): number {
  let count = 0;
  for (const [name, shape] of expectedTensors(spec)) if (!isStatistic(name)) count += sizeOf(shape);
  return count;
}

function vitTensors(spec: VitSpec): Map<string, readonly number[]> {
  const { dimension: d, hidden } = spec;
  const tensors = new Map<string, readonly number[]>([
    ['cls_token', [1, 1, d]],
    ['pos_embed', [1, 1 + spec.grid * spec.grid, d]],
    ['patch_embed.proj.weight', [d, 3, spec.patch, spec.patch]],
    ['patch_embed.proj.bias', [d]],
  ]);
  if (spec.registers > 0) tensors.set('register_tokens', [1, spec.registers, d]);
  const linear = (name: string, outputs: number, inputs: number): void => {
    tensors.set(`${name}.weight`, [outputs, inputs]);
    tensors.set(`${name}.bias`, [outputs]);
  };
  const norm = (name: string): void => {
    tensors.set(`${name}.weight`, [d]);
    tensors.set(`${name}.bias`, [d]);
  };
  for (let block = 0; block < spec.depth; block++) {
    const at = `blocks.${block}`;
    norm(`${at}.norm1`);
    linear(`${at}.attn.qkv`, 3 * d, d);
    linear(`${at}.attn.proj`, d, d);
    if (spec.layerScale) tensors.set(`${at}.ls1.gamma`, [d]);
    norm(`${at}.norm2`);
    if (spec.mlp === 'gelu') {
      linear(`${at}.mlp.fc1`, hidden, d);
      linear(`${at}.mlp.fc2`, d, hidden);
    } else {
      linear(`${at}.mlp.w12`, 2 * hidden, d);
      linear(`${at}.mlp.w3`, d, hidden);
    }
    if (spec.layerScale) tensors.set(`${at}.ls2.gamma`, [d]);
  }
  norm('norm');
  return tensors;
}

/** One convolution with its BatchNorm, by the names of both. */
export interface ConvUnit {
  readonly conv: string;
  readonly norm: string;
  readonly outputs: number;
  readonly inputs: number;
  readonly kernel: number;
  readonly stride: number;
}

export interface ResidualBlock {
  readonly units: readonly ConvUnit[];
  readonly downsample: ConvUnit | null;
}

/** The convolutions of a ResNet in the order of computation; stride stands on the 3×3 convolution (torchvision's "V1.5"). */
export function resnetUnits(spec: ResnetSpec): { readonly stem: ConvUnit; readonly blocks: readonly ResidualBlock[] } {
  const stem: ConvUnit = { conv: 'conv1', norm: 'bn1', outputs: spec.stem, inputs: 3, kernel: 7, stride: 2 };
  const blocks: ResidualBlock[] = [];
  let inputs = spec.stem;
  spec.blocks.forEach((count, stage) => {
    const width = spec.widths[stage] ?? 0;
    for (let index = 0; index < count; index++) {
      const at = `layer${stage + 1}.${index}`;
      const stride = index === 0 && (stage > 0 || !spec.stemPool) ? 2 : 1;
      const outputs = spec.block === 'basic' ? width : width * 4;
      const unit = (number: number, channels: number, from: number, kernel: number, unitStride: number): ConvUnit => ({
        conv: `${at}.conv${number}`,
        norm: `${at}.bn${number}`,
        outputs: channels,
        inputs: from,
        kernel,
        stride: unitStride,
      });
      blocks.push({
        units:
          spec.block === 'basic'
            ? [unit(1, width, inputs, 3, stride), unit(2, width, width, 3, 1)]
            : [unit(1, width, inputs, 1, 1), unit(2, width, width, 3, stride), unit(3, outputs, width, 1, 1)],
        downsample:
          stride > 1 || inputs !== outputs
            ? { conv: `${at}.downsample.0`, norm: `${at}.downsample.1`, outputs, inputs, kernel: 1, stride }
            : null,
      });
      inputs = outputs;
    }
  });
  return { stem, blocks };
}

function resnetTensors(spec: ResnetSpec): Map<string, readonly number[]> {
  const tensors = new Map<string, readonly number[]>();
  const { stem, blocks } = resnetUnits(spec);
  for (const unit of [stem, ...blocks.flatMap((block) => [...block.units, ...(block.downsample === null ? [] : [block.downsample])])]) {
    tensors.set(`${unit.conv}.weight`, [unit.outputs, unit.inputs, unit.kernel, unit.kernel]);
    for (const name of ['weight', 'bias', 'running_mean', 'running_var']) tensors.set(`${unit.norm}.${name}`, [unit.outputs]);
  }
  return tensors;
}

/** The recipe of the code that published the checkpoint. */
export function officialRecipe(spec: VitSpec): PositionRecipe {
  return spec.family === 'dinov2' && spec.registers > 0 ? 'antialias' : 'scale-factor';
}

/** Size for which the backbone is used when nothing else is asked for, px. DINOv2 was trained at 518 and is published for 224. */
export function nativeInputSize(spec: BackboneSpec): number {
  if (spec.kind === 'resnet' || (spec.family === 'dinov2' && spec.grid === 37)) return 224;
  return spec.grid * spec.patch;
}

/** For people: `DINOv2 ViT-S/14, 4 registers`. */
export function describeSpec(spec: BackboneSpec): string {
  if (spec.kind === 'resnet') {
    const layers = 2 + (spec.block === 'basic' ? 2 : 3) * spec.blocks.reduce((sum, count) => sum + count, 0);
    return `ResNet-${layers} (${spec.dimension} features)`;
  }
  const sizes: Readonly<Record<string, string>> = { '192/12': 'Ti', '384/12': 'S', '768/12': 'B', '1024/24': 'L', '1536/40': 'g' };
  const size = sizes[`${spec.dimension}/${spec.depth}`] ?? `${spec.dimension}×${spec.depth}`;
  const extras = [spec.registers > 0 ? `${spec.registers} registers` : '', spec.mlp === 'swiglu' ? 'SwiGLU' : ''].filter(
    (text) => text !== '',
  );
  return `${spec.family === 'dinov2' ? 'DINOv2' : 'DINO'} ViT-${size}/${spec.patch}${extras.map((text) => `, ${text}`).join('')}`;
}
