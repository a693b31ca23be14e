import { join } from 'node:path';
import { lumenmarkHome } from '../common/home.js';
import { messageOf, UsageError } from '../common/errors.js';
import { classInfo } from '../common/landmarks.js';
import type { DatasetListing } from '../evaluation/datasets/listing.js';
import { readDataset } from '../evaluation/datasets/read-dataset.js';
import { withGroupColumn, withSplitTable } from '../evaluation/datasets/split-table.js';
import { joinSets, readPictureSet, type PictureSet } from '../evaluation/picture-set.js';
import { rowGroups, type RowGroups } from '../evaluation/row-groups.js';
import { foldSplit, givenSplit, leaveOneOut, pairSplit, type Split } from '../evaluation/split.js';
import { fixedSubject, type Subject } from '../evaluation/subject.js';
import { normaliseRows, variantsOf } from '../evaluation/variants.js';
import { decodeStill, squashStill, thumbnailOf } from '../media/stills.js';
import type { FittableModel, Model } from '../models/model.js';
import { BUILT_IN_MODEL, openModel } from '../models/registry.js';
import { samePartsOtherPrecision } from '../models/twins.js';
import { openGallery, type Gallery } from '../retrieval/gallery.js';
import { MANIFEST_FILE } from '../retrieval/manifest.js';
import { perceptualHash } from '../retrieval/perceptual-hash.js';
import { fileExists } from '../models/files.js';
import { cacheOf } from './cache.js';
import { readEmbeddingRows, readLabels } from './embeddings-file.js';
import type { EvaluateFlags } from './evaluation-flags.js';

/** What is to be evaluated, made ready. */
export interface EvaluationCase {
  readonly title: string;
  readonly model: Model | FittableModel | null;
  readonly subjects: readonly Subject[];
  readonly labels: readonly string[];
  readonly split: Split & { readonly leftOut?: number };
  readonly ungrouped: Split | null;
  readonly grouping: RowGroups;
  readonly set: PictureSet | null;
  /** A JPEG of the field of view of a row; null when there is none. */
  readonly thumbnail: (row: number) => Promise<Uint8Array | null>;
}

export interface CaseOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (stage: string, done: number, total: number) => void;
}

const DEFAULT_FOLDS = 5;

/** @throws UsageError when the flags name nothing to evaluate, or things that do not fit. */
export async function prepareCase(flags: EvaluateFlags, options: CaseOptions): Promise<EvaluationCase> {
  if (flags.galleryEmbeddings !== undefined) return embeddingsCase(flags.galleryEmbeddings, flags, options);
  if (flags.dataset !== undefined) return datasetCase(await listingOf(flags.dataset, flags), flags, options);
  if (flags.gallery === undefined || flags.query === undefined) {
    throw new UsageError('evaluate-what', 'evaluate: nothing to evaluate was named', {
      remedy: 'Name --gallery DIR and --query DIR, or --dataset DIR, or --gallery-embeddings FILE with --dim and --labels.',
    });
  }
  if (await fileExists(join(flags.gallery, MANIFEST_FILE))) return builtGalleryCase(flags.gallery, flags.query, flags, options);
  return foldersCase(flags.gallery, flags.query, flags, options);
}

/** A listing with what the flags say about groups and the split. */
async function listingOf(directory: string, flags: EvaluateFlags): Promise<DatasetListing> {
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

/** One folder, parted into folds, by a table, or one group at a time. */
export async function datasetCase(listing: DatasetListing, flags: EvaluateFlags, options: CaseOptions): Promise<EvaluationCase> {
  const model = await openModel(flags.model, { home: lumenmarkHome() });
  const set = await readSet(listing, model, flags, options);
  const grouping = await groupingOf(set, options);
  const { labels } = set;
  const rows = labels.map((_, row) => row);
  // The authors' split counts, unless another way was asked for.
  const given = listing.split !== null && !flags.leaveOneOut && (flags.folds === undefined || flags.split !== undefined || usesFolds(set));
  const [split, ungrouped] = given
    ? [givenSplit(set.parts, listing.split), null]
    : flags.leaveOneOut
      ? [leaveOneOut(labels, grouping.groups), leaveOneOut(labels, rows)]
      : [foldSplit(labels, grouping.groups, flags.folds ?? DEFAULT_FOLDS), foldSplit(labels, rows, flags.folds ?? DEFAULT_FOLDS)];
  return {
    title: `${listing.title}, ${model.name}`,
    model,
    subjects: await subjectsOf(model, set, flags, options),
    labels,
    split,
    ungrouped,
    grouping,
    set,
    thumbnail: thumbnails([{ set, from: 0 }]),
  };
}

/** The authors' tables of folds are chosen by `--folds`, so that it does not ask for other ones. */
function usesFolds({ parts }: PictureSet): boolean {
  return parts.some((part) => part !== null && /^\d+$/.test(part));
}

async function foldersCase(gallery: string, query: string, flags: EvaluateFlags, options: CaseOptions): Promise<EvaluationCase> {
  const model = await openModel(flags.model, { home: lumenmarkHome() });
  const first = await readSet(await listingOf(gallery, flags), model, flags, options);
  const second = await readSet(await listingOf(query, flags), model, flags, options);
  const set = joinSets(first, second);
  return {
    title: `${query} against ${gallery}, ${model.name}`,
    model,
    subjects: await subjectsOf(model, set, flags, options, [first, second]),
    labels: set.labels,
    split: pairSplit(first.labels.length, set.labels.length),
    ungrouped: null,
    grouping: await groupingOf(set, options),
    set,
    thumbnail: thumbnails([
      { set: first, from: 0 },
      { set: second, from: first.labels.length },
    ]),
  };
}

async function builtGalleryCase(dir: string, query: string, flags: EvaluateFlags, options: CaseOptions): Promise<EvaluationCase> {
  const gallery = await openGallery(dir);
  const { model } = gallery;
  const queries = await readSet(
    await listingOf(query, flags),
    model,
    { ...flags, fieldOfView: gallery.manifest.preprocessing.fieldOfView },
    options,
  );
  const labels = [...gallery.exemplars.map(({ label }) => label), ...queries.labels];
  const count = gallery.exemplars.length;
  const embeddings = new Float32Array(gallery.embeddings.length + queries.embeddings.length);
  embeddings.set(gallery.embeddings);
  embeddings.set(queries.embeddings, gallery.embeddings.length);
  const hashes = [...(await thumbnailHashes(gallery, options)), ...queries.hashes];
  const ids = [...gallery.exemplars.map(({ group }) => `gallery ${group}`), ...queries.groups];
  const shown = thumbnails([{ set: queries, from: count }]);
  return {
    title: `${query} against the gallery ${gallery.name} (${model.name})`,
    model,
    subjects: [fixedSubject(model.name, labels, embeddings)],
    labels,
    split: pairSplit(count, labels.length),
    ungrouped: null,
    grouping: await rowGroups(hashes, ids, { embeddings, ...progressOf(options) }),
    set: { ...queries, labels, exemplars: [...gallery.exemplars, ...queries.exemplars] },
    thumbnail: (row) => (row < count ? gallery.thumbnail(row) : shown(row)),
  };
}

/** Galleries keep no hashes; those of their thumbnails differ from them by less than look-alikes do. */
async function thumbnailHashes(gallery: Gallery, { signal, onProgress }: CaseOptions): Promise<Uint32Array[]> {
  const { width, height } = gallery.model.input;
  const hashes: Uint32Array[] = [];
  for (let row = 0; row < gallery.exemplars.length; row++) {
    signal.throwIfAborted();
    const jpeg = await gallery.thumbnail(row);
    const pixels = jpeg === null ? null : await squashStill(await decodeStill(jpeg), null, { width, height });
    // A hash that is like no other.
    hashes.push(
      pixels === null ? new Uint32Array(8).map((_, word) => (row * 2654435761 * (word + 1)) >>> 0) : perceptualHash(pixels, width, height),
    );
    onProgress('thumbnails', row + 1, gallery.exemplars.length);
  }
  return hashes;
}

async function embeddingsCase(galleryFile: string, flags: EvaluateFlags, options: CaseOptions): Promise<EvaluationCase> {
  const { dim, labels: labelsFile, queryEmbeddings } = flags;
  if (dim === undefined || labelsFile === undefined) {
    throw new UsageError('evaluate-embeddings', 'evaluate: embeddings need --dim and --labels', {
      remedy: 'Give the length of a row and a JSON file with galleryLabels and queryLabels.',
    });
  }
  const named = await readLabels(labelsFile);
  const count = named.galleryLabels.length;
  const gallery = await readEmbeddingRows(galleryFile, dim, count);
  const queryLabels = queryEmbeddings === undefined ? [] : (named.queryLabels ?? []);
  const queries = queryEmbeddings === undefined ? new Float32Array() : await readEmbeddingRows(queryEmbeddings, dim, queryLabels.length);
  const labels = [...named.galleryLabels, ...queryLabels];
  const embeddings = new Float32Array(gallery.length + queries.length);
  embeddings.set(gallery);
  embeddings.set(queries, gallery.length);
  const ids = [
    ...named.galleryLabels.map((_, row) => named.galleryGroups?.[row] ?? null),
    ...queryLabels.map((_, row) => named.queryGroups?.[row] ?? null),
  ];
  const grouping = await rowGroups([], ids, { embeddings: null, ...progressOf(options) });
  return {
    title: queryEmbeddings === undefined ? `${galleryFile}: asked for itself` : `${queryEmbeddings} against ${galleryFile}`,
    model: null,
    subjects: [fixedSubject(galleryFile, labels, embeddings)],
    labels,
    split: queryEmbeddings === undefined ? leaveOneOut(labels, grouping.groups) : pairSplit(count, labels.length),
    ungrouped: null,
    grouping,
    set: null,
    thumbnail: () => Promise.resolve(null),
  };
}

async function readSet(
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
async function subjectsOf(
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
    const other = await openModel(name, { home });
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

async function groupingOf(set: PictureSet, options: CaseOptions): Promise<RowGroups> {
  return rowGroups(set.hashes, set.groups, {
    embeddings: normaliseRows(set.embeddings, set.labels.length),
    ...progressOf(options, set.labels.length),
  });
}

function progressOf({ signal, onProgress }: CaseOptions, total = 0): { signal: AbortSignal; onProgress: (done: number) => void } {
  return {
    signal,
    onProgress: (done) => {
      onProgress('look-alikes', done, Math.max(done, total));
    },
  };
}

function thumbnails(parts: readonly { readonly set: PictureSet; readonly from: number }[]): (row: number) => Promise<Uint8Array | null> {
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

function groupPattern(text: string): RegExp {
  try {
    const pattern = new RegExp(text, 'u');
    if (!text.includes('(')) throw new Error('it has no group in parentheses');
    return pattern;
  } catch (error) {
    throw new UsageError('evaluate-group-pattern', `group pattern ${text}: ${messageOf(error)}`, {
      remedy: 'For files named PATIENT_NUMBER.jpg write --group-pattern "([^/]+)_[0-9]+[.]jpg$".',
    });
  }
}
