import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { register } from '../../src/cli/finetune.js';
import type { LumenmarkError } from '../../src/common/errors.js';
import { resolveDevice } from '../../src/inference/device.js';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import { openCheckpoint } from '../../src/models/checkpoint/open.js';
import { unwrapStateDict } from '../../src/models/backbones/state-dict.js';
import { describeModel, openModel } from '../../src/models/registry.js';
import type { Model } from '../../src/models/model.js';
import type { ResnetSpec } from '../../src/models/backbones/spec.js';
import { GraphBuilder } from '../../src/onnx/builder.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { conv, reduceMean, relu, reshape } from '../../src/onnx/ops.js';
import { openBackbones, trainable } from '../../src/training/backbones.js';
import { createTrainingStep } from '../../src/training/create-step.js';
import { readInit } from '../../src/training/init.js';
import type { RunRecord, StepRecord } from '../../src/training/run-log.js';
import { randomWeights, RESNET50 } from '../support/random-checkpoints.js';
import { relativeError } from '../support/run-graph.js';
import { describeWithShared, sharedPath } from '../support/shared.js';
import { temporaryFolder } from '../support/temporary.js';
import { torchFile, torchTensor } from '../support/torch-file.js';

const root = temporaryFolder();

async function lumenmark(...args: string[]): Promise<string> {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: unknown) => void lines.push(String(line)));
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const program = new Command('lumenmark').exitOverride().configureOutput({ writeErr: () => undefined });
  register(program);
  for (const command of program.commands) command.exitOverride();
  await program.parseAsync(args, { from: 'user' });
  return lines.join('\n');
}

beforeAll(() => {
  vi.stubEnv('LUMENMARK_HOME', join(root, 'home'));
  return () => vi.unstubAllEnvs();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const stepsOf = (folder: string): StepRecord[] =>
  readFileSync(join(folder, 'run.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RunRecord)
    .filter((record) => record.type === 'step');

describeWithShared('lumenmark finetune, against PyTorch and PEFT', () => {
  it('takes the steps of the reference run, and its adapter is imported to the same embeddings', async () => {
    const fixture = (path: string): string => sharedPath('fixtures', path);
    const out = join(root, 'reference');
    const backbones = ['dino-patch16.pth', 'dinov2-reg4.pth'].map((file) => fixture(`backbones/${file}`));
    await lumenmark(
      'finetune',
      ...backbones.flatMap((file) => ['--backbone', file]),
      ...['--pixels', fixture('inputs/pixels-224-rgb.bin'), '--width', '224', '--height', '224'],
      ...['--labels', fixture('training/trajectory.json'), '--init', fixture('training/initial.safetensors')],
      ...['--steps', '6', '--batch-size', '8', '--order', 'given', '--augment', 'none', '--dropout', '0', '--schedule', 'constant'],
      ...['--lr', '1e-3', '--head-lr', '1e-3', '--weight-decay', '1e-4', '--fusion-dim', '64', '--device', 'cpu', '--threads', '2'],
      ...['--out', out, '--import', 'reference'],
    );
    const expected = z
      .object({ loss: z.array(z.number()), mined_semihard_triplets: z.array(z.number()), gradient_norm_before_clip: z.array(z.number()) })
      .parse(JSON.parse(readFileSync(fixture('training/trajectory.json'), 'utf8')));
    const steps = stepsOf(out);
    expect(steps.map(({ minedTriplets }) => minedTriplets)).toEqual(expected.mined_semihard_triplets);
    for (const [index, { loss, gradientNorm }] of steps.entries()) {
      expect(Math.abs(loss - expected.loss[index]!)).toBeLessThan(1e-4);
      expect(gradientNorm / expected.gradient_norm_before_clip[index]!).toBeCloseTo(1, 3);
    }

    const opened = await openBackbones({ home: root, backbones, seed: 1 });
    const training = { kind: 'lora', rank: 8, alpha: 16, targets: ['qkv', 'proj', 'fc1', 'fc2'], lastBlocks: null } as const;
    const model = { inputSize: 224, backbones: opened.backbones.map((one) => trainable(one, training)), head: { outputs: 64 } };
    const trained = await readInit(out, model);
    const final = await openCheckpoint(fixture('training/final.safetensors'));
    for (const [name, tensor] of unwrapStateDict(final).tensors) {
      const own = name.replace('model1', 'dino').replace('model2', 'dinov2').replace('.default', '');
      const values =
        trained.parameters.get(own) ??
        (name.endsWith('running_mean') ? trained.running!.mean : name.endsWith('running_var') ? trained.running!.variance : null);
      // BatchNorm takes the bias away again: its gradient is rounding alone, which AdamW makes steps of. It walks along with the running mean.
      if (values === null || name === 'fusion_fc.0.bias' || name.endsWith('running_mean')) continue;
      expect(relativeError(values, await tensor.read()), name).toBeLessThan(1e-3);
    }
    await final.close();

    const pixels = new Uint8Array(readFileSync(fixture('inputs/pixels-224-rgb.bin')));
    const step = await createTrainingStep(model, {
      loss: { kind: 'triplet', margin: 0.6, miner: 'semihard', minerMargin: 0.3 },
      dropout: 0,
      microBatch: null,
      recompute: false,
      device: await resolveDevice({ device: 'cpu', threads: 2 }),
    });
    const inTraining = await step.embed({ pixels }, 8, trained.parameters, trained.running);
    await step.dispose();
    await opened.close();
    const imported = (await openModel('reference', { home: join(root, 'home') })) as Model;
    const embedder = await createEmbedder(imported, { device: 'cpu', threads: 2 });
    const { embeddings } = await embedder.embed({ count: 8, width: 224, height: 224, pixels });
    await embedder.dispose();
    expect(Math.max(...embeddings.map((value, index) => Math.abs(value - inTraining[index]!)))).toBeLessThan(1e-4);
  });
});

describe('lumenmark finetune', () => {
  const pictures = join(root, 'pictures');
  const out = join(root, 'run');
  const scratch = [
    '--backbone',
    'vit:dim=64,depth=1,patch=16',
    '--backbone',
    'b=vit:dim=64,depth=1,patch=8',
    '--tune',
    'all',
    '--input-size',
    '32',
  ];
  const quick = ['--epochs', '2', '--batch-size', '8', '--fusion-dim', '16', '--lr', '1e-3', '--device', 'cpu', '--threads', '1'];

  beforeAll(async () => {
    for (const [label, background] of [
      ['antrum', '#a05040'],
      ['pylorus', '#805090'],
    ] as const) {
      mkdirSync(join(pictures, label), { recursive: true });
      for (let number = 0; number < 12; number++) {
        const noise = { type: 'gaussian', mean: 100, sigma: 40 } as const;
        await sharp({ create: { width: 40, height: 40, channels: 3, background, noise } })
          .composite([{ input: { create: { width: 10, height: 10, channels: 3, background } }, left: number * 2, top: 30 - number * 2 }])
          .png()
          .toFile(join(pictures, label, `patient-${number % 4}-${number}.png`));
      }
    }
  });

  it('trains a pair from scratch, is resumed with the flags that it began with, and makes a model', async () => {
    const groups = join(root, 'groups.csv');
    const rows = ['antrum', 'pylorus'].flatMap((label) =>
      Array.from({ length: 12 }, (_, number) => `${label}/patient-${number % 4}-${number}.png;P${number % 4}`),
    );
    writeFileSync(groups, ['path;patient', ...rows].join('\n'));
    const split = ['--groups', groups, '--group-column', 'patient', '--val-fraction', '0.25'];
    await lumenmark('finetune', ...scratch, ...quick, ...split, '--train', pictures, '--out', out);
    const first = JSON.parse(await lumenmark('finetune', '--resume', out, '--json', '--import', 'scratch')) as {
      data: object;
      steps: number;
    };
    expect(first).toMatchObject({ steps: 4, data: { train: 18, val: 6, groups: { train: 3, val: 1 } } });
    const model = (await openModel('scratch', { home: join(root, 'home') })) as Model;
    expect(model).toMatchObject({ dimension: 16, backbones: ['dino', 'b'], input: { width: 32, height: 32 } });
    await expect(lumenmark('finetune', '--resume', out, '--lr', '1')).rejects.toThrow(/--lr: a run goes on with the flags/);
  });

  it('takes the same steps from activations that it keeps, where nothing below them varies', async () => {
    const frozen = [
      '--backbone',
      'vit:dim=64,depth=2,patch=16',
      '--input-size',
      '32',
      '--last-blocks',
      '1',
      '--augment',
      'none',
      '--dropout',
      '0',
    ];
    const losses = async (name: string, ...more: string[]): Promise<number[]> => {
      await lumenmark(
        'finetune',
        ...frozen,
        ...quick,
        ...more,
        '--train',
        pictures,
        '--group-pattern',
        '(patient-[0-9])',
        '--out',
        join(root, name),
      );
      return stepsOf(join(root, name)).map(({ loss }) => loss);
    };
    const plain = await losses('plain');
    const cached = await losses('cached', '--cache');
    expect(cached).toHaveLength(4);
    for (const [step, loss] of cached.entries()) expect(loss).toBeCloseTo(plain[step]!, 4);
  });

  describe('with backbones that are no transformers', () => {
    const resnet = join(root, 'resnet.pth');
    const onnx = join(root, 'foreign.onnx');
    const pair = ['--backbone', `rn=${resnet}`, '--backbone', `foreign=${onnx}`, '--input-size', '32', '--train', pictures];
    const head = [
      ...[
        '--tune',
        'head',
        '--augment',
        'none',
        '--epochs',
        '10',
        '--batch-size',
        '8',
        '--fusion-dim',
        '16',
        '--head-lr',
        '1e-2',
        '--val-fraction',
        '0',
      ],
      ...['--loss', 'supervised-contrastive'],
      ...['--device', 'cpu', '--threads', '1'],
    ];

    beforeAll(() => {
      const spec: ResnetSpec = {
        ...RESNET50,
        dimension: 64,
        stem: 8,
        blocks: [1, 1, 1, 1],
        widths: [4, 8, 8, 16],
      };
      writeFileSync(resnet, torchFile(new Map(randomWeights(spec, 3).map((one) => [one.name, torchTensor(one.shape, one.values)]))));
      // Exports are often of an older operator set than the graphs of a training.
      const graph = new GraphBuilder({ name: 'foreign', opset: 17 });
      const image = graph.input('image', 'float32', ['N', 3, 'H', 'W']);
      const weight = Float32Array.from({ length: 12 * 3 * 16 }, (_, index) => Math.sin(index * index) / 7);
      const maps = relu(conv(image, graph.constant('weight', 'float32', [12, 3, 4, 4], weight), null, { strides: [4, 4] }));
      graph.output('embedding', reshape(reduceMean(maps, [2, 3]), ['N', 12]));
      writeFileSync(onnx, encodeModel(graph.model()));
    });

    it('trains a head on a ResNet and an ONNX graph, which stay as they are, and makes the same model of them', async () => {
      const folder = join(root, 'head');
      await lumenmark('finetune', ...pair, ...head, '--out', folder, '--import', 'head');
      const losses = stepsOf(folder).map(({ loss }) => loss);
      const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
      expect(mean(losses.slice(-3))).toBeLessThan(0.85 * mean(losses.slice(0, 3)));

      const opened = await openBackbones({ home: root, backbones: [`rn=${resnet}`, `foreign=${onnx}`], inputSize: 32, seed: 1 });
      const training = { kind: 'frozen' } as const;
      const model = { inputSize: 32, backbones: opened.backbones.map((one) => trainable(one, training)), head: { outputs: 16 } };
      const trained = await readInit(folder, model);
      const pixels = Uint8Array.from({ length: 2 * 32 * 32 * 3 }, (_, index) => (index * 37) % 251);
      const loss = { kind: 'supervised-contrastive', temperature: 0.1 } as const;
      const device = await resolveDevice({ device: 'cpu', threads: 1 });
      const step = await createTrainingStep(model, { loss, dropout: 0, microBatch: 1, recompute: false, device });
      const inTraining = await step.embed({ pixels }, 2, trained.parameters, trained.running);
      await step.dispose();
      await opened.close();
      const embedder = await createEmbedder((await openModel('head', { home: join(root, 'home') })) as Model, {
        device: 'cpu',
        threads: 1,
      });
      const { embeddings } = await embedder.embed({ count: 2, width: 32, height: 32, pixels });
      await embedder.dispose();
      expect(Math.max(...embeddings.map((value, index) => Math.abs(value - inTraining[index]!)))).toBeLessThan(1e-4);
    });

    it('learns with a proxy per class, which stays behind, and begins anew with them from an adapter', async () => {
      const folder = join(root, 'proxies');
      const withProxies = [...pair, ...head, '--loss', 'normalised-softmax'];
      await lumenmark('finetune', ...withProxies, '--out', folder);
      const losses = stepsOf(folder).map(({ loss }) => loss);
      const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
      expect(mean(losses.slice(-3))).toBeLessThan(0.85 * mean(losses.slice(0, 3)));
      expect(readFileSync(join(folder, 'fusion-head.safetensors')).includes('proxies')).toBe(false);
      expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain('normalised softmax, temperature 0.05');
      await lumenmark('finetune', ...withProxies, '--init', folder, '--out', join(root, 'proxies-again'));
      const [first] = stepsOf(join(root, 'proxies-again'));
      expect(first!.loss).toBeLessThan(0.5 * losses[0]!);
    });

    it('goes on after Ctrl-C to the same bytes, and learns the same from features that it keeps', async () => {
      const headOf = (name: string): string => readFileSync(join(root, name, 'fusion-head.safetensors')).toString('base64');
      const interrupted = lumenmark('finetune', ...pair, ...head, '--out', join(root, 'interrupted'));
      vi.spyOn(console, 'error').mockImplementation((line: unknown) => {
        if (String(line).startsWith('epoch 3')) process.emit('SIGINT');
      });
      await interrupted;
      expect(process.exitCode).toBe(1);
      process.exitCode = undefined;
      expect(stepsOf(join(root, 'interrupted')).length).toBeLessThan(30);
      await lumenmark('finetune', '--resume', join(root, 'interrupted'));
      expect(headOf('interrupted')).toBe(headOf('head'));
      for (const kept of [[], ['--cache']])
        await lumenmark('finetune', ...pair, ...head, ...kept, '--out', join(root, `kept-${kept.length}`));
      expect(headOf('kept-1')).toBe(headOf('kept-0'));
    });

    it('trains a ResNet from scratch, goes on after Ctrl-C to the same bytes, and trains what came of it further', async () => {
      const scratchResnet = [
        '--backbone',
        'rn=resnet:widths=8-16,stem=8',
        '--tune',
        'all',
        '--input-size',
        '32',
        '--train',
        pictures,
        ...quick,
      ];
      const weightsOf = (name: string): string => readFileSync(join(root, name, 'backbones/rn.safetensors')).toString('base64');
      await lumenmark('finetune', ...scratchResnet, '--out', join(root, 'rn'), '--import', 'rn');
      expect(readFileSync(join(root, 'rn/README.md'), 'utf8')).toContain('ResNet-6 (16 features)');
      const { manifest } = await describeModel('rn', { home: join(root, 'home') });
      expect(manifest.backbones[0]?.spec).toMatchObject({ kind: 'resnet', block: 'basic', stemPool: false, stem: 8, widths: [8, 16] });

      const interrupted = lumenmark('finetune', ...scratchResnet, '--out', join(root, 'rn-interrupted'));
      vi.spyOn(console, 'error').mockImplementation((line: unknown) => {
        if (String(line).startsWith('epoch 1')) process.emit('SIGINT');
      });
      await interrupted;
      process.exitCode = undefined;
      await lumenmark('finetune', '--resume', join(root, 'rn-interrupted'));
      expect(weightsOf('rn-interrupted')).toBe(weightsOf('rn'));

      expect(manifest.preprocessing.width).toBe(32);
      const fromModel = ['--model', 'rn', ...scratchResnet.slice(2).filter((flag) => flag !== '--input-size' && flag !== '32')];
      await lumenmark('finetune', ...fromModel, '--out', join(root, 'rn-model'), '--import', 'rn-model');
      expect((await describeModel('rn-model', { home: join(root, 'home') })).manifest.preprocessing.width).toBe(32);
      await expect(lumenmark('finetune', ...fromModel, '--tune', 'lora', '--out', join(root, 'no'))).rejects.toMatchObject({
        remedy: expect.stringContaining('--tune all') as string,
      });

      const further = ['--backbone', `rn=${join(root, 'rn/backbones/rn.safetensors')}`, ...scratchResnet.slice(2)];
      await lumenmark('finetune', ...further, '--out', join(root, 'rn-further'));
      expect(weightsOf('rn-further')).not.toBe(weightsOf('rn'));
    });

    it.each([
      ['widths that are no numbers', 'resnet:widths=a-b', '“widths=a-b”'],
      ['no widths', 'resnet:stem=8', 'widths are needed'],
      ['blocks of other stages', 'resnet:widths=8-16,blocks=1', 'as many stages'],
    ])('refuses a ResNet of %s', async (_, spec, told) => {
      const refused = lumenmark('finetune', '--backbone', spec, '--tune', 'all', '--train', pictures, ...quick, '--out', join(root, 'no'));
      await expect(refused).rejects.toThrow(told);
    });

    it('trains a transformer beside them', async () => {
      const backbones = ['--backbone', 'vit:dim=64,depth=1,patch=16', '--backbone', `foreign=${onnx}`, '--input-size', '32'];
      const folder = join(root, 'mixed');
      await lumenmark('finetune', ...backbones, '--train', pictures, ...quick, '--out', folder, '--import', 'mixed');
      expect(stepsOf(folder)).toHaveLength(4);
      const card = readFileSync(join(folder, 'README.md'), 'utf8');
      expect(card).toContain('ONNX graph (12 features), taken as it is');
      expect(card).not.toMatch(/DINO[^|]*taken as it is/);
      expect((await openModel('mixed', { home: join(root, 'home') })).name).toBe('mixed');
    });

    it.each([
      [[], /Only transformers and, with --tune all, ResNets without max pool are trained inside: rn is a ResNet-14 .*--tune head/s],
      [['--tune', 'all'], /Only transformers and, with --tune all, ResNets without max pool are trained inside/],
      [['--tune', 'head', '--lora-rank', '4'], /--lora-rank has no effect with --tune head/],
      [['--tune', 'all', '--dropout', '0'], /--dropout has no effect with --tune all/],
      [['--tune', 'head', '--lr', '1e-3'], /--lr has no effect with --tune head/],
    ])('refuses %j', async (args, message) => {
      const refused = lumenmark('finetune', ...pair, ...args, '--out', join(root, 'refused')).catch((error: unknown) => error);
      const { message: said, remedy } = (await refused) as LumenmarkError;
      expect(`${said} ${remedy ?? ''}`).toMatch(message);
    });
  });

  it.each([
    [['--train', pictures, ...scratch], /--out/],
    [['--train', pictures, '--out', out], /either a model or its backbones/],
    [['--out', out, ...scratch], /--train/],
    [['--train', pictures, '--out', out, ...scratch, '--lr', '-1'], /lr/],
    [['--train', pictures, '--out', out, ...scratch, '--cache'], /cache/],
    [['--train', pictures, '--out', out, '--backbone', 'vit:dim=100,depth=1,patch=16'], /multiple of 64/],
    [['--train', pictures, '--out', out, ...scratch, '--group-pattern', 'patient'], /group in parentheses/],
    [['--train', join(root, 'nowhere'), '--out', out, ...scratch], /nowhere/],
    [['--train', pictures, '--out', out, '--model', 'descriptors'], /nothing that can be trained/],
    [['--resume', join(root, 'nowhere')], /no run to go on with/],
  ])('refuses %j', async (args, message) => {
    await expect(lumenmark('finetune', ...args)).rejects.toThrow(message);
    rmSync(join(root, 'nowhere'), { recursive: true, force: true });
  });
});
