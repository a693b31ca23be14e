import { describe, expect, it } from 'vitest';
import { inferBackbone } from '../../../src/models/backbones/backbone.js';
import { expectedTensors, parameterCount, type VitSpec } from '../../../src/models/backbones/spec.js';
import { selectBackbone, unwrapStateDict } from '../../../src/models/backbones/state-dict.js';
import type { CheckpointTensor, CheckpointValue, TensorFile } from '../../../src/models/checkpoint/tensor.js';
import { asTensors, DINOV2_VITS14_REG, GASTRONET_VITS16, randomWeights, RESNET50 } from '../../support/random-checkpoints.js';

type Tensors = Map<string, CheckpointTensor>;

const SMALL: VitSpec = {
  kind: 'vit',
  family: 'dinov2',
  dimension: 64,
  depth: 2,
  heads: 1,
  patch: 14,
  grid: 4,
  registers: 2,
  layerScale: true,
  mlp: 'gelu',
  hidden: 256,
};
const DINO: VitSpec = { ...SMALL, family: 'dino', patch: 8, registers: 0, layerScale: false };
const SWIGLU: VitSpec = { ...SMALL, mlp: 'swiglu', hidden: 170 };
const BARE: VitSpec = { ...SMALL, registers: 0 };
const small = (spec = SMALL): Tensors => asTensors(randomWeights(spec, 1));
const shapesOf = (spec: typeof SMALL | typeof RESNET50): Tensors =>
  new Map(
    [...expectedTensors(spec)].map(([name, shape]) => [
      name,
      { name, type: 'float32', shape, read: () => Promise.reject(new Error('not to be read')) },
    ]),
  );
const refusal = (tensors: Tensors): { code?: string; message: string } => {
  try {
    inferBackbone(tensors, 'file');
  } catch (error) {
    return error as Error;
  }
  throw new Error('not refused');
};
const file = (root: CheckpointValue): TensorFile => ({ path: 'file', format: 'pytorch', root, close: () => Promise.resolve() });
const prefixed = (tensors: Tensors, prefix: string): Tensors => new Map([...tensors].map(([name, tensor]) => [prefix + name, tensor]));

describe('architectures', () => {
  it.each([
    ['DINOv2 ViT-S/14, 4 registers', DINOV2_VITS14_REG, 176, 22_058_112],
    ['DINO ViT-S/16', GASTRONET_VITS16, 150, 21_665_664],
  ] as const)('%s has the tensors and parameters of the published file', (_, spec, tensors, parameters) => {
    // The mask token is in the file but not in the network that gives the feature.
    const unused = spec.family === 'dinov2' ? 1 : 0;
    expect(expectedTensors(spec).size + unused).toBe(tensors);
    expect(parameterCount(spec) + unused * spec.dimension).toBe(parameters);
  });

  it('knows ResNet-50', () => {
    const { spec } = inferBackbone(shapesOf(RESNET50), 'file');
    expect(spec).toEqual(RESNET50);
    // torchvision's 25,557,032 without the classifier.
    expect(parameterCount(RESNET50)).toBe(23_508_032);
  });

  it.each([
    ['registers and LayerScale', SMALL],
    ['SwiGLU', SWIGLU],
    ['DINO with patches of 8', DINO],
    ['no registers', BARE],
  ])('are inferred whole: %s', (_, spec) => {
    const found = inferBackbone(small(spec), 'file');
    expect(found.spec).toEqual(spec);
    expect(found.tensors.size).toBe(expectedTensors(spec).size);
  });

  it('refuse a file that lacks tensors, and name them', () => {
    const tensors = small();
    tensors.delete('blocks.1.attn.qkv.bias');
    tensors.delete('blocks.0.ls1.gamma');
    const { code, message } = refusal(tensors);
    expect(code).toBe('backbone-tensors');
    expect(message).toContain('2 missing: blocks.0.ls1.gamma, blocks.1.attn.qkv.bias');
  });

  it('refuse a file with more tensors, and name them', () => {
    const tensors = small();
    tensors.set('blocks.0.attn.relative_bias', tensors.get('norm.bias')!);
    expect(refusal(tensors).message).toContain('1 unexpected: blocks.0.attn.relative_bias');
  });

  it('refuse a tensor of another shape, and say both', () => {
    const tensors = small();
    tensors.set('blocks.1.mlp.fc2.bias', { ...tensors.get('norm.bias')!, shape: [65] });
    expect(refusal(tensors).message).toContain('blocks.1.mlp.fc2.bias is [65] instead of [64]');
  });

  it.each([
    ['an uneven grid', 'pos_embed', [1, 18, 64], 'backbone-unknown'],
    ['a width without heads of 64', 'cls_token', [1, 1, 63], 'backbone-unknown'],
    ['no patch embedding', 'patch_embed.proj.weight', [], 'backbone-unknown'],
  ])('refuse %s', (_, name, shape, code) => {
    const tensors = small();
    tensors.set(name, { ...tensors.get(name)!, shape });
    expect(refusal(tensors).code).toBe(code);
  });

  it('read chunked block names and say so', () => {
    const tensors: Tensors = new Map(
      [...small()].map(([name, tensor]) => [
        name.replace(/^blocks\.(\d+)\./, (_, block: string) => `blocks.${block === '0' ? '0' : '1'}.${block}.`),
        tensor,
      ]),
    );
    const { spec, notes } = inferBackbone(tensors, 'file');
    expect(spec).toEqual(SMALL);
    expect(notes.join()).toContain('chunked');
  });
});

describe("Hugging Face's names", () => {
  const rename = (name: string): string =>
    name
      .replace(/^(cls_token|mask_token|register_tokens)$/, 'embeddings.$1')
      .replace(/^pos_embed$/, 'embeddings.position_embeddings')
      .replace(/^patch_embed\.proj/, 'embeddings.patch_embeddings.projection')
      .replace(/^blocks\.(\d+)\./, 'encoder.layer.$1.')
      .replace('attn.proj', 'attention.output.dense')
      .replace(/ls([12])\.gamma/, 'layer_scale$1.lambda1')
      .replace(/^norm\./, 'layernorm.');
  const asDino = (name: string): string =>
    rename(name)
      .replace('norm1', 'layernorm_before')
      .replace('norm2', 'layernorm_after')
      .replace('mlp.fc1', 'intermediate.dense')
      .replace('mlp.fc2', 'output.dense');

  const split = (tensors: Tensors, naming: (name: string) => string): Tensors => {
    const result: Tensors = new Map();
    for (const [name, tensor] of tensors) {
      const renamed = naming(name);
      if (!name.includes('attn.qkv')) {
        result.set(renamed, tensor);
        continue;
      }
      ['query', 'key', 'value'].forEach((role, index) => {
        const shape = [tensor.shape[0]! / 3, ...tensor.shape.slice(1)];
        const read = async (): Promise<Float32Array<ArrayBuffer>> => {
          const values = await tensor.read();
          return values.slice((index * values.length) / 3, ((index + 1) * values.length) / 3);
        };
        result.set(renamed.replace('attn.qkv', `attention.attention.${role}`), { ...tensor, shape, read });
      });
    }
    return result;
  };

  it.each([
    ['DINOv2 with registers', SMALL, rename, 'dinov2_with_registers.'],
    ['DINO as ViTModel', DINO, asDino, ''],
  ])('give the same weights: %s', async (_, spec, naming, prefix) => {
    const original = small(spec);
    const named = prefixed(split(original, naming), prefix);
    if (spec === DINO) named.set('pooler.dense.weight', original.get('norm.weight')!);
    const found = inferBackbone(selectBackbone(named, 'file').tensors, 'file');
    expect(found.spec).toEqual(spec);
    for (const [name, tensor] of found.tensors) expect(await tensor.read(), name).toEqual(await original.get(name)!.read());
  });

  it('refuse a layer without its key', () => {
    const named = split(small(), rename);
    named.delete('encoder.layer.1.attention.attention.key.weight');
    const { message } = refusal(named);
    expect(message).toContain('missing: blocks.1.attn.qkv.weight');
  });
});

describe('training checkpoints', () => {
  it('give the teacher, and say what was left aside', () => {
    const teacher = prefixed(small(), 'module.backbone.');
    teacher.set('module.head.last_layer.weight_g', small().get('norm.bias')!);
    const { tensors, notes } = unwrapStateDict(
      file(
        new Map<string, CheckpointValue>([
          ['student', small()],
          ['teacher', teacher],
          ['epoch', 3],
        ]),
      ),
    );
    expect(notes).toEqual(['took `teacher`, left aside `student`, `epoch`']);
    const selected = selectBackbone(tensors, 'file');
    expect(selected.notes.join()).toContain('module.backbone.');
    expect(inferBackbone(selected.tensors, 'file').spec).toEqual(SMALL);
  });

  it.each([
    ['MoCo', 'module.encoder_q.', 'module.encoder_k.'],
    ['flat DINOv2', 'teacher.backbone.', 'student.backbone.'],
  ])('give the wanted copy of two: %s', (_, wanted, unwanted) => {
    const both = new Map([...prefixed(small(), wanted), ...prefixed(small(DINO), unwanted)]);
    expect(inferBackbone(selectBackbone(both, 'file').tensors, 'file').spec).toEqual(SMALL);
  });

  it('refuse two backbones of equal standing', () => {
    const both = new Map([...prefixed(small(), 'left.'), ...prefixed(small(), 'right.')]);
    expect(() => selectBackbone(both, 'file')).toThrow(/left.*right/);
  });

  it('refuse tensors beside the backbone that are no head', () => {
    const tensors = prefixed(small(), 'backbone.');
    tensors.set('decoder.weight', small().get('norm.bias')!);
    expect(() => selectBackbone(tensors, 'file')).toThrow(/decoder\.weight/);
  });

  it('refuse a file without tensors', () => {
    expect(() => unwrapStateDict(file(new Map<string, CheckpointValue>([['epoch', 3]])))).toThrow(/no named tensors.*epoch/);
  });
});
