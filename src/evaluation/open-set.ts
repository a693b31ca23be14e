import { turnTaker } from '../common/turns.js';
import { confidenceOf, DEFAULT_MEASURE, learnUsualNearness } from '../retrieval/confidence.js';
import { dealFolds } from '../retrieval/folds.js';
import { heldOutSearch, type HeldOutAnswer } from '../retrieval/held-out.js';
import { operatingPoint, type OpenSetCurve, type OpenSetQuery } from '../retrieval/operating-point.js';
import { DEFAULT_K, DEFAULT_VOTE, scoreClasses } from '../retrieval/vote.js';
import type { Subject } from './subject.js';

export interface OpenSetOptions {
  /** Rows that may answer, and rows that are asked; they may be the same. */
  readonly gallery: readonly number[];
  readonly queries: readonly number[];
  /** By row: never asked of each other. */
  readonly groups: readonly number[];
  readonly wantedFalseAcceptance: number;
  readonly signal?: AbortSignal;
}

const FOLDS = 5;
/** Fewer queries on either side say nothing about a rate. */
const MIN_QUERIES = 20;

/**
 * How well what the gallery holds is told from what it does not hold: in five rounds a fifth of the classes is taken out of the gallery
 * whole (with the wider classes and parts of each query's class) and asked for, beside queries whose class is there. Models are fitted without either. The threshold curve
 * counts every class alike. Null when there are too few queries.
 */
export async function openSet(subject: Subject, options: OpenSetOptions): Promise<OpenSetCurve | null> {
  const { labels } = subject;
  const [inGallery, asked] = [new Set(options.gallery), new Set(options.queries)];
  const turn = turnTaker(options.signal);
  const known: HeldOutAnswer[] = [];
  const foreign: HeldOutAnswer[] = [];
  for (const fold of dealFolds(labels, options.groups, FOLDS)) {
    const members = fold.members.filter((row) => inGallery.has(row));
    if (members.length === 0) continue;
    await turn();
    const embeddings = subject.embed(members);
    const search = heldOutSearch({ embeddings, labels, groups: options.groups }, members, DEFAULT_K, [DEFAULT_MEASURE]);
    for (const query of fold.known.filter((row) => asked.has(row))) {
      const answer = search(query, true);
      if (answer.counts.has(labels[query] ?? '')) known.push(answer);
      await turn();
    }
    for (const query of fold.unknown.filter((row) => asked.has(row))) {
      const answer = search(query, false);
      if (answer.neighbours.length > 0) foreign.push(answer);
      await turn();
    }
  }
  if (known.length < MIN_QUERIES || foreign.length < MIN_QUERIES) return null;
  const judge = ({ query, neighbours, counts, nearness }: HeldOutAnswer) => ({
    label: labels[query] ?? '',
    best: scoreClasses(neighbours, (label) => counts.get(label) ?? 0, DEFAULT_VOTE)[0]?.label,
    nearness: nearness[0] ?? 0,
  });
  const judged = known.map(judge);
  const usual = learnUsualNearness(
    judged.filter(({ label, best }) => label === best),
    labels,
  );
  const toQuery = ({ label, best, nearness }: ReturnType<typeof judge>): OpenSetQuery => ({
    label,
    confidence: confidenceOf(nearness, best, usual),
    right: best === label,
  });
  return operatingPoint(judged.map(toQuery), foreign.map(judge).map(toQuery), options.wantedFalseAcceptance);
}
