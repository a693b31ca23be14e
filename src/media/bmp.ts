import { MediaError, messageOf } from '../common/errors.js';
import type { Still } from './region.js';
import { rgbOf } from './rgb-of.js';

export interface DecodeBmpOptions {
  readonly name: string;
  readonly maxPixels: number;
  readonly tooLarge: (name: string, size: string) => MediaError;
  readonly ffmpegPath?: string;
  readonly signal?: AbortSignal;
}

const HEADER_BYTES = 26;

export function isBmp(bytes: Uint8Array): boolean {
  return bytes[0] === 0x42 && bytes[1] === 0x4d;
}

/** Decodes a Windows bitmap, which libvips cannot, through ffmpeg. @throws MediaError */
export async function decodeBmp(bytes: Uint8Array, options: DecodeBmpOptions): Promise<Still> {
  const { name, signal } = options;
  const damaged = (why: string, cause?: unknown): MediaError =>
    new MediaError('still-unreadable', `${name}: is damaged or truncated (${why})`, { remedy: 'Copy or export the picture again.', cause });
  if (bytes.length < HEADER_BYTES) throw damaged('bmp header is cut off');

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The OS/2 header has 16-bit sizes; a negative height means that the rows are stored from the top.
  const old = view.getUint32(14, true) === 12;
  const width = old ? view.getUint16(18, true) : view.getInt32(18, true);
  const height = Math.abs(old ? view.getUint16(20, true) : view.getInt32(22, true));
  if (width < 1 || height < 1) throw damaged('bmp of no size');
  if (width * height > options.maxPixels) throw options.tooLarge(name, `${width} × ${height} pixels`);

  const size = width * height * 3;
  const pixels = await rgbOf(bytes, 'bmp_pipe', options).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw damaged(messageOf(error), error);
  });
  if (pixels.length < size) throw damaged(`${pixels.length} of ${size} bytes decoded`);
  return { width, height, pixels: pixels.subarray(0, size) };
}
