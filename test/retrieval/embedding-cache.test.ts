import { readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Embedder } from '../../src/inference/embedder.js';
import { embeddingCache } from '../../src/retrieval/embedding-cache.js';
import type { EmbeddingEntry } from '../../src/retrieval/embedding-entry.js';
import { embedStills, type EmbeddedStill, type EmbedStillsOptions } from '../../src/retrieval/embed-stills.js';
import type { UnreadableStill } from '../../src/retrieval/prepared-stills.js';
import { COLOURS, colourModel, createColourEmbedder, patches, temporaryFolder, write } from './support.js';

const SCOPE = { model: 'a'.repeat(64), fieldOfView: 'auto', device: 'cpu' };
const SHA = 'c'.repeat(64);

function entry(value: number, thumbnail: Uint8Array | null = null): EmbeddingEntry {
  return {
    width: 640,
    height: 480,
    fieldOfView: { x: 1, y: 2, width: 600, height: 400, sourceWidth: 640, sourceHeight: 480, outline: [[0.25, 1]] },
    hash: Uint32Array.from([1, 2, 3, 0xffffffff]),
    embedding: Float32Array.from([value, 0.1, -1e-20]),
    quality: { luminance: 0.5, litShare: 1, glareShare: 0, sharpness: -2, redness: 0.4, saturation: 0.3, contrast: 0.2 },
    features: { colour: Float32Array.from([value, value]) },
    thumbnail,
  };
}

async function entryFiles(home: string): Promise<string[]> {
  const found = await readdir(join(home, 'cache'), { recursive: true, withFileTypes: true });
  return found.filter((item) => item.isFile()).map((item) => join(item.parentPath, item.name));
}

describe('embeddingCache', () => {
  it('gives back to the last bit what it was given, for exactly that picture, model, field of view and device', async () => {
    const home = await temporaryFolder();
    const cache = embeddingCache({ home });
    expect(await cache.get(SCOPE, SHA)).toBeNull();
    await cache.put(SCOPE, SHA, entry(0.25, Uint8Array.from([9, 8, 7])));
    expect(await embeddingCache({ home }).get(SCOPE, SHA)).toEqual(entry(0.25, Uint8Array.from([9, 8, 7])));
    for (const other of [{ model: 'b'.repeat(64) }, { fieldOfView: 'none' }, { device: 'webgpu' }])
      expect(await cache.get({ ...SCOPE, ...other }, SHA)).toBeNull();
    expect(await cache.get(SCOPE, 'd'.repeat(64))).toBeNull();
  });

  it('ignores what is damaged or truncated, and writes it anew', async () => {
    const home = await temporaryFolder();
    const cache = embeddingCache({ home });
    await cache.put(SCOPE, SHA, entry(1));
    const [file = ''] = await entryFiles(home);
    const bytes = await readFile(file);
    for (const at of [3, 12, 40, bytes.length - 40, bytes.length - 1]) {
      const damaged = Buffer.from(bytes);
      damaged[at] = damaged[at]! ^ 1;
      await writeFile(file, damaged);
      expect(await cache.get(SCOPE, SHA), `byte ${at}`).toBeNull();
    }
    for (const length of [0, 5, 31, bytes.length - 1]) {
      await writeFile(file, bytes);
      await truncate(file, length);
      expect(await cache.get(SCOPE, SHA), `${length} bytes`).toBeNull();
    }
    await cache.put(SCOPE, SHA, entry(2));
    expect((await cache.get(SCOPE, SHA))?.embedding[0]).toBe(2);
  });

  it('never fails: a place where nothing can be written holds nothing', async () => {
    const home = join(await temporaryFolder(), 'file');
    await writeFile(home, 'in the way');
    const cache = embeddingCache({ home });
    await cache.put(SCOPE, SHA, entry(1));
    await cache.trim();
    expect(await cache.get(SCOPE, SHA)).toBeNull();
  });

  it('keeps within its bound, dropping what was not used for longest', async () => {
    const home = await temporaryFolder();
    const names = ['1', '2', '3', '4'].map((digit) => digit.repeat(64));
    const writer = embeddingCache({ home });
    for (const name of names) await writer.put(SCOPE, name, entry(1));
    const files = (await entryFiles(home)).sort();
    const days = [1, 40, 30, 20];
    for (const [at, file] of files.entries()) {
      const used = new Date(Date.now() - days[at]! * 24 * 3600 * 1000);
      await utimes(file, used, used);
    }
    // Using it makes the oldest one new.
    expect(await writer.get(SCOPE, names[1]!)).not.toBeNull();
    const { size } = await stat(files[0]!);
    const cache = embeddingCache({ home, maxBytes: size * 3.5 });
    await cache.trim();
    expect(await entryFiles(home)).toHaveLength(4);
    await cache.put(SCOPE, names[0]!, entry(1));
    await cache.trim();
    expect((await entryFiles(home)).sort()).toEqual([files[0], files[1], files[3]]);
  });
});

describe('embedStills', () => {
  async function collect(embedder: Embedder, paths: readonly string[], options: EmbedStillsOptions) {
    const found: (EmbeddedStill | UnreadableStill)[] = [];
    for await (const still of embedStills(embedder, paths, options)) found.push(still);
    return found;
  }

  it('embeds once, keeps the order, and lists what cannot be read in its place', async () => {
    const folder = await temporaryFolder();
    for (let at = 0; at < 5; at++) await write(join(folder, `${at}.jpg`), await patches(COLOURS.cecum, at));
    await write(join(folder, 'bad.jpg'), 'no picture');
    const embedder = await createColourEmbedder(colourModel());
    let embedded = 0;
    const counting: Embedder = {
      ...embedder,
      embed: (batch) => {
        embedded += 1;
        return embedder.embed(batch);
      },
    };
    const paths = ['0.jpg', 'bad.jpg', '1.jpg', 'gone.jpg', '2.jpg', '3.jpg', '4.jpg'];
    const options = { directory: folder, fieldOfView: 'none', cache: embeddingCache({ home: folder }) };
    const first = await collect(counting, paths, options);
    expect(first.map(({ path }) => path)).toEqual(paths);
    expect(first.filter((still) => 'reason' in still)).toMatchObject([
      { path: 'bad.jpg' },
      { path: 'gone.jpg', reason: 'no such picture' },
    ]);
    expect(embedded).toBe(5);

    const second = await collect(counting, paths, options);
    expect(embedded).toBe(5);
    const comparable = (stills: typeof first) => stills.map((still) => ('reason' in still ? still : { ...still, inferenceMs: 0 }));
    expect(comparable(second)).toEqual(comparable(first));

    // What an entry lacks is made, and kept for the next time.
    const withThumbnails = await collect(counting, paths, { ...options, thumbnail: true });
    expect(withThumbnails.every((still) => 'reason' in still || still.thumbnail !== null)).toBe(true);
    await collect(counting, paths, { ...options, thumbnail: true, features: ['colour'] });
    expect(embedded).toBe(10);
  });

  it('computes a picture anew when its file changes', async () => {
    const folder = await temporaryFolder();
    const embedder = await createColourEmbedder(colourModel());
    const options = { directory: folder, fieldOfView: 'none', cache: embeddingCache({ home: folder }) };
    await write(join(folder, 'a.jpg'), await patches(COLOURS.cecum, 1));
    const [before] = await collect(embedder, ['a.jpg'], options);
    await write(join(folder, 'a.jpg'), await patches(COLOURS.pylorus, 1));
    const [after] = await collect(embedder, ['a.jpg'], options);
    expect(after).toMatchObject({ path: 'a.jpg', inferenceMs: 0 });
    expect((after as EmbeddedStill).embedding).not.toEqual((before as EmbeddedStill).embedding);
  });
});
