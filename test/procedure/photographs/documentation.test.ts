import { describe, expect, it } from 'vitest';
import {
  coverageOfPhotographs,
  documentation,
  judgePhotographs,
  type AssignedPhotograph,
} from '../../../src/procedure/photographs/documentation.js';
import { nearDuplicates } from '../../../src/procedure/photographs/near-duplicates.js';
import { parseChecklist } from '../../../src/tracking/checklist.js';

const checklist = parseChecklist({
  id: 'four',
  name: 'Four sites',
  citation: 'none',
  status: 'verified: made up',
  tract: 'upper',
  sites: [
    { id: 'antrum', name: 'Antrum', landmarks: ['antrum'] },
    { id: 'z-line', name: 'Z-line', landmarks: ['z-line'] },
    { id: 'bulb', name: 'Bulb', landmarks: ['duodenal-bulb'] },
    { id: 'fundus', name: 'Fundus', landmarks: ['fundus'], optional: true },
  ],
});
const LABELS = ['antrum', 'z-line', 'fundus'];

function photograph(index: number, over: Partial<AssignedPhotograph>): AssignedPhotograph {
  const picture = `photographs/${index}.jpg`;
  return { index, picture, repeats: null, outcome: 'assigned', landmark: 'antrum', score: 0.8, quality: 0.9, ...over };
}

describe('documentation', () => {
  const lines = [
    photograph(0, { score: 0.7 }),
    photograph(1, { score: 0.9 }),
    photograph(2, { repeats: 1 }),
    photograph(3, { outcome: 'doubtful', landmark: 'z-line' }),
    photograph(4, { outcome: 'unknown', landmark: 'fundus' }),
    photograph(5, { outcome: 'unusable', landmark: null }),
  ];
  const states = (corrections: Parameters<typeof judgePhotographs>[1], marks: Parameters<typeof documentation>[3] = []) =>
    Object.fromEntries(documentation(checklist, LABELS, judgePhotographs(lines, corrections), marks).map((site) => [site.id, site]));

  it('tells documented, doubtful, missing and unsupported apart, the best photograph first and repetitions left out', () => {
    const sites = states([]);
    expect(sites['antrum']).toMatchObject({ state: 'documented', documentedBy: [1, 0], doubtful: [] });
    expect(sites['z-line']).toMatchObject({ state: 'seen', documentedBy: [], doubtful: [3] });
    expect(sites['bulb']).toMatchObject({ state: 'unsupported' });
    expect(sites['fundus']).toMatchObject({ state: 'unseen', guesses: [4] });
    expect(coverageOfPhotographs(checklist, LABELS, judgePhotographs(lines))).toMatchObject({ required: 2, documented: 1, seen: 2 });
  });

  it('counts what a person said, the last word of each photograph, without losing the machine’s', () => {
    const by = (index: number, landmark: string | null) => ({ picture: `photographs/${index}.jpg`, landmark });
    expect(states([by(3, 'z-line')])['z-line']).toMatchObject({ state: 'documented', documentedBy: [3] });
    expect(states([by(3, null)])['z-line']).toMatchObject({ state: 'unseen', doubtful: [] });
    expect(states([by(5, 'duodenal-bulb')])['bulb']).toMatchObject({ state: 'documented', documentedBy: [5] });
    const rejected = states([by(0, null), by(1, null), by(1, 'z-line')]);
    expect(rejected['antrum']).toMatchObject({ state: 'unseen' });
    expect(rejected['z-line']).toMatchObject({ documentedBy: [1] });
    const judged = judgePhotographs(lines, [by(1, 'z-line')])[1];
    expect(judged).toMatchObject({ outcome: 'assigned', landmark: 'antrum', corrected: 'z-line', counts: 'z-line' });
  });

  it('lets a mark on the site itself decide', () => {
    expect(states([], [{ siteId: 'bulb', state: 'documented' }])['bulb']).toMatchObject({ state: 'documented', manual: true });
    expect(
      states(
        [],
        [
          { siteId: 'antrum', state: 'unseen' },
          { siteId: 'antrum', state: null },
        ],
      )['antrum'],
    ).toMatchObject({ state: 'documented', manual: false });
  });
});

describe('nearDuplicates', () => {
  const hash = (bits: number): Uint32Array => {
    const words = new Uint32Array(8);
    for (let bit = 0; bit < bits; bit++) words[bit >> 5]! |= 1 << (bit & 31);
    return words;
  };
  const unit = (angle: number): Float32Array => Float32Array.of(Math.cos(angle), Math.sin(angle));

  it('joins copies to the best of them, and one view kept twice where the embeddings agree', () => {
    expect(
      nearDuplicates([
        { hash: hash(0), embedding: unit(0), value: 0.5 },
        { hash: hash(15), embedding: unit(1), value: 0.9 },
        { hash: hash(60), embedding: unit(1.1), value: 0.4 },
        { hash: hash(60), embedding: unit(3), value: 0.3 },
        { hash: hash(120), embedding: unit(1), value: 0.2 },
      ]),
    ).toEqual([1, null, 1, null, null]);
  });

  it('does not chain: the ends of a slow movement are two views', () => {
    const steps = Array.from({ length: 5 }, (_, step) => ({ hash: hash(step * 18), embedding: unit(step), value: 1 }));
    expect(nearDuplicates(steps)).toEqual([null, 0, null, 2, null]);
  });
});
