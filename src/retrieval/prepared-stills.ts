import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { FieldOfView } from '../capture/frame.js';
import { LumenmarkError, messageOf } from '../common/errors.js';
import { decodeStill, readStillFile, squashStill, thumbnailOf } from '../media/stills.js';
import { fieldOfViewOfStill, type FieldOfViewMode } from './still-pixels.js';

/** A picture file made ready for a model. */
export interface PreparedStill {
  readonly path: string;
  /** Of the file. */
  readonly sha256: string;
  /** Upright, px. */
  readonly width: number;
  readonly height: number;
  readonly fieldOfView: FieldOfView | null;
  /** Field of view squashed to the model's size, `[height, width, 3]`; owns its buffer. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  /** JPEG of the field of view; null when not asked for. */
  readonly thumbnail: Uint8Array | null;
}

export interface UnreadableStill {
  readonly path: string;
  /** Cause, one line. */
  readonly reason: string;
}

export interface PrepareOptions {
  readonly size: { readonly width: number; readonly height: number };
  readonly fieldOfView: FieldOfViewMode;
  readonly thumbnail: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Reads, hashes, decodes, cuts and squashes `directory/path`, as the video path does with frames. What is wrong with the picture comes
 * back as a value; only an abort throws.
 */
export async function prepareStill(directory: string, path: string, options: PrepareOptions): Promise<PreparedStill | UnreadableStill> {
  const { size, signal } = options;
  const file = join(directory, path);
  try {
    const bytes = await readStillFile(file);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const still = await decodeStill(bytes, { name: path, ...(signal === undefined ? {} : { signal }) });
    const fieldOfView = await fieldOfViewOfStill(still, options.fieldOfView);
    const [pixels, thumbnail] = await Promise.all([
      squashStill(still, fieldOfView, size),
      options.thumbnail ? thumbnailOf(still, fieldOfView) : null,
    ]);
    return { path, sha256, width: still.width, height: still.height, fieldOfView, pixels, thumbnail };
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof LumenmarkError) && !(error instanceof RangeError)) throw error;
    return { path, reason: messageOf(error).replace(`${file}: `, '').replace(`${path}: `, '') };
  }
}
