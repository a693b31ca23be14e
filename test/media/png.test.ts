import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodeGrayAlphaPng } from '../../src/media/png.js';

describe('encodeGrayAlphaPng', () => {
  it('comes back as it was, by another decoder', async () => {
    const [width, height] = [13, 7];
    const pixels = Uint8Array.from({ length: width * height * 2 }, (_, index) => (index * 37) & 255);
    const { data, info } = await sharp(encodeGrayAlphaPng(pixels, width, height))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([width, height]);
    const [gray, alpha] = [0, info.channels - 1];
    for (let pixel = 0; pixel < width * height; pixel += 1) {
      expect([data[pixel * info.channels + gray], data[pixel * info.channels + alpha]]).toEqual([pixels[2 * pixel], pixels[2 * pixel + 1]]);
    }
  });
});
