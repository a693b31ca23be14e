import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Path of an exemplar's thumbnail below the gallery, a thousand to a folder. */
export function thumbnailPath(exemplar: number): string {
  return join('thumbnails', String(Math.floor(exemplar / 1000)), `${exemplar}.jpg`);
}

/** The JPEG of an exemplar, or null when there is none. */
export async function readThumbnail(dir: string, exemplar: number): Promise<Uint8Array | null> {
  if (!Number.isInteger(exemplar) || exemplar < 0) return null;
  return readFile(join(dir, thumbnailPath(exemplar))).catch(() => null);
}
