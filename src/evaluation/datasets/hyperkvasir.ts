import { join } from 'node:path';
import { readFolder } from './folder.js';
import type { DatasetListing, KnownDataset } from './listing.js';
import { fileName, findBelow, foldersIn, readTable } from './tables.js';

const ROOTS = ['labeled-images', 'hyper-kvasir-labeled-images', 'hyper-kvasir/labeled-images', 'hyper_kvasir_labeled_images'];
const TRACTS = ['upper-gi-tract', 'lower-gi-tract'];
/** Of the published baselines. */
const DEFAULT_FOLDS = 2;

/** HyperKvasir's labelled pictures (Borgli 2020), with the authors' folds where their table lies beside them. */
export const hyperkvasir: KnownDataset = {
  id: 'hyperkvasir',
  title: 'HyperKvasir',
  async recognise(directory) {
    const names = await foldersIn((await findBelow(directory, ROOTS)) ?? directory);
    return TRACTS.every((name) => names.includes(name));
  },
  async read(directory, options) {
    const root = (await findBelow(directory, ROOTS)) ?? directory;
    const listing = await readFolder(root, options);
    const folds = options.folds ?? DEFAULT_FOLDS;
    const table = `${folds}_fold_split.csv`;
    const found = await findBelow(directory, [`official_splits/${table}`, table, `hyper-kvasir/official_splits/${table}`]);
    const withParts = found === null ? listing : await withOfficialFolds(listing, found, folds);
    return {
      ...withParts,
      title: `HyperKvasir (${directory})`,
      notes: [
        ...withParts.notes,
        ...(found === null ? [`No ${table} of the authors was found (${join(directory, 'official_splits')}): the folds are our own.`] : []),
        'The authors publish no patients, and their folds are not grouped by them: neighbours may show the same examination.',
        ...(options.keepLabels ? [] : ['Degrees of one finding count as one label here; --keep-labels keeps the authors’ 23 classes.']),
      ],
      licence:
        'HyperKvasir (Borgli et al. 2020): CC BY 4.0 by its licence file; its description asks for written permission for competitions and commercial use.',
    };
  },
};

async function withOfficialFolds(listing: DatasetListing, file: string, folds: number): Promise<DatasetListing> {
  const { rows } = await readTable(file, ['file-name', 'split-index']);
  const parts = new Map(rows.map((row) => [row['file-name'] ?? '', row['split-index'] ?? '']));
  const there = new Set(listing.pictures.map(({ path }) => fileName(path)));
  return {
    ...listing,
    pictures: listing.pictures.map((picture) => ({ ...picture, part: parts.get(fileName(picture.path)) ?? null })),
    missing: [...parts.keys()].filter((name) => !there.has(name)),
    split: `the authors’ ${folds} folds (${file})`,
  };
}
