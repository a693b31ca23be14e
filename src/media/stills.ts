import { open } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { MediaError, messageOf } from '../common/errors.js';
import { resizeBilinear } from './bilinear.js';
import { isBmp, decodeBmp } from './bmp.js';
import { decodeDicom, dicomFrames, isDicom } from './dicom.js';
import { cutRegion, type Region, type Still } from './region.js';

export { cutRegion, type Region, type Still } from './region.js';

/** File name endings of the pictures that can be read, lower case. */
export const STILL_EXTENSIONS: readonly string[] = ['.jpg', '.jpeg', '.png', '.tif', '.tiff', '.webp', '.bmp', '.dcm'];

/** No endoscope makes pictures of this size; decoding one would take gigabytes. */
const MAX_PIXELS = 100_000_000;
const MAX_BYTES = 512 * 1024 * 1024;
const FORMATS = new Set(['jpeg', 'png', 'tiff', 'webp']);

export interface DecodeStillOptions {
  /** What to call the picture in errors, when it is given as bytes. */
  readonly name?: string;
  /** Which picture of a DICOM file with several, from 0 on; default the first. */
  readonly frame?: number;
  /** ffmpeg to read bmp and rarer DICOM pictures with; found when needed. */
  readonly ffmpegPath?: string;
  readonly signal?: AbortSignal;
}

/**
 * Reads a picture file as it lies on the disk, so that what is hashed is what is decoded.
 * @throws MediaError when it is missing, empty or absurdly large.
 */
export async function readStillFile(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    await using handle = await open(file, 'r');
    const stat = await handle.stat();
    if (!stat.isFile()) {
      throw new MediaError('still-missing', `${file}: is not a file`, { remedy: 'Name a picture: jpg, png, tif, webp or bmp.' });
    }
    if (stat.size > MAX_BYTES) throw tooLarge(file, `${Math.round(stat.size / 2 ** 20)} MiB`);
    return new Uint8Array(await handle.readFile());
  } catch (error) {
    if (error instanceof MediaError) throw error;
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new MediaError(
      missing ? 'still-missing' : 'still-unreadable',
      missing ? `${file}: no such picture` : `${file}: cannot be read (${messageOf(error)})`,
      { remedy: missing ? 'Check the path.' : 'Check that the file can be read.', cause: error },
    );
  }
}

/** How many pictures a file holds: 1, but for DICOM files with several. @throws MediaError when a DICOM file is damaged or holds none. */
export function pictureCount(bytes: Uint8Array, name: string): number {
  return isDicom(bytes) ? dicomFrames(bytes, name) : 1;
}

/**
 * Decodes a picture (jpg, png, tif, webp, bmp, DICOM; any depth, greyscale, CMYK, alpha) to 8-bit RGB: turned upright by its EXIF
 * orientation, colours by its profile, what is transparent black, the first page of several. Off the main thread.
 * @param input Path, or the bytes of the file.
 * @throws MediaError when it is missing, empty, damaged, truncated, of another format, or has more than 100 million pixels (told
 * from the header, before anything is decoded).
 */
export async function decodeStill(input: string | Uint8Array, options: DecodeStillOptions = {}): Promise<Still> {
  const name = typeof input === 'string' ? input : (options.name ?? 'picture');
  const bytes = typeof input === 'string' ? await readStillFile(input) : input;
  options.signal?.throwIfAborted();
  if (bytes.length === 0) {
    throw new MediaError('still-empty', `${name}: is empty (0 bytes)`, { remedy: 'Copy or export the picture again.' });
  }
  if (isDicom(bytes)) {
    const decodeJpeg = (jpeg: Uint8Array): Promise<Still> => decodeByVips(jpeg, name);
    return decodeDicom(bytes, options.frame ?? 0, { name, maxPixels: MAX_PIXELS, tooLarge, decodeJpeg, ...options });
  }
  if (isBmp(bytes)) return decodeBmp(bytes, { name, maxPixels: MAX_PIXELS, tooLarge, ...options });
  return decodeByVips(bytes, name);
}

async function decodeByVips(bytes: Uint8Array, name: string): Promise<Still> {
  const { format, width, height } = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((error: unknown) => {
      throw new MediaError('still-unreadable', `${name}: is not a picture (${firstLine(error)})`, {
        remedy: 'Use jpg, png, tif, webp, bmp or DICOM.',
        cause: error,
      });
    });
  if (!FORMATS.has(format)) {
    throw new MediaError('still-format', `${name}: ${format} pictures are not supported`, {
      remedy: 'Convert it to jpg, png, tif, webp or bmp.',
    });
  }
  if (width * height > MAX_PIXELS) throw tooLarge(name, `${width} × ${height} pixels`);

  try {
    const { data, info } = await sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error' })
      .autoOrient()
      .flatten({ background: 'black' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, pixels: info.channels === 1 ? threefold(data) : new Uint8Array(data) };
  } catch (error) {
    throw new MediaError('still-unreadable', `${name}: is damaged or truncated (${firstLine(error)})`, {
      remedy: 'Copy or export the picture again.',
      cause: error,
    });
  }
}

/**
 * Makes of a picture what a model sees: cut to the field of view (null: the whole picture), black outside its outline, squashed
 * to `size` without keeping the aspect, antialiased bilinear. The result owns its buffer, `[height, width, 3]` RGB.
 */
export async function squashStill(
  still: Still,
  region: Region | null,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const cut = region === null ? still : cutRegion(still, region);
  if (cut.width === width && cut.height === height) return new Uint8Array(cut.pixels);
  // libvips enlarges with a shift of half a pixel; small pictures are cheap enough here.
  if (cut.width < width || cut.height < height) return resizeBilinear(cut.pixels, cut.width, cut.height, width, height);
  return new Uint8Array(await raw(cut).resize(width, height, { fit: 'fill', kernel: 'linear' }).raw().toBuffer());
}

/** A JPEG to look at: cut to the field of view, black outside its outline, aspect kept, at most `maxSide` px a side. */
export async function thumbnailOf(
  still: Still,
  region: Region | null,
  options: { readonly maxSide?: number; readonly quality?: number } = {},
): Promise<Uint8Array> {
  const { maxSide = 320, quality = 82 } = options;
  return raw(region === null ? still : cutRegion(still, region))
    .resize(maxSide, maxSide, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality })
    .toBuffer();
}

/** Luminance (BT.601, 0…255) of a picture, reduced to at most `maxWidth` px, with the factor that leads back to its pixels. */
export async function lumaOf(
  still: Still,
  maxWidth = Infinity,
): Promise<{ width: number; height: number; pixels: Uint8Array<ArrayBuffer>; scale: number }> {
  const scale = Math.max(1, still.width / maxWidth);
  const width = Math.max(1, Math.round(still.width / scale));
  const height = Math.max(1, Math.round(still.height / scale));
  const rgb = scale === 1 ? still.pixels : await raw(still).resize(width, height, { fit: 'fill', kernel: 'linear' }).raw().toBuffer();
  const pixels = new Uint8Array(width * height);
  for (let pixel = 0; pixel < pixels.length; pixel++) {
    const at = pixel * 3;
    pixels[pixel] = (77 * (rgb[at] ?? 0) + 150 * (rgb[at + 1] ?? 0) + 29 * (rgb[at + 2] ?? 0) + 128) >> 8;
  }
  return { width, height, pixels, scale };
}

function raw(still: Still): Sharp {
  return sharp(still.pixels, { raw: { width: still.width, height: still.height, channels: 3 } });
}

function threefold(grey: Uint8Array): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(grey.length * 3);
  grey.forEach((value, pixel) => pixels.fill(value, pixel * 3, pixel * 3 + 3));
  return pixels;
}

function tooLarge(name: string, size: string): MediaError {
  return new MediaError('still-too-large', `${name}: is absurdly large (${size})`, {
    remedy: 'Reduce it below 100 million pixels and 512 MiB; pictures of an endoscope have a few million pixels.',
  });
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n', 1)[0]?.trim() ?? '';
}
