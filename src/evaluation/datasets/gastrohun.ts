import { UsageError } from '../../common/errors.js';
import { listPictures } from '../../retrieval/labelled-pictures.js';
import { canonicalLabel } from '../../retrieval/aliases.js';
import type { KnownDataset, ListedPicture } from './listing.js';
import { fileName, findBelow, readTable } from './tables.js';

const TABLES = ['official_splits/image_classification.csv', 'image_classification.csv', 'Labels/image_classification.csv'];
/** Pictures on whose site all four annotators agree: what the authors' own baselines are measured on. */
const DEFAULT_COLUMN = 'Complete agreement';
const SETS: Readonly<Record<string, string>> = { train: 'train', validation: 'validation', test: 'test' };

/** GastroHUN (Bravo 2025): one table with four annotators, their agreements, patients and sets without a patient in common. */
export const gastrohun: KnownDataset = {
  id: 'gastrohun',
  title: 'GastroHUN',
  async recognise(directory) {
    return (await findBelow(directory, TABLES)) !== null;
  },
  async read(directory, { keepLabels, labelColumn = DEFAULT_COLUMN }) {
    const file = await findBelow(directory, TABLES);
    if (file === null) {
      throw new UsageError('dataset-layout', `${directory}: holds no image_classification.csv of GastroHUN`, {
        remedy: 'Put the table of the authors’ repository beside the pictures.',
      });
    }
    const { rows } = await readTable(file, ['num patient', 'filename', 'set_type', labelColumn]);
    const files = new Map((await listPictures(directory)).map((path) => [fileName(path), path]));
    const pictures: ListedPicture[] = [];
    const missing: string[] = [];
    const unlabelled: string[] = [];
    const unknown = new Set<string>();
    for (const row of rows) {
      const name = row['filename'] ?? '';
      const path = files.get(name);
      const code = row[labelColumn] ?? '';
      if (path === undefined) missing.push(name);
      else if (code === '') unlabelled.push(path);
      else {
        const id = canonicalLabel(code);
        if (id === null) unknown.add(code);
        pictures.push({
          path,
          label: keepLabels ? code : (id ?? code),
          group: `patient ${row['num patient'] ?? ''}`,
          part: SETS[(row['set_type'] ?? '').toLowerCase()] ?? null,
        });
      }
    }
    return {
      directory,
      title: `GastroHUN (${directory}), labels of “${labelColumn}”`,
      pictures,
      unknownLabels: [...unknown],
      unlabelled,
      missing,
      split: 'the authors’ training set as gallery, their test set as queries; no patient in both',
      notes: [
        `${unlabelled.length} pictures without an entry in “${labelColumn}” are left out; --label-column chooses another annotator or agreement.`,
        'Four experts agree fully on 60 % of the pictures: what one of them says is no absolute truth.',
      ],
      licence: 'GastroHUN (Bravo et al. 2025): CC BY-NC 4.0 by its licence file; competitions need permission.',
    };
  },
};
