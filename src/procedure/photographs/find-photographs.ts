import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { MediaError, messageOf } from '../../common/errors.js';
import { STILL_EXTENSIONS } from '../../media/stills.js';

/** The files of one procedure. */
export interface PhotographSet {
  /** For people: the folder's path below what was named, or its own name. */
  readonly name: string;
  /** What the paths are below. */
  readonly directory: string;
  /** With `/`, in the order a person expects: 2 before 10. */
  readonly paths: readonly string[];
}

export interface FindOptions {
  /** All pictures below a folder are of one procedure; otherwise those of every folder are of one. */
  readonly together?: boolean;
}

/** Deeper nesting is no archive. */
const MAX_DEPTH = 16;
const EXTENSIONS = new Set([...STILL_EXTENSIONS, '.dicom', '.ima']);
/** Archives name DICOM files without an ending; a DICOMDIR is their index. */
const MAYBE_DICOM = /^(?!dicomdir$)[^.]+$|\.\d+$/i;
const { compare } = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
const inOrder = (a: string, b: string): number => compare(a, b) || (a < b ? -1 : 1);

/**
 * The procedures among files and folders: the files named are one, every folder that holds pictures is one. Hidden files and files of
 * other kinds are passed over; a file named by itself never is.
 * @throws MediaError when a path is missing, or there is no picture at all.
 */
export async function findPhotographs(paths: readonly string[], options: FindOptions = {}): Promise<PhotographSet[]> {
  const files: string[] = [];
  const sets: PhotographSet[] = [];
  for (const path of paths) {
    const found = await stat(path).catch((error: unknown) => {
      throw new MediaError('photographs-missing', `${path}: no such file or folder`, { remedy: 'Check the path.', cause: error });
    });
    if (found.isDirectory()) sets.push(...(await setsBelow(path, options.together === true)));
    else files.push(resolve(path));
  }
  if (files.length > 0) {
    const directory = commonFolder(files);
    const below = files.map((file) => file.slice(directory.length + 1).replaceAll(sep, '/'));
    sets.unshift({ name: files.length === 1 ? basename(files[0] ?? '') : basename(directory), directory, paths: below.sort(inOrder) });
  }
  if (sets.length === 0) {
    throw new MediaError('photographs-none', `${paths.join(', ')}: no photographs are there`, {
      remedy: `Name a folder that holds pictures (${STILL_EXTENSIONS.join(', ')}), or folders of them.`,
    });
  }
  return sets;
}

async function setsBelow(root: string, together: boolean): Promise<PhotographSet[]> {
  const sets: PhotographSet[] = [];
  const all: string[] = [];
  const visited = new Set<string>();
  async function visit(parts: readonly string[]): Promise<void> {
    const folder = join(root, ...parts);
    // Links can lead in circles, or to the same photographs twice.
    const place = await realpath(folder).catch(() => folder);
    if (visited.has(place)) return;
    visited.add(place);
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      throw new MediaError('photographs-unreadable', `${folder}: cannot be listed (${messageOf(error)})`, {
        remedy: 'Give the right to read it, or name what can be read.',
        cause: error,
      });
    });
    const here: string[] = [];
    const folders: string[] = [];
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const target = entry.isSymbolicLink() ? await stat(join(folder, entry.name)).catch(() => null) : entry;
      if (target?.isDirectory() === true) folders.push(entry.name);
      // A link to nothing is named like a picture and counts as unreadable.
      else if ((target === null || target.isFile()) && (await isPicture(folder, entry.name))) here.push(entry.name);
    }
    here.sort(inOrder);
    if (together) all.push(...here.map((name) => [...parts, name].join('/')));
    else if (here.length > 0)
      sets.push({ name: parts.length === 0 ? basename(resolve(root)) : parts.join('/'), directory: folder, paths: here });
    for (const name of folders.sort(inOrder)) if (parts.length < MAX_DEPTH) await visit([...parts, name]);
  }
  await visit([]);
  if (together && all.length > 0) sets.push({ name: basename(resolve(root)), directory: root, paths: all });
  return sets;
}

async function isPicture(folder: string, name: string): Promise<boolean> {
  if (EXTENSIONS.has(extname(name).toLowerCase())) return true;
  if (!MAYBE_DICOM.test(name)) return false;
  try {
    await using handle = await open(join(folder, name), 'r');
    const magic = Buffer.alloc(4);
    await handle.read(magic, 0, 4, 128);
    return magic.toString('latin1') === 'DICM';
  } catch {
    return false;
  }
}

function commonFolder(files: readonly string[]): string {
  let common = dirname(files[0] ?? '');
  for (const file of files) while (!file.startsWith(common.endsWith(sep) ? common : common + sep)) common = dirname(common);
  return common;
}
