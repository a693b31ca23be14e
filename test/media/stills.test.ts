import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MediaError } from '../../src/common/errors.js';
import { resizeBilinear } from '../../src/media/bilinear.js';
import { cutRegion, decodeStill, lumaOf, squashStill, thumbnailOf, type Still } from '../../src/media/stills.js';
import { describeWithShared, sharedPath } from '../support/shared.js';

const ORANGE = { r: 200, g: 100, b: 50 };
const orange = (): Sharp => sharp({ create: { width: 40, height: 30, channels: 3, background: ORANGE } });

function noise(width: number, height: number, seed = 1): Still {
  const pixels = new Uint8Array(width * height * 3);
  let state = seed;
  for (let at = 0; at < pixels.length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const x = (at / 3) % width;
    pixels[at] = Math.min(255, 100 + 100 * Math.sin(x / 9) * Math.cos(at / 3 / width / 7) + ((state >>> 16) % 31));
  }
  return { width, height, pixels };
}

function difference(a: Uint8Array, b: Uint8Array): { mean: number; max: number } {
  expect(a.length).toBe(b.length);
  let sum = 0;
  let max = 0;
  a.forEach((value, at) => {
    const delta = Math.abs(value - b[at]!);
    sum += delta;
    max = Math.max(max, delta);
  });
  return { mean: sum / a.length, max };
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lumenmark-stills-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('decodeStill', () => {
  it.each([
    ['png', () => orange().png(), 0],
    ['jpg', () => orange().jpeg({ quality: 100 }), 2],
    ['tif', () => orange().tiff({ compression: 'lzw' }), 0],
    ['webp', () => orange().webp({ lossless: true }), 0],
    ['16-bit png', () => orange().toColourspace('rgb16').png(), 0],
    ['16-bit tif', () => orange().toColourspace('rgb16').tiff(), 0],
    ['CMYK jpg', () => orange().toColourspace('cmyk').jpeg({ quality: 100 }), 32],
  ])('reads %s as 8-bit RGB', async (_name, make, tolerance) => {
    const still = await decodeStill(await make().toBuffer());
    expect([still.width, still.height, still.pixels.length]).toEqual([40, 30, 40 * 30 * 3]);
    const expected = new Uint8Array(40 * 30 * 3).map((_, at) => [200, 100, 50][at % 3]!);
    expect(difference(still.pixels, expected).max).toBeLessThanOrEqual(tolerance);
  });

  it.each([
    ['8-bit', 'b-w'],
    ['16-bit', 'grey16'],
  ])('makes %s greyscale threefold', async (_name, space) => {
    const still = await decodeStill(await orange().toColourspace(space).png().toBuffer());
    const [red, green, blue] = still.pixels;
    expect(still.pixels.length).toBe(40 * 30 * 3);
    expect(red).toBeGreaterThan(100);
    expect([green, blue]).toEqual([red, red]);
  });

  it('shows what is transparent as black', async () => {
    const clear = sharp({ create: { width: 8, height: 8, channels: 4, background: { ...ORANGE, alpha: 0 } } });
    const still = await decodeStill(await clear.png().toBuffer());
    expect(still.pixels.every((value) => value === 0)).toBe(true);
  });

  it('turns a picture upright by its EXIF orientation', async () => {
    const sideways = await orange().jpeg().withMetadata({ orientation: 6 }).toBuffer();
    expect(await decodeStill(sideways)).toMatchObject({ width: 30, height: 40 });
  });

  it('reads bmp from the top and from the bottom', async () => {
    const { pixels } = noise(31, 22);
    for (const flip of [false, true]) {
      const file = join(folder, `flip-${flip}.bmp`);
      execFileSync(
        'ffmpeg',
        ['-v', 'error', '-y', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', '31x22', '-i', 'pipe:0', '-pix_fmt', 'bgr24', file],
        {
          input: pixels,
        },
      );
      if (flip) {
        const bytes = readFileSync(file);
        bytes.writeInt32LE(-22, 22);
        await writeFile(file, bytes);
      }
      const still = await decodeStill(file);
      const topRow = flip ? pixels.subarray(-31 * 3) : pixels.subarray(0, 31 * 3);
      expect([...still.pixels.subarray(0, 31 * 3)]).toEqual([...topRow]);
    }
  });

  it('says what is wrong with a picture that cannot be read, and what to do', async () => {
    const jpeg = await orange().jpeg().toBuffer();
    const bmp = Buffer.alloc(400);
    bmp.write('BM');
    bmp.writeUInt32LE(40, 14);
    bmp.writeInt32LE(1 << 20, 18);
    bmp.writeInt32LE(1 << 20, 22);
    const smallBmp = Buffer.from(bmp);
    smallBmp.writeInt32LE(100, 18);
    smallBmp.writeInt32LE(100, 22);
    const cases: [string, string | Uint8Array, string][] = [
      ['nowhere', join(folder, 'nowhere.jpg'), 'still-missing'],
      ['folder', folder, 'still-missing'],
      ['empty', new Uint8Array(0), 'still-empty'],
      ['text', Buffer.from('not a picture at all, sorry'), 'still-unreadable'],
      ['truncated jpg', jpeg.subarray(0, jpeg.length - 40), 'still-unreadable'],
      ['truncated png', (await orange().png().toBuffer()).subarray(0, 60), 'still-unreadable'],
      ['svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), 'still-format'],
      ['huge bmp', bmp, 'still-too-large'],
      ['truncated bmp', smallBmp, 'still-unreadable'],
      ['cut bmp', Buffer.from('BM'), 'still-unreadable'],
    ];
    for (const [name, input, code] of cases) {
      const error: unknown = await decodeStill(input).catch((thrown: unknown) => thrown);
      expect(error, name).toBeInstanceOf(MediaError);
      expect(error, name).toMatchObject({ code, remedy: expect.any(String) as string });
    }
  });

  it('refuses an absurdly large picture from its header, without decoding it', async () => {
    // A png header that promises 60,000 × 60,000 pixels, and no pixels behind it.
    const png = await orange().png().toBuffer();
    png.writeUInt32BE(60_000, 16);
    png.writeUInt32BE(60_000, 20);
    await expect(decodeStill(png, { name: 'bomb.png' })).rejects.toMatchObject({
      code: expect.stringMatching(/^still-(too-large|unreadable)$/) as string,
    });
    const tif = await sharp({ create: { width: 20_000, height: 6_000, channels: 3, background: 'black' } })
      .tiff({ compression: 'deflate' })
      .toBuffer();
    await expect(decodeStill(tif, { name: 'bomb.tif' })).rejects.toMatchObject({
      code: 'still-too-large',
      message: 'bomb.tif: is absurdly large (20000 × 6000 pixels)',
    });
  });
});

describe('cutRegion', () => {
  it('copies the rectangle and blackens what is outside the outline', () => {
    const still = noise(20, 16);
    still.pixels.fill(255);
    const diamond = [
      [10, 2],
      [16, 8],
      [10, 14],
      [4, 8],
    ] as const;
    const cut = cutRegion(still, { x: 4, y: 2, width: 12, height: 12, outline: diamond });
    const lit = Array.from({ length: 12 }, (_, y) => Array.from({ length: 12 }, (_, x) => (cut.pixels[(y * 12 + x) * 3] === 255 ? 1 : 0)));
    const counts = lit.map((row) => row.reduce((sum: number, value) => sum + value, 0));
    expect(counts).toEqual([2, 4, 6, 8, 10, 12, 12, 10, 8, 6, 4, 2].map((count) => expect.closeTo(count, -0.5) as number));
    expect(lit[0]![0]).toBe(0);
    expect(lit[6]![6]).toBe(1);
  });

  it('refuses a region that is not inside the picture', () => {
    const still = noise(20, 16);
    for (const region of [
      { x: -1, y: 0, width: 5, height: 5 },
      { x: 16, y: 0, width: 5, height: 5 },
      { x: 0, y: 0, width: 0, height: 5 },
      { x: 0.5, y: 0, width: 5, height: 5 },
    ]) {
      expect(() => cutRegion(still, region)).toThrow(RangeError);
    }
  });
});

describe('squashStill', () => {
  it.each([
    [336, 282],
    [720, 576],
    [1280, 1024],
    [224, 700],
  ])('reduces %i × %i as an antialiased bilinear filter does', async (width, height) => {
    const still = noise(width, height);
    const { mean, max } = difference(
      await squashStill(still, null, { width: 224, height: 224 }),
      resizeBilinear(still.pixels, width, height, 224, 224),
    );
    expect(mean).toBeLessThanOrEqual(0.7);
    expect(max).toBeLessThanOrEqual(5);
  });

  it('enlarges around pixel centres', async () => {
    const ramp: Still = { width: 4, height: 1, pixels: new Uint8Array(12).map((_, at) => Math.floor(at / 3) * 40) };
    const wide = await squashStill(ramp, null, { width: 8, height: 1 });
    expect([...wide].filter((_, at) => at % 3 === 0)).toEqual([0, 10, 30, 50, 70, 90, 110, 120]);
  });

  it('owns its buffer and sees only the region', async () => {
    const still = noise(64, 48);
    const region = { x: 8, y: 4, width: 32, height: 40 };
    const pixels = await squashStill(still, region, { width: 32, height: 40 });
    expect(pixels.buffer.byteLength).toBe(32 * 40 * 3);
    expect(pixels).toEqual(cutRegion(still, region).pixels);
  });
});

describe('thumbnailOf and lumaOf', () => {
  it('keeps the aspect and never enlarges', async () => {
    expect(await sharp(await thumbnailOf(noise(640, 512), null)).metadata()).toMatchObject({ format: 'jpeg', width: 320, height: 256 });
    expect(await sharp(await thumbnailOf(noise(64, 48), null)).metadata()).toMatchObject({ width: 64, height: 48 });
  });

  it('weighs the channels as BT.601 does', async () => {
    const red: Still = { width: 2, height: 2, pixels: new Uint8Array(12).map((_, at) => (at % 3 === 0 ? 255 : 0)) };
    expect([...(await lumaOf(red)).pixels]).toEqual([77, 77, 77, 77]);
    expect(await lumaOf(noise(1280, 640), 320)).toMatchObject({ width: 320, height: 160, scale: 4 });
  });
});

describeWithShared('against Pillow', () => {
  it('agrees with its antialiased bilinear resize within two grey levels', async () => {
    const reference = readFileSync(sharedPath('fixtures/inputs/pixels-224-rgb.bin'));
    const size = 224 * 224 * 3;
    for (let index = 0; index < 8; index++) {
      const still = await decodeStill(sharedPath(`fixtures/inputs/0${index}.png`));
      const { mean, max } = difference(
        await squashStill(still, null, { width: 224, height: 224 }),
        reference.subarray(index * size, (index + 1) * size),
      );
      expect(mean).toBeLessThanOrEqual(0.1);
      expect(max).toBeLessThanOrEqual(2);
    }
  });
});
