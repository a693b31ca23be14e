import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LumenmarkError, messageOf, ModelError, UsageError } from '../common/errors.js';
import { lumenmarkHome } from '../common/home.js';
import { descriptors } from './descriptors/descriptors.js';
import { fileExists, modelFolder, modelsFolder } from './files.js';
import { MANIFEST_FILE, MEND_MODEL, readManifest, type ModelManifest, type Parity } from './manifest.js';
import type { FittableModel, Model } from './model.js';
import { describeFile } from './sources.js';

export interface RegistryOptions {
  /** Folder of all data; see `lumenmarkHome()`. */
  readonly home: string;
}

/** Name of the model that needs no import. */
export const BUILT_IN_MODEL = 'descriptors';

/** Models that ship with the program, beside the list of known files. */
const SHIPPED_FOLDER = fileURLToPath(new URL('../../models', import.meta.url));

/**
 * Opens a model by name: the built-in `descriptors`, an imported one, or one that ships with the program. Nothing of the graph is read.
 *
 * @throws ModelError `model-unknown`, `model-manifest`, `model-incomplete`; UsageError `model-name`
 */
export async function openModel(name: string, { home = lumenmarkHome() }: Partial<RegistryOptions> = {}): Promise<Model | FittableModel> {
  if (name === BUILT_IN_MODEL) return descriptors();
  const folder = await findModel(name, home);
  const manifest = await readManifest(folder);
  const missing = await firstMissing(folder, manifest);
  if (missing !== null) {
    throw new ModelError('model-incomplete', `Model “${name}” lacks its file ${missing}.`, { remedy: MEND_MODEL });
  }
  return modelOf(folder, manifest);
}

/** The manifest of an imported or shipped model, and where it lies. @throws ModelError `model-unknown`, `model-manifest` */
export async function describeModel(
  name: string,
  { home }: RegistryOptions,
): Promise<{ readonly folder: string; readonly manifest: ModelManifest }> {
  const folder = await findModel(name, home);
  return { folder, manifest: await readManifest(folder) };
}

export function modelOf(folder: string, manifest: ModelManifest): Model {
  const [graph] = manifest.graph;
  if (graph === undefined) throw new ModelError('model-incomplete', `Model “${manifest.name}” has no graph.`);
  return {
    name: manifest.name,
    fingerprint: manifest.fingerprint,
    graph: join(folder, graph.file),
    input: { width: manifest.preprocessing.width, height: manifest.preprocessing.height },
    dimension: manifest.dimension,
    backbones: manifest.backbones.map((backbone) => backbone.name),
    parts: manifest.parts.map(({ name, sha256, licence, origin }) => ({ name, sha256, licence, origin })),
    ...(manifest.notice === undefined ? {} : { notice: manifest.notice }),
  };
}

async function findModel(name: string, home: string): Promise<string> {
  if (name === BUILT_IN_MODEL)
    throw new UsageError('model-name', `“${name}” is built into the program and has no files of its own.`, {
      remedy: 'It is fitted on the gallery that it serves: see “lumenmark gallery info”.',
    });
  const own = modelFolder(home, name);
  for (const folder of [own, join(SHIPPED_FOLDER, name)]) if (await fileExists(join(folder, MANIFEST_FILE))) return folder;
  const others = (await listModels({ home })).map((entry) => entry.name);
  throw new ModelError('model-unknown', `There is no model “${name}”. Known: ${others.join(', ')}.`, {
    remedy: `Import it with “lumenmark models import --name ${name} --backbone FILE”.`,
  });
}

async function firstMissing(folder: string, manifest: ModelManifest): Promise<string | null> {
  for (const { file } of manifest.graph) if (!(await fileExists(join(folder, file)))) return file;
  return null;
}

export type ListedModel =
  | { readonly name: string; readonly kind: 'built-in' }
  | { readonly name: string; readonly kind: 'imported' | 'shipped'; readonly manifest: ModelManifest }
  | { readonly name: string; readonly kind: 'damaged'; readonly problem: string };

/** All models, the built-in one first. A damaged one is listed with what is wrong and hides no other. */
export async function listModels({ home }: RegistryOptions): Promise<readonly ListedModel[]> {
  const listed: ListedModel[] = [{ name: BUILT_IN_MODEL, kind: 'built-in' }];
  for (const [root, kind] of [
    [modelsFolder(home), 'imported'],
    [SHIPPED_FOLDER, 'shipped'],
  ] as const) {
    const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
    for (const { name } of entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (listed.some((other) => other.name === name)) continue;
      const folder = join(root, name);
      // Among what ships there are also galleries and videos.
      if (kind === 'shipped' && !(await fileExists(join(folder, MANIFEST_FILE)))) continue;
      try {
        listed.push({ name, kind, manifest: await readManifest(folder) });
      } catch (error) {
        listed.push({ name, kind: 'damaged', problem: error instanceof LumenmarkError ? error.message : messageOf(error) });
      }
    }
  }
  return listed;
}

/** Deletes an imported model, a damaged one too. @throws ModelError `model-unknown`; UsageError for the built-in one. */
export async function removeModel(name: string, { home }: RegistryOptions): Promise<void> {
  if (name === BUILT_IN_MODEL) throw new UsageError('model-name', 'The built-in model cannot be removed.');
  const folder = modelFolder(home, name);
  if (!(await fileExists(folder)))
    throw new ModelError('model-unknown', `There is no imported model “${name}”.`, { remedy: 'See “lumenmark models list”.' });
  // Out of sight in one step, so that nobody opens a model that is half removed.
  const away = join(modelsFolder(home), `.partial-removed-${name}-${process.pid}`);
  await rename(folder, away);
  await rm(away, { recursive: true, force: true });
}

export interface VerifiedFile {
  readonly file: string;
  readonly state: 'intact' | 'missing' | 'changed';
}

/** Compares the SHA-256 of every file of a model with its manifest. */
export async function verifyModelFiles(name: string, { home }: RegistryOptions): Promise<readonly VerifiedFile[]> {
  const { folder, manifest } = await describeModel(name, { home });
  const files: VerifiedFile[] = [];
  for (const { file, sha256 } of [...manifest.graph, ...manifest.parts]) {
    const path = join(folder, file);
    if (!(await fileExists(path))) files.push({ file, state: 'missing' });
    else files.push({ file, state: (await describeFile(path)).sha256 === sha256 ? 'intact' : 'changed' });
  }
  return files;
}

/** Adds a comparison to the manifest, in the place of an older one for the same device. */
export async function recordParity(folder: string, parity: Parity): Promise<ModelManifest> {
  const manifest = await readManifest(folder);
  const updated = { ...manifest, parity: [...manifest.parity.filter((other) => other.device !== parity.device), parity] };
  const temporary = join(folder, `${MANIFEST_FILE}.partial`);
  await writeFile(temporary, `${JSON.stringify(updated, null, 2)}\n`, { flush: true });
  await rename(temporary, join(folder, MANIFEST_FILE));
  return updated;
}
