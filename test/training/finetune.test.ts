import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import { openAdapter } from '../../src/models/adapters/adapter.js';
import { finetune, type FinetuneOptions } from '../../src/training/finetune.js';
import type { RunRecord } from '../../src/training/run-log.js';
import { trainingSettings } from '../../src/training/settings.js';
import { fakeSteps } from '../support/fake-training-step.js';
import { temporaryFolder } from '../support/temporary.js';

const folder = temporaryFolder();
const pictures = join(folder, 'pictures');
const SIDE = 40;

/** Three classes that differ in where they are bright, eight patients each with three pictures, in noise that hides it from an untrained eye. */
beforeAll(async () => {
  const random = seededRandom(5);
  for (const [place, label] of ['antrum', 'pylorus', 'cecum'].entries()) {
    mkdirSync(join(pictures, label), { recursive: true });
    for (let patient = 0; patient < 8; patient++) {
      for (let number = 0; number < 3; number++) {
        const pixels = Buffer.alloc(SIDE * SIDE * 3);
        const blobs = Array.from({ length: 6 }, () => [random() * SIDE, random() * SIDE, random() * 160] as const);
        for (let y = 0; y < SIDE; y++) {
          for (let x = 0; x < SIDE; x++) {
            const hidden = Math.hypot(x - 8 - 12 * place, y - 20) < 5 ? 60 : 0;
            const noise = blobs.reduce((sum, [bx, by, level]) => sum + (Math.hypot(x - bx, y - by) < 7 ? level : 0), 0);
            pixels.fill(Math.min(255, 50 + hidden + noise + 10 * random()), (y * SIDE + x) * 3, (y * SIDE + x) * 3 + 3);
          }
        }
        await sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } })
          .png()
          .toFile(join(pictures, label, `p${patient}_${number}.png`));
      }
    }
  }
});

const patientOf = (name: string): string | null => /p(\d)_/.exec(name)?.[1] ?? null;

function options(name: string, more: Partial<FinetuneOptions> = {}): FinetuneOptions {
  return {
    backbones: { home: folder, backbones: ['vit:dim=64,depth=1,patch=16'], inputSize: 32 },
    training: { kind: 'all' },
    fusionDim: 8,
    data: {
      origin: { kind: 'folders', train: pictures, val: null },
      valFraction: 0.25,
      groupOf: patientOf,
      fieldOfView: 'none',
      keepLabels: false,
    },
    settings: trainingSettings({ epochs: 5, batchSize: 12, augment: 'none', headLr: 0.03, seed: 1 }),
    device: 'cpu',
    microBatch: 'auto',
    recompute: false,
    out: join(folder, name),
    resume: false,
    createStep: fakeSteps(),
    ...more,
  };
}

const records = (name: string): RunRecord[] =>
  readFileSync(join(folder, name, 'run.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RunRecord);
/** What a run logs, without the time that it took. */
const story = (name: string) => records(name).map((record) => ({ ...record, elapsedMs: 0 }));
const bytesOf = (name: string) =>
  ['fusion-head.safetensors', 'backbones/dino.safetensors'].map((file) => readFileSync(join(folder, name, file)).toString('base64'));

describe('finetune', () => {
  it('learns, and writes adapter, card, log, page and checkpoints', async () => {
    const report = await finetune(options('whole'));
    expect(report.finished).toBe(true);
    expect(report.data).toMatchObject({ train: 54, val: 18, groups: { train: 6, val: 2 } });
    expect(report.after!.recallAt1).toBeGreaterThan(report.before!.recallAt1 + 0.2);
    const steps = records('whole').filter((record) => record.type === 'step');
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, step) => step));
    expect(Object.keys(steps[0]!)).toEqual(expect.arrayContaining(['loss', 'minedTriplets', 'gradientNorm']));
    expect(records('whole').filter((record) => record.type === 'epoch')).toHaveLength(6);
    expect(readdirSync(join(folder, 'whole')).sort()).toEqual(
      ['README.md', 'adapter.json', 'backbones', 'checkpoints', 'fusion-head.safetensors', 'run.html', 'run.ndjson'].sort(),
    );
    const card = readFileSync(join(folder, 'whole', 'README.md'), 'utf8');
    expect(card).toContain('| antrum | 18 | 6 |');
    expect(card).toContain('Research use only');
    expect(readFileSync(join(folder, 'whole', 'run.html'), 'utf8')).toContain('Validation Recall@1');
    const adapter = await openAdapter(join(folder, 'whole'));
    expect(adapter.head?.get('fusion_fc.1.running_var')?.shape).toEqual([8]);
    await adapter.close();
  });

  it('gives the same result for the same seed, and another one for another', async () => {
    await finetune(options('again'));
    expect(bytesOf('again')).toEqual(bytesOf('whole'));
    await finetune(options('other', { settings: trainingSettings({ epochs: 5, batchSize: 12, augment: 'none', headLr: 0.03, seed: 2 }) }));
    expect(bytesOf('other')).not.toEqual(bytesOf('whole'));
  });

  it.each([
    ['in the middle of an epoch', 6],
    ['at the end of an epoch', 8],
    ['before the last step', 19],
  ])('goes on to the same bits after an interruption %s', async (_, at) => {
    const name = `interrupted-${at}`;
    const controller = new AbortController();
    const createStep = fakeSteps({
      onRun: (run) => {
        if (run === at) controller.abort();
      },
    });
    const settings = trainingSettings({ epochs: 5, batchSize: 12, headLr: 0.03, seed: 1 });
    await finetune(options('augmented', { settings }));
    const first = await finetune(options(name, { settings, createStep, signal: controller.signal }));
    expect(first).toMatchObject({ finished: false, result: null });
    expect(first.steps).toBe(at + 1);
    expect(existsSync(join(folder, name, 'adapter.json'))).toBe(false);
    const second = await finetune(options(name, { settings, resume: true }));
    expect(second.finished).toBe(true);
    expect(story(name)).toEqual(story('augmented'));
    expect(bytesOf(name)).toEqual(bytesOf('augmented'));
  });

  it('stops at a loss that is no number, with the batch and the last good state', async () => {
    const error: unknown = await finetune(options('nan', { createStep: fakeSteps({ nanAt: 9 }) })).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'training-diverged',
      message: expect.stringMatching(/^Step 9 \(epoch 2\).*antrum\/p\d_\d\.png.*last\.checkpoint, after epoch 1/s) as string,
    });
    // The state before it is still good.
    expect((await finetune(options('nan', { resume: true }))).finished).toBe(true);
    expect(story('nan')).toEqual(story('whole'));
  });

  it('refuses a checkpoint of another model, other data, other settings, or none at all', async () => {
    await finetune(options('mine'));
    const resumed = (more: Partial<FinetuneOptions>) => finetune(options('mine', { resume: true, ...more }));
    await expect(resumed({ fusionDim: 16 })).rejects.toMatchObject({
      code: 'checkpoint-other',
      message: expect.stringContaining('another model') as string,
    });
    await expect(
      resumed({ settings: trainingSettings({ epochs: 9, batchSize: 12, augment: 'none', headLr: 0.03, seed: 1 }) }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('other settings') as string,
    });
    await expect(resumed({ data: { ...options('mine').data, valFraction: 0.5 } })).rejects.toMatchObject({
      message: expect.stringContaining('other pictures') as string,
    });
    writeFileSync(join(folder, 'mine/checkpoints/last.checkpoint'), 'not a checkpoint at all');
    await expect(resumed({})).rejects.toMatchObject({ code: 'checkpoint-damaged' });
    rmSync(join(folder, 'mine/checkpoints/last.checkpoint'));
    await expect(resumed({})).rejects.toMatchObject({ code: 'checkpoint-missing' });
  });

  it('says what is wrong with the pictures', async () => {
    const make = (name: string, entries: Readonly<Record<string, readonly string[]>>): FinetuneOptions['data'] => {
      for (const [label, files] of Object.entries(entries)) {
        mkdirSync(join(folder, name, label), { recursive: true });
        for (const [number, file] of files.entries()) {
          const source = file === 'broken' ? Buffer.from('no picture') : readFileSync(join(pictures, file));
          writeFileSync(join(folder, name, label, `${number}.png`), source);
        }
      }
      return { ...options('').data, origin: { kind: 'folders', train: join(folder, name), val: null }, valFraction: 0 };
    };
    const two = ['antrum/p0_0.png', 'antrum/p1_0.png'];
    const others = ['pylorus/p0_0.png', 'pylorus/p1_0.png'];
    await expect(
      finetune(options('bad-1', { data: make('single', { antrum: two, pylorus: ['pylorus/p0_0.png'] }) })),
    ).rejects.toMatchObject({
      code: 'training-classes',
      message: expect.stringContaining('fewer than two pictures: pylorus') as string,
    });
    await expect(finetune(options('bad-2', { data: make('one-class', { antrum: two }) }))).rejects.toMatchObject({
      message: expect.stringContaining('only one class, antrum') as string,
    });
    await expect(
      finetune(options('bad-3', { data: { ...make('copies', { antrum: [two[0]!, two[0]!], pylorus: others }) } })),
    ).rejects.toMatchObject({ code: 'training-classes' });
    const lines: string[] = [];
    const report = await finetune(
      options('bad-4', { data: make('unreadable', { antrum: [...two, 'broken'], pylorus: others }), onReport: (line) => lines.push(line) }),
    );
    expect(report.data.unreadable).toMatchObject([{ path: 'antrum/2.png' }]);
    expect(report).toMatchObject({ before: null, after: null, finished: true });
    expect(lines).toContainEqual(expect.stringMatching(/^left out: antrum\/2\.png: .+/));
  });
});
