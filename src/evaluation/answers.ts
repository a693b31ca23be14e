import { turnTaker } from '../common/turns.js';
import type { Neighbour } from '../retrieval/match.js';
import { DEFAULT_K, DEFAULT_VOTE, scoreClasses } from '../retrieval/vote.js';
import { rankQuery, type QueryMeasures } from './ranking.js';
import type { Split } from './split.js';
import { partOf, type Subject } from './subject.js';

/** What a subject answered to one row. Exemplars are rows of the subject. */
export interface QueryAnswer {
  /** Row. */
  readonly query: number;
  readonly label: string;
  /** Null when the gallery has no exemplar of its label. */
  readonly measures: QueryMeasures | null;
  /** Best class of the similarity-weighted vote of the `DEFAULT_K` nearest, as a gallery answers. */
  readonly voted: string;
  /** Most frequent class of the `MAJORITY_K` nearest; of equals the one that comes first. */
  readonly majority: string;
  /** The gallery that it was asked of holds a picture that looks as if it were of the same examination. */
  readonly lookAlike: boolean;
}

export interface Answers {
  readonly answers: readonly QueryAnswer[];
  /** Time to rank the whole gallery, ms a query. */
  readonly rankingMs: number;
}

/** Neighbours of the unweighted vote. */
export const MAJORITY_K = 5;

export interface AnswerOptions {
  /** By row: pictures of one patient, or that look alike. */
  readonly groups: readonly number[];
  /** By row: pictures that look alike. */
  readonly lookAlikes: readonly number[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Asks every query of a split. */
export async function answerSplit(subject: Subject, split: Split, options: AnswerOptions): Promise<Answers> {
  const { labels } = subject;
  const { groups, lookAlikes, onProgress } = options;
  const turn = turnTaker(options.signal);
  const total = split.rounds.reduce((sum, { queries }) => sum + queries.length, 0);
  const answers: QueryAnswer[] = [];
  let rankingMs = 0;
  for (const { fit, gallery, queries, withoutOwnGroup } of split.rounds) {
    onProgress?.(answers.length, total);
    await turn();
    const embeddings = subject.embed(fit);
    const dimension = embeddings.length / labels.length;
    const exemplars = partOf(labels, embeddings, gallery);
    const asked = partOf(labels, embeddings, queries);
    const looks = groupsByLook(gallery, lookAlikes, groups);
    const counts = new Map<string, number>();
    for (const label of exemplars.labels) counts.set(label, (counts.get(label) ?? 0) + 1);
    for (const [at, query] of queries.entries()) {
      const began = performance.now();
      const found = rankQuery(exemplars, asked, at, {
        dimension,
        keep: DEFAULT_K,
        ...(withoutOwnGroup ? { exclude: (_: number, exemplar: number) => groups[gallery[exemplar] ?? -1] === groups[query] } : {}),
      });
      rankingMs += performance.now() - began;
      const neighbours = found?.neighbours ?? [];
      answers.push({
        query,
        label: labels[query] ?? '',
        measures: found === null ? null : inRows(found, query, gallery),
        voted: scoreClasses(neighbours, (label) => counts.get(label) ?? 0, DEFAULT_VOTE)[0]?.label ?? '',
        majority: majorityOf(neighbours.slice(0, MAJORITY_K)),
        lookAlike: hasOther(looks.get(lookAlikes[query] ?? query), withoutOwnGroup ? (groups[query] ?? query) : null),
      });
      onProgress?.(answers.length, total);
      await turn();
    }
  }
  return { answers, rankingMs: rankingMs / Math.max(1, answers.length) };
}

/** By look: the groups of the exemplars that look so. */
function groupsByLook(gallery: readonly number[], lookAlikes: readonly number[], groups: readonly number[]): Map<number, Set<number>> {
  const found = new Map<number, Set<number>>();
  for (const row of gallery) {
    const look = lookAlikes[row] ?? row;
    const of = found.get(look) ?? new Set<number>();
    of.add(groups[row] ?? row);
    found.set(look, of);
  }
  return found;
}

function hasOther(groups: ReadonlySet<number> | undefined, own: number | null): boolean {
  return groups !== undefined && groups.size > (own !== null && groups.has(own) ? 1 : 0);
}

function inRows(measures: QueryMeasures, query: number, gallery: readonly number[]): QueryMeasures {
  const inRow = (neighbour: Neighbour): Neighbour => ({ ...neighbour, exemplar: gallery[neighbour.exemplar] ?? -1 });
  return { ...measures, query, neighbours: measures.neighbours.map(inRow), firstRelevant: inRow(measures.firstRelevant) };
}

function majorityOf(neighbours: readonly Neighbour[]): string {
  const counts = new Map<string, number>();
  for (const { label } of neighbours) counts.set(label, (counts.get(label) ?? 0) + 1);
  // A map keeps the order of the first appearance, so that the nearer of two equal classes stands first.
  return [...counts].reduce<[string, number]>((best, next) => (next[1] > best[1] ? next : best), ['', 0])[0];
}
