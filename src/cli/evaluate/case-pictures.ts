import { join } from 'node:path';
import { lumenmarkHome } from '../../common/home.js';
import { UsageError } from '../../common/errors.js';
import { classInfo } from '../../common/landmarks.js';
import type { DatasetListing } from '../../evaluation/datasets/listing.js';
import { readDataset } from '../../evaluation/datasets/read-dataset.js';
import { withGroupColumn, withSplitTable } from '../../evaluation/datasets/split-table.js';
import { joinSets, readPictureSet, type PictureSet } from '../../evaluation/picture-set.js';
import { rowGroups, type RowGroups } from '../../evaluation/row-groups.js';
import type { Subject } from '../../evaluation/subject.js';
import { normaliseRows, variantsOf } from '../../evaluation/variants.js';
import { decodeStill, thumbnailOf } from '../../media/stills.js';
import type { FittableModel, Model } from '../../models/model.js';
import { patientOf } from '../../retrieval/patients.js';
import { BUILT_IN_MODEL, openModel } from '../../models/registry.js';
import { samePartsOtherPrecision } from '../../models/twins.js';
import { cacheOf, withCachedFits } from '../flags/cache.js';
import type { CaseOptions } from './case.js';
import type { EvaluateFlags } from './flags.js';
import { groupPattern } from '../flags/group-pattern.js';

/** A listing with what the flags say about groups and the split. */
export async function listingOf(directory: string, flags: EvaluateFlags): Promise<DatasetListing> {
  const pattern = flags.groupPattern === undefined ? null : groupPattern(flags.groupPattern);
  let listing = await readDataset(directory, flags.datasetName ?? null, {
    keepLabels: flags.keepLabels,
    ...(flags.folds === undefined ? {} : { folds: flags.folds }),
    ...(flags.labelColumn === undefined ? {} : { labelColumn: flags.labelColumn }),
  });
  if (flags.groupColumn !== undefined) listing = await withGroupColumn(listing, flags.groupColumn, flags.index);
  if (flags.split !== undefined) listing = await withSplitTable(listing, flags.split);
  if (pattern === null) return listing;
  return { ...listing, pictures: listing.pictures.map((one) => ({ ...one, group: pattern.exec(one.path)?.[1] ?? one.group })) };
}

/** Patients that nobody held together are named, or every number would be better than it should. */
export function withPatientNote(listing: DatasetListing): DatasetListing {
  const patients = new Set(listing.pictures.flatMap(({ path, group }) => (group === null ? (patientOf(path) ?? []) : [])));
  if (patients.size < 2) return listing;
  const note = `File names tell ${patients.size} patients, who are not held apart; do so with --group-pattern "[Pp]atient[-_ ]?([A-Za-z0-9]+)" --ids-only.`;
  return { ...listing, notes: [...listing.notes, note] };
}

export async function readSet(
  listing: DatasetListing,
  model: Model | FittableModel,
  flags: EvaluateFlags,
  { signal, onProgress }: CaseOptions,
): Promise<PictureSet> {
  const set = await readPictureSet(listing, {
    model,
    fieldOfView: flags.fieldOfView,
    keep: ({ label }) => flags.kinds?.includes(classInfo(label).kind) ?? true,
    minPictures: flags.minExemplars,
    features: flags.ablation,
    device: flags.device,
    ...cacheOf(flags),
    signal,
    onProgress: (done, total) => {
      onProgress('embedding', done, total);
    },
  });
  if (set.labels.length === 0) {
    throw new UsageError('evaluate-empty', `${listing.directory}: holds no labelled picture that can be read`, {
      remedy: 'It must hold a folder per label with pictures in it.',
    });
  }
  return set;
}

/** The model, and with `--ablation` what it is compared with on the same pictures. */
export async function subjectsOf(
  model: Model | FittableModel,
  set: PictureSet,
  flags: EvaluateFlags,
  options: CaseOptions,
  parts: readonly PictureSet[] = [set],
): Promise<Subject[]> {
  const variants = variantsOf(model, set);
  if (!flags.ablation) return variants.slice(0, 1);
  const home = lumenmarkHome();
  const others = [
    ...(await samePartsOtherPrecision(model.name, { home })).map(({ name, precision }) => ({ name, title: `${name} (${precision})` })),
    ...(model.name === BUILT_IN_MODEL ? [] : [{ name: BUILT_IN_MODEL, title: BUILT_IN_MODEL }]),
  ];
  for (const { name, title } of others) {
    const other = withCachedFits(await openModel(name, { home }), flags);
    const sets: PictureSet[] = [];
    for (const part of parts) {
      // The same pictures in the same order, copies left out already.
      const pictures = part.exemplars.map(({ path, label }) => ({ path, label, group: null, part: null }));
      sets.push(await readSet({ ...part.listing, pictures }, other, { ...flags, minExemplars: 1 }, options));
    }
    const joined = sets.reduce(joinSets);
    if (joined.labels.length === set.labels.length) variants.push({ ...(variantsOf(other, joined)[0] as Subject), name: title });
  }
  return variants;
}

export async function groupingOf(set: PictureSet, { idsOnly }: Pick<EvaluateFlags, 'idsOnly'>, options: CaseOptions): Promise<RowGroups> {
  return rowGroups(set.hashes, set.groups, {
    embeddings: normaliseRows(set.embeddings, set.labels.length),
    idsOnly,
    ...progressOf(options, set.labels.length),
  });
}

export function progressOf({ signal, onProgress }: CaseOptions, total = 0): { signal: AbortSignal; onProgress: (done: number) => void } {
  return {
    signal,
    onProgress: (done) => {
      onProgress('look-alikes', done, Math.max(done, total));
    },
  };
}

export function thumbnails(
  parts: readonly { readonly set: PictureSet; readonly from: number }[],
): (row: number) => Promise<Uint8Array | null> {
  return async (row) => {
    const part = parts.findLast(({ from }) => row >= from);
    const exemplar = part?.set.exemplars[row - part.from];
    if (part === undefined || exemplar === undefined) return null;
    try {
      const still = await decodeStill(join(part.set.listing.directory, exemplar.path));
      const { outline, ...region } = exemplar.fieldOfView ?? { x: 0, y: 0, width: still.width, height: still.height };
      const cut = outline === undefined ? region : { ...region, outline };
      return await thumbnailOf(still, cut, { maxSide: 220, quality: 78 });
    } catch {
      // It may have gone since it was embedded; the report says so by an empty frame.
      return null;
    }
  };
}
