import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/common/errors.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { GraphBuilder } from '../../src/onnx/builder.js';
import { layerNormalization, matMul, reduceMean, reshape, transpose } from '../../src/onnx/ops.js';
import type { VitSpec } from '../../src/models/backbones/spec.js';
import { safetensorsChunks } from '../../src/models/checkpoint/safetensors.js';
import type { RunModel } from '../../src/models/calibration.js';
import { importModel } from '../../src/models/import/import-model.js';
import type { ImportOptions } from '../../src/models/import/options.js';
import type { Model } from '../../src/models/model.js';
import { describeModel, listModels, openModel, removeModel, verifyModelFiles } from '../../src/models/registry.js';
import { asTensors, randomWeights, type NamedArray } from '../support/random-checkpoints.js';
import { relativeError, runGraph } from '../support/run-graph.js';
import { temporaryFolder } from '../support/temporary.js';
import { torchFile, torchTensor } from '../support/torch-file.js';

const root = temporaryFolder();
const GENERAL: VitSpec = {
  kind: 'vit',
  family: 'dinov2',
  dimension: 64,
  depth: 1,
  heads: 1,
  patch: 14,
  grid: 4,
  registers: 2,
  layerScale: true,
  mlp: 'gelu',
  hidden: 128,
};
const ENDOSCOPIC: VitSpec = { ...GENERAL, family: 'dino', patch: 8, grid: 7, registers: 0, layerScale: false };
const SIZE = 56;
const run: RunModel = async (model, pictures) => ({
  device: 'cpu',
  embeddings: (await runGraph(model.graph, pictures.pixels, pictures.count, SIZE))['embedding']!,
});
const pixels = Uint8Array.from({ length: SIZE * SIZE * 3 }, (_, index) => (index * 31) % 256);

function pth(name: string, arrays: readonly NamedArray[]): string {
  const path = join(root, name);
  writeFileSync(path, torchFile(new Map(arrays.map((entry) => [entry.name, torchTensor(entry.shape, entry.values)]))));
  return path;
}

async function safetensors(path: string, arrays: readonly NamedArray[]): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of safetensorsChunks([...asTensors(arrays).values()])) chunks.push(chunk);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, Buffer.concat(chunks));
  return path;
}

const general = pth('dinov2.pth', randomWeights(GENERAL, 1));
const endoscopic = pth('VITS_GastroNet-like.pth', randomWeights(ENDOSCOPIC, 2));
const home = (name: string): string => join(root, 'homes', name);
const options = (name: string, more: Partial<ImportOptions> = {}): ImportOptions => ({
  name: 'dual',
  home: home(name),
  backbones: [{ path: endoscopic }, { path: general }],
  run,
  ...more,
});
const everythingIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String) : []);

describe('importing a model', () => {
  it('makes a model that the registry opens, with a manifest of all its parts', async () => {
    const { manifest, folder } = await importModel(options('whole'));
    expect(manifest.backbones.map(({ name, architecture, positions }) => [name, architecture, positions])).toEqual([
      ['gastronet', 'DINO ViT-64×1/8', 'scale-factor'],
      ['dinov2', 'DINOv2 ViT-64×1/14, 2 registers', 'antialias'],
    ]);
    expect(manifest.parts.map(({ name }) => name)).toEqual(['backbone:gastronet', 'backbone:dinov2']);
    expect(manifest.parts[0]!.licence).toContain('CC-BY-NC-ND-4.0');
    const model = (await openModel('dual', { home: home('whole') })) as Model;
    expect(model).toMatchObject({ name: 'dual', dimension: 128, input: { width: SIZE, height: SIZE }, backbones: ['gastronet', 'dinov2'] });
    const outputs = await runGraph(model.graph, pixels, 1, SIZE);
    expect(Object.keys(outputs).sort()).toEqual(['embedding', 'feature:dinov2', 'feature:gastronet', 'quality']);
    expect(Math.hypot(...outputs['embedding']!)).toBeCloseTo(1, 5);
    expect((await verifyModelFiles('dual', { home: home('whole') })).every(({ state }) => state === 'intact')).toBe(true);
    appendFileSync(join(folder, 'model.onnx'), 'x');
    expect((await verifyModelFiles('dual', { home: home('whole') })).find(({ file }) => file === 'model.onnx')?.state).toBe('changed');
  });

  it('gives one fingerprint for the same weights from another format, another one for anything that moves the embedding', async () => {
    const same = await safetensors(join(root, 'same.safetensors'), randomWeights(GENERAL, 1));
    const other = pth('other.pth', randomWeights(GENERAL, 9));
    const fingerprint = async (name: string, more: Partial<ImportOptions>): Promise<string> =>
      (await importModel(options(name, more))).manifest.fingerprint;
    const reference = await fingerprint('a', { backbones: [{ path: general }] });
    expect(await fingerprint('b', { backbones: [{ path: same, name: 'renamed' }] })).toBe(reference);
    const others = [
      await fingerprint('c', { backbones: [{ path: other }] }),
      await fingerprint('d', { backbones: [{ path: general }], precision: 'int8' }),
      await fingerprint('e', { backbones: [{ path: general }], positions: 'plain' }),
      await fingerprint('f', {
        backbones: [{ path: general }],
        inputSize: 112,
        run: () => Promise.resolve({ device: 'cpu', embeddings: Float32Array.of(1) }),
      }),
      await fingerprint('g', { backbones: [{ path: general }, { path: endoscopic }] }),
      await fingerprint('h', { backbones: [{ path: endoscopic }, { path: general }] }),
    ];
    expect(new Set([reference, ...others]).size).toBe(others.length + 1);
  });

  it('merges an adapter of finetune, and refuses it for other weights', async () => {
    const { manifest } = await importModel(options('base'));
    const folder = join(root, 'adapter');
    const lora = [
      { name: 'base_model.model.blocks.0.mlp.fc1.lora_A.weight', shape: [2, 64], values: new Float32Array(128).fill(0.1) },
      { name: 'base_model.model.blocks.0.mlp.fc1.lora_B.weight', shape: [128, 2], values: new Float32Array(256).fill(0.1) },
    ];
    await safetensors(join(folder, 'dinov2/adapter_model.safetensors'), lora);
    writeFileSync(join(folder, 'dinov2/adapter_config.json'), JSON.stringify({ peft_type: 'LORA', r: 2, lora_alpha: 4 }));
    const bases = manifest.parts.map(({ name, sha256 }) => ({ name: name.replace('backbone:', ''), sha256 }));
    writeFileSync(join(folder, 'adapter.json'), JSON.stringify({ format: 'lumenmark-adapter', version: 1, backbones: bases }));
    const adapted = await importModel(options('adapted', { adapter: folder }));
    expect(adapted.manifest.adapter).toEqual({ loraLayers: 1, loraParameters: 384, head: null });
    const [before, after] = [
      await runGraph(join(home('base'), 'models/dual/model.onnx'), pixels, 1, SIZE),
      await runGraph(join(adapted.folder, 'model.onnx'), pixels, 1, SIZE),
    ];
    expect(after['feature:gastronet']).toEqual(before['feature:gastronet']);
    expect(relativeError(after['feature:dinov2']!, before['feature:dinov2']!)).toBeGreaterThan(1e-4);
    const licenceOf = async (more: Partial<ImportOptions>): Promise<unknown> => {
      const { manifest: imported } = await importModel(options('licensed', { replace: true, ...more }));
      return imported.parts.find(({ name }) => name === 'adapter');
    };
    expect(await licenceOf({ adapter: folder })).toMatchObject({
      licence: expect.stringMatching(/^derived from gastronet: .*NC/) as string,
      licenceEvidence: 'derived',
    });
    writeFileSync(join(folder, 'adapter.json'), JSON.stringify({ format: 'lumenmark-adapter', version: 1, backbones: bases.slice(1) }));
    const alone = { adapter: folder, backbones: [{ path: general }] };
    expect(await licenceOf(alone)).toMatchObject({ licenceEvidence: 'none' });
    expect(await licenceOf({ ...alone, licence: 'MIT' })).toMatchObject({ licence: 'MIT', licenceEvidence: 'given' });
    writeFileSync(join(folder, 'adapter.json'), JSON.stringify({ format: 'lumenmark-adapter', version: 1, backbones: bases }));
    const swapped = options('swapped', { adapter: folder, backbones: [{ path: general }, { path: endoscopic }] });
    await expect(importModel(swapped)).rejects.toMatchObject({ code: 'adapter-base' });
    await expect(importModel(options('lone', { adapter: folder, backbones: [{ path: general }] }))).rejects.toMatchObject({
      code: 'adapter-base',
    });
    expect(everythingIn(join(home('swapped'), 'models'))).toEqual([]);
  });

  it('takes an ONNX export as it is, beside other backbones', async () => {
    const graph = new GraphBuilder({ name: 'export' });
    const input = graph.input('pixel_values', 'float32', ['batch', 3, SIZE, SIZE]);
    const patches = reshape(transpose(reshape(input, ['batch', 3, 7, 8, 7, 8]), [0, 2, 4, 1, 3, 5]), ['batch', 49, 192]);
    const tokens = matMul(
      patches,
      graph.constant(
        'weight',
        'float32',
        [192, 16],
        Float32Array.from({ length: 192 * 16 }, (_, index) => Math.sin(index)),
      ),
    );
    const ones = graph.constant('ones', 'float32', [16], new Float32Array(16).fill(1));
    graph.output('last_hidden_state', layerNormalization(tokens, ones, null, 1e-6));
    graph.output('pooled', reduceMean(tokens, [1], { keepDimensions: false }));
    const path = join(root, 'export.onnx');
    writeFileSync(path, encodeModel(graph.model()));
    const { folder, manifest } = await importModel(options('onnx', { backbones: [{ path, name: 'foreign' }, { path: general }] }));
    expect(manifest.backbones[0]!.spec).toMatchObject({ kind: 'onnx', output: 'last_hidden_state', dimension: 16 });
    const outputs = await runGraph(join(folder, 'model.onnx'), pixels, 1, SIZE);
    const expected = firstToken(pixels);
    expect(relativeError(outputs['feature:foreign']!, expected)).toBeLessThan(1e-5);
  });

  it.each([
    [
      'two backbones of different input size',
      { backbones: [{ path: general }, { path: pth('large.pth', randomWeights({ ...ENDOSCOPIC, grid: 12 }, 3)) }] },
      'input-size',
    ],
    ['an input that is not made of whole patches', { inputSize: 60 }, 'input-size'],
    [
      'NaN among the weights',
      {
        backbones: [
          {
            path: pth(
              'nan.pth',
              randomWeights(GENERAL, 1).map((entry) =>
                entry.name === 'norm.bias' ? { ...entry, values: entry.values.fill(NaN, 3, 4) } : entry,
              ),
            ),
          },
        ],
      },
      'weights-not-finite',
    ],
    [
      'infinite weights',
      {
        backbones: [
          {
            path: pth(
              'inf.pth',
              randomWeights(GENERAL, 1).map((entry) =>
                entry.name === 'norm.bias' ? { ...entry, values: entry.values.fill(-Infinity, 3, 4) } : entry,
              ),
            ),
          },
        ],
      },
      'weights-not-finite',
    ],
    ['a model that answers NaN', { run: () => Promise.resolve({ device: 'cpu', embeddings: Float32Array.of(NaN) }) }, 'model-not-finite'],
    ['a file that is not there', { backbones: [{ path: join(root, 'absent.pth') }] }, 'checkpoint-unreadable'],
    ['a name that is a path', { name: '../evil' }, 'model-name'],
    ['the name of the built-in model', { name: 'descriptors' }, 'model-name'],
    ['no backbone', { backbones: [] }, 'backbone'],
  ] satisfies [string, Partial<ImportOptions>, string][])('refuses %s and leaves nothing behind', async (_, more, code) => {
    await expect(importModel(options('refused', more))).rejects.toMatchObject({ code });
    expect(everythingIn(home('refused')).filter((path) => path !== 'models')).toEqual([]);
  });

  it('refuses a variant below the bound unless forced, and writes down what it measured', async () => {
    const noisy: RunModel = async (model, pictures, device) => {
      const { embeddings } = await run(model, pictures, device);
      const variant = typeof model.graph === 'string' && !model.graph.endsWith('reference.onnx');
      return { device: 'cpu', embeddings: variant ? embeddings.map((value, index) => value + 0.1 * Math.sin(index)) : embeddings };
    };
    await expect(importModel(options('parity', { precision: 'int8', run: noisy }))).rejects.toMatchObject({ code: 'model-parity' });
    expect(everythingIn(join(home('parity'), 'models'))).toEqual([]);
    const { manifest, folder } = await importModel(options('parity', { precision: 'int8', run: noisy, force: true }));
    expect(manifest.parity).toMatchObject([{ precision: 'int8', passed: false, pictures: 24 }]);
    expect(manifest.parity[0]!.cosine.min).toBeLessThan(0.98);
    expect(readdirSync(folder).sort()).toEqual(['manifest.json', 'model.onnx', 'parts']);
  });

  it.each(['fp16', 'int8'] as const)('accepts an honest %s variant', async (precision) => {
    const { manifest } = await importModel(options(`honest-${precision}`, { precision }));
    expect(manifest.parity).toMatchObject([{ precision, device: 'cpu', passed: true }]);
    expect(manifest.parity[0]!.cosine.min).toBeLessThan(1);
  });

  it('keeps the old model when its replacement fails', async () => {
    const first = await importModel(options('replace'));
    await expect(importModel(options('replace'))).rejects.toBeInstanceOf(UsageError);
    await expect(
      importModel(options('replace', { replace: true, run: () => Promise.reject(new Error('driver crashed')) })),
    ).rejects.toThrow('driver crashed');
    expect((await describeModel('dual', { home: home('replace') })).manifest).toEqual(first.manifest);
    const second = await importModel(options('replace', { replace: true, backbones: [{ path: general }] }));
    expect((await describeModel('dual', { home: home('replace') })).manifest.fingerprint).toBe(second.manifest.fingerprint);
    expect(readdirSync(join(home('replace'), 'models'))).toEqual(['dual']);
  });

  // A limit on the size of files stands for a full disk: the write fails half-way, in a real process.
  it.skipIf(process.platform !== 'linux')('leaves nothing half-written when the disk is full', () => {
    const script = `
      import { importModel } from ${JSON.stringify(new URL('../../dist/models/import/import-model.js', import.meta.url).href)};
      try {
        await importModel({ name: 'dual', home: ${JSON.stringify(home('full'))}, backbones: [{ path: ${JSON.stringify(general)} }], run: () => Promise.reject(new Error('not reached')) });
      } catch (error) {
        process.stdout.write(error.code);
      }`;
    const { stdout } = spawnSync(
      'bash',
      ['-c', `trap '' XFSZ; ulimit -f 100; exec "$0" --input-type=module -e "$1"`, process.execPath, script],
      {
        encoding: 'utf8',
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
      },
    );
    expect(stdout).toBe('disk-full');
    expect(everythingIn(join(home('full'), 'models'))).toEqual([]);
  });
});

describe('the registry', () => {
  it('lists models, damaged ones too, and removes them', async () => {
    await importModel(options('list'));
    mkdirSync(join(home('list'), 'models/broken'));
    mkdirSync(join(home('list'), 'models/.partial-0123'));
    const kinds = (await listModels({ home: home('list') })).filter(({ kind }) => kind !== 'shipped').map(({ name, kind }) => [name, kind]);
    expect(kinds).toEqual([
      ['descriptors', 'built-in'],
      ['broken', 'damaged'],
      ['dual', 'imported'],
    ]);
    await removeModel('broken', { home: home('list') });
    await removeModel('dual', { home: home('list') });
    await expect(openModel('dual', { home: home('list') })).rejects.toMatchObject({ code: 'model-unknown' });
    await expect(removeModel('dual', { home: home('list') })).rejects.toMatchObject({ code: 'model-unknown' });
  });

  it('opens the built-in model', async () => {
    expect(await openModel('descriptors', { home: home('empty') })).toHaveProperty('base');
  });

  it('says which manifest is damaged and where', async () => {
    const { folder } = await importModel(options('damaged'));
    const path = join(folder, 'manifest.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"dimension": 128', '"dimension": "many"'));
    await expect(openModel('dual', { home: home('damaged') })).rejects.toMatchObject({
      code: 'model-manifest',
      message: expect.stringContaining('dimension') as string,
    });
  });
});

/** What the export in the test computes, by hand. */
function firstToken(picture: Uint8Array): number[] {
  const [mean, std] = [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ];
  const token = Array.from({ length: 16 }, (_, output) => {
    let sum = 0;
    for (let channel = 0; channel < 3; channel++) {
      for (let y = 0; y < 8; y++) {
        for (let x = 0; x < 8; x++)
          sum +=
            ((picture[(y * SIZE + x) * 3 + channel]! / 255 - mean[channel]!) / std[channel]!) *
            Math.sin(((channel * 8 + y) * 8 + x) * 16 + output);
      }
    }
    return sum;
  });
  const average = token.reduce((sum, value) => sum + value, 0) / 16;
  const variance = token.reduce((sum, value) => sum + (value - average) ** 2, 0) / 16;
  return token.map((value) => (value - average) / Math.sqrt(variance + 1e-6));
}
