import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import { rowGroups } from '../../src/evaluation/row-groups.js';
import { SAME_SCENE_BITS } from '../../src/retrieval/look-alikes.js';
import { groupsFromTable, pictureGroups } from '../../src/training/groups.js';
import { temporaryFolder } from '../support/temporary.js';

const scene = (seed: number): Uint32Array => {
  const random = seededRandom(seed);
  return Uint32Array.from({ length: 8 }, () => random() * 2 ** 32);
};
/** The hash with so many of its bits turned. */
const turned = (hash: Uint32Array, bits: number): Uint32Array => {
  const result = hash.slice();
  for (let bit = 0; bit < bits; bit++) result[bit % 8]! ^= 1 << (bit >>> 3);
  return result;
};

describe('pictureGroups', () => {
  const names = ['p1-a', 'p2-a', 'x', 'p1-b', 'y', 'z'];
  const [a, b] = [scene(1), scene(2)];

  it('believes the names, and joins what looks alike among the pictures that have none', async () => {
    const hashes = [a, a, a, b, a, b];
    expect(await pictureGroups(names, hashes, (name) => /^p\d/.exec(name)?.[0] ?? null)).toEqual([0, 1, 2, 0, 2, 5]);
    expect(await pictureGroups(names, hashes, null)).toEqual([0, 0, 0, 3, 0, 3]);
  });

  it('joins as an evaluation does, so that neither has one moment on both sides', async () => {
    const hashes = [a, turned(a, SAME_SCENE_BITS), turned(b, 49), b, turned(a, 2 * SAME_SCENE_BITS), scene(3)];
    const groups = await pictureGroups(names, hashes, null);
    // The fifth is within reach of the second alone.
    expect(groups).toEqual([0, 0, 2, 3, 0, 5]);
    const evaluated = await rowGroups(
      hashes,
      names.map(() => null),
      { embeddings: null },
    );
    expect(groups).toEqual(evaluated.groups);
  });
});

describe('groupsFromTable', () => {
  const folder = temporaryFolder();
  const table = (text: string): string => {
    const file = join(folder, 'groups.csv');
    writeFileSync(file, text);
    return file;
  };

  it('finds a picture by its path or by its bare name', async () => {
    const groupOf = await groupsFromTable(table('path,patient\nantrum/a.jpg,P1\nb.jpg,P2\nc.jpg,\n'), 'patient');
    expect(['antrum/a.jpg', 'pylorus/b.jpg', 'c.jpg', 'd.jpg'].map(groupOf)).toEqual(['P1', 'P2', null, null]);
  });

  it('says which column is missing', async () => {
    await expect(groupsFromTable(table('path,patient\n'), 'source')).rejects.toMatchObject({ code: 'csv-columns' });
    await expect(groupsFromTable(table('picture,patient\n'), 'patient')).rejects.toMatchObject({ code: 'group-table' });
    await expect(groupsFromTable(join(folder, 'absent.csv'), 'patient')).rejects.toMatchObject({ code: 'group-table' });
  });
});
