import { readFolder } from './folder.js';
import type { KnownDataset } from './listing.js';
import { findBelow, foldersIn } from './tables.js';

const CLASSES = [
  'dyed-lifted-polyps',
  'dyed-resection-margins',
  'esophagitis',
  'normal-cecum',
  'normal-pylorus',
  'normal-z-line',
  'polyps',
  'ulcerative-colitis',
];
const ROOTS = ['kvasir-dataset-v2', 'kvasir-dataset', 'kvasir'];

/** Kvasir v1 and v2 (Pogorelov 2017): eight folders of pictures, no split, no patients. */
export const kvasir: KnownDataset = {
  id: 'kvasir',
  title: 'Kvasir',
  async recognise(directory) {
    const names = await foldersIn((await findBelow(directory, ROOTS)) ?? directory);
    return CLASSES.filter((name) => names.includes(name)).length >= 6;
  },
  async read(directory, options) {
    const root = (await findBelow(directory, ROOTS)) ?? directory;
    return {
      ...(await readFolder(root, options)),
      title: `Kvasir (${directory})`,
      notes: [
        'The authors publish neither a split nor patients: pictures of one patient are held together only as far as they look alike.',
        'Kvasir and HyperKvasir come from the same hospitals and share pictures; look for near-duplicates before mixing them.',
      ],
      licence: 'Kvasir (Pogorelov et al. 2017): for research and education; see the terms on datasets.simula.no/kvasir.',
    };
  },
};
