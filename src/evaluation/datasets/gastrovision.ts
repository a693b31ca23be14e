import { canonicalLabel, normaliseLabel } from '../../retrieval/aliases.js';
import { readFolder } from './folder.js';
import type { DatasetListing, KnownDataset } from './listing.js';
import { fileName, findBelow, foldersIn, readTable } from './tables.js';

const ROOTS = ['Gastrovision', 'GastroVision'];
const CLASSES = [
  'Small bowel_terminal ileum',
  'Gastroesophageal_junction_normal z-line',
  'Normal stomach',
  'Blood in lumen',
  'Duodenal bulb',
];
const SETS = [
  ['train', 'train.csv'],
  ['validation', 'validate.csv'],
  ['test', 'test.csv'],
] as const;

/** GastroVision (Jha 2023): a folder per class, and three tables with the authors' sets. */
export const gastrovision: KnownDataset = {
  id: 'gastrovision',
  title: 'GastroVision',
  async recognise(directory) {
    const names = await foldersIn((await findBelow(directory, ROOTS)) ?? directory);
    return CLASSES.filter((name) => names.includes(name)).length >= 3;
  },
  async read(directory, options) {
    const listing = await readFolder((await findBelow(directory, ROOTS)) ?? directory, options);
    const tables = await Promise.all(
      SETS.map(async ([set, name]) => ({ set, file: await findBelow(directory, [`Split/${name}`, `Split/official/${name}`, name]) })),
    );
    const found = tables.flatMap(({ set, file }) => (file === null ? [] : [{ set, file }]));
    const complete = found.length === SETS.length;
    const withParts = complete ? await withOfficialSets(listing, found) : listing;
    return {
      ...withParts,
      title: `GastroVision (${directory})`,
      notes: [
        ...withParts.notes,
        ...(complete ? [] : ['The authors’ tables Split/train.csv, validate.csv and test.csv were not found: the split is our own.']),
        'No patients are published: the authors’ sets are not grouped by them.',
      ],
      licence: 'GastroVision (Jha et al. 2023): see the terms at osf.io/84e7f before use; its repository states no licence.',
    };
  },
};

/** Names of files repeat between classes, so that class and name together say which picture is meant. */
async function withOfficialSets(
  listing: DatasetListing,
  tables: readonly { readonly set: string; readonly file: string }[],
): Promise<DatasetListing> {
  const key = (label: string, name: string): string => `${canonicalLabel(label) ?? normaliseLabel(label)}/${name}`;
  const parts = new Map<string, string>();
  for (const { set, file } of tables) {
    const { rows } = await readTable(file, ['Filename', 'Class']);
    for (const row of rows) parts.set(key(row['Class'] ?? '', row['Filename'] ?? ''), set);
  }
  const keyed = listing.pictures.map((picture) => ({ picture, key: key(picture.label, fileName(picture.path)) }));
  const there = new Set(keyed.map((entry) => entry.key));
  return {
    ...listing,
    pictures: keyed.map((entry) => ({ ...entry.picture, part: parts.get(entry.key) ?? null })),
    missing: [...parts.keys()].filter((name) => !there.has(name)),
    split: 'the authors’ training set as gallery, their test set as queries',
  };
}
