import { UsageError } from '../../common/errors.js';
import { rowGroups } from '../../evaluation/row-groups.js';
import { leaveOneOut, pairSplit } from '../../evaluation/split.js';
import { fixedSubject } from '../../evaluation/subject.js';
import { progressOf } from './case-pictures.js';
import { readEmbeddingRows, readLabels } from './embeddings-file.js';
import type { CaseOptions, EvaluationCase } from './case.js';
import type { EvaluateFlags } from './flags.js';

/** Embeddings that other software made. */
export async function embeddingsCase(galleryFile: string, flags: EvaluateFlags, options: CaseOptions): Promise<EvaluationCase> {
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
