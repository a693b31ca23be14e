import { join } from 'node:path';
import type { FieldOfView } from '../capture/frame.js';
import { LumenmarkError, messageOf } from '../common/errors.js';
import { sha256Of } from '../common/sha256.js';
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

/** The bytes of a picture file. */
export interface LoadedStill {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
}

/** Reads and hashes `directory/path`; what is wrong with it comes back as a value. */
export async function loadStill(directory: string, path: string): Promise<LoadedStill | UnreadableStill> {
  const file = join(directory, path);
  try {
    const bytes = await readStillFile(file);
    return { path, bytes, sha256: sha256Of(bytes) };
  } catch (error) {
    return unreadable(path, error, file);
  }
}

/**
 * Decodes, cuts and squashes a picture, as the video path does with frames. What is wrong with it comes back as a value; only an abort
 * throws.
 */
export async function prepareLoaded(
  { path, bytes, sha256 }: LoadedStill,
  { size, fieldOfView: mode, thumbnail: wanted, signal }: PrepareOptions,
): Promise<PreparedStill | UnreadableStill> {
  try {
    signal?.throwIfAborted();
    const still = await decodeStill(bytes, { name: path, ...(signal === undefined ? {} : { signal }) });
    const fieldOfView = await fieldOfViewOfStill(still, mode);
    const [pixels, thumbnail] = await Promise.all([squashStill(still, fieldOfView, size), wanted ? thumbnailOf(still, fieldOfView) : null]);
    return { path, sha256, width: still.width, height: still.height, fieldOfView, pixels, thumbnail };
  } catch (error) {
    signal?.throwIfAborted();
    return unreadable(path, error);
  }
}

/** Reads and prepares `directory/path`. */
export async function prepareStill(directory: string, path: string, options: PrepareOptions): Promise<PreparedStill | UnreadableStill> {
  const loaded = await loadStill(directory, path);
  return 'reason' in loaded ? loaded : prepareLoaded(loaded, options);
}

function unreadable(path: string, error: unknown, file = path): UnreadableStill {
  if (!(error instanceof LumenmarkError) && !(error instanceof RangeError)) throw error;
  return { path, reason: messageOf(error).replace(`${file}: `, '').replace(`${path}: `, '') };
}
