import { execFileSync } from 'node:child_process';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { MediaError } from '../../src/common/errors.js';
import { findFfmpeg } from '../../src/media/ffmpeg.js';
import { decodeStill, pictureCount } from '../../src/media/stills.js';
import { dicomFile, EXPLICIT_LITTLE, pictureElements, rleFrame, words } from '../support/dicom.js';

const WIDTH = 20;
const HEIGHT = 12;
const size = { rows: HEIGHT, columns: WIDTH };
/** A picture in which no two neighbours and no two channels are alike, smooth enough for a JPEG. */
const RGB = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, at) => {
  const [x, y, channel] = [Math.floor(at / 3) % WIDTH, Math.floor(at / 3 / WIDTH), at % 3];
  return 40 + 6 * x + [0, 4, 9][channel]! * y - 30 * channel + 30;
});
const plane = (channel: number): Uint8Array => RGB.filter((_, at) => at % 3 === channel);
const planes = Buffer.concat([plane(0), plane(1), plane(2)]);
const grey = plane(1);
const threefold = (values: Uint8Array): Uint8Array =>
  Uint8Array.from({ length: values.length * 3 }, (_, at) => values[Math.floor(at / 3)]!);

function maxDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, at) => Math.max(largest, Math.abs(value - b[at]!)), 0);
}

async function byFfmpeg(codec: string, pixelFormat: string): Promise<Uint8Array> {
  const { path } = await findFfmpeg();
  const size = `${WIDTH}x${HEIGHT}`;
  const input = ['-v', 'error', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', size, '-i', 'pipe:0'];
  const output = ['-pix_fmt', pixelFormat, '-c:v', codec, '-strict', 'unofficial', '-frames:v', '1', '-f', 'image2pipe', 'pipe:1'];
  return execFileSync(path, [...input, ...output], { input: RGB });
}

function toYbr(rgb: Uint8Array): [number, number, number][] {
  return Array.from({ length: rgb.length / 3 }, (_, pixel) => {
    const [r, g, b] = [rgb[3 * pixel]!, rgb[3 * pixel + 1]!, rgb[3 * pixel + 2]!];
    return [0.299 * r + 0.587 * g + 0.114 * b, 128 - 0.168736 * r - 0.331264 * g + 0.5 * b, 128 + 0.5 * r - 0.418688 * g - 0.081312 * b];
  });
}

describe('pictures of DICOM files', () => {
  const ybr = toYbr(RGB);
  const palette = Object.fromEntries(
    [1, 2, 3].flatMap((channel) => [
      [`0028110${channel}`, ['US', [256, 0, 16]]],
      [`0028120${channel}`, ['OW', words(Array.from({ length: 256 }, (_, entry) => ((entry * channel) % 256) << 8))]],
    ]),
  ) as Record<string, [string, number[]]>;
  const paletted = Uint8Array.from({ length: grey.length * 3 }, (_, at) => (grey[Math.floor(at / 3)]! * ((at % 3) + 1)) % 256);
  const high = words(
    Array.from(grey, (value) => value * 16),
    true,
  );

  it.each([
    ['RGB', { elements: pictureElements({ ...size, photometric: 'RGB' }, RGB) }, RGB, 0],
    ['RGB in planes', { elements: pictureElements({ ...size, photometric: 'RGB', planar: 1 }, planes) }, RGB, 0],
    ['RGB, implicit', { syntax: '1.2.840.10008.1.2', elements: pictureElements({ ...size, photometric: 'RGB' }, RGB) }, RGB, 0],
    ['YBR_FULL', { elements: pictureElements({ ...size, photometric: 'YBR_FULL' }, Uint8Array.from(ybr.flat(), Math.round)) }, RGB, 2],
    [
      'YBR_FULL_422',
      {
        elements: pictureElements(
          { ...size, photometric: 'YBR_FULL_422' },
          Uint8Array.from(
            ybr.flatMap((pixel, at) =>
              at % 2 === 1 ? [] : [pixel[0], ybr[at + 1]![0], (pixel[1] + ybr[at + 1]![1]) / 2, (pixel[2] + ybr[at + 1]![2]) / 2],
            ),
            Math.round,
          ),
        ),
      },
      RGB,
      2,
    ],
    ['MONOCHROME2', { elements: pictureElements({ ...size, photometric: 'MONOCHROME2', samples: 1 }, grey) }, threefold(grey), 0],
    [
      'MONOCHROME1',
      { elements: pictureElements({ ...size, photometric: 'MONOCHROME1', samples: 1 }, grey) },
      threefold(grey.map((value) => 255 - value)),
      0,
    ],
    [
      'MONOCHROME2 of 12 bits, big endian',
      {
        syntax: '1.2.840.10008.1.2.2',
        elements: pictureElements({ ...size, photometric: 'MONOCHROME2', samples: 1, bits: 16, stored: 12 }, high),
      },
      threefold(grey),
      1,
    ],
    [
      'MONOCHROME2 with a window',
      {
        elements: {
          ...pictureElements({ ...size, photometric: 'MONOCHROME2', samples: 1, bits: 16 }, words(Array.from(grey, (v) => 1000 + v))),
          '00281050': ['DS', '1128'],
          '00281051': ['DS', '256'],
        },
      },
      threefold(grey),
      1,
    ],
    [
      'PALETTE COLOR',
      { elements: { ...pictureElements({ ...size, photometric: 'PALETTE COLOR', samples: 1 }, grey), ...palette } },
      paletted,
      0,
    ],
    [
      'RLE',
      {
        syntax: '1.2.840.10008.1.2.5',
        elements: pictureElements({ ...size, photometric: 'RGB' }, { fragments: [rleFrame([plane(0), plane(1), plane(2)])] }),
      },
      RGB,
      0,
    ],
  ] as const)('reads %s', async (_name, file, expected, tolerance) => {
    const still = await decodeStill(dicomFile(file));
    expect([still.width, still.height]).toEqual([WIDTH, HEIGHT]);
    expect(maxDifference(still.pixels, expected)).toBeLessThanOrEqual(tolerance);
  });

  it('reads JPEG, telling RGB components from luma and chroma by what the file says', async () => {
    const jpeg = await sharp(RGB, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer();
    const syntax = '1.2.840.10008.1.2.4.50';
    const ybr = await decodeStill(
      dicomFile({ syntax, elements: pictureElements({ ...size, photometric: 'YBR_FULL_422' }, { fragments: [jpeg] }) }),
    );
    expect(maxDifference(ybr.pixels, RGB)).toBeLessThanOrEqual(6);
    // The same components taken for RGB are what luma and chroma look like.
    const rgb = await decodeStill(dicomFile({ syntax, elements: pictureElements({ ...size, photometric: 'RGB' }, { fragments: [jpeg] }) }));
    expect(maxDifference(rgb.pixels, Uint8Array.from(toYbr(RGB).flat(), Math.round))).toBeLessThanOrEqual(6);
  });

  it.each([
    ['lossless JPEG', '1.2.840.10008.1.2.4.70', 'ljpeg', 'yuvj444p', 'YBR_FULL', 4],
    ['JPEG-LS', '1.2.840.10008.1.2.4.80', 'jpegls', 'rgb24', 'RGB', 0],
    ['JPEG 2000', '1.2.840.10008.1.2.4.90', 'jpeg2000', 'rgb24', 'YBR_RCT', 12],
  ])('reads %s', async (_name, syntax, codec, format, photometric, tolerance) => {
    const encoded = await byFfmpeg(codec, format);
    const still = await decodeStill(dicomFile({ syntax, elements: pictureElements({ ...size, photometric }, { fragments: [encoded] }) }));
    expect(maxDifference(still.pixels, RGB)).toBeLessThanOrEqual(tolerance);
  });

  it('reads every frame of several, whole or in fragments', async () => {
    const dark = RGB.map((value) => value >> 1);
    const plain = dicomFile({ elements: pictureElements({ ...size, photometric: 'RGB', frames: 2 }, Buffer.concat([RGB, dark])) });
    expect(pictureCount(plain, 'two.dcm')).toBe(2);
    expect(maxDifference((await decodeStill(plain, { frame: 1 })).pixels, dark)).toBe(0);
    const jpegs = await Promise.all(
      [RGB, dark].map((pixels) =>
        sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
          .jpeg({ quality: 100 })
          .toBuffer(),
      ),
    );
    for (const fragments of [jpegs, jpegs.flatMap((jpeg) => [jpeg.subarray(0, 300), jpeg.subarray(300)])]) {
      const file = dicomFile({
        syntax: '1.2.840.10008.1.2.4.50',
        elements: pictureElements({ ...size, photometric: 'YBR_FULL_422', frames: 2 }, { fragments }),
      });
      expect(maxDifference((await decodeStill(file, { frame: 1 })).pixels, dark)).toBeLessThanOrEqual(20);
    }
  });

  it('names what it cannot read', async () => {
    const good = dicomFile({ elements: pictureElements({ ...size, photometric: 'RGB' }, RGB) });
    const cases: [Uint8Array, string, RegExp][] = [
      [
        dicomFile({ syntax: '1.2.840.10008.1.2.4.102', elements: pictureElements({ ...size, photometric: 'RGB' }, RGB) }),
        'still-format',
        /4\.102 \(a video/,
      ],
      [
        dicomFile({ syntax: '1.2.840.10008.1.2.4.201', elements: pictureElements({ ...size, photometric: 'RGB' }, { fragments: [RGB] }) }),
        'still-format',
        /HTJ2K/,
      ],
      [dicomFile({ elements: pictureElements({ ...size, photometric: 'HSV' }, RGB) }), 'still-format', /3 × 8 bits, HSV/],
      [dicomFile({ elements: pictureElements({ ...size, photometric: 'RGB', frames: 9000 }, RGB) }), 'still-video', /9000 frames/],
      [dicomFile({ elements: { '00080060': ['CS', 'ES'] } }), 'still-no-picture', /without a picture/],
      [
        dicomFile({ elements: pictureElements({ rows: 60_000, columns: 60_000, photometric: 'RGB' }, RGB) }),
        'still-too-large',
        /absurdly large/,
      ],
      [good.slice(0, good.length - 100), 'still-unreadable', /damaged or truncated/],
      [good.slice(0, 180), 'still-unreadable', /damaged or truncated/],
      [
        dicomFile({
          syntax: '1.2.840.10008.1.2.5',
          elements: pictureElements({ ...size, photometric: 'RGB' }, { fragments: [rleFrame([plane(0)])] }),
        }),
        'still-unreadable',
        /1 RLE segments instead of 3/,
      ],
      [
        dicomFile({ syntax: '1.2.840.10008.1.2.4.50', elements: pictureElements({ ...size, photometric: 'RGB' }, { fragments: [RGB] }) }),
        'still-unreadable',
        /not a picture/,
      ],
      [
        dicomFile({ syntax: EXPLICIT_LITTLE, elements: pictureElements({ ...size, photometric: 'PALETTE COLOR', samples: 1 }, grey) }),
        'still-unreadable',
        /palette/,
      ],
    ];
    for (const [bytes, code, message] of cases) {
      const error = (await decodeStill(bytes, { name: 'x.dcm' }).catch((thrown: unknown) => thrown)) as MediaError;
      expect(error.message).toMatch(message);
      expect(error.code).toBe(code);
      expect(error.remedy).toBeTruthy();
    }
  });
});
