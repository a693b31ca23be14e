import { describe, expect, it } from 'vitest';
import { fieldOfViewOf, scaleFieldOfView } from '../../src/capture/field-of-view.js';
import { detectFieldOfView } from '../support/detect-field-of-view.js';
import type { FieldOfView } from '../../src/capture/frame.js';
import { rowSpans } from '../../src/media/row-spans.js';
import { disc, fill, octagon, rectangle, scopePicture, write, type ScopePicture } from '../support/scopes.js';

function detect(...pictures: ScopePicture[]): FieldOfView | null {
  return detectFieldOfView(
    pictures.map(({ pixels }) => pixels),
    pictures[0]!.width,
    pictures[0]!.height,
  );
}

/** Intersection over union of what was found with the truth. */
function overlap(found: FieldOfView | null, inside: (x: number, y: number) => boolean, width = 320, height = 256): number {
  if (found === null) return 0;
  const { x, y, width: w, height: h, outline } = found;
  const spans = rowSpans(
    outline ?? [
      [x, y],
      [x + w, y],
      [x + w, y + h],
      [x, y + h],
    ],
    width,
    height,
  );
  let both = 0;
  let either = 0;
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const is = column >= spans[2 * row]! && column < spans[2 * row + 1]!;
      const should = inside(column + 0.5, row + 0.5);
      if (is && should) both += 1;
      if (is || should) either += 1;
    }
  }
  return both / either;
}

describe('fieldOfViewOf', () => {
  it.each([
    ['a circle', disc(170, 128, 110)],
    ['a circle cut off by the picture', (x: number, y: number) => disc(160, 128, 150)(x, y) && y > 10 && y < 246],
    ['an octagon', octagon(60, 20, 220, 210, 45)],
    ['a rectangle', rectangle(80, 30, 200, 190)],
    ['a small picture in the screen', rectangle(150, 60, 110, 90)],
  ])('finds %s', (_, inside) => {
    expect(overlap(detect(scopePicture({ inside })), inside)).toBeGreaterThan(0.97);
  });

  it('keeps a full picture whole, and a letterboxed one without its bars', () => {
    expect(detect(scopePicture({ inside: () => true }))).toEqual({
      x: 0,
      y: 0,
      width: 320,
      height: 256,
      sourceWidth: 320,
      sourceHeight: 256,
    });
    expect(detect(scopePicture({ inside: rectangle(0, 32, 320, 192) }))).toEqual({
      x: 0,
      y: 32,
      width: 320,
      height: 192,
      sourceWidth: 320,
      sourceHeight: 256,
    });
  });

  it('takes black that a converter has lifted to 16 for black', () => {
    const inside = octagon(60, 20, 220, 210, 45);
    expect(overlap(detect(scopePicture({ inside, black: 16 })), inside)).toBeGreaterThan(0.97);
  });

  it('ignores writing and a small picture beside it, also where they touch it', () => {
    const inside = disc(200, 128, 105);
    const picture = scopePicture({ inside });
    write(picture, 4, 20, 9, 6);
    write(picture, 70, 40, 12, 1);
    fill(picture, 10, 180, 60, 50, 120);
    expect(overlap(detect(picture), inside)).toBeGreaterThan(0.97);
  });

  it('ignores a coloured bar that touches it over the whole width', () => {
    const inside = (x: number, y: number): boolean => disc(160, 120, 150)(x, y) && y < 238;
    const picture = scopePicture({ inside });
    fill(picture, 0, 240, 160, 16, 37);
    fill(picture, 160, 240, 160, 16, 15);
    write(picture, 190, 243, 6);
    expect(overlap(detect(picture), inside)).toBeGreaterThan(0.97);
  });

  it('is not shrunk by a dark scene once a brighter one was seen', () => {
    const inside = disc(160, 128, 115);
    const dark = scopePicture({ inside, light: (x) => (x < 140 ? 120 : 3) });
    const other = scopePicture({ inside, light: (x) => (x < 140 ? 4 : 90) });
    expect(overlap(detect(dark, other, dark), inside)).toBeGreaterThan(0.97);
  });

  it('finds nothing in the dark, and nothing in writing alone', () => {
    expect(detect(scopePicture({ inside: () => false }))).toBeNull();
    const menu = scopePicture({ inside: () => false });
    write(menu, 20, 20, 40, 18);
    expect(detect(menu)).toBeNull();
  });

  it('does not take dark tissue at the rim of a full picture for black', () => {
    const picture = scopePicture({ inside: () => true, light: (x, y) => 12 + (x + y) / 3 });
    expect(detect(picture)).toMatchObject({ x: 0, y: 0, width: 320, height: 256 });
  });

  it('answers in pixels of a large picture, on even ones, and scales to another', () => {
    const inside = disc(680, 512, 450);
    const { width, height, pixels } = scopePicture({ width: 1280, height: 1024, inside });
    const found = fieldOfViewOf({ width, height, pixels })!;
    expect([found.x % 2, found.y % 2, found.width % 2, found.height % 2]).toEqual([0, 0, 0, 0]);
    expect(overlap(found, inside, 1280, 1024)).toBeGreaterThan(0.97);
    const half = scaleFieldOfView(found, 640, 512);
    expect(overlap(half, disc(340, 256, 225), 640, 512)).toBeGreaterThan(0.96);
    expect(half).toMatchObject({ sourceWidth: 640, sourceHeight: 512 });
  });
});
