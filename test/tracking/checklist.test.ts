import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLASSES, classesAround } from '../../src/common/landmarks.js';
import { CHECKLISTS, loadChecklist, parseChecklist } from '../../src/tracking/checklist.js';

const VALID = {
  id: 'own',
  name: 'Own',
  citation: 'House rules',
  status: 'check against the house rules',
  tract: 'upper',
  sites: [{ id: 'antrum', name: 'Antrum', landmarks: ['antrum'] }],
};

describe('shipped checklists', () => {
  it('have as many sites as their publications', () => {
    const counts = Object.fromEntries(
      CHECKLISTS.map(({ id, sites }) => [id, [sites.length, sites.filter(({ optional }) => !optional).length]]),
    );
    expect(counts).toEqual({ 'esge-2016': [10, 10], 'bsg-augis-2017': [8, 8], 'sss-2013': [22, 22], colonoscopy: [12, 5] });
  });

  it.each(CHECKLISTS)('$id is served by landmarks of its own tract only', ({ tract, sites }) => {
    for (const { landmarks } of sites) {
      for (const landmark of landmarks) {
        expect(CLASSES.find(({ id }) => id === landmark)).toMatchObject({ kind: 'landmark', tract });
      }
    }
  });

  it.each(CHECKLISTS)('$id lets no generic class prove a site', ({ sites }) => {
    const serving = new Set(sites.flatMap(({ landmarks }) => landmarks));
    for (const generic of ['stomach', 'esophagus', 'colon-normal']) expect(serving).not.toContain(generic);
  });

  it.each(CHECKLISTS)('$id says where it comes from and how far it was compared', ({ citation, status }) => {
    expect(citation).toMatch(/\d{4}/);
    expect(status).toMatch(/^verified|check/);
  });

  it('gives every station of the screening protocol its own class', () => {
    const { sites } = loadChecklist('sss-2013');
    expect(sites.every(({ id, landmarks }) => landmarks.length === 1 && landmarks[0] === id)).toBe(true);
  });
});

describe('loadChecklist', () => {
  const dir = mkdtempSync(join(tmpdir(), 'lumenmark-checklist-'));
  const file = (name: string): string => join(dir, name);
  beforeAll(() => {
    writeFileSync(file('own.json'), JSON.stringify(VALID));
    writeFileSync(file('broken.json'), '{"id": "own",');
    writeFileSync(file('twice.json'), JSON.stringify({ ...VALID, sites: [...VALID.sites, ...VALID.sites] }));
  });
  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  it('takes a shipped id or a file', () => {
    expect(loadChecklist('esge-2016').sites[0]?.id).toBe('proximal-esophagus');
    expect(loadChecklist(file('own.json'))).toEqual({ ...VALID, sites: [{ ...VALID.sites[0], optional: false }] });
  });

  it.each([
    ['esge', /no checklist "esge"/, /esge-2016/],
    ['missing.json', /missing\.json cannot be read/, /esge-2016/],
    ['broken.json', /broken\.json cannot be read/, /Correct the file/],
    ['twice.json', /sites\.1\.id site antrum is listed twice/, /docs\/tracking\.md/],
  ])('refuses %s and says what to do', (name, message, remedy) => {
    const load = (): unknown => loadChecklist(name.endsWith('.json') ? file(name) : name);
    expect(load).toThrow(
      expect.objectContaining({
        name: 'UsageError',
        message: expect.stringMatching(message) as string,
        remedy: expect.stringMatching(remedy) as string,
      }) as Error,
    );
  });

  it.each([
    ['sites', { ...VALID, sites: [] }],
    ['tract', { ...VALID, tract: 'middle' }],
    ['sites.0.landmarks', { ...VALID, sites: [{ id: 'antrum', name: 'Antrum', landmarks: [] }] }],
    ['sites.0', { ...VALID, sites: [{ ...VALID.sites[0], required: true }] }],
  ])('names the field %s', (field, data) => {
    expect(() => parseChecklist(data)).toThrow(field);
  });
});

describe('classes', () => {
  it('lie within classes that exist, without cycles', () => {
    const ids = new Set(CLASSES.map(({ id }) => id));
    expect(ids.size).toBe(CLASSES.length);
    for (const { id, tract, kind } of CLASSES) {
      for (const wider of classesAround(id)) {
        expect(CLASSES.find((entry) => entry.id === wider)).toMatchObject({ kind, tract });
      }
    }
    expect(classesAround('fundus-cardia-retroflex-lesser')).toEqual(['cardia-retroflex', 'retroflex-stomach', 'stomach']);
    expect(classesAround('of-my-own')).toEqual([]);
  });
});
