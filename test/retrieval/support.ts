import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { onTestFinished } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import type { Embedder } from '../../src/inference/embedder.js';
import type { FittableModel, Model } from '../../src/models/model.js';

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lumenmark-gallery-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const SIZE = 32;
/** Cells per side in which the test model averages colours. */
const CELLS = 4;
export const DIMENSION = CELLS * CELLS * 3;

export function colourModel(name = 'colours', fingerprint = 'f'.repeat(64)): Model {
  return {
    name,
    fingerprint,
    graph: new Uint8Array(),
    input: { width: SIZE, height: SIZE },
    dimension: DIMENSION,
    backbones: ['colour'],
    parts: [],
  };
}

/** Its statistics are the mean feature, which the fitted model subtracts. */
export function centredColourModel(): FittableModel {
  const base = colourModel('centred', 'b'.repeat(64));
  return {
    name: 'centred',
    base,
    fit(features) {
      const values = features['colour']!;
      const mean = new Float32Array(DIMENSION);
      values.forEach((value, at) => (mean[at % DIMENSION]! += value / (values.length / DIMENSION)));
      return new Uint8Array(mean.buffer);
    },
    project(features, statistics) {
      const mean = new Float32Array(new Uint8Array(statistics).buffer);
      const values = features['colour']!;
      const rows = Array.from({ length: values.length / DIMENSION }, (_, row) =>
        normalised(values.slice(row * DIMENSION, (row + 1) * DIMENSION).map((value, at) => value - mean[at]!)),
      );
      return new Float32Array(rows.flatMap((row) => [...row]));
    },
    fitted(statistics) {
      if (statistics.length !== DIMENSION * 4) throw new Error('no statistics of this model');
      const sum = statistics.reduce((total, byte) => total + byte, 0);
      return { ...base, fingerprint: sum.toString(16).padStart(64, '0'), graph: statistics };
    },
  };
}

function normalised(values: Float32Array): Float32Array {
  const norm = Math.hypot(...values);
  return values.map((value) => value / norm);
}

/** Mean colour per cell, centred on grey or on the model's statistics. */
export function colourFeature(pixels: Uint8Array): Float32Array {
  const feature = new Float32Array(DIMENSION);
  const cell = SIZE / CELLS;
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      for (let channel = 0; channel < 3; channel++) {
        feature[(Math.floor(y / cell) * CELLS + Math.floor(x / cell)) * 3 + channel]! +=
          pixels[(y * SIZE + x) * 3 + channel]! / cell ** 2 / 255;
      }
    }
  }
  return feature;
}

/** Stands in for the inference worker; counts its pictures. */
export async function createColourEmbedder(model: Model): Promise<Embedder> {
  const graph = model.graph as Uint8Array;
  const mean = graph.length === 0 ? new Float32Array(DIMENSION).fill(0.5) : new Float32Array(new Uint8Array(graph).buffer);
  return Promise.resolve({
    model,
    device: { name: 'cpu', reason: 'test', batchLimit: 1 },
    embed: ({ pixels }) => {
      const feature = colourFeature(pixels);
      const quality = { luminance: 0.5, litShare: 1, glareShare: 0, sharpness: 0, redness: 0.5, saturation: 0.5, contrast: 0.2 };
      return Promise.resolve({
        count: 1,
        embeddings: normalised(feature.map((value, at) => value - mean[at]!)),
        quality: [quality],
        features: { colour: feature },
        inferenceMs: 0,
      });
    },
    dispose: () => Promise.resolve(),
  });
}

/** A picture of coarse random patches around a colour; pictures of one colour resemble each other. */
export async function patches(colour: readonly [number, number, number], seed: number): Promise<Buffer> {
  const random = seededRandom(seed);
  const pixels = Buffer.from(
    Array.from({ length: 24 * 20 * 3 }, (_, at) => Math.max(0, Math.min(255, colour[at % 3]! + (random() - 0.5) * 120))),
  );
  return sharp(pixels, { raw: { width: 24, height: 20, channels: 3 } })
    .resize(96, 80, { kernel: 'cubic' })
    .jpeg({ quality: 92 })
    .toBuffer();
}

export const COLOURS = { pylorus: [190, 90, 80], cecum: [90, 160, 90], 'z-line': [90, 90, 190] } as const;

/** `count` pictures per label in `folder`. */
export async function writePictures(
  folder: string,
  count = 12,
  names: Readonly<Record<string, readonly [number, number, number]>> = COLOURS,
): Promise<void> {
  for (const [at, [name, colour]] of Object.entries(names).entries()) {
    for (let picture = 0; picture < count; picture++) {
      await write(join(folder, name, `${String(picture).padStart(3, '0')}.jpg`), await patches(colour, at * 1000 + picture + 1));
    }
  }
}

export async function write(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}
