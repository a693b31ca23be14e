import { describe, expect, it } from 'vitest';
import type { Neighbour } from '../../src/retrieval/match.js';
import { chooseVote, DEFAULT_VOTE, scoreClasses } from '../../src/retrieval/vote.js';

function neighbours(...entries: [label: string, similarity: number][]): Neighbour[] {
  return entries.map(([label, similarity], exemplar) => ({ exemplar, label, similarity }));
}

describe('scoreClasses', () => {
  const alike = (): number => 10;

  it('sums to one, best first', () => {
    const scores = scoreClasses(neighbours(['a', 0.9], ['b', 0.8], ['a', 0.7], ['c', 0.1]), alike, DEFAULT_VOTE);
    expect(scores.map(({ label }) => label)).toEqual(['a', 'b', 'c']);
    expect(scores.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 12);
  });

  it('lets similar exemplars outvote many dissimilar ones', () => {
    const far = Array.from({ length: 20 }, (): [string, number] => ['far', 0.2]);
    expect(scoreClasses(neighbours(['near', 0.9], ['near', 0.88], ...far), alike, { temperature: 0.1, priorExponent: 1 })[0]?.label).toBe(
      'near',
    );
    expect(scoreClasses(neighbours(['near', 0.9], ['near', 0.88], ...far), alike, { temperature: 10, priorExponent: 1 })[0]?.label).toBe(
      'far',
    );
  });

  it('does not let a class with many exemplars drown one with few', () => {
    const found = neighbours(['large', 0.8], ['small', 0.8], ['large', 0.8], ['small', 0.8], ['large', 0.8]);
    const countOf = (label: string): number => (label === 'large' ? 195 : 13);
    expect(scoreClasses(found, countOf, { temperature: 0.1, priorExponent: 0 })[0]?.label).toBe('large');
    expect(scoreClasses(found, countOf, { temperature: 0.1, priorExponent: 0.5 })[0]?.label).toBe('small');
  });

  it('does not let one chance neighbour of a tiny class carry the vote', () => {
    const found = neighbours(['tiny', 0.5], ...Array.from({ length: 10 }, (): [string, number] => ['large', 0.48]));
    const countOf = (label: string): number => (label === 'large' ? 60 : 1);
    expect(scoreClasses(found, countOf, { temperature: 0.15, priorExponent: 0.75 })[0]?.label).toBe('large');
  });

  it('has no scores without neighbours', () => {
    expect(scoreClasses([], alike, DEFAULT_VOTE)).toEqual([]);
  });
});

describe('chooseVote', () => {
  it('chooses a low temperature where only the nearest exemplar tells', () => {
    const queries = Array.from({ length: 60 }, (_, at) => ({
      label: at % 2 === 0 ? 'a' : 'b',
      neighbours: neighbours(
        [at % 2 === 0 ? 'a' : 'b', 0.9],
        ...Array.from({ length: 8 }, (): [string, number] => [at % 2 === 0 ? 'b' : 'a', 0.7]),
      ),
      counts: new Map([
        ['a', 30],
        ['b', 30],
      ]),
    }));
    expect(chooseVote(queries).temperature).toBeLessThan(0.06);
    expect(chooseVote(queries.slice(0, 10))).toEqual(DEFAULT_VOTE);
  });
});
