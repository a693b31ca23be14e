import { describe, expect, it } from 'vitest';
import { FieldOfViewSearch, type GrayPicture } from '../../src/capture/field-of-view-search.js';
import { FieldOfViewWatch, type WatchVerdict } from '../../src/capture/field-of-view-watch.js';
import { detectFieldOfView } from '../support/detect-field-of-view.js';
import { disc, fill, rectangle, scopePicture, write, type ScopeOptions, type ScopePicture } from '../support/scopes.js';

const circle = disc(170, 128, 110);
const inset = rectangle(150, 60, 110, 90);

function gray({ width, height, pixels }: ScopePicture, index: number): GrayPicture {
  return { ptsUs: index * 40_000, width, height, data: pixels };
}

function film(count: number, options: (index: number) => ScopeOptions, from = 0): GrayPicture[] {
  return Array.from({ length: count }, (_, index) => gray(scopePicture({ seed: index + 7, ...options(index) }), from + index));
}

function watchCircle(): FieldOfViewWatch {
  return new FieldOfViewWatch(detectFieldOfView([scopePicture({ inside: circle }).pixels], 320, 256)!);
}

function verdicts(watch: FieldOfViewWatch, pictures: readonly GrayPicture[]): WatchVerdict[] {
  return pictures.map((picture) => watch.add(picture));
}

describe('FieldOfViewSearch', () => {
  const patience = { pictures: 5, spanUs: 150_000 };

  it('is sure when enough lit pictures agree, and waits through the dark', () => {
    const search = new FieldOfViewSearch(patience);
    const dark = film(20, () => ({ inside: () => false }));
    expect(dark.map((picture) => search.add(picture))).toEqual(dark.map(() => null));
    const found = film(6, () => ({ inside: circle }), 20).map((picture) => search.add(picture));
    // The first lit picture alone may be a flash, so the second is the first that counts.
    expect(found.slice(0, 5)).toEqual([null, null, null, null, null]);
    expect(found[5]).toMatchObject({ sourceWidth: 320, sourceHeight: 256 });
    expect(Math.abs(found[5]!.width - 220)).toBeLessThanOrEqual(4);
  });

  it('is not taken in by one flash over the whole picture', () => {
    const search = new FieldOfViewSearch(patience);
    const pictures = film(8, (index) => ({ inside: index === 2 ? () => true : circle }));
    const found = pictures.map((picture) => search.add(picture)).find((value) => value !== null);
    expect(Math.abs(found!.width - 220)).toBeLessThanOrEqual(4);
  });
});

describe('FieldOfViewWatch', () => {
  it('stays steady over changing light, dark scenes, new writing and a second picture beside the first', () => {
    const watch = watchCircle();
    const scenes: GrayPicture[] = [
      ...film(30, (index) => ({ inside: circle, light: () => 40 + 5 * index })),
      ...film(30, () => ({ inside: circle, light: (x) => Math.max(2, 160 - 1.5 * Math.abs(x - 120)) }), 30),
      ...film(30, () => ({ inside: () => false }), 60),
      ...film(30, () => ({ inside: circle }), 90).map((picture) => {
        const drawn = { width: 320, height: 256, pixels: picture.data };
        write(drawn, 4, 10, 7, 8);
        fill(drawn, 285, 10, 34, 60, 120);
        return picture;
      }),
    ];
    expect(new Set(verdicts(watch, scenes).map(({ type }) => type))).toEqual(new Set(['steady']));
  });

  it.each([
    ['a smaller picture in the screen', inset],
    ['a larger picture', rectangle(20, 4, 296, 248)],
    ['a picture elsewhere', disc(110, 128, 100)],
  ])('holds back from the first picture of a change to %s, then finds it', (_, inside) => {
    const watch = watchCircle();
    expect(
      verdicts(
        watch,
        film(20, () => ({ inside: circle })),
      ).every(({ type }) => type === 'steady'),
    ).toBe(true);
    const after = verdicts(
      watch,
      film(20, () => ({ inside }), 20),
    );
    expect(after[0]).toEqual({ type: 'suspected', sinceUs: 800_000 });
    const changed = after.find((verdict) => verdict.type === 'changed');
    const truth = detectFieldOfView([scopePicture({ inside }).pixels], 320, 256)!;
    expect(changed?.sinceUs).toBe(800_000);
    for (const side of ['x', 'y', 'width', 'height'] as const) {
      expect(Math.abs((changed?.type === 'changed' ? changed.fieldOfView[side] : NaN) - truth[side])).toBeLessThanOrEqual(4);
    }
  });

  it('dismisses a change that does not last', () => {
    const watch = watchCircle();
    const pictures = film(30, (index) => ({ inside: index >= 10 && index < 14 ? inset : circle }));
    const types = verdicts(watch, pictures).map(({ type }) => type);
    expect(types.slice(10, 14)).toEqual(['suspected', 'suspected', 'suspected', 'suspected']);
    expect(types.slice(14)).toEqual(Array.from({ length: 16 }, () => 'steady'));
  });

  it('joins what was seen and what comes to light later, when the first search saw only a part', () => {
    const left = (x: number, y: number): boolean => circle(x, y) && x < 175;
    const first = detectFieldOfView([scopePicture({ inside: left }).pixels], 320, 256)!;
    const watch = new FieldOfViewWatch(first);
    const lightMoves = film(20, () => ({ inside: circle, light: (x) => (x < 80 ? 3 : Math.min(140, 3 * (x - 80))) }));
    const changed = verdicts(watch, lightMoves).find((verdict) => verdict.type === 'changed');
    const width = changed?.type === 'changed' ? changed.fieldOfView.width : NaN;
    expect(Math.abs(width - 220)).toBeLessThanOrEqual(6);
  });
});
