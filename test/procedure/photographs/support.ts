import { join } from 'node:path';
import sharp from 'sharp';
import { auditPhotographs, type PhotographAudit } from '../../../src/procedure/photographs/audit-photographs.js';
import { findPhotographs } from '../../../src/procedure/photographs/find-photographs.js';
import { installationKey, type InstallationKey } from '../../../src/procedure/key.js';
import { buildGallery } from '../../../src/retrieval/build-gallery.js';
import { openGallery, type Gallery } from '../../../src/retrieval/gallery.js';
import { loadChecklist } from '../../../src/tracking/checklist.js';
import { colourModel, createColourEmbedder, patches, write, writePictures } from '../../retrieval/support.js';
import { dicomFile, pictureElements } from '../../support/dicom.js';

export const LANDMARKS = { antrum: [190, 90, 80], 'z-line': [90, 90, 190], 'duodenal-bulb': [90, 160, 90] } as const;

/** A gallery of three colours that serve sites of the ESGE checklist. */
export async function colourGallery(folder: string): Promise<Gallery> {
  await writePictures(join(folder, 'pictures'), 12, LANDMARKS);
  await buildGallery({
    directory: join(folder, 'pictures'),
    out: join(folder, 'gallery'),
    model: colourModel(),
    fieldOfView: 'none',
    createEmbedder: createColourEmbedder,
  });
  return openGallery(join(folder, 'gallery'), { model: colourModel() });
}

export interface Audited {
  readonly home: string;
  readonly key: InstallationKey;
  readonly audit: PhotographAudit;
}

/** Audits what lies in `folder/procedure`. */
export async function auditFolder(
  folder: string,
  gallery: Gallery,
  options: { readonly names?: boolean } = {},
  home = join(folder, 'home'),
): Promise<Audited> {
  const key = await installationKey(home);
  const [set] = await findPhotographs([join(folder, 'procedure')], { together: true });
  const audit = await auditPhotographs({
    ...{ home, key, gallery },
    embedder: await createColourEmbedder(gallery.model),
    checklist: loadChecklist('esge-2016'),
    set: set!,
    ...options,
  });
  return { home, key, audit };
}

/** Photographs of one procedure as an archive keeps them, good and bad. */
export async function writeProcedure(folder: string): Promise<void> {
  const at = (name: string): string => join(folder, 'procedure', name);
  const antrum = await patches(LANDMARKS.antrum, 501);
  await write(at('2.jpg'), antrum);
  // The same picture, smaller and recompressed.
  await write(at('10.jpg'), await sharp(antrum).resize(80, 66).jpeg({ quality: 70 }).toBuffer());
  await write(
    at('=cmd.png'),
    await sharp(await patches(LANDMARKS['z-line'], 502))
      .png()
      .toBuffer(),
  );
  await write(at('IM0001'), await dicomOf([503, 504]));
  await write(at('broken.jpg'), 'no picture');
  await write(at('empty.webp'), '');
  await write(at('notes.txt'), 'not a picture by its name');
}

/** A DICOM file with a patient's name and a picture of the bulb per seed. */
async function dicomOf(seeds: readonly number[]): Promise<Uint8Array> {
  const pictures = await Promise.all(
    seeds.map(async (seed) =>
      sharp(await patches(LANDMARKS['duodenal-bulb'], seed))
        .raw()
        .toBuffer({ resolveWithObject: true }),
    ),
  );
  const { width, height } = pictures[0]!.info;
  const pixels = Buffer.concat(pictures.map(({ data }) => data));
  return dicomFile({
    elements: {
      '00100010': ['PN', 'DOE^JANE'],
      '00100020': ['LO', 'PAT-4711'],
      ...pictureElements({ rows: height, columns: width, photometric: 'RGB', frames: seeds.length }, pixels),
    },
  });
}
