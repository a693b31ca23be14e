import { describe, expect, it } from 'vitest';
import { agreementOf, areSameSightings, compareSightings } from '../../src/procedure/compare-sightings.js';
import { testSighting } from '../support/procedures.js';

const seen = (landmark: string, startS: number, endS: number) => ({ landmark, startPtsUs: startS * 1e6, endPtsUs: endS * 1e6 });

describe('compareSightings', () => {
  it('tells lane by lane what both saw, and by how much they differ', () => {
    const then = [seen('antrum', 10, 20), seen('pylorus', 20, 24), seen('antrum', 30, 34)];
    const now = [seen('antrum', 12, 21), seen('pylorus', 20, 24), seen('z-line', 2, 4)];
    expect(compareSightings(then, now)).toEqual([
      { landmark: 'z-line', first: 0, second: 1, matched: 0, firstMs: 0, secondMs: 2000, bothMs: 0, overlap: 0, largestShiftMs: null },
      {
        landmark: 'antrum',
        first: 2,
        second: 1,
        matched: 1,
        firstMs: 14_000,
        secondMs: 9000,
        bothMs: 8000,
        overlap: 8 / 15,
        largestShiftMs: 2000,
      },
      { landmark: 'pylorus', first: 1, second: 1, matched: 1, firstMs: 4000, secondMs: 4000, bothMs: 4000, overlap: 1, largestShiftMs: 0 },
    ]);
    expect(compareSightings([], [])).toEqual([]);
  });

  it('counts a sighting in one pair only, that which shares most', () => {
    const [lane] = compareSightings([seen('antrum', 0, 30)], [seen('antrum', 1, 5), seen('antrum', 6, 25)]);
    expect(lane).toMatchObject({ matched: 1, bothMs: 23_000, largestShiftMs: 6000 });
  });
});

describe('areSameSightings', () => {
  it('minds every digit but not the numbers and the source', () => {
    const one = testSighting(0, 'antrum', 3, 20);
    expect(areSameSightings([one], [{ ...one, id: 7, sourceId: 'elsewhere' }])).toBe(true);
    expect(areSameSightings([one], [{ ...one, confidence: one.confidence + Number.EPSILON }])).toBe(false);
    expect(areSameSightings([one], [{ ...one, best: { ...one.best, frameId: one.best.frameId + 1 } }])).toBe(false);
    expect(areSameSightings([one], [])).toBe(false);
  });
});

it('agreementOf counts "none" as an answer', () => {
  expect(
    agreementOf([
      ['a', 'a'],
      [null, null],
      ['a', null],
      ['a', 'b'],
    ]),
  ).toBe(0.5);
  expect(agreementOf([])).toBe(1);
});
