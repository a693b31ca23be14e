import { describe, expect, it } from 'vitest';
import { foldSplit, givenSplit, leaveOneOut, pairSplit } from '../../src/evaluation/split.js';

const LABELS = 'aaaabbbb'.split('');
const GROUPS = [0, 0, 2, 3, 4, 4, 4, 7];

describe('foldSplit', () => {
  it('asks every row once, and never parts a group', () => {
    const { rounds } = foldSplit(LABELS, GROUPS, 3);
    expect(rounds.flatMap(({ queries }) => queries).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const { gallery, queries, fit } of rounds) {
      expect(fit).toEqual(gallery);
      const asked = new Set(queries.map((row) => GROUPS[row]));
      expect(gallery.some((row) => asked.has(GROUPS[row]))).toBe(false);
      expect(gallery.length + queries.length).toBe(8);
    }
  });

  it('has no more folds than groups', () => {
    expect(foldSplit(LABELS, GROUPS, 50).rounds).toHaveLength(5);
  });
});

describe('leaveOneOut', () => {
  it('asks every row of all others, with a model that has not seen its group', () => {
    const { rounds } = leaveOneOut(LABELS, GROUPS);
    expect(rounds.flatMap(({ queries }) => queries).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const { gallery, queries, fit, withoutOwnGroup } of rounds) {
      expect(gallery).toHaveLength(8);
      expect(withoutOwnGroup).toBe(true);
      const asked = new Set(queries.map((row) => GROUPS[row]));
      expect(fit.some((row) => asked.has(GROUPS[row]))).toBe(false);
    }
  });
});

describe('givenSplit', () => {
  it('takes numbers for folds', () => {
    const { rounds, leftOut } = givenSplit(['0', '1', '1', '0', null], 'table');
    expect(rounds.map(({ queries }) => queries)).toEqual([
      [0, 3],
      [1, 2],
    ]);
    expect(rounds.map(({ gallery }) => gallery)).toEqual([
      [1, 2],
      [0, 3],
    ]);
    expect(leftOut).toBe(1);
  });

  it('takes names for sets, the test set before the validation set', () => {
    const parts = ['train', 'test', 'validation', 'train', ''];
    expect(givenSplit(parts, 'table')).toMatchObject({ rounds: [{ gallery: [0, 3], queries: [1] }], leftOut: 2 });
    expect(givenSplit(['train', 'val'], 'table')).toMatchObject({ rounds: [{ gallery: [0], queries: [1] }], leftOut: 0 });
  });

  it('refuses what is neither', () => {
    expect(() => givenSplit(['left', 'right'], 'table.csv')).toThrow(/table.csv: its parts are left, right/);
    expect(() => givenSplit(['train', 'train'], 'table.csv')).toThrow(/its parts are train/);
  });
});

describe('pairSplit', () => {
  it('asks the later rows of the earlier ones', () => {
    expect(pairSplit(2, 5).rounds).toEqual([{ fit: [0, 1], gallery: [0, 1], queries: [2, 3, 4], withoutOwnGroup: false }]);
  });
});
