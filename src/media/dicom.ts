import dicomParser, { type DataSet, type Element } from 'dicom-parser';
import { MediaError, messageOf } from '../common/errors.js';
import { frameBytes, PHOTOMETRICS, rgbOfSamples, type Palette, type Photometric, type PixelLayout } from './dicom-pixels.js';
import { decodeRle } from './dicom-rle.js';
import { withoutColourTransform } from './jpeg-colour.js';
import type { Still } from './region.js';
import { rgbOf, type PictureReader } from './rgb-of.js';

export interface DecodeDicomOptions {
  readonly name: string;
  readonly maxPixels: number;
  readonly tooLarge: (name: string, size: string) => MediaError;
  /** Decodes a baseline or extended JPEG. */
  readonly decodeJpeg: (bytes: Uint8Array) => Promise<Still>;
  readonly ffmpegPath?: string;
  readonly signal?: AbortSignal;
}

const IMPLICIT_LITTLE = '1.2.840.10008.1.2';
const EXPLICIT_LITTLE = '1.2.840.10008.1.2.1';
const EXPLICIT_BIG = '1.2.840.10008.1.2.2';
const RLE = '1.2.840.10008.1.2.5';
/** JPEG baseline and extended. */
const JPEG = new Set(['1.2.840.10008.1.2.4.50', '1.2.840.10008.1.2.4.51']);
const BY_FFMPEG: Readonly<Record<string, PictureReader>> = {
  '1.2.840.10008.1.2.4.57': 'jpeg_pipe',
  '1.2.840.10008.1.2.4.70': 'jpeg_pipe',
  '1.2.840.10008.1.2.4.80': 'jpegls_pipe',
  '1.2.840.10008.1.2.4.81': 'jpegls_pipe',
  '1.2.840.10008.1.2.4.90': 'j2k_pipe',
  '1.2.840.10008.1.2.4.91': 'j2k_pipe',
};
/** What else may stand in a file, in words (PS3.6 annex A). */
const NAMES: readonly (readonly [prefix: string, name: string])[] = [
  ['1.2.840.10008.1.2.4.10', 'a video (MPEG)'],
  ['1.2.840.10008.1.2.1.99', 'deflated'],
  ['1.2.840.10008.1.2.4.9', 'JPEG 2000, part 2'],
  ['1.2.840.10008.1.2.4.20', 'HTJ2K'],
  ['1.2.840.10008.1.2.4.11', 'JPEG XL'],
  ['1.2.840.10008.1.2.4', 'a JPEG process that is retired'],
];
/** More frames than this are a video, not photographs. */
const MAX_FRAMES = 500;

/** Whether the bytes are a DICOM file (PS3.10): a preamble of 128 bytes, then `DICM`. */
export function isDicom(bytes: Uint8Array): boolean {
  return bytes[128] === 0x44 && bytes[129] === 0x49 && bytes[130] === 0x43 && bytes[131] === 0x4d;
}

/**
 * How many pictures a DICOM file holds. Of its attributes only those that describe pixels are ever read, here or below: nothing
 * about the patient, the institution or the time leaves this module.
 * @throws MediaError when it is damaged, holds no picture, or more than 500.
 */
export function dicomFrames(bytes: Uint8Array, name: string): number {
  return open(bytes, name).frames;
}

/**
 * Decodes one picture of a DICOM file to 8-bit RGB: uncompressed RGB, YBR_FULL(_422), MONOCHROME1/2 and PALETTE COLOR, RLE, JPEG
 * (baseline, extended, lossless), JPEG-LS and JPEG 2000.
 * @throws MediaError when it is damaged, or stored in a way that cannot be read, which is named.
 */
export async function decodeDicom(bytes: Uint8Array, frame: number, options: DecodeDicomOptions): Promise<Still> {
  const { name } = options;
  const { dataSet, element, syntax, rows, columns, frames } = open(bytes, name);
  if (frame >= frames) throw damaged(name, `it has ${frames} pictures, not ${frame + 1}`);
  if (rows * columns > options.maxPixels) throw options.tooLarge(name, `${columns} × ${rows} pixels`);

  if (syntax === IMPLICIT_LITTLE || syntax === EXPLICIT_LITTLE || syntax === EXPLICIT_BIG) {
    const layout = layoutOf(dataSet, name, rows, columns, syntax === EXPLICIT_BIG);
    const size = frameBytes(layout);
    const from = element.dataOffset + frame * size;
    if (from + size > Math.min(bytes.length, element.dataOffset + element.length)) throw damaged(name, 'its pixel data are cut off');
    return { width: columns, height: rows, pixels: rgbOfSamples(bytes.subarray(from, from + size), layout) };
  }

  const encoded = encodedFrame(dataSet, element, frame, frames, name);
  if (syntax === RLE) {
    const layout = { ...layoutOf(dataSet, name, rows, columns, false), planar: 1 } as const;
    try {
      const planes = decodeRle(encoded, rows * columns, layout.samplesPerPixel, layout.bitsAllocated === 16 ? 2 : 1);
      return { width: columns, height: rows, pixels: rgbOfSamples(planes, layout) };
    } catch (error) {
      if (error instanceof RangeError) throw damaged(name, error.message, error);
      throw error;
    }
  }
  const isRgb = dataSet.string('x00280004')?.trim() === 'RGB';
  if (JPEG.has(syntax)) return options.decodeJpeg(isRgb ? withoutColourTransform(encoded) : encoded);
  const reader = BY_FFMPEG[syntax];
  if (reader === undefined) throw unsupported(name, syntax);
  const pixels = await rgbOf(reader === 'jpeg_pipe' && isRgb ? withoutColourTransform(encoded) : encoded, reader, options).catch(
    (error: unknown) => {
      options.signal?.throwIfAborted();
      throw damaged(name, messageOf(error), error);
    },
  );
  if (pixels.length !== rows * columns * 3) throw damaged(name, `${pixels.length} of ${rows * columns * 3} bytes decoded`);
  return { width: columns, height: rows, pixels };
}

interface OpenDicom {
  readonly dataSet: DataSet;
  readonly element: Element;
  readonly syntax: string;
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
}

function open(bytes: Uint8Array, name: string): OpenDicom {
  let dataSet: DataSet;
  let syntax: string;
  try {
    // The header first: the parser cannot go on where it does not know the syntax.
    syntax = dicomParser.readPart10Header(bytes).string('x00020010')?.trim() ?? IMPLICIT_LITTLE;
    if (syntax === '1.2.840.10008.1.2.1.99') throw unsupported(name, syntax);
    dataSet = dicomParser.parseDicom(bytes);
  } catch (error) {
    if (error instanceof MediaError) throw error;
    // The parser throws what is no Error.
    const why = typeof error === 'object' && error !== null && 'exception' in error ? String(error.exception) : messageOf(error);
    throw damaged(name, why, error);
  }
  const element = dataSet.elements['x7fe00010'];
  if (element === undefined) {
    throw new MediaError('still-no-picture', `${name}: is a DICOM file without a picture`, {
      remedy: 'Name the files that hold the pictures; a DICOMDIR or a report holds none.',
    });
  }
  const isVideo = syntax.startsWith('1.2.840.10008.1.2.4.10');
  const frames = Math.max(1, dataSet.intString('x00280008') ?? 1);
  if (isVideo) throw unsupported(name, syntax);
  if (frames > MAX_FRAMES) {
    throw new MediaError('still-video', `${name}: holds ${frames} frames; that is a video, not photographs`, {
      remedy: 'Export it as a video file, and audit that.',
    });
  }
  const [rows, columns] = [dataSet.uint16('x00280010') ?? 0, dataSet.uint16('x00280011') ?? 0];
  if (rows < 1 || columns < 1) throw damaged(name, 'its picture has no size');
  return { dataSet, element, syntax, rows, columns, frames };
}

function layoutOf(dataSet: DataSet, name: string, rows: number, columns: number, bigEndian: boolean): PixelLayout {
  const samplesPerPixel = dataSet.uint16('x00280002') ?? 1;
  const written = dataSet.string('x00280004')?.trim() ?? '';
  const photometric = PHOTOMETRICS.find((known) => known === written);
  const bitsAllocated = dataSet.uint16('x00280100') ?? 8;
  if (
    photometric === undefined ||
    (bitsAllocated !== 8 && bitsAllocated !== 16) ||
    (samplesPerPixel !== 1 && samplesPerPixel !== 3) ||
    (samplesPerPixel === 3) !== isColour(photometric)
  ) {
    throw new MediaError(
      'still-format',
      `${name}: DICOM pixels of ${samplesPerPixel} × ${bitsAllocated} bits, ${written === '' ? 'of no colour space' : written}, cannot be read`,
      { remedy: 'Export it as jpg, png or tif.' },
    );
  }
  const signed = dataSet.uint16('x00280103') === 1;
  return {
    rows,
    columns,
    samplesPerPixel,
    photometric,
    planar: dataSet.uint16('x00280006') === 1 ? 1 : 0,
    bitsAllocated,
    bitsStored: Math.min(bitsAllocated, dataSet.uint16('x00280101') ?? bitsAllocated),
    signed,
    bigEndian,
    palette: photometric === 'PALETTE COLOR' ? paletteOf(dataSet, name) : null,
    window: windowOf(dataSet),
  };
}

function isColour(photometric: Photometric): boolean {
  return photometric === 'RGB' || photometric.startsWith('YBR');
}

/** Window centre and width (PS3.3 C.11.2.1.2) in stored values, the rescaling before it undone. */
function windowOf(dataSet: DataSet): PixelLayout['window'] {
  const [centre, width] = [dataSet.floatString('x00281050'), dataSet.floatString('x00281051')];
  if (centre === undefined || width === undefined || !(width > 1)) return null;
  const [slope, intercept] = [dataSet.floatString('x00281053') ?? 1, dataSet.floatString('x00281052') ?? 0];
  const stored = (value: number): number => (value - intercept) / (slope === 0 ? 1 : slope);
  return { from: stored(centre - 0.5 - (width - 1) / 2), to: stored(centre - 0.5 + (width - 1) / 2) };
}

function paletteOf(dataSet: DataSet, name: string): Palette {
  const table = (channel: 1 | 2 | 3): Uint8Array => {
    const data = dataSet.elements[`x0028120${channel}`];
    // 0 stands for 65,536, which a 16-bit number cannot say.
    const entries = (dataSet.uint16(`x0028110${channel}`, 0) ?? 0) || 65_536;
    const bits = dataSet.uint16(`x0028110${channel}`, 2) ?? 16;
    if (data === undefined || data.length < (bits === 8 ? entries : 2 * entries))
      throw damaged(name, 'its palette is missing or too short');
    const bytes = dataSet.byteArray.subarray(data.dataOffset, data.dataOffset + data.length);
    const words = Array.from({ length: bits === 8 ? 0 : entries }, (_, at) => (bytes[2 * at] ?? 0) | ((bytes[2 * at + 1] ?? 0) << 8));
    // Some writers put 8-bit colours into 16-bit entries.
    const shift = words.some((word) => word > 255) ? 8 : 0;
    return bits === 8 ? Uint8Array.from(bytes.subarray(0, entries)) : Uint8Array.from(words, (word) => word >> shift);
  };
  return { first: dataSet.uint16('x00281101', 1) ?? 0, red: table(1), green: table(2), blue: table(3) };
}

function encodedFrame(dataSet: DataSet, element: Element, frame: number, frames: number, name: string): Uint8Array {
  const fragments = element.fragments ?? [];
  try {
    if (fragments.length === 0) throw new RangeError('its picture is empty');
    if (frames === 1) return dicomParser.readEncapsulatedPixelDataFromFragments(dataSet, element, 0, fragments.length);
    if (fragments.length === frames) return dicomParser.readEncapsulatedPixelDataFromFragments(dataSet, element, frame, 1);
    const offsets = element.basicOffsetTable ?? [];
    return dicomParser.readEncapsulatedImageFrame(
      dataSet,
      element,
      frame,
      offsets.length > 0 ? offsets : dicomParser.createJPEGBasicOffsetTable(dataSet, element),
    );
  } catch (error) {
    throw damaged(name, typeof error === 'string' ? error : messageOf(error), error);
  }
}

function unsupported(name: string, syntax: string): MediaError {
  const known = NAMES.find(([prefix]) => syntax.startsWith(prefix))?.[1];
  return new MediaError(
    'still-format',
    `${name}: the DICOM transfer syntax ${syntax}${known === undefined ? '' : ` (${known})`} is not supported`,
    { remedy: 'Export it as jpg, png or tif, or a video as mp4, and audit that.' },
  );
}

function damaged(name: string, why: string, cause?: unknown): MediaError {
  return new MediaError('still-unreadable', `${name}: is damaged or truncated (${why})`, {
    remedy: 'Copy or export the file again.',
    cause,
  });
}
