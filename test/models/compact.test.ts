import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import type { Model } from '../../src/models/model.js';
import { describeModel, openModel, verifyModelFiles } from '../../src/models/registry.js';
import { writeStills } from '../../src/phantom/stills.js';
import { prepareStill } from '../../src/retrieval/prepared-stills.js';
import { temporaryFolder } from '../support/temporary.js';

const folder = temporaryFolder();
const CLASSES = ['pylorus', 'cardia-retroflex', 'z-line', 'duodenum', 'rectum', 'ileocecal-valve', 'transverse-colon', 'terminal-ileum'];
const PATIENTS = { gallery: { seed: 910_001, patients: 3 }, asked: { seed: 920_001, patients: 2 } } as const;

it('ships whole, and says at the top what it knows nothing of', async () => {
  const files = await verifyModelFiles('compact', { home: folder });
  expect(files.map(({ file }) => file).sort()).toEqual(['model.onnx', 'parts/adapter.safetensors', 'parts/backbone-resnet.safetensors']);
  expect(files.every(({ state }) => state === 'intact')).toBe(true);
  const card = readFileSync(fileURLToPath(new URL('../../models/compact/README.md', import.meta.url)), 'utf8');
  const { manifest } = await describeModel('compact', { home: folder });
  expect(manifest.notice).toContain('simulated patients alone');
  expect(card.startsWith(`**${manifest.notice!}**`)).toBe(true);
  expect(((await openModel('compact', { home: folder })) as Model).notice).toBe(manifest.notice);
  expect(card).not.toMatch(/\/tmp\/|\/work\//);
});

// Draws 80 pictures: on a busy machine that takes more than the minute that a test has.
it('tells the landmarks of simulated patients apart in those of others', { timeout: 300_000 }, async () => {
  const embedder = await createEmbedder((await openModel('compact', { home: folder })) as Model, { device: 'cpu', threads: 1 });
  const drawn = async (side: keyof typeof PATIENTS): Promise<{ label: string; embedding: Float32Array }[]> => {
    const directory = join(folder, side);
    const { patients, seed } = PATIENTS[side];
    const stills = await writeStills({
      directory,
      classes: CLASSES,
      perClass: 2 * patients,
      patients,
      seed,
      width: 208,
      height: 168,
      disturbances: [],
    });
    const found = [];
    for (const { path, label } of stills) {
      const still = await prepareStill(directory, path, { size: { width: 112, height: 112 }, fieldOfView: 'auto', thumbnail: false });
      if ('reason' in still) throw new Error(still.reason);
      const { embeddings } = await embedder.embed({ count: 1, width: 112, height: 112, pixels: still.pixels });
      found.push({ label, embedding: embeddings });
    }
    return found;
  };
  try {
    const [gallery, asked] = [await drawn('gallery'), await drawn('asked')];
    const cosine = (one: Float32Array, other: Float32Array): number => one.reduce((sum, value, at) => sum + value * other[at]!, 0);
    const right = asked.filter(({ label, embedding }) => {
      const [nearest] = gallery.toSorted((one, other) => cosine(other.embedding, embedding) - cosine(one.embedding, embedding));
      return nearest!.label === label;
    });
    expect(asked).toHaveLength(32);
    expect(right.length).toBeGreaterThanOrEqual(30);
  } finally {
    await embedder.dispose();
  }
});
