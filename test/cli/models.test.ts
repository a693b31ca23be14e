import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { register as registerEmbed } from '../../src/cli/embed.js';
import { register as registerModels } from '../../src/cli/models.js';
import type { VitSpec } from '../../src/models/backbones/spec.js';
import { randomWeights } from '../support/random-checkpoints.js';
import { relativeError } from '../support/run-graph.js';
import { temporaryFolder } from '../support/temporary.js';
import { torchFile, torchTensor } from '../support/torch-file.js';

const root = temporaryFolder();
const SPEC: VitSpec = {
  kind: 'vit',
  family: 'dino',
  dimension: 64,
  depth: 1,
  heads: 1,
  patch: 8,
  grid: 7,
  registers: 0,
  layerScale: false,
  mlp: 'gelu',
  hidden: 128,
};
const checkpoint = join(root, 'VITS_GastroNet-like.pth');

async function lumenmark(...args: string[]): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: unknown) => void lines.push(String(line)));
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => lines.push(String(chunk).trimEnd()) > 0);
  try {
    const program = new Command('lumenmark').exitOverride();
    registerModels(program);
    registerEmbed(program);
    await program.parseAsync(args, { from: 'user' });
  } finally {
    log.mockRestore();
    write.mockRestore();
  }
  return lines.join('\n');
}

beforeAll(async () => {
  vi.stubEnv('LUMENMARK_HOME', join(root, 'home'));
  writeFileSync(
    checkpoint,
    torchFile(new Map(randomWeights(SPEC, 1).map((entry) => [entry.name, torchTensor(entry.shape, entry.values)]))),
  );
  await sharp({ create: { width: 56, height: 56, channels: 3, background: '#a05040' } })
    .png()
    .toFile(join(root, 'picture.png'));
  return () => vi.unstubAllEnvs();
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('lumenmark models and embed', () => {
  it('imports, lists, shows, verifies and removes', async () => {
    const said = await lumenmark('models', 'import', '--name', 'small', '--backbone', checkpoint, '--precision', 'int8');
    expect(said).toMatch(
      /all 18 of 18 tensors found[\s\S]*int8 on cpu against fp32 on cpu: cosine 0\.99[\s\S]*Imported small: 64 dimensions/,
    );
    expect(await lumenmark('models', 'list')).toMatch(/descriptors[\s\S]*small +int8 +64-d +DINO ViT-64×1\/8/);
    // What ships says what it does not know.
    expect(await lumenmark('models', 'list')).toMatch(/compact +fp32[^\n]*\n +Knows simulated patients alone/);
    expect(await lumenmark('models', 'info', 'compact')).toMatch(/notice +Knows simulated patients alone/);
    const info = await lumenmark('models', 'info', 'small');
    expect(info).toMatch(/licence +CC-BY-NC-ND-4\.0/);
    expect(info).toMatch(/parity +int8 on cpu/);
    expect(await lumenmark('models', 'verify', 'small')).toContain('✓ model.onnx intact');
    expect(await lumenmark('models', 'remove', 'small')).toBe('Removed small.');
    await expect(lumenmark('models', 'info', 'small')).rejects.toMatchObject({ code: 'model-unknown' });
  });

  it('embeds a picture and its raw pixels to the same numbers, as JSON lines and as float32', async () => {
    await lumenmark('models', 'import', '--name', 'small', '--backbone', `mine=${checkpoint}`);
    const pixels = join(root, 'pixels.bin');
    writeFileSync(pixels, Buffer.concat([await sharp(join(root, 'picture.png')).raw().toBuffer(), Buffer.alloc(56 * 56 * 3)]));
    const line = JSON.parse(await lumenmark('embed', '--model', 'small', join(root, 'picture.png'))) as { embedding: number[] };
    const out = join(root, 'embeddings.f32');
    await lumenmark(
      'embed',
      '--model',
      'small',
      '--pixels',
      pixels,
      '--width',
      '56',
      '--height',
      '56',
      '--format',
      'float32',
      '--out',
      out,
    );
    const bytes = readFileSync(out);
    const rows = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    expect(rows).toHaveLength(128);
    expect(relativeError(rows.subarray(0, 64), line.embedding)).toBeLessThan(1e-6);
    const { features } = JSON.parse(await lumenmark('embed', '--model', 'small', '--output', 'features', join(root, 'picture.png'))) as {
      features: { mine: number[] };
    };
    const length = Math.hypot(...features.mine);
    expect(
      relativeError(
        features.mine.map((value) => value / length),
        line.embedding,
      ),
    ).toBeLessThan(1e-5);
  });

  it.each([
    ['both pictures and pixels', ['embed', '--model', 'small', 'a.png', '--pixels', 'b.bin'], 'embed-input'],
    ['pixels of another size', ['embed', '--model', 'small', '--pixels', checkpoint, '--width', '1000'], 'pixels'],
    ['embeddings of a model that needs a gallery', ['embed', '--model', 'descriptors', 'a.png'], 'embed-model'],
    ['an id that was not pulled', ['models', 'import', '--name', 'x', '--backbone', 'dinov2-vits14'], 'checkpoint-unreadable'],
    [
      'a device that is not there',
      ['models', 'import', '--name', 'x', '--backbone', checkpoint, '--device', process.platform === 'win32' ? 'coreml' : 'dml'],
      'device-unavailable',
    ],
    ['an input size that is no number', ['models', 'import', '--name', 'x', '--backbone', checkpoint, '--input-size', 'large'], 'option'],
  ])('refuses %s', async (_, args, code) => {
    await expect(lumenmark(...args)).rejects.toMatchObject({ code });
    expect(await lumenmark('models', 'list')).not.toMatch(/^x /m);
  });

  it('explains GastroNet instead of fetching it', async () => {
    expect(await lumenmark('models', 'pull', 'gastronet')).toContain('CC-BY-NC-ND-4.0');
  });

  it('compares on pictures of the user', async () => {
    const folder = join(root, 'pictures');
    mkdirSync(folder, { recursive: true });
    for (const background of ['#a05040', '#602010', '#d08070'])
      await sharp({ create: { width: 80, height: 60, channels: 3, background } })
        .png()
        .toFile(join(folder, `${background.slice(1)}.png`));
    expect(
      await lumenmark('models', 'import', '--name', 'own', '--backbone', checkpoint, '--precision', 'fp16', '--calibration', folder),
    ).toContain(`3 pictures of ${folder}`);
  });
});
