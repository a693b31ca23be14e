import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDataset } from '../../src/evaluation/datasets/read-dataset.js';
import { withGroupColumn, withSplitTable } from '../../src/evaluation/datasets/split-table.js';
import { temporaryFolder, write } from '../retrieval/support.js';

const READ = { keepLabels: false };

async function touch(folder: string, ...paths: string[]): Promise<void> {
  for (const path of paths) await write(join(folder, path), 'x');
}

describe('readDataset', () => {
  it('recognises Kvasir, below its folder too', async () => {
    const folder = await temporaryFolder();
    const names = ['dyed-lifted-polyps', 'esophagitis', 'normal-cecum', 'normal-pylorus', 'normal-z-line', 'polyps', 'ulcerative-colitis'];
    await touch(folder, ...names.map((name) => `kvasir-dataset-v2/${name}/a.jpg`), 'kvasir-dataset-v2/loose.jpg');
    const listing = await readDataset(folder, null, READ);
    expect(listing).toMatchObject({ directory: join(folder, 'kvasir-dataset-v2'), split: null, unlabelled: ['loose.jpg'] });
    expect(listing.title).toMatch(/^Kvasir /);
    expect(listing.licence).toMatch(/Pogorelov/);
    expect(listing.pictures.map(({ label }) => label)).toContain('cecum');
  });

  it('reads HyperKvasir with the authors’ folds, whichever names its table and folders use', async () => {
    const folder = await temporaryFolder();
    await touch(
      folder,
      'labeled-images/lower-gi-tract/anatomical-landmarks/cecum/one.jpg',
      'labeled-images/upper-gi-tract/pathological-findings/esophagitis-a/two.jpg',
      'labeled-images/upper-gi-tract/anatomical-landmarks/pylorus/three.jpg',
      'unlabeled-images/images/four.jpg',
    );
    await write(
      join(folder, 'official_splits/2_fold_split.csv'),
      'file-name;class-name;split-index\none.jpg;normal-cecum;0\ntwo.jpg;oesophagitis-a;1\ngone.jpg;polyp;1\n',
    );
    const listing = await readDataset(folder, null, READ);
    expect(listing.pictures.map(({ label, part }) => [label, part])).toEqual([
      ['cecum', '0'],
      ['pylorus', null],
      ['esophagitis', '1'],
    ]);
    expect(listing.missing).toEqual(['gone.jpg']);
    expect(listing.split).toMatch(/the authors’ 2 folds/);
    expect(listing.notes.join(' ')).toMatch(/--keep-labels keeps the authors’ 23 classes/);

    const five = await readDataset(folder, 'hyperkvasir', { keepLabels: true, folds: 5 });
    expect(five.split).toBeNull();
    expect(five.notes.join(' ')).toMatch(/No 5_fold_split.csv of the authors was found/);
    expect(five.pictures.map(({ label }) => label)).toContain('esophagitis-a');
  });

  it('reads GastroVision with the authors’ sets, although names of files repeat between classes', async () => {
    const folder = await temporaryFolder();
    const classes = ['Small bowel_terminal ileum', 'Gastroesophageal_junction_normal z-line', 'Normal stomach', 'Duodenal bulb'];
    await touch(folder, ...classes.map((name) => `Gastrovision/${name}/100H0001.jpg`));
    const table = (...lines: string[]): string => `Filename,Class\n${lines.join('\n')}\n`;
    await write(join(folder, 'Split/train.csv'), table('100H0001.jpg,Normal stomach', '100H0001.jpg,Duodenal bulb'));
    await write(join(folder, 'Split/validate.csv'), table('100H0001.jpg,Small bowel_terminal ileum'));
    await write(
      join(folder, 'Split/test.csv'),
      table('100H0001.jpg,Gastroesophageal_junction_normal z-line', '100H0002.jpg,Normal stomach'),
    );
    const listing = await readDataset(folder, null, READ);
    expect(Object.fromEntries(listing.pictures.map(({ label, part }) => [label, part]))).toEqual({
      stomach: 'train',
      'duodenal-bulb': 'train',
      'terminal-ileum': 'validation',
      'z-line': 'test',
    });
    expect(listing.missing).toEqual(['stomach/100H0002.jpg']);
  });

  it('reads GastroHUN: annotators, agreements, patients and sets', async () => {
    const folder = await temporaryFolder();
    await touch(folder, 'Labeled Images/1/a.jpg', 'Labeled Images/1/b.jpg', 'Labeled Images/2/c.jpg');
    await write(
      join(folder, 'official_splits/image_classification.csv'),
      [
        ',num patient,filename,FG1 (Team A),FG2 (Team A),Complete agreement,set_type',
        '0,1,a.jpg,A1,A1,A1,Train',
        '1,1,b.jpg,L1,A1,,Train',
        '2,2,c.jpg,OTHERCLASS,OTHERCLASS,OTHERCLASS,Test',
        '3,3,gone.jpg,G2,G2,G2,Validation',
      ].join('\n'),
    );
    const listing = await readDataset(folder, null, READ);
    expect(listing.pictures).toEqual([
      { path: 'Labeled Images/1/a.jpg', label: 'antrum-anterior', group: 'patient 1', part: 'train' },
      { path: 'Labeled Images/2/c.jpg', label: 'OTHERCLASS', group: 'patient 2', part: 'test' },
    ]);
    expect(listing).toMatchObject({ unlabelled: ['Labeled Images/1/b.jpg'], missing: ['gone.jpg'], unknownLabels: ['OTHERCLASS'] });
    expect(listing.licence).toMatch(/CC BY-NC/);

    const one = await readDataset(folder, 'gastrohun', { ...READ, labelColumn: 'FG1 (Team A)' });
    expect(one.pictures.map(({ label }) => label)).toEqual(['antrum-anterior', 'antrum-lesser', 'OTHERCLASS']);
    await expect(readDataset(folder, 'gastrohun', { ...READ, labelColumn: 'FG9' })).rejects.toThrow(/has no column “FG9”/);
  });

  it('takes any other folder as it is, keeping labels that nobody knows', async () => {
    const folder = await temporaryFolder();
    await touch(folder, 'normal-pylorus/a.jpg', 'My own class/b.jpg');
    const listing = await readDataset(folder, null, READ);
    expect(listing.pictures.map(({ label }) => label)).toEqual(['My own class', 'pylorus']);
    expect(listing.unknownLabels).toEqual(['My own class']);
    await expect(readDataset(folder, 'gastrohun', READ)).rejects.toThrow(/holds no image_classification.csv/);
    await expect(readDataset(folder, 'imagenet', READ)).rejects.toThrow(/no data set that is known here/);
  });
});

describe('tables', () => {
  it('take splits and groups by path, or by file name where that is unique', async () => {
    const folder = await temporaryFolder();
    await touch(folder, 'a/1.jpg', 'a/2.jpg', 'b/1.jpg', 'unlabelled/u.jpg');
    const listing = await readDataset(folder, null, READ);
    await write(
      join(folder, 'INDEX.csv'),
      'path,source\na/1.jpg,north\na/2.jpg,north\nb/1.jpg,south\nunlabelled/u.jpg,south\nb/9.jpg,south\n',
    );
    const grouped = await withGroupColumn(listing, 'source');
    expect(grouped.pictures.map(({ group }) => group)).toEqual(['north', 'north', 'south']);
    expect(grouped.missing).toEqual(['b/9.jpg']);
    await expect(withGroupColumn(listing, 'patient')).rejects.toThrow(/has no column of that name \(patient\)/);

    await write(join(folder, 'split.csv'), 'file;set\n2.jpg;Train\n1.jpg;Test\n');
    const split = await withSplitTable(listing, join(folder, 'split.csv'));
    // Two pictures are called 1.jpg, so the table cannot mean either.
    expect(split.pictures.map(({ part }) => part)).toEqual([null, 'train', null]);
    expect(split.missing).toEqual(['1.jpg']);
    await expect(withSplitTable(listing, join(folder, 'nowhere.csv'))).rejects.toThrow(/nowhere.csv: cannot be read/);
  });
});
