import { statSync } from 'node:fs';
import { extname } from 'node:path';
import { STILL_EXTENSIONS } from '../../media/stills.js';

const PHOTOGRAPHS = new Set([...STILL_EXTENSIONS, '.dicom', '.ima']);

/** Folders, pictures, and files without an ending, as DICOM archives name them, are photographs; anything else is a video. */
export function kindOfInput(path: string): 'photographs' | 'video' {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const ending = extname(path).toLowerCase();
  return isFolder || ending === '' || PHOTOGRAPHS.has(ending) ? 'photographs' : 'video';
}
