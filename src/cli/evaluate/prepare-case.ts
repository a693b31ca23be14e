import { join } from 'node:path';
import { lumenmarkHome } from '../../common/home.js';
import { UsageError } from '../../common/errors.js';
import type { DatasetListing } from '../../evaluation/datasets/listing.js';
import { joinSets, type PictureSet } from '../../evaluation/picture-set.js';
import { foldSplit, givenSplit, leaveOneOut, pairSplit, type Split } from '../../evaluation/split.js';
import { fileExists } from '../../models/files.js';
import { openModel } from '../../models/registry.js';
import { MANIFEST_FILE } from '../../retrieval/manifest.js';
import { builtGalleryCase } from './built-gallery-case.js';
import { withCachedFits } from '../flags/cache.js';
import { groupingOf, listingOf, readSet, subjectsOf, thumbnails, withPatientNote } from './case-pictures.js';
import { embeddingsCase } from './embeddings-case.js';
import type { CaseOptions, EvaluationCase } from './case.js';
import type { EvaluateFlags } from './flags.js';

const DEFAULT_FOLDS = 5;

/** @throws UsageError when the flags name nothing to evaluate, or things that do not fit. */
export async function prepareCase(flags: EvaluateFlags, options: CaseOptions): Promise<EvaluationCase> {
  const ways = [flags.galleryEmbeddings, flags.dataset, flags.gallery ?? flags.query].filter((way) => way !== undefined);
  if (ways.length > 1) {
    throw new UsageError('evaluate-what', `evaluate: ${ways.length} things to evaluate were named (${ways.join(', ')})`, {
      remedy: 'Name one: --dataset DIR, or --gallery DIR with --query DIR, or --gallery-embeddings FILE.',
    });
  }
  if (flags.galleryEmbeddings !== undefined) return embeddingsCase(flags.galleryEmbeddings, flags, options);
  if (flags.dataset !== undefined) {
    const listing = await listingOf(flags.dataset, flags);
    return datasetCase(flags.split === undefined ? withPatientNote(listing) : listing, flags, options);
  }
  if (flags.gallery === undefined || flags.query === undefined) {
    throw new UsageError('evaluate-what', 'evaluate: nothing to evaluate was named', {
      remedy: 'Name --gallery DIR and --query DIR, or --dataset DIR, or --gallery-embeddings FILE with --dim and --labels.',
    });
  }
  if (await fileExists(join(flags.gallery, MANIFEST_FILE))) return builtGalleryCase(flags.gallery, flags.query, flags, options);
  return foldersCase(flags.gallery, flags.query, flags, options);
}

/** One folder, parted into folds, by a table, or one group at a time. */
async function datasetCase(listing: DatasetListing, flags: EvaluateFlags, options: CaseOptions): Promise<EvaluationCase> {
  const model = withCachedFits(await openModel(flags.model, { home: lumenmarkHome() }), flags);
  const set = await readSet(listing, model, flags, options);
  const grouping = await groupingOf(set, flags, options);
  const { labels } = set;
  const rows = labels.map((_, row) => row);
  // The authors' split counts, unless another way was asked for.
  const given = listing.split !== null && !flags.leaveOneOut && (flags.folds === undefined || flags.split !== undefined || usesFolds(set));
  // Where nothing is held together, parting at random is the same.
  const grouped = new Set(grouping.groups).size < labels.length;
  const part = (groups: readonly number[]): Split =>
    flags.leaveOneOut ? leaveOneOut(labels, groups) : foldSplit(labels, groups, flags.folds ?? DEFAULT_FOLDS);
  if (!given && labels.length > 1 && new Set(grouping.groups).size === 1) throw oneGroup(listing, flags);
  const split = given ? givenSplit(set.parts, listing.split) : part(grouping.groups);
  const ungrouped = given || !grouped ? null : part(rows);
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

function oneGroup({ title, pictures }: DatasetListing, { idsOnly }: EvaluateFlags): UsageError {
  const byLooks = !idsOnly && new Set(pictures.map(({ group }) => group)).size > 1;
  return new UsageError(
    'evaluate-one-group',
    `${title}: all pictures hold together as one group, so that none can be asked of the others`,
    {
      remedy: byLooks
        ? 'Looks chain pictures of different ids together; believe the ids alone with --ids-only.'
        : 'Name what parts them, e.g. a patient: --group-column or --group-pattern, with --ids-only.',
    },
  );
}

/** The authors' tables of folds are chosen by `--folds`, so that it does not ask for other ones. */
function usesFolds({ parts }: PictureSet): boolean {
  return parts.some((part) => part !== null && /^\d+$/.test(part));
}

async function foldersCase(gallery: string, query: string, flags: EvaluateFlags, options: CaseOptions): Promise<EvaluationCase> {
  const model = withCachedFits(await openModel(flags.model, { home: lumenmarkHome() }), flags);
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
    grouping: await groupingOf(set, flags, options),
    set,
    thumbnail: thumbnails([
      { set: first, from: 0 },
      { set: second, from: first.labels.length },
    ]),
  };
}
