import { access, constants, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { GalleryError, messageOf } from '../common/errors.js';
import { MANIFEST_FILE } from './manifest.js';

/** A gallery while it is written: beside its place, so that it takes it in one step, and never half. */
export interface GalleryFolder {
  /** Where files go. */
  readonly work: string;
  /** Puts the folder in its place, over the gallery that was there. */
  commit(): Promise<void>;
  /** Removes what was written; nothing after `commit`. */
  discard(): Promise<void>;
}

/**
 * Whether a gallery can be put there, for who wants to know before hours of work. Makes the folder around it.
 * @throws GalleryError when the place holds something that is no gallery, or nothing can be written there.
 */
export async function checkGalleryPlace(out: string): Promise<void> {
  const place = resolve(out);
  await checkReplaceable(place, out);
  try {
    await mkdir(dirname(place), { recursive: true });
    await access(dirname(place), constants.W_OK);
  } catch (error) {
    throw new GalleryError('gallery-out', `${out}: cannot be written (${messageOf(error)})`, {
      remedy: 'Name another place with --out.',
      cause: error,
    });
  }
}

/** @throws GalleryError when the place holds something that is no gallery, or nothing can be written there. */
export async function createGalleryFolder(out: string): Promise<GalleryFolder> {
  const place = resolve(out);
  await checkGalleryPlace(out);
  const work = join(dirname(place), `.${basename(place)}.building-${process.pid}`);
  await rm(work, { recursive: true, force: true });
  await mkdir(join(work, 'thumbnails'), { recursive: true });
  return {
    work,
    async commit() {
      // Something may have come meanwhile.
      await checkReplaceable(place, out);
      const old = join(dirname(place), `.${basename(place)}.replaced-${process.pid}`);
      const moved = await rename(place, old).then(
        () => true,
        () => false,
      );
      await rename(work, place);
      if (moved) await rm(old, { recursive: true, force: true });
    },
    discard: () => rm(work, { recursive: true, force: true }),
  };
}

async function checkReplaceable(place: string, out: string): Promise<void> {
  const entries = await readdir(place).catch((error: unknown): string[] => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new GalleryError('gallery-out', `${out}: cannot hold a gallery: it is no folder or cannot be read`, {
      remedy: 'Name a new folder with --out.',
      cause: error,
    });
  });
  if (entries.length > 0 && !entries.includes(MANIFEST_FILE)) {
    throw new GalleryError('gallery-out', `${out}: holds files and is no gallery, so it is not overwritten`, {
      remedy: 'Name a new or empty folder with --out.',
    });
  }
}
