import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { GalleryError } from '../../src/common/errors.js';
import { decodeStill, squashStill } from '../../src/media/stills.js';
import { buildGallery, type BuildGalleryOptions, type GalleryReport } from '../../src/retrieval/build-gallery.js';
import { openGallery } from '../../src/retrieval/gallery.js';
import {
  centredColourModel,
  COLOURS,
  colourModel,
  createColourEmbedder,
  patches,
  temporaryFolder,
  write,
  writePictures,
} from './support.js';

async function build(folder: string, options: Partial<BuildGalleryOptions> = {}): Promise<GalleryReport> {
  return buildGallery({
    directory: join(folder, 'pictures'),
    out: join(folder, 'gallery'),
    model: colourModel(),
    fieldOfView: 'none',
    createEmbedder: createColourEmbedder,
    ...options,
  });
}

async function embeddingOf(picture: Uint8Array): Promise<Float32Array> {
  const embedder = await createColourEmbedder(colourModel());
  const pixels = await squashStill(await decodeStill(picture), null, embedder.model.input);
  return (await embedder.embed({ count: 1, ...embedder.model.input, pixels })).embeddings;
}

describe('buildGallery', () => {
  it('makes a gallery that recognises pictures that it has not seen', async () => {
    const folder = await temporaryFolder();
    await writePictures(join(folder, 'pictures'));
    const progress: string[] = [];
    const report = await build(folder, { onProgress: ({ stage, done, total }) => progress.push(`${stage} ${done}/${total}`) });
    expect(progress).toContain('embedding 36/36');

    const gallery = await openGallery(join(folder, 'gallery'), { model: colourModel() });
    expect(gallery.labels).toEqual(['cecum', 'pylorus', 'z-line']);
    expect(gallery.exemplars).toHaveLength(36);
    expect(gallery.index.kind).toBe('exact');
    for (const [label, colour] of Object.entries(COLOURS)) {
      const match = gallery.match(await embeddingOf(await patches(colour, 4242)), { k: 5 });
      expect(match.neighbours).toHaveLength(5);
      expect(match.scores[0]?.label).toBe(label);
      expect(match.scores.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1);
      expect(match.known).toBe(true);
    }
    expect(await readdir(folder)).toEqual(['gallery', 'pictures']);
    expect(report.manifest.calibration).toMatchObject({ knownQueries: 36, unknownQueries: 36 });
    expect(report.manifest.calibration!.chosen.falseAcceptance).toBeLessThanOrEqual(0.2);
  });

  it('answers "unknown" to what is like no class', async () => {
    const folder = await temporaryFolder();
    await writePictures(join(folder, 'pictures'));
    await build(folder);
    const gallery = await openGallery(join(folder, 'gallery'), { model: colourModel() });
    expect(gallery.match(await embeddingOf(await patches([127, 127, 127], 7))).known).toBe(false);
  });

  it('keeps provenance and thumbnails', async () => {
    const folder = await temporaryFolder();
    await writePictures(join(folder, 'pictures'), 3);
    await build(folder, { fieldOfView: '64x60+10+8' });
    const gallery = await openGallery(join(folder, 'gallery'), { model: colourModel() });
    expect(gallery.exemplars[0]).toMatchObject({
      path: 'cecum/000.jpg',
      label: 'cecum',
      width: 96,
      height: 80,
      fieldOfView: { x: 10, y: 8, width: 64, height: 60, sourceWidth: 96, sourceHeight: 80 },
    });
    expect(await sharp((await gallery.thumbnail(0))!).metadata()).toMatchObject({ format: 'jpeg', width: 64, height: 60 });
    expect(await gallery.thumbnail(99)).toBeNull();
    expect(await gallery.thumbnail(-1)).toBeNull();
  });

  it('is deterministic apart from its date', async () => {
    const folder = await temporaryFolder();
    await writePictures(join(folder, 'pictures'), 4);
    const first = await build(folder);
    const second = await build(folder, { out: join(folder, 'again'), name: 'gallery' });
    expect({ ...second.manifest, builtAt: '' }).toEqual({ ...first.manifest, builtAt: '' });
  });

  it('fits a fittable model and opens only with the statistics that it was fitted with', async () => {
    const folder = await temporaryFolder();
    await writePictures(join(folder, 'pictures'));
    const report = await build(folder, { model: centredColourModel() });
    expect(report.manifest.model.fitted).toBe(true);
    const gallery = await openGallery(join(folder, 'gallery'), { model: centredColourModel() });
    expect(gallery.model.fingerprint).toBe(report.manifest.model.fingerprint);
    expect(gallery.manifest.model.fingerprint).not.toBe(centredColourModel().base.fingerprint);
    await expect(openGallery(join(folder, 'gallery'), { model: centredColourModel().base })).rejects.toMatchObject({
      code: 'gallery-model',
    });
  });

  it('counts and lists what it cannot use, and goes on', async () => {
    const folder = await temporaryFolder();
    const pictures = join(folder, 'pictures');
    await writePictures(pictures, 6);
    const copy = await readFile(join(pictures, 'cecum/000.jpg'));
    await write(join(pictures, 'cecum/empty.jpg'), '');
    await write(join(pictures, 'cecum/text.png'), 'no picture');
    await write(join(pictures, 'cecum/copy.jpg'), copy);
    await write(join(pictures, 'cecum/notes.txt'), 'left alone');
    await write(join(pictures, 'cecum/._000.jpg'), 'left alone');
    await write(join(pictures, 'pylorus/contradiction.jpg'), copy);
    await write(
      join(pictures, 'z-line/smaller.jpg'),
      await sharp(join(pictures, 'z-line/001.jpg')).resize(70).jpeg({ quality: 80 }).toBuffer(),
    );
    await write(join(pictures, 'loose.jpg'), copy);
    await write(join(pictures, 'unlabelled/some.jpg'), copy);
    await write(join(pictures, 'my own label/a.jpg'), await patches([30, 200, 200], 9));

    const report = await build(folder);
    expect(report.unreadable).toEqual([
      { path: 'cecum/empty.jpg', reason: 'is empty (0 bytes)' },
      { path: 'cecum/text.png', reason: expect.stringContaining('is not a picture') as string },
    ]);
    expect(report.copies).toEqual([{ path: 'cecum/copy.jpg', of: 'cecum/000.jpg' }]);
    expect(report.unlabelled).toEqual(['loose.jpg', 'unlabelled/some.jpg']);
    expect(report.unknownLabels).toEqual(['my own label']);
    expect(report.nearDuplicates).toEqual([
      { paths: ['cecum/000.jpg', 'pylorus/contradiction.jpg'], labels: ['cecum', 'pylorus'] },
      { paths: ['z-line/001.jpg', 'z-line/smaller.jpg'], labels: ['z-line'] },
    ]);
    expect(report.manifest.exemplars).toBe(6 * 3 + 3);
  });

  it('takes only what is asked for', async () => {
    const folder = await temporaryFolder();
    await writePictures(join(folder, 'pictures'), 2, { ...COLOURS, polyp: [200, 200, 200] });
    await write(join(folder, 'pictures/antrum/one.jpg'), await patches([10, 10, 10], 1));
    const ids = async (options: Partial<BuildGalleryOptions>): Promise<string[]> =>
      (await build(folder, options)).manifest.labels.map(({ id }) => id);
    expect(await ids({ kinds: ['landmark'] })).toEqual(['antrum', 'cecum', 'pylorus', 'z-line']);
    expect(await ids({ minExemplars: 2 })).toEqual(['cecum', 'polyps', 'pylorus', 'z-line']);
    expect(await ids({ labels: ['cecum', 'polyps'] })).toEqual(['cecum', 'polyps']);
    expect(await ids({ keepLabels: true, minExemplars: 2 })).toEqual(['cecum', 'polyp', 'pylorus', 'z-line']);
    await expect(ids({ labels: ['cecum', 'colour'] })).rejects.toMatchObject({ code: 'gallery-labels' });
  });

  it('refuses what makes no gallery, and leaves no trace', async () => {
    const folder = await temporaryFolder();
    const pictures = join(folder, 'pictures');
    await expect(build(folder)).rejects.toMatchObject({ code: 'gallery-pictures' });
    await write(join(pictures, 'cecum/notes.txt'), 'no picture');
    await expect(build(folder)).rejects.toMatchObject({ code: 'gallery-empty' });
    await write(join(pictures, 'cecum/1.jpg'), await patches(COLOURS.cecum, 1));
    await expect(build(folder)).rejects.toMatchObject({ code: 'gallery-one-label', message: expect.stringContaining('cecum') as string });
    await write(join(pictures, 'pylorus/1.jpg'), '');
    await expect(build(folder)).rejects.toMatchObject({ code: 'gallery-one-label' });
    await expect(build(folder, { fieldOfView: 'round' })).rejects.toMatchObject({ code: 'field-of-view' });
    expect(await readdir(folder)).toEqual(['pictures']);
  });

  it('replaces a gallery and nothing else', async () => {
    const folder = await temporaryFolder();
    await writePictures(join(folder, 'pictures'), 2);
    await write(join(folder, 'gallery/thesis.docx'), 'dear to someone');
    await expect(build(folder)).rejects.toMatchObject({ code: 'gallery-out' });
    expect(await readdir(join(folder, 'gallery'))).toEqual(['thesis.docx']);

    await rm(join(folder, 'gallery/thesis.docx'));
    await build(folder);
    await writePictures(join(folder, 'pictures'), 3);
    await build(folder);
    expect((await openGallery(join(folder, 'gallery'), { model: colourModel() })).exemplars).toHaveLength(9);
    expect(await readdir(folder)).toEqual(['gallery', 'pictures']);
  });

  it('stops when aborted and leaves no trace', async () => {
    const folder = await temporaryFolder();
    await writePictures(join(folder, 'pictures'), 6);
    const controller = new AbortController();
    const building = build(folder, {
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 3) controller.abort();
      },
    });
    await expect(building).rejects.toMatchObject({ name: 'AbortError' });
    expect(await readdir(folder)).toEqual(['pictures']);
  });
});

describe('openGallery', () => {
  async function built(): Promise<string> {
    const folder = await temporaryFolder();
    await writePictures(join(folder, 'pictures'), 8);
    await build(folder, { index: 'hnsw' });
    return join(folder, 'gallery');
  }

  it('gives the same matches by HNSW and by exact search', async () => {
    const dir = await built();
    const hnsw = await openGallery(dir, { model: colourModel() });
    const exact = await openGallery(dir, { model: colourModel(), index: 'exact' });
    expect([hnsw.index.kind, exact.index.kind]).toEqual(['hnsw', 'exact']);
    expect(hnsw.manifest.index).toMatchObject({ space: 'ip', count: 24, recall: 1 });
    for (let row = 0; row < 24; row++) {
      const query = exact.embeddings.subarray(row * 48, (row + 1) * 48);
      const [a, b] = [hnsw.match(query, { k: 9 }), exact.match(query, { k: 9 })];
      expect(a.neighbours.map(({ exemplar }) => exemplar)).toEqual(b.neighbours.map(({ exemplar }) => exemplar));
      expect(a.neighbours[0]?.similarity).toBeCloseTo(1, 6);
      expect(a.confidence).toBeCloseTo(b.confidence, 12);
    }
  });

  it('says what is wrong with a gallery, and what to do', async () => {
    const dir = await built();
    const open = (model = colourModel()) => openGallery(dir, { model });
    const manifest = await readFile(join(dir, 'gallery.json'), 'utf8');
    const original = new Map(
      await Promise.all(
        ['embeddings.f32', 'exemplars.ndjson', 'index.hnsw'].map(async (name) => [name, await readFile(join(dir, name))] as const),
      ),
    );
    const edit = (change: (value: Record<string, unknown>) => void): Promise<void> => {
      const value = JSON.parse(manifest) as Record<string, unknown>;
      change(value);
      return writeFile(join(dir, 'gallery.json'), JSON.stringify(value));
    };

    await expect(openGallery(join(dir, 'nowhere'), { model: colourModel() })).rejects.toMatchObject({ code: 'gallery-missing' });
    await expect(open(colourModel('other', '0'.repeat(64)))).rejects.toMatchObject({
      code: 'gallery-model',
      message: expect.stringMatching(/built with the model colours .* not with other/) as string,
    });
    await expect(openGallery(dir, { model: centredColourModel() })).rejects.toMatchObject({ code: 'gallery-model' });

    const faults: [string, () => Promise<void>, string][] = [
      ['no JSON', () => writeFile(join(dir, 'gallery.json'), '{'), 'gallery-damaged'],
      ['another version', () => edit((value) => (value['version'] = 2)), 'gallery-version'],
      ['no gallery', () => edit((value) => (value['format'] = 'zip')), 'gallery-damaged'],
      ['a field gone', () => edit((value) => delete value['labels']), 'gallery-damaged'],
      ['other counts', () => edit((value) => (value['exemplars'] = 23)), 'gallery-damaged'],
      ['another dimension', () => edit((value) => (value['model'] = { ...(value['model'] as object), dimension: 24 })), 'gallery-damaged'],
      ['cut embeddings', () => truncate(join(dir, 'embeddings.f32'), 100), 'gallery-damaged'],
      [
        'flipped bit',
        () =>
          writeFile(
            join(dir, 'embeddings.f32'),
            original.get('embeddings.f32')!.map((byte, at) => (at === 999 ? byte ^ 1 : byte)),
          ),
        'gallery-damaged',
      ],
      ['no embeddings', () => rm(join(dir, 'embeddings.f32')), 'gallery-damaged'],
      ['no exemplars', () => writeFile(join(dir, 'exemplars.ndjson'), ''), 'gallery-damaged'],
      ['foreign index', () => writeFile(join(dir, 'index.hnsw'), 'nonsense'), 'gallery-damaged'],
    ];
    for (const [name, breakIt, code] of faults) {
      await breakIt();
      const error: unknown = await open().catch((thrown: unknown) => thrown);
      expect(error, name).toBeInstanceOf(GalleryError);
      expect(error, name).toMatchObject({ code, remedy: expect.any(String) as string });
      await writeFile(join(dir, 'gallery.json'), manifest);
      for (const [file, content] of original) await writeFile(join(dir, file), content);
    }
    await expect(open()).resolves.toBeDefined();
  });

  it('refuses a query that no model of its own made', async () => {
    const gallery = await openGallery(await built(), { model: colourModel() });
    expect(() => gallery.match(new Float32Array(7))).toThrow(expect.objectContaining({ code: 'gallery-dimension' }));
    expect(() => gallery.match(new Float32Array(48).fill(NaN))).toThrow(expect.objectContaining({ code: 'gallery-embedding' }));
  });
});
