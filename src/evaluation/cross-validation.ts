import { turnTaker } from '../common/turns.js';
import type { FittableModel, Model } from '../models/model.js';
import { nearDuplicateGroups } from '../retrieval/duplicates.js';
import { DEFAULT_K, DEFAULT_VOTE, scoreClasses } from '../retrieval/vote.js';
import { classificationReport, type ClassificationReport } from './classification.js';
import { embeddingsOf, fitOn, rowsOf, type PictureSet } from './picture-set.js';
import { rankQuery, type LabelledRows, type QueryMeasures } from './ranking.js';
import { retrievalReport, type RetrievalReport } from './retrieval-metrics.js';

/** Retrieval and the class answers of the vote, over the same queries. */
export interface Evaluation {
  readonly retrieval: RetrievalReport;
  /** The best class of the vote of the k nearest. */
  readonly vote: ClassificationReport & { readonly k: number };
  /** Queries with a near-duplicate in the gallery that they were asked of. */
  readonly queriesWithNearDuplicate: number;
}

interface Answered {
  readonly measures: (QueryMeasures | null)[];
  readonly truth: string[];
  readonly answers: string[];
}

export interface CrossValidateOptions {
  readonly model: Model | FittableModel;
  /** Number of folds; null leaves out one group at a time. */
  readonly folds: number | null;
  /** What stays together in a split, beside near-duplicates: patient, examination, source. Default: nothing. */
  readonly groupOf?: (path: string) => string | null;
  readonly signal?: AbortSignal;
}

/**
 * Evaluates a model on one set: every picture is a query once, asked of the other folds, with the model fitted on those alone.
 * Groups stay together.
 */
export async function crossValidate(
  set: PictureSet,
  options: CrossValidateOptions,
): Promise<Evaluation & { readonly groups: number; readonly folds: number }> {
  const groups = splitGroups(set, options.groupOf);
  const names = [...new Set(groups)];
  const folds = options.folds === null ? names.length : Math.min(options.folds, names.length);
  const foldOf = dealGroups(set.labels, groups, folds);
  const turn = turnTaker(options.signal);
  const answered: Answered = { measures: [], truth: [], answers: [] };
  const asked: number[] = [];

  for (let fold = 0; fold < folds; fold++) {
    const train: number[] = [];
    const test: number[] = [];
    set.labels.forEach((_, row) => (foldOf[row] === fold ? test : train).push(row));
    if (test.length === 0 || train.length === 0) continue;
    const all = embeddingsOf(options.model, set, fitOn(options.model, set, train));
    const part = (rows: readonly number[]): LabelledRows => ({
      embeddings: rowsOf(all, set.labels.length, rows),
      labels: rows.map((row) => set.labels[row] ?? ''),
    });
    await answer(part(train), part(test), all.length / set.labels.length, answered, turn);
    asked.push(...test);
  }
  return {
    ...summary(answered, (query) => groups[asked[query] ?? 0] ?? query),
    queriesWithNearDuplicate: 0,
    groups: names.length,
    folds,
  };
}

export interface EvaluatePairOptions {
  readonly model: Model | FittableModel;
  readonly signal?: AbortSignal;
}

/**
 * Evaluates a model on queries against a gallery, fitted on the gallery alone: once with all queries, once without those that have a
 * near-duplicate in the gallery.
 */
export async function evaluatePair(
  gallery: PictureSet,
  queries: PictureSet,
  options: EvaluatePairOptions,
): Promise<{ readonly all: Evaluation; readonly withoutNearDuplicates: Evaluation }> {
  const statistics = fitOn(
    options.model,
    gallery,
    gallery.labels.map((_, row) => row),
  );
  const rows = { embeddings: embeddingsOf(options.model, gallery, statistics), labels: gallery.labels };
  const queryEmbeddings = embeddingsOf(options.model, queries, statistics);
  const groups = nearDuplicateGroups([...gallery.hashes, ...queries.hashes]);
  const inGallery = new Set(gallery.hashes.map((_, at) => groups.of(at)));
  const fresh = queries.labels.flatMap((_, at) => (inGallery.has(groups.of(gallery.hashes.length + at)) ? [] : [at]));
  const duplicated = queries.labels.length - fresh.length;

  const evaluate = async (chosen: readonly number[]): Promise<Evaluation> => {
    const answered: Answered = { measures: [], truth: [], answers: [] };
    const part = {
      embeddings: rowsOf(queryEmbeddings, queries.labels.length, chosen),
      labels: chosen.map((at) => queries.labels[at] ?? ''),
    };
    await answer(rows, part, rows.embeddings.length / rows.labels.length, answered, turnTaker(options.signal));
    const groupOf = (query: number): number => groups.of(gallery.hashes.length + (chosen[query] ?? 0));
    return { ...summary(answered, groupOf), queriesWithNearDuplicate: chosen.length === fresh.length ? 0 : duplicated };
  };
  return { all: await evaluate(queries.labels.map((_, at) => at)), withoutNearDuplicates: await evaluate(fresh) };
}

async function answer(
  gallery: LabelledRows,
  queries: LabelledRows,
  dimension: number,
  into: Answered,
  turn: () => Promise<void> | undefined,
): Promise<void> {
  const counts = new Map<string, number>();
  for (const label of gallery.labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const offset = into.measures.length;
  for (let query = 0; query < queries.labels.length; query++) {
    const measures = rankQuery(gallery, queries, query, { dimension, keep: DEFAULT_K });
    into.measures.push(measures === null ? null : { ...measures, query: offset + query });
    if (measures !== null) {
      into.truth.push(measures.label);
      into.answers.push(scoreClasses(measures.neighbours, (label) => counts.get(label) ?? 0, DEFAULT_VOTE)[0]?.label ?? '');
    }
    await turn();
  }
}

function summary(
  { measures, truth, answers }: Answered,
  groupOf: (query: number) => string | number,
): Omit<Evaluation, 'queriesWithNearDuplicate'> {
  return { retrieval: retrievalReport(measures, groupOf), vote: { k: DEFAULT_K, ...classificationReport(truth, answers) } };
}

/** One name per picture: joined by near-duplicates and by what the caller holds together. */
function splitGroups(set: PictureSet, groupOf: CrossValidateOptions['groupOf']): number[] {
  const groups = nearDuplicateGroups(set.hashes);
  const first = new Map<string, number>();
  set.exemplars.forEach(({ path }, row) => {
    const name = groupOf?.(path) ?? null;
    if (name === null) return;
    const other = first.get(name);
    if (other === undefined) first.set(name, row);
    else groups.join(other, row);
  });
  return set.labels.map((_, row) => groups.of(row));
}

/** Folds by row: the largest groups first, each to the fold that holds the fewest of the labels it brings. Deterministic. */
export function dealGroups(labels: readonly string[], groups: readonly number[], folds: number): number[] {
  const members = new Map<number, number[]>();
  groups.forEach((group, row) => {
    const rows = members.get(group) ?? [];
    rows.push(row);
    members.set(group, rows);
  });
  const held = Array.from({ length: folds }, () => new Map<string, number>());
  const sizes = new Array<number>(folds).fill(0);
  const foldOf = new Array<number>(labels.length).fill(0);
  for (const rows of [...members.values()].sort((a, b) => b.length - a.length || (a[0] ?? 0) - (b[0] ?? 0))) {
    const cost = (fold: number): number => rows.reduce((sum, row) => sum + (held[fold]?.get(labels[row] ?? '') ?? 0), 0);
    let best = 0;
    for (let fold = 1; fold < folds; fold++) {
      const [there, here] = [cost(fold), cost(best)];
      if (there < here || (there === here && (sizes[fold] ?? 0) < (sizes[best] ?? 0))) best = fold;
    }
    for (const row of rows) {
      foldOf[row] = best;
      const label = labels[row] ?? '';
      held[best]?.set(label, (held[best]?.get(label) ?? 0) + 1);
    }
    sizes[best] = (sizes[best] ?? 0) + rows.length;
  }
  return foldOf;
}
