import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import { findFfmpeg } from '../../src/media/ffmpeg.js';
import { descriptors } from '../../src/models/descriptors/descriptors.js';
import { createAmender } from '../../src/procedure/amend.js';
import { auditVideo } from '../../src/procedure/audit-video.js';
import { keptStills, pictureAt } from '../../src/procedure/exemplar-pictures.js';
import { installationKey } from '../../src/procedure/key.js';
import { readProcedure } from '../../src/procedure/reader.js';
import { addToGallery } from '../../src/retrieval/add-to-gallery.js';
import { openGallery } from '../../src/retrieval/gallery.js';
import { loadChecklist } from '../../src/tracking/checklist.js';
import { temporaryFolder } from '../support/temporary.js';
import { makeGallery, makeVideo } from '../support/tiny-procedure.js';

it('gives the stills and any moment of a procedure to a gallery', async () => {
  const folder = temporaryFolder();
  const home = join(folder, 'home');
  const dir = await makeGallery(folder);
  const gallery = await openGallery(dir, { model: descriptors() });
  const embedder = await createEmbedder(gallery.model, { device: 'cpu' });
  const ffmpeg = await findFfmpeg();
  const key = await installationKey(home);
  const audited = await auditVideo({
    home,
    key,
    gallery,
    embedder,
    checklist: loadChecklist('esge-2016'),
    ffmpeg,
    analysisFps: 5,
    recording: true,
    video: await makeVideo(folder),
  }).finally(() => embedder.dispose());
  const procedure = await readProcedure(audited.folder);

  const stills = keptStills(procedure);
  expect(stills.map(({ label }) => label).sort()).toEqual(['pylorus', 'z-line']);
  const early = await sharp(await pictureAt(procedure, 1e6, ffmpeg)).stats();
  const late = await sharp(await pictureAt(procedure, 7e6, ffmpeg)).stats();
  // The two landmarks of the video differ in colour: each moment shows its own.
  expect(Math.abs((early.channels[2]?.mean ?? 0) - (late.channels[2]?.mean ?? 0))).toBeGreaterThan(10);
  await expect(pictureAt(procedure, -1e6, ffmpeg)).rejects.toMatchObject({ code: 'moment-not-recorded' });
  await expect(pictureAt(procedure, 60e6, ffmpeg)).rejects.toMatchObject({ code: 'moment-not-recorded' });

  // What a person said counts, before the machine's word.
  const amender = createAmender(key);
  const saidBy = { reason: 'looked at it', by: 'Dr Meier' } as const;
  const zLine = stills.find(({ label }) => label === 'z-line')!;
  await amender.amend(audited.folder, { type: 'assignment', file: zLine.path, from: 'z-line', to: 'angulus', ...saidBy });
  expect(keptStills(await readProcedure(audited.folder)).map(({ label }) => label)).toEqual(['pylorus', 'angulus']);
  await amender.amend(audited.folder, { type: 'assignment', file: zLine.path, from: 'angulus', to: null, ...saidBy });
  expect(keptStills(await readProcedure(audited.folder)).map(({ label }) => label)).toEqual(['pylorus']);

  const before = gallery.exemplars.length;
  const { added } = await addToGallery({ dir, sources: [{ directory: procedure.folder, pictures: stills }], model: descriptors() });
  expect(added).toBe(2);
  expect((await openGallery(dir, { model: descriptors() })).exemplars).toHaveLength(before + 2);
});
