import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { protocolPage } from '../../src/evaluation/page/protocol-page.js';
import { assembleKim2025, partsByGroup, partsByPicture } from '../../src/evaluation/protocols/assemble.js';
import { KIM2025, type Kim2025Label } from '../../src/evaluation/protocols/kim2025.js';
import { runKim2025 } from '../../src/evaluation/protocols/run-kim2025.js';
import { importModel } from '../../src/models/import/import-model.js';
import { runModel } from '../../src/inference/run-model.js';
import { finetune } from '../../src/training/finetune.js';
import { trainingSettings } from '../../src/training/settings.js';
import { patches, write } from '../retrieval/support.js';
import { temporaryFolder } from '../support/temporary.js';

const root = temporaryFolder();
const KVASIR = join(root, 'kvasir');
const HYPERKVASIR = join(root, 'hyper-kvasir');
const COLOURS: Readonly<Record<Kim2025Label, readonly [number, number, number]>> = {
  esophagitis: [220, 60, 60],
  pylorus: [190, 120, 80],
  'z-line': [90, 90, 200],
  cecum: [90, 170, 90],
  polyps: [170, 170, 60],
  'ulcerative-colitis': [130, 40, 130],
  'retroflex-stomach': [60, 60, 60],
};
const IN_KVASIR = { esophagitis: 'esophagitis', pylorus: 'normal-pylorus', 'z-line': 'normal-z-line', cecum: 'normal-cecum' } as const;
const IN_HYPERKVASIR: Readonly<Record<string, Kim2025Label>> = {
  'lower-gi-tract/anatomical-landmarks/cecum': 'cecum',
  'lower-gi-tract/pathological-findings/polyps': 'polyps',
  'lower-gi-tract/pathological-findings/ulcerative-colitis-grade-2': 'ulcerative-colitis',
  'upper-gi-tract/anatomical-landmarks/retroflex-stomach': 'retroflex-stomach',
};
const PER_CLASS = 10;

beforeAll(async () => {
  let seed = 1;
  for (const [label, folder] of Object.entries(IN_KVASIR))
    for (let at = 0; at < 11; at++)
      await write(join(KVASIR, folder, `${at}.jpg`), await patches(COLOURS[label as keyof typeof IN_KVASIR], seed++));
  for (const [folder, label] of Object.entries(IN_HYPERKVASIR))
    for (let at = 0; at < 11; at++)
      await write(join(HYPERKVASIR, 'labeled-images', folder, `${label}-${at}.jpg`), await patches(COLOURS[label], seed++));
  for (let at = 0; at < 11; at++)
    await copyFile(
      join(KVASIR, 'normal-cecum', `${at}.jpg`),
      join(HYPERKVASIR, 'labeled-images/lower-gi-tract/anatomical-landmarks/cecum', `copy-${at}.jpg`),
    );
});

const SOURCES = { kvasir: KVASIR, hyperkvasir: HYPERKVASIR, seed: KIM2025.seed };

describe('assembleKim2025', () => {
  it('draws the same pictures every time, from both data sets, none twice', async () => {
    const first = await assembleKim2025({ ...SOURCES, perClass: PER_CLASS });
    expect(first.pictures).toHaveLength(7 * PER_CLASS);
    expect(new Set(first.pictures.map(({ sha256 }) => sha256)).size).toBe(7 * PER_CLASS);
    expect(first.copies).toBeGreaterThan(0);
    expect(first.sources['polyps']).toEqual({ kvasir: 0, hyperkvasir: PER_CLASS });
    const { kvasir = 0, hyperkvasir = 0 } = first.sources['cecum'] ?? {};
    expect(Math.min(kvasir, hyperkvasir)).toBeGreaterThan(0);
    expect(await assembleKim2025({ ...SOURCES, perClass: PER_CLASS })).toEqual(first);
  });

  it('says which class has too few', async () => {
    await expect(assembleKim2025({ ...SOURCES, perClass: 500 })).rejects.toThrow(/esophagitis has 11 pictures of 500/);
  });
});

describe('the parts', () => {
  const labels = Array.from({ length: 3500 }, (_, row) => KIM2025.classes[row % 7]!);

  it('are 2800, 350 and 350 pictures, with 50 of every class in the test', () => {
    const parts = partsByPicture(labels, KIM2025.seed);
    const sizes = (part: string): number => parts.filter((other) => other === part).length;
    expect([sizes('train'), sizes('validation'), sizes('test')]).toEqual([2800, 350, 350]);
    for (const label of KIM2025.classes) expect(parts.filter((part, row) => part === 'test' && labels[row] === label)).toHaveLength(50);
  });

  it('part no group where they hold look-alikes apart', () => {
    const groups = labels.map((_, row) => Math.floor(row / 5));
    const parts = partsByGroup(labels, groups);
    groups.forEach((group, row) => {
      expect(parts[row]).toBe(parts[group * 5]);
    });
    expect(parts.filter((part) => part === 'test').length).toBeGreaterThan(300);
  });
});

describe('runKim2025', () => {
  const options = { ...SOURCES, home: join(root, 'home'), out: join(root, 'out'), perClass: PER_CLASS, command: 'lumenmark evaluate' };

  it('tests a model that cannot be trained as it is, and says so', async () => {
    const { result } = await runKim2025({ ...options, model: 'descriptors', untrained: false });
    expect(result).toMatchObject({ untrained: 'descriptors has nothing to train', assembled: { pictures: 70, perClass: PER_CLASS } });
    expect(result.runs.map(({ name, trained, report }) => [name, trained, report.n])).toEqual([
      ['as published', null, 7],
      ['held apart', null, result.runs[1]!.report.n],
    ]);
    const page = protocolPage(result, 'lumenmark evaluate');
    expect(page).toContain('Nothing was trained');
    expect(page).toContain('97.71 %');
    expect(page).not.toMatch(/NaN|undefined/);
  });

  it('trains the backbones of a model on each split, and tests what came of it', async () => {
    const run = join(root, 'random');
    const { result: random } = await finetune({
      backbones: { home: options.home, backbones: ['one=vit:dim=64,depth=1,patch=16', 'two=vit:dim=64,depth=1,patch=16'], inputSize: 32 },
      training: { kind: 'frozen' },
      fusionDim: 16,
      data: {
        origin: { kind: 'folders', train: KVASIR, val: null },
        valFraction: 0,
        groupOf: null,
        fieldOfView: 'none',
        keepLabels: false,
      },
      settings: trainingSettings({ steps: 1, augment: 'none', batchSize: 8 }),
      microBatch: 'auto',
      recompute: false,
      out: run,
      resume: false,
    });
    const backbones = random!.backbones.map(({ name, path }) => ({ name, path }));
    await importModel({ name: 'tiny', home: options.home, backbones, inputSize: 32, run: runModel });
    const { result } = await runKim2025({ ...options, model: 'tiny', untrained: false, steps: 2, device: 'cpu' });
    expect(result.untrained).toBeNull();
    expect(result.runs.map(({ trained }) => trained)).toEqual(['kim2025-as-published', 'kim2025-held-apart']);
    const [first] = result.runs;
    expect(first?.report.model?.name).toBe('kim2025-as-published');
    expect((await readdir(join(options.out, 'as-published/pictures/test'))).sort()).toEqual([...KIM2025.classes].sort());
    expect(await readdir(join(options.out, 'as-published/pictures/train/cecum'))).toHaveLength(8);
  });
});
