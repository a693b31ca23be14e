import { describe, expect, it } from 'vitest';
import { parseChecklist } from '../../src/tracking/checklist.js';
import { coverage, MIN_STILL_QUALITY, type KeptStill } from '../../src/tracking/coverage.js';
import type { Sighting } from '../../src/tracking/sighting.js';

const CHECKLIST = parseChecklist({
  id: 'test',
  name: 'Test',
  citation: 'None',
  status: 'check',
  tract: 'upper',
  sites: [
    { id: 'antrum', name: 'Antrum', landmarks: ['antrum', 'antrum-lesser'] },
    { id: 'angulus', name: 'Angulus', landmarks: ['angulus'] },
    { id: 'duodenum', name: 'Duodenum', landmarks: ['duodenum'] },
    { id: 'bulb', name: 'Bulb', landmarks: ['duodenal-bulb'], optional: true },
  ],
});
const LABELS = ['antrum', 'angulus', 'duodenal-bulb', 'polyps'];

const sighting = (landmark: string, startS: number, endS: number, quality = 0.8): Sighting => ({
  id: startS,
  sourceId: 'test',
  landmark,
  startPtsUs: startS * 1e6,
  startFrameId: startS * 10,
  endPtsUs: endS * 1e6,
  endFrameId: endS * 10,
  confidence: 0.9,
  frames: 10,
  best: { frameId: startS * 10 + 1, ptsUs: startS * 1e6 + 1e5, quality, score: 0.9 },
});
const still = (landmark: string, quality: number): KeptStill => ({ landmark, frameId: 7, ptsUs: 7e5, quality });

const statesOf = (input: Partial<Parameters<typeof coverage>[1]>): Record<string, string> =>
  Object.fromEntries(coverage(CHECKLIST, { labels: LABELS, sightings: [], ...input }).sites.map(({ id, state }) => [id, state]));

describe('coverage', () => {
  it('tells what the gallery cannot know from what was not seen', () => {
    expect(statesOf({})).toEqual({ antrum: 'unseen', angulus: 'unseen', duodenum: 'unsupported', bulb: 'unseen' });
  });

  it('adds up the sightings of all landmarks that serve a site', () => {
    const { sites } = coverage(CHECKLIST, {
      labels: LABELS,
      sightings: [sighting('antrum', 1, 3, 0.4), sighting('angulus', 3, 4), sighting('antrum-lesser', 10, 11.5, 0.9)],
    });
    expect(sites[0]).toMatchObject({
      state: 'seen',
      sightings: 2,
      dwellMs: 3500,
      bestFrame: { frameId: 101 },
      bestSighting: { id: 10 },
      still: null,
    });
    expect(sites[1]).toMatchObject({ state: 'seen', sightings: 1, dwellMs: 1000 });
    expect(sites[2]).toMatchObject({ state: 'unsupported', sightings: 0, dwellMs: 0, bestSighting: null, bestFrame: null });
  });

  it('calls a site documented only with a kept still that is good enough', () => {
    const sightings = [sighting('antrum', 1, 3)];
    expect(statesOf({ sightings, stills: [still('antrum', MIN_STILL_QUALITY - 0.01)] })['antrum']).toBe('seen');
    expect(statesOf({ sightings, stills: [still('antrum', MIN_STILL_QUALITY)] })['antrum']).toBe('documented');
    expect(statesOf({ sightings, stills: [still('angulus', 0.9)] })).toMatchObject({ antrum: 'seen', angulus: 'documented' });
    const { sites } = coverage(CHECKLIST, { labels: LABELS, sightings, stills: [still('antrum', 0.6), still('antrum-lesser', 0.9)] });
    expect(sites[0]?.still).toMatchObject({ landmark: 'antrum-lesser' });
  });

  it('lets a mark by hand overrule, the last one of a site', () => {
    const marks = [
      { siteId: 'duodenum', state: 'documented' },
      { siteId: 'antrum', state: 'seen' },
      { siteId: 'antrum', state: 'unseen' },
      { siteId: 'angulus', state: 'seen' },
      { siteId: 'angulus', state: null },
    ] as const;
    expect(statesOf({ sightings: [sighting('antrum', 1, 3)], marks })).toEqual({
      antrum: 'unseen',
      angulus: 'unseen',
      duodenum: 'documented',
      bulb: 'unseen',
    });
    const { sites } = coverage(CHECKLIST, { labels: LABELS, sightings: [], marks });
    expect(sites.map(({ manual }) => manual)).toEqual([true, false, true, false]);
  });

  it('counts required sites that can be recognised or were set by hand', () => {
    const sightings = [sighting('antrum', 1, 3), sighting('duodenal-bulb', 4, 5)];
    expect(coverage(CHECKLIST, { labels: LABELS, sightings })).toMatchObject({ required: 2, seen: 1, documented: 0 });
    const marks = [{ siteId: 'duodenum', state: 'documented' }] as const;
    expect(coverage(CHECKLIST, { labels: LABELS, sightings, marks })).toMatchObject({ required: 3, seen: 2, documented: 1 });
  });
});
