import { describe, expect, it } from 'vitest';
import { DISTURBANCES, type Disturbance } from '../../src/phantom/disturbance.js';
import { createProcedure } from '../../src/phantom/frames.js';
import { STILL_CLASSES } from '../../src/phantom/stills.js';
import { formatTruth, parseTruth, SHORTEST_VISIT_US, visitsOf, type FrameTruth } from '../../src/phantom/truth.js';
import { difference, draw, hashOf, SMALL } from './support.js';

describe('a simulated procedure', () => {
  const frames = [12, 100, 200];

  it('gives the same pixels for the same seed, in any order and with any number of threads', async () => {
    const options = { ...SMALL, disturbances: [...DISTURBANCES] };
    const expected = hashOf(await draw(options, frames));
    expect(hashOf(await draw(options, frames))).toBe(expected);
    expect(hashOf((await draw(options, [...frames].reverse())).reverse())).toBe(expected);
    expect(hashOf(await draw(options, frames, 2))).toBe(expected);
  });

  it.each([0, 1, 2])('draws a frame as often as it is asked for (%i threads)', async (threads) => {
    const drawn = await draw(SMALL, [12, 12, 100, 12], threads);
    expect(drawn.map(({ truth }) => truth.frame)).toEqual([12, 12, 100, 12]);
    expect(new Set(drawn.map((frame) => hashOf([frame]))).size).toBe(2);
  });

  it('gives other pictures for another seed', async () => {
    const pictures = await Promise.all([4, 5, 6].map(async (seed) => (await draw({ ...SMALL, seed }, [100]))[0]!));
    expect(difference(pictures[0]!.pixels, pictures[1]!.pixels)).toBeGreaterThan(5);
    expect(difference(pictures[1]!.pixels, pictures[2]!.pixels)).toBeGreaterThan(5);
  });

  it.each(['upper', 'lower'] as const)('visits every landmark of the %s tract, long enough to be called a visit', (tract) => {
    for (const seed of [11, 12]) {
      const { truth } = createProcedure({ ...SMALL, tract, seed, durationS: 90, disturbances: [...DISTURBANCES] });
      const visits = visitsOf(truth);
      expect([...new Set(visits.map(({ landmark }) => landmark))].sort()).toEqual([...STILL_CLASSES[tract]].sort());
      for (const { startPtsUs, endPtsUs } of visits) expect(endPtsUs - startPtsUs).toBeGreaterThanOrEqual(SHORTEST_VISIT_US);
      expect(truth.some(({ landmark }) => landmark === null)).toBe(true);
    }
  });

  it.each(['upper', 'lower'] as const)('of the %s tract leaves out what its examiner forgets, and only that', (tract) => {
    const missing = (seed: number, omissions: boolean): string[] => {
      const { truth } = createProcedure({ ...SMALL, tract, seed, durationS: 90, omissions });
      const seen = new Set(visitsOf(truth).map(({ landmark }) => landmark));
      return STILL_CLASSES[tract].filter((landmark) => !seen.has(landmark));
    };
    const left = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((seed) => missing(seed, true));
    expect(left.filter((landmarks) => landmarks.length > 0).length).toBeGreaterThan(3);
    expect(left.some((landmarks) => landmarks.length === 0)).toBe(true);
    expect(missing(1 + left.findIndex((landmarks) => landmarks.length > 0), false)).toEqual([]);
    for (const landmarks of left) if (landmarks.includes('duodenal-bulb')) expect(landmarks).toContain('duodenum');
    for (const landmarks of left) if (landmarks.includes('cecum')) expect(landmarks).toContain('appendiceal-orifice');
  });

  it('lasts as long as asked, also when that is hardly enough', () => {
    for (const durationS of [20, 60, 300]) {
      const { truth } = createProcedure({ ...SMALL, durationS });
      expect(truth).toHaveLength(durationS * SMALL.fps);
      expect(truth.at(-1)!.ptsUs).toBe((durationS * SMALL.fps - 1) * 200_000);
    }
  });

  it('never leaps: the tip moves and turns no faster than a hand could, save where it slips through behind closed eyes', () => {
    for (const tract of ['upper', 'lower'] as const) {
      const { truth } = createProcedure({ ...SMALL, tract, fps: 20 });
      for (let index = 1; index < truth.length; index++) {
        const [a, b] = [truth[index - 1]!, truth[index]!];
        const mm = Math.hypot(...b.pose.positionMm.map((value, axis) => value - a.pose.positionMm[axis]!));
        if (mm > 12) expect(Math.max(a.visibility, b.visibility)).toBe(0);
      }
    }
  });

  it('has no flags without disturbances', () => {
    const { truth } = createProcedure(SMALL);
    expect(truth.flatMap(({ flags }) => flags)).toEqual([]);
  });

  it('is outside the body at both ends when that is wanted, and sees no landmark there', () => {
    const { truth } = createProcedure({ ...SMALL, disturbances: ['out-of-body'] });
    for (const frame of [truth[0]!, truth.at(-1)!]) {
      expect(frame).toMatchObject({ site: 'out-of-body', landmark: null, visibility: 0, flags: ['out-of-body'] });
    }
  });

  it.each(DISTURBANCES.filter((kind) => kind !== 'out-of-body'))(
    'shows %s in the pictures that the truth flags with it',
    async (kind: Disturbance) => {
      const seed = [4, 5, 6, 7, 8, 9, 10, 11, 12, 13].find((candidate) => flagged(candidate, kind).length > 2);
      expect(seed).toBeDefined();
      const frame = flagged(seed!, kind)[2]!;
      const [clean] = await draw({ ...LARGER, seed: seed! }, [frame]);
      const [disturbed] = await draw({ ...LARGER, seed: seed!, disturbances: [kind] }, [frame]);
      expect(difference(clean!.pixels, disturbed!.pixels)).toBeGreaterThan(0.3);
    },
  );

  it('says in a red-out that nothing is visible, and which visit it belongs to', () => {
    const seen = [4, 5, 6, 7].flatMap((seed) => createProcedure({ ...SMALL, seed, disturbances: ['red-out'] }).truth);
    const covered = seen.filter(({ flags, visibility }) => flags.includes('red-out') && visibility === 0);
    expect(covered.some(({ landmark }) => landmark !== null)).toBe(true);
  });

  it('leaves everything outside the aperture black', async () => {
    const [frame] = await draw(SMALL, [100]);
    for (const corner of [0, 95, 95 * 96, 96 * 96 - 1]) expect([...frame!.pixels.slice(corner * 3, corner * 3 + 3)]).toEqual([0, 0, 0]);
  });
});

describe('truth', () => {
  it('survives being written and read', () => {
    const { truth } = createProcedure({ ...SMALL, disturbances: [...DISTURBANCES] });
    expect(parseTruth(formatTruth(truth))).toEqual(truth);
  });

  it('joins frames of one landmark to visits', () => {
    const frames = ['a', 'a', null, 'a', 'b', 'b'].map((landmark, index) => ({ landmark, ptsUs: index }) as FrameTruth);
    expect(visitsOf(frames)).toEqual([
      { landmark: 'a', startPtsUs: 0, endPtsUs: 1 },
      { landmark: 'a', startPtsUs: 3, endPtsUs: 3 },
      { landmark: 'b', startPtsUs: 4, endPtsUs: 5 },
    ]);
  });
});

// Large enough for a blur of a pixel to be one.
const LARGER = { ...SMALL, width: 256, height: 208 };

function flagged(seed: number, kind: Disturbance): number[] {
  return createProcedure({ ...SMALL, seed, disturbances: [kind] }).truth.flatMap(({ frame, flags }) =>
    flags.includes(kind) ? [frame] : [],
  );
}
