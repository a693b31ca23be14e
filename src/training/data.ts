import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { UsageError } from '../common/errors.js';
import type { LabelledPicture } from '../retrieval/labelled-pictures.js';
import { checkClasses } from './classes.js';
import type { PictureSide } from './feed.js';
import { pictureGroups, type GroupOf } from './groups.js';
import { readPictures, readRawPictures, type Pictures } from './pictures.js';
import { countBy, splitByGroup } from './split.js';

/** Where the pictures of a run come from. */
export type PictureOrigin =
  /** A folder per label, and another one that is held back. */
  | { readonly kind: 'folders'; readonly train: string; readonly val: string | null }
  /** Raw pixels `[count, size, size, 3]` and a JSON list of labels. */
  | { readonly kind: 'raw'; readonly pixels: string; readonly labels: string };

export interface DataOptions {
  readonly origin: PictureOrigin;
  /** Share of the pictures that is held back where no folder is; 0 for none. */
  readonly valFraction: number;
  /** What must not stand on both sides: patient, examination, source. */
  readonly groupOf: GroupOf | null;
  readonly fieldOfView: string;
  readonly keepLabels: boolean;
  readonly minPictures?: number;
  /** Keeps only the pictures for which it holds. */
  readonly keep?: (picture: LabelledPicture) => boolean;
  /** Side of a picture, px. */
  readonly size: number;
  readonly seed: number;
  /** Where decoded pictures are put. */
  readonly folder: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface TrainingData {
  readonly train: PictureSide;
  /** Held back; null where nothing is. */
  readonly val: (PictureSide & { readonly groups: readonly number[] }) | null;
  /** SHA-256 over pictures, labels and sides. */
  readonly identity: string;
  readonly summary: DataSummary;
  /** What was left out and why, for people. */
  readonly report: readonly string[];
  close(): Promise<void>;
}

export interface DataSummary {
  readonly classes: Readonly<Record<string, { readonly train: number; readonly val: number }>>;
  readonly train: number;
  readonly val: number;
  /** Patients, examinations or look-alikes that are held together, by side. */
  readonly groups: { readonly train: number; readonly val: number };
  readonly split: string;
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[];
  readonly copies: number;
}

const LISTED = 20;

/**
 * Reads the pictures of a run and sets its sides: what `pictureGroups` holds together stands on one side.
 *
 * @throws UsageError `training-classes`, `training-split`; GalleryError, ModelError
 */
export async function readData(options: DataOptions): Promise<TrainingData> {
  const { origin } = options;
  const read = (directory: string, file: string): Promise<Pictures> =>
    readPictures(directory, { ...options, file: join(options.folder, file) });
  const pictures: Pictures[] = [];
  try {
    if (origin.kind === 'raw') pictures.push(await readRawPictures(origin.pixels, origin.labels, options.size));
    else {
      pictures.push(await read(origin.train, 'train.rgb'));
      if (origin.val !== null) pictures.push(await read(origin.val, 'val.rgb'));
    }
    return await arrange(options, pictures);
  } catch (error) {
    for (const set of pictures) await set.pixels.close();
    throw error;
  }
}

async function arrange(options: DataOptions, pictures: readonly Pictures[]): Promise<TrainingData> {
  const [first, second] = pictures;
  if (first === undefined) throw new TypeError('No pictures');
  const report = pictures.flatMap(({ unreadable, copies }) => [
    ...unreadable.slice(0, LISTED).map(({ path, reason }) => `left out: ${path}: ${reason}`),
    ...(unreadable.length > 0 ? [`${unreadable.length} unreadable pictures are left out`] : []),
    ...(copies.length > 0 ? [`${copies.length} copies of pictures of the same class are left out`] : []),
  ]);
  checkClasses(countBy(first.labels), 'training');
  const groups = await pictureGroups(
    pictures.flatMap(({ names }) => names),
    pictures.flatMap(({ hashes }) => hashes),
    options.groupOf,
    options.signal,
  );
  const { trainRows, val, split } = second === undefined ? divide(options, first, groups) : holdBack(first, second, groups, report);
  const trainLabels = countBy(trainRows.map((row) => first.labels[row] ?? ''));
  checkClasses(trainLabels, 'training, without what is held back');
  const valLabels = countBy(val?.rows.map((row) => val.pictures.labels[row] ?? '') ?? []);
  const unasked = val === null ? [] : [...trainLabels.keys()].filter((label) => !valLabels.has(label));
  if (unasked.length > 0) report.push(`nothing is held back of ${unasked.join(', ')}`);
  const groupsOf = (rows: readonly number[], offset: number): number => new Set(rows.map((row) => groups[offset + row])).size;
  const valOffset = second === undefined ? 0 : first.labels.length;
  return {
    train: { pictures: first, rows: trainRows },
    val: val === null ? null : { ...val, groups: val.rows.map((row) => groups[valOffset + row] ?? 0) },
    identity: createHash('sha256')
      .update(JSON.stringify([pictures.map(({ identity }) => identity), trainRows, val?.rows ?? null]))
      .digest('hex'),
    summary: {
      classes: Object.fromEntries(
        [...trainLabels]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([label, count]) => [label, { train: count, val: valLabels.get(label) ?? 0 }]),
      ),
      train: trainRows.length,
      val: val?.rows.length ?? 0,
      groups: { train: groupsOf(trainRows, 0), val: groupsOf(val?.rows ?? [], valOffset) },
      split,
      unreadable: pictures.flatMap(({ unreadable }) => unreadable),
      copies: pictures.reduce((sum, { copies }) => sum + copies.length, 0),
    },
    report,
    async close() {
      for (const set of pictures) await set.pixels.close();
    },
  };
}

interface Sides {
  readonly trainRows: readonly number[];
  readonly val: PictureSide | null;
  readonly split: string;
}

function divide({ valFraction, seed, groupOf }: DataOptions, pictures: Pictures, groups: readonly number[]): Sides {
  if (valFraction === 0) return { trainRows: pictures.labels.map((_, row) => row), val: null, split: 'nothing is held back' };
  const { train, val } = splitByGroup(pictures.labels, groups, valFraction, seed);
  if (val.length === 0) {
    throw new UsageError('training-split', 'Nothing can be held back: every class is one group of pictures that belong together.', {
      remedy: 'Name other groups, give a folder with --val, or train without validation with --val-fraction 0.',
    });
  }
  const by = groupOf === null ? 'what looks alike stays together' : 'groups stay together as named';
  return { trainRows: train, val: { pictures, rows: val }, split: `${Math.round(valFraction * 100)} % held back, seed ${seed}; ${by}` };
}

/** What is near a training picture, or of its group, is no test of what was learnt. */
function holdBack(train: Pictures, val: Pictures, groups: readonly number[], report: string[]): Sides {
  const trained = new Set(train.labels.map((_, row) => groups[row]));
  const rows = val.labels.map((_, row) => row).filter((row) => !trained.has(groups[train.labels.length + row]));
  const shared = val.labels.length - rows.length;
  if (shared > 0)
    report.push(
      `${shared} pictures of the validation folder belong to a group of the training folder, or look like its pictures, and are left out`,
    );
  if (rows.length === 0) {
    throw new UsageError('training-split', 'No picture of the validation folder is independent of the training pictures.', {
      remedy: 'Give pictures of other patients.',
    });
  }
  return { trainRows: train.labels.map((_, row) => row), val: { pictures: val, rows }, split: 'by folder' };
}
