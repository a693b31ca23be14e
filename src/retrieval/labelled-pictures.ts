import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { GalleryError, messageOf } from '../common/errors.js';
import { STILL_EXTENSIONS } from '../media/stills.js';
import { canonicalLabel } from './aliases.js';

/** A picture that a folder gives a label. */
export interface LabelledPicture {
  /** Below the folder that was listed, with `/`. */
  readonly path: string;
  readonly label: string;
}

/** A folder that names a class. */
export interface LabelFolder {
  /** Below the folder that was listed, with `/`. */
  readonly folder: string;
  readonly label: string;
  /** False when the alias table does not know the name, which is then kept as it is. */
  readonly known: boolean;
  readonly pictures: number;
}

export interface PictureListing {
  readonly pictures: readonly LabelledPicture[];
  readonly folders: readonly LabelFolder[];
  /** Pictures outside any class folder. */
  readonly unlabelled: readonly string[];
}

const extensions = new Set(STILL_EXTENSIONS);
const NO_CLASS = /^unlabell?ed(-images)?$/i;
/** Deeper nesting is a loop of links or no data set. */
const MAX_DEPTH = 16;

/** The label of a picture in `folders` (outermost first): the innermost folder whose name the alias table knows, else the innermost. */
export function labelOfFolders(
  folders: readonly string[],
  options: { readonly keepLabels?: boolean } = {},
): { label: string; known: boolean } | null {
  const innermost = folders.at(-1);
  if (innermost === undefined || folders.some((folder) => NO_CLASS.test(folder))) return null;
  for (const folder of [...folders].reverse()) {
    const id = canonicalLabel(folder);
    if (id !== null) return { label: options.keepLabels === true ? folder : id, known: true };
  }
  return { label: innermost, known: false };
}

/**
 * Lists the pictures below `directory`, a folder per label at any depth, in an order that depends on the names alone. Hidden files
 * and files that are no pictures by their ending are left out.
 * @throws GalleryError when the folder is missing or cannot be read.
 */
export async function listLabelledPictures(directory: string, options: { readonly keepLabels?: boolean } = {}): Promise<PictureListing> {
  const pictures: LabelledPicture[] = [];
  const folders: LabelFolder[] = [];
  const unlabelled: string[] = [];

  async function visit(parts: readonly string[]): Promise<void> {
    const entries = await readdir(join(directory, ...parts), { withFileTypes: true });
    const named = labelOfFolders(parts, options);
    let count = 0;
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.')) continue;
      const path = [...parts, entry.name].join('/');
      const target = entry.isSymbolicLink() ? await stat(join(directory, path)).catch(() => null) : entry;
      if (target?.isDirectory() === true) {
        if (parts.length < MAX_DEPTH) await visit([...parts, entry.name]);
      } else if (target?.isFile() === true && extensions.has(extname(entry.name).toLowerCase())) {
        if (named === null) unlabelled.push(path);
        else pictures.push({ path, label: named.label });
        count += 1;
      }
    }
    if (named !== null && count > 0) folders.push({ folder: parts.join('/'), label: named.label, known: named.known, pictures: count });
  }

  try {
    await visit([]);
  } catch (error) {
    throw new GalleryError('gallery-pictures', `${directory}: cannot be listed (${messageOf(error)})`, {
      remedy: 'Name a folder that holds one folder of pictures per label.',
      cause: error,
    });
  }
  return { pictures, folders, unlabelled };
}

/**
 * All pictures below `directory`, whatever folder they are in.
 * @throws GalleryError when the folder is missing or cannot be read.
 */
export async function listPictures(directory: string): Promise<string[]> {
  const { pictures, unlabelled } = await listLabelledPictures(directory);
  return [...pictures.map(({ path }) => path), ...unlabelled];
}
