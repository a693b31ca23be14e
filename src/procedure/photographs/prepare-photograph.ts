import { join } from 'node:path';
import type { FieldOfView } from '../../capture/frame.js';
import { LumenmarkError, messageOf } from '../../common/errors.js';
import { sha256Of } from '../../common/sha256.js';
import { decodeStill, pictureCount, readStillFile, squashStill, thumbnailOf } from '../../media/stills.js';
import { fieldOfViewOfStill, type FieldOfViewMode } from '../../retrieval/still-pixels.js';
import { perceptualHash } from '../../retrieval/perceptual-hash.js';
import type { UnreadableLine } from './photograph-line.js';

/** A picture of a file, ready to be embedded, looked at and compared. */
export interface ReadyPhotograph {
  readonly path: string;
  readonly frame: number | null;
  readonly sha256: string;
  readonly width: number;
  readonly height: number;
  readonly fieldOfView: FieldOfView | null;
  /** Squashed to the model's size; owns its buffer. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly hash: Uint32Array;
  /** JPEG of the field of view, to be looked at. */
  readonly jpeg: Uint8Array;
}

export interface PrepareOptions {
  readonly size: { readonly width: number; readonly height: number };
  readonly fieldOfView: FieldOfViewMode;
  readonly signal?: AbortSignal;
}

/** Large enough to tell what it shows, small enough to keep thousands. */
const LOOK_SIDE = 800;
const LOOK_QUALITY = 85;

/**
 * Reads one file and all its pictures, cut to their fields of view so that text burnt in beside them is gone. What is wrong with the file
 * comes back as a value; only an abort throws.
 */
export async function preparePhotographs(
  directory: string,
  path: string,
  { size, fieldOfView: mode, signal }: PrepareOptions,
): Promise<readonly (ReadyPhotograph | UnreadableLine)[]> {
  const file = join(directory, path);
  const ready: (ReadyPhotograph | UnreadableLine)[] = [];
  try {
    signal?.throwIfAborted();
    const bytes = await readStillFile(file);
    const sha256 = sha256Of(bytes);
    const pictures = pictureCount(bytes, path);
    for (let frame = 0; frame < pictures; frame++) {
      const still = await decodeStill(bytes, { name: path, frame, ...(signal === undefined ? {} : { signal }) });
      const fieldOfView = await fieldOfViewOfStill(still, mode);
      const [pixels, jpeg] = await Promise.all([
        squashStill(still, fieldOfView, size),
        thumbnailOf(still, fieldOfView, { maxSide: LOOK_SIDE, quality: LOOK_QUALITY }),
      ]);
      ready.push({
        path,
        frame: pictures > 1 ? frame : null,
        sha256,
        width: still.width,
        height: still.height,
        fieldOfView,
        pixels,
        hash: perceptualHash(pixels, size.width, size.height),
        jpeg,
      });
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof LumenmarkError) && !(error instanceof RangeError)) throw error;
    // The good frames before it stay.
    ready.push({ type: 'unreadable', path, reason: messageOf(error).replace(`${file}: `, '').replace(`${path}: `, '') });
  }
  return ready;
}

/** A picture in full size, cut to its field of view; null when the file has changed since it was audited. */
export async function fullPicture(
  directory: string,
  { path, frame, sha256, fieldOfView }: Pick<ReadyPhotograph, 'path' | 'frame' | 'sha256' | 'fieldOfView'>,
): Promise<Uint8Array | null> {
  try {
    const bytes = await readStillFile(join(directory, path));
    if (sha256Of(bytes) !== sha256) return null;
    const still = await decodeStill(bytes, { name: path, frame: frame ?? 0 });
    return await thumbnailOf(still, fieldOfView, { maxSide: Math.max(still.width, still.height), quality: 92 });
  } catch (error) {
    if (error instanceof LumenmarkError) return null;
    throw error;
  }
}
