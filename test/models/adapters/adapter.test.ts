import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openAdapter } from '../../../src/models/adapters/adapter.js';
import { mergeLora, pairLora } from '../../../src/models/adapters/lora.js';
import { safetensorsChunks } from '../../../src/models/checkpoint/safetensors.js';
import { asTensors, type NamedArray } from '../../support/random-checkpoints.js';
import { temporaryFolder } from '../../support/temporary.js';

const root = temporaryFolder();
let count = 0;

async function folderWith(files: Readonly<Record<string, NamedArray[] | object>>): Promise<string> {
  const folder = join(root, String(count++));
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    if (!Array.isArray(content)) {
      writeFileSync(path, JSON.stringify(content));
      continue;
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of safetensorsChunks([...asTensors(content as NamedArray[]).values()])) chunks.push(chunk);
    writeFileSync(path, Buffer.concat(chunks));
  }
  return folder;
}

const array = (name: string, shape: number[], ...values: number[]): NamedArray => ({
  name,
  shape,
  values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, index) => values[index % values.length]!),
});
const CONFIG = { peft_type: 'LORA', r: 2, lora_alpha: 8, bias: 'none', target_modules: ['qkv'], task_type: null };
const MODULE = 'base_model.model.blocks.0.attn.qkv';

describe('mergeLora', () => {
  const base = asTensors([array('blocks.0.attn.qkv.weight', [6, 2], 0), array('patch_embed.proj.weight', [2, 3, 2, 2], 1)]);

  it('adds scale · B · A to a linear layer', async () => {
    const lora = asTensors([array(`${MODULE}.lora_A.weight`, [2, 2], 1, 2, 3, 4), array(`${MODULE}.lora_B.weight`, [6, 2], 1, 10)]);
    const merged = mergeLora(
      base,
      pairLora(lora, (_, rank) => 8 / rank, 'adapter'),
      'adapter',
    );
    // [1, 10] · [[1, 2], [3, 4]] = [31, 42], times 8 / 2.
    expect([...(await merged.get('blocks.0.attn.qkv.weight')!.read())]).toEqual(
      Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? 124 : 168)),
    );
    expect([...(await base.get('blocks.0.attn.qkv.weight')!.read())]).toEqual(new Array(12).fill(0));
  });

  it('adds it to the patch convolution', async () => {
    const lora = asTensors([
      array('patch_embed.proj.lora_A.default.weight', [1, 3, 2, 2], 1, 2, 3),
      array('patch_embed.proj.lora_B.default.weight', [2, 1, 1, 1], 1, 2),
    ]);
    const merged = mergeLora(
      base,
      pairLora(lora, () => 1, 'adapter'),
      'adapter',
    );
    const values = [...(await merged.get('patch_embed.proj.weight')!.read())];
    expect(values).toEqual([2, 3, 4, 2, 3, 4, 2, 3, 4, 2, 3, 4, 3, 5, 7, 3, 5, 7, 3, 5, 7, 3, 5, 7]);
  });

  it('adds query and value of Hugging Face to their rows', async () => {
    const at = 'base_model.model.encoder.layer.0.attention.attention';
    const lora = asTensors(
      ['query', 'value'].flatMap((role, index) => [
        array(`${at}.${role}.lora_A.weight`, [1, 2], 1),
        array(`${at}.${role}.lora_B.weight`, [2, 1], index + 1),
      ]),
    );
    const merged = mergeLora(
      base,
      pairLora(lora, () => 1, 'adapter'),
      'adapter',
    );
    expect([...(await merged.get('blocks.0.attn.qkv.weight')!.read())]).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 2, 2, 2, 2]);
  });

  it.each([
    [
      'a layer that does not exist',
      array('blocks.9.attn.qkv.lora_A.weight', [1, 2], 1),
      array('blocks.9.attn.qkv.lora_B.weight', [6, 1], 1),
      /blocks\.9\.attn\.qkv does not exist/,
    ],
    [
      'a layer of another width',
      array('blocks.0.attn.qkv.lora_A.weight', [1, 3], 1),
      array('blocks.0.attn.qkv.lora_B.weight', [6, 1], 1),
      /\[6, 2\], its update \[6, 3\]/,
    ],
  ])('refuses %s', (_, a, b, message) => {
    const layers = pairLora(asTensors([a, b]), () => 1, 'adapter');
    expect(() => mergeLora(base, layers, 'adapter')).toThrow(message);
  });

  it('refuses a matrix without its other half', () => {
    expect(() => pairLora(asTensors([array('x.lora_A.weight', [1, 2], 1)]), () => 1, 'adapter')).toThrow(/B missing/);
  });
});

describe('openAdapter', () => {
  const lora = [array(`${MODULE}.lora_A.weight`, [2, 4], 1), array(`${MODULE}.lora_B.weight`, [12, 2], 1)];
  const head = [
    array('fusion_fc.0.weight', [3, 8], 1),
    array('fusion_fc.0.bias', [3], 0),
    ...['weight', 'bias', 'running_mean', 'running_var'].map((name) => array(`fusion_fc.1.${name}`, [3], 1)),
  ];

  it('reads a PEFT folder with its alpha', async () => {
    const adapter = await openAdapter(await folderWith({ 'adapter_config.json': CONFIG, 'adapter_model.safetensors': lora }));
    expect(adapter.lora.get(0)).toMatchObject([{ module: 'blocks.0.attn.qkv', scale: 4 }]);
    await adapter.close();
  });

  it('scales by the square root of the rank where asked to', async () => {
    const folder = await folderWith({ 'adapter_config.json': { ...CONFIG, use_rslora: true }, 'adapter_model.safetensors': lora });
    const adapter = await openAdapter(folder);
    expect(adapter.lora.get(0)![0]!.scale).toBeCloseTo(8 / Math.SQRT2, 12);
    await adapter.close();
  });

  it('reads a folder of several backbones with a fusion head', async () => {
    const folder = await folderWith({
      'adapter.json': {
        format: 'lumenmark-adapter',
        version: 1,
        backbones: [{ name: 'gastronet' }, { name: 'dinov2', sha256: 'a'.repeat(64) }],
      },
      'dinov2/adapter_config.json': CONFIG,
      'dinov2/adapter_model.safetensors': lora,
      'fusion-head.safetensors': head,
    });
    const adapter = await openAdapter(folder);
    expect([...adapter.lora.keys()]).toEqual([1]);
    expect(adapter.head!.get('fusion_fc.0.weight')!.shape).toEqual([3, 8]);
    expect(adapter.bases[1]).toEqual({ name: 'dinov2', sha256: 'a'.repeat(64) });
    await adapter.close();
  });

  it('assumes the published alpha for a bare file, and says so', async () => {
    const folder = await folderWith({
      'all.safetensors': [...lora.map((entry) => ({ ...entry, name: entry.name.replace('base_model.model.', 'model2.') })), ...head],
    });
    const adapter = await openAdapter(join(folder, 'all.safetensors'));
    expect(adapter.lora.get(1)![0]!.scale).toBe(8);
    expect(adapter.notes.join()).toContain('16 is assumed');
    await adapter.close();
  });

  it.each([
    ['DoRA', { use_dora: true }, 'use_dora'],
    ['trained biases', { bias: 'all' }, 'bias'],
    ['further saved modules', { modules_to_save: ['head'] }, 'modules_to_save'],
    ['another method', { peft_type: 'IA3' }, 'peft_type'],
  ])('refuses %s', async (_, change, field) => {
    const folder = await folderWith({ 'adapter_config.json': { ...CONFIG, ...change }, 'adapter_model.safetensors': lora });
    await expect(openAdapter(folder)).rejects.toMatchObject({ code: 'adapter-config', message: expect.stringContaining(field) as string });
  });

  it('refuses tensors that belong to no adapter', async () => {
    const folder = await folderWith({
      'adapter_config.json': CONFIG,
      'adapter_model.safetensors': [...lora, array('blocks.0.norm1.weight', [4], 1)],
    });
    await expect(openAdapter(folder)).rejects.toMatchObject({
      code: 'adapter-tensors',
      message: expect.stringContaining('blocks.0.norm1.weight') as string,
    });
  });

  it('refuses half a fusion head', async () => {
    const folder = await folderWith({ 'head.safetensors': head.slice(0, 3) });
    await expect(openAdapter(join(folder, 'head.safetensors'))).rejects.toMatchObject({
      code: 'fusion-head',
      message: expect.stringContaining('running_var is missing') as string,
    });
  });

  it('says when there is nothing', async () => {
    await expect(openAdapter(join(root, 'absent'))).rejects.toMatchObject({ code: 'adapter-missing' });
    await expect(openAdapter(await folderWith({ 'x.json': {} }))).rejects.toMatchObject({ code: 'adapter-missing' });
  });
});
