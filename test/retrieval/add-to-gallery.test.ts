import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addToGallery } from '../../src/retrieval/add-to-gallery.js';
import { buildGallery } from '../../src/retrieval/build-gallery.js';
import { openGallery } from '../../src/retrieval/gallery.js';
import { listLabelledPictures } from '../../src/retrieval/labelled-pictures.js';
import { verifyGallery } from '../../src/retrieval/verify-gallery.js';
import { centredColourModel, COLOURS, createColourEmbedder, patches, temporaryFolder, write, writePictures } from './support.js';

async function galleryOfThree(): Promise<{ readonly folder: string; readonly dir: string }> {
  const folder = await temporaryFolder();
  await writePictures(join(folder, 'pictures'), 10);
  const dir = join(folder, 'gallery');
  await buildGallery({ directory: join(folder, 'pictures'), out: dir, model: centredColourModel(), createEmbedder: createColourEmbedder });
  return { folder, dir };
}

const model = centredColourModel();

describe('addToGallery', () => {
  it('adds pictures and labels, keeps the model and what was there, and leaves a gallery that verifies', async () => {
    const { folder, dir } = await galleryOfThree();
    const before = await openGallery(dir, { model });
    const more = join(folder, 'more');
    await write(join(more, 'pylorus/new.jpg'), await patches(COLOURS.pylorus, 500));
    await write(join(more, 'duodenum/new.jpg'), await patches([160, 160, 60], 501));
    await write(join(more, 'duodenum/broken.jpg'), 'no picture');
    const { pictures } = await listLabelledPictures(more);
    const report = await addToGallery({ dir, sources: [{ directory: more, pictures }], model, createEmbedder: createColourEmbedder });
    expect(report).toMatchObject({ added: 2, unreadable: [{ path: 'duodenum/broken.jpg' }], copies: [] });

    const after = await openGallery(dir, { model });
    expect(after.model.fingerprint).toBe(before.model.fingerprint);
    expect(after.exemplars).toHaveLength(32);
    expect(after.labels).toEqual(['cecum', 'duodenum', 'pylorus', 'z-line']);
    expect(after.embeddings.slice(0, before.embeddings.length)).toEqual(before.embeddings);
    expect(after.exemplars.slice(30).map(({ path }) => path)).toEqual(['duodenum/new.jpg', 'pylorus/new.jpg']);
    expect(await after.thumbnail(0)).toEqual(await before.thumbnail(0));
    expect((await verifyGallery(dir, { model })).filter(({ ok }) => !ok)).toEqual([]);
    const dimension = after.model.dimension;
    expect(after.match(after.embeddings.slice(30 * dimension, 31 * dimension), { k: 1 }).neighbours[0]).toMatchObject({ exemplar: 30 });
  });

  it('takes a file that is there under the same label for a copy, and refuses to add nothing', async () => {
    const { folder, dir } = await galleryOfThree();
    const { pictures } = await listLabelledPictures(join(folder, 'pictures'));
    const again = addToGallery({
      dir,
      sources: [{ directory: join(folder, 'pictures'), pictures: pictures.slice(0, 4) }],
      model,
      createEmbedder: createColourEmbedder,
    });
    await expect(again).rejects.toMatchObject({
      code: 'gallery-nothing-new',
      message: expect.stringContaining('0 unreadable, 4 there already') as string,
    });
    expect((await openGallery(dir, { model })).exemplars).toHaveLength(30);
  });

  it('recognises a re-encoded picture of the gallery as a near-duplicate', async () => {
    const { folder, dir } = await galleryOfThree();
    const sharp = (await import('sharp')).default;
    const again = await sharp(join(folder, 'pictures/cecum/004.jpg')).jpeg({ quality: 60 }).toBuffer();
    await write(join(folder, 'again/cecum/004.jpg'), again);
    const sources = [{ directory: join(folder, 'again'), pictures: [{ path: 'cecum/004.jpg', label: 'cecum' }] }];
    await addToGallery({ dir, sources, model, createEmbedder: createColourEmbedder });
    const { exemplars } = await openGallery(dir, { model });
    const original = exemplars.findIndex(({ path }) => path === 'cecum/004.jpg');
    expect(exemplars.at(-1)?.group).toBe(exemplars[original]?.group);
  });
});
