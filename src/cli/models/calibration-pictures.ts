import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../common/errors.js';
import { decodeStill, squashStill, STILL_EXTENSIONS } from '../../media/stills.js';
import type { CalibrationPictures } from '../../models/calibration.js';
import { fieldOfViewOfStill } from '../../retrieval/still-pixels.js';

const MOST_PICTURES = 200;

/**
 * The pictures of a folder as a model sees them, through the same field of view and resize as everywhere.
 * @throws UsageError `calibration` for a folder without pictures.
 */
export async function picturesOf(folder: string, size: number): Promise<CalibrationPictures> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new UsageError('calibration', `${folder} cannot be read.`, { cause: error, remedy: 'Give a folder of pictures.' });
  });
  const files = entries
    .filter((entry) => entry.isFile() && STILL_EXTENSIONS.some((extension) => entry.name.toLowerCase().endsWith(extension)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  // Evenly over the folder, so that all of its classes are seen.
  const chosen = files.filter(
    (_, index) => Math.floor((index * MOST_PICTURES) / files.length) !== Math.floor(((index - 1) * MOST_PICTURES) / files.length),
  );
  if (chosen.length < 2)
    throw new UsageError('calibration', `${folder} holds fewer than two pictures.`, { remedy: 'Give a folder of pictures.' });
  const pixels = new Uint8Array(chosen.length * size * size * 3);
  for (const [index, file] of chosen.entries()) {
    const still = await decodeStill(file);
    pixels.set(await squashStill(still, await fieldOfViewOfStill(still, 'auto'), { width: size, height: size }), index * size * size * 3);
  }
  return { name: `${chosen.length} pictures of ${folder}`, count: chosen.length, pixels };
}
