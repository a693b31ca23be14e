import { describe, expect, it } from 'vitest';
import { splitByGroup } from '../../src/training/split.js';

const set = (patients: number, perPatient: number) => {
  const labels: string[] = [];
  const groups: number[] = [];
  for (let patient = 0; patient < patients; patient++) {
    for (const label of ['antrum', 'pylorus']) {
      for (let picture = 0; picture < perPatient; picture++) {
        labels.push(label);
        groups.push(patient);
      }
    }
  }
  return { labels, groups };
};

describe('splitByGroup', () => {
  it('holds back whole groups, about the fraction of each class', () => {
    const { labels, groups } = set(20, 5);
    const { train, val } = splitByGroup(labels, groups, 0.2, 1);
    expect(train.length + val.length).toBe(labels.length);
    const patients = (side: readonly number[]) => new Set(side.map((picture) => groups[picture]));
    expect([...patients(val)].some((patient) => patients(train).has(patient))).toBe(false);
    for (const label of ['antrum', 'pylorus']) expect(val.filter((picture) => labels[picture] === label)).toHaveLength(20);
  });

  it('draws by the seed', () => {
    const { labels, groups } = set(20, 5);
    const of = (seed: number) => splitByGroup(labels, groups, 0.2, seed).val.join();
    expect(of(1)).toBe(of(1));
    expect(new Set([1, 2, 3, 4].map(of)).size).toBeGreaterThan(1);
  });

  it('leaves a class of one group in training, and something of every class', () => {
    const labels = ['antrum', 'antrum', 'antrum', 'antrum', 'pylorus', 'pylorus'];
    const { train, val } = splitByGroup(labels, [1, 1, 1, 1, 2, 3], 0.9, 1);
    expect(train.slice(0, 4)).toEqual([0, 1, 2, 3]);
    expect(val).toHaveLength(1);
  });
});
