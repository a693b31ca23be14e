import { expect, it } from 'vitest';
import { StillKeeper } from '../../src/server/still-keeper.js';
import type { Sighting } from '../../src/tracking/sighting.js';

const sightingWith = (frameId: number, quality: number): Sighting => ({
  ...{ id: 1, sourceId: 's', landmark: 'antrum', confidence: 1, frames: 3 },
  ...{ startPtsUs: 0, startFrameId: 0, endPtsUs: 60_000, endFrameId: 60 },
  best: { frameId, ptsUs: frameId * 1000, quality, score: 1 },
});

it('keeps the best still of a landmark, and those that it replaced for as long as a page may be on its way to them', () => {
  const keeper = new StillKeeper();
  for (let frameId = 0; frameId < 60; frameId += 1) {
    const jpeg = Uint8Array.of(frameId);
    keeper.offer({ type: 'preview', sourceId: 's', frameId, ptsUs: frameId * 1000, capturedAtMs: 0, jpeg });
    // Every other one is no better than the one before.
    keeper.keep(sightingWith(frameId, frameId % 2 === 0 ? 0.3 + frameId / 100 : 0.1));
  }
  expect(keeper.stills).toMatchObject([{ landmark: 'antrum', frameId: 58 }]);
  expect(keeper.picture('antrum', 58)).toEqual(Uint8Array.of(58));
  expect(keeper.picture('antrum', 40)).toEqual(Uint8Array.of(40));
  expect(keeper.picture('antrum', 41)).toBeNull();
  expect(keeper.picture('pylorus', 58)).toBeNull();
});
