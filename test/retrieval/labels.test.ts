import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { classInfo, CLASSES } from '../../src/common/landmarks.js';
import { ALIASED_IDS, canonicalLabel } from '../../src/retrieval/aliases.js';
import { labelOfFolders, listLabelledPictures } from '../../src/retrieval/labelled-pictures.js';
import { temporaryFolder, write } from './support.js';

describe('canonicalLabel', () => {
  it('maps only to ids that exist', () => {
    const ids = new Set(CLASSES.map(({ id }) => id));
    expect(ALIASED_IDS.filter((id) => !ids.has(id))).toEqual([]);
  });

  it.each([
    ['Kvasir v2', { 'normal-z-line': 'z-line', 'normal-cecum': 'cecum', 'ulcerative-colitis': 'ulcerative-colitis', polyps: 'polyps' }],
    [
      'HyperKvasir folders',
      {
        cecum: 'cecum',
        ileum: 'terminal-ileum',
        'retroflex-rectum': 'retroflex-rectum',
        'bbps-2-3': 'bbps-2-3',
        'barretts-short-segment': 'barretts',
        'esophagitis-b-d': 'esophagitis',
        'ulcerative-colitis-grade-0-1': 'ulcerative-colitis',
        hemorrhoids: 'hemorrhoids',
      },
    ],
    [
      'HyperKvasir table',
      {
        'normal-pylorus': 'pylorus',
        polyp: 'polyps',
        'oesophagitis-a': 'esophagitis',
        'short-segment-barretts': 'barretts',
        hemorroids: 'hemorrhoids',
      },
    ],
    ['HyperKvasir description', { 'ulcerative-colitis-2-3': 'ulcerative-colitis' }],
    [
      'GastroVision',
      {
        'Gastroesophageal_junction_normal z-line': 'z-line',
        'Small bowel_terminal ileum': 'terminal-ileum',
        "Barrett's esophagus": 'barretts',
        'Normal stomach': 'stomach',
        'Normal mucosa and vascular pattern in the large bowel': 'colon-normal',
        'Ileocecal valve': 'ileocecal-valve',
        'Retroflex rectum': 'retroflex-rectum',
        'Resection margins': 'resected-margins',
        'Dyed-lifted-polyps': 'dyed-lifted-polyps',
        'Colon polyps': 'polyps',
        'Accessory tools': 'accessory-tools',
      },
    ],
    ['GastroHUN', { A1: 'antrum-anterior', G4: 'fundus-cardia-retroflex-greater', L6: 'incisura-retroflex-lesser' }],
  ])('knows the names of %s', (_set, names) => {
    for (const [name, id] of Object.entries(names)) expect(canonicalLabel(name), name).toBe(id);
  });

  it('does not guess', () => {
    expect(canonicalLabel('lower-gi-tract')).toBeNull();
    expect(canonicalLabel('G5')).toBeNull();
    expect(classInfo('antrum-anterior').within).toBe('antrum');
  });
});

describe('labelOfFolders', () => {
  it.each([
    [['labeled-images', 'upper-gi-tract', 'anatomical-landmarks', 'z-line'], { label: 'z-line', known: true }],
    [['pylorus', 'patient-7'], { label: 'pylorus', known: true }],
    [['session 3', 'my own label'], { label: 'my own label', known: false }],
    [['unlabeled-images', 'images'], null],
    [[], null],
  ])('%j', (folders, expected) => {
    expect(labelOfFolders(folders)).toEqual(expected);
  });
});

describe('listLabelledPictures', () => {
  it('lists in the order of names, follows links to pictures, and leaves out the rest', async () => {
    const folder = await temporaryFolder();
    for (const path of ['b/Z.JPG', 'b/a.tiff', 'b/c.txt', 'b/.hidden.jpg', 'a/nested/deep/x.webp', 'top.png'])
      await write(join(folder, path), 'x');
    await symlink(join(folder, 'b/a.tiff'), join(folder, 'b/linked.tiff'));
    await symlink(join(folder, 'nowhere.jpg'), join(folder, 'b/broken.jpg'));
    const listing = await listLabelledPictures(folder);
    expect(listing.pictures).toEqual([
      { path: 'a/nested/deep/x.webp', label: 'deep' },
      { path: 'b/Z.JPG', label: 'b' },
      { path: 'b/a.tiff', label: 'b' },
      { path: 'b/linked.tiff', label: 'b' },
    ]);
    expect(listing.unlabelled).toEqual(['top.png']);
    expect(listing.folders).toEqual([
      { folder: 'a/nested/deep', label: 'deep', known: false, pictures: 1 },
      { folder: 'b', label: 'b', known: false, pictures: 3 },
    ]);
  });
});
