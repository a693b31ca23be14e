import type { QueryAnswer } from './answers.js';
import type { Neighbour } from '../retrieval/match.js';

/** A query whose nearest exemplar has another label. */
export interface Failure {
  readonly query: number;
  readonly label: string;
  /** By how much the wrong exemplar was more similar than the first right one. */
  readonly margin: number;
  /** Position of the first right exemplar, from 1. */
  readonly firstHit: number;
  readonly neighbours: readonly Neighbour[];
  readonly firstRelevant: Neighbour;
}

const SHOWN_NEIGHBOURS = 5;

/**
 * The failures that say most about a model: where it was surest and wrong. At most `perLabel` of one label, so that one bad class does not
 * hide the others.
 */
export function worstFailures(answers: readonly QueryAnswer[], count: number, perLabel = 3): Failure[] {
  const failures = answers.flatMap(({ query, label, measures }): Failure[] => {
    const [nearest] = measures?.neighbours ?? [];
    if (measures === null || nearest === undefined || measures.firstHit === 1) return [];
    return [
      {
        query,
        label,
        margin: nearest.similarity - measures.firstRelevant.similarity,
        firstHit: measures.firstHit,
        neighbours: measures.neighbours.slice(0, SHOWN_NEIGHBOURS),
        firstRelevant: measures.firstRelevant,
      },
    ];
  });
  const shown = new Map<string, number>();
  return failures
    .sort((a, b) => b.margin - a.margin || a.query - b.query)
    .filter(({ label }) => {
      const before = shown.get(label) ?? 0;
      shown.set(label, before + 1);
      return before < perLabel;
    })
    .slice(0, count);
}
