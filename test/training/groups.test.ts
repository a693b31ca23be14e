import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { groupsFromTable, pictureGroups } from '../../src/training/groups.js';
import { temporaryFolder } from '../support/temporary.js';

const hash = (first: number): Uint32Array =>
  Uint32Array.from({ length: 8 }, (_, word) => (word === 0 ? first : word % 2 === first % 2 ? 0xffffffff : 0));

describe('pictureGroups', () => {
  it('believes the names, and joins near-duplicates among the pictures that have none', () => {
    const names = ['p1-a', 'p2-a', 'x', 'p1-b', 'y', 'z'];
    const hashes = [hash(1), hash(1), hash(1), hash(2), hash(1), hash(2)];
    expect(pictureGroups(names, hashes, (name) => /^p\d/.exec(name)?.[0] ?? null)).toEqual([0, 1, 2, 0, 2, 5]);
    expect(pictureGroups(names, hashes, null)).toEqual([0, 0, 0, 3, 0, 3]);
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
