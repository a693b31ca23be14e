import { rm, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../common/errors.js';
import { openAdapter, type Adapter } from '../adapters/adapter.js';
import { createFolderAtomically, fileExists, modelFolder, modelsFolder, PARTIAL_PREFIX } from '../files.js';
import type { ModelManifest } from '../manifest.js';
import { BUILT_IN_MODEL } from '../registry.js';
import { openSource, type OpenedSource } from '../sources.js';
import type { ImportOptions } from './options.js';
import { planImport } from './plan.js';
import { writeModelFolder } from './write-model-folder.js';

export interface ImportedModel {
  readonly folder: string;
  readonly manifest: ModelManifest;
}

/**
 * Makes a running model of checkpoint files: reads, checks, merges, folds, writes, compares, and only then shows it. Either the whole model
 * is there afterwards or nothing of it.
 *
 * @throws UsageError, ModelError
 */
export async function importModel(options: ImportOptions): Promise<ImportedModel> {
  const { name, home } = options;
  const folder = modelFolder(home, name);
  if (name === BUILT_IN_MODEL) {
    throw new UsageError('model-name', `“${BUILT_IN_MODEL}” is the name of the built-in model.`, { remedy: 'Choose another name.' });
  }
  if (options.backbones.length === 0)
    throw new UsageError('backbone', 'No backbone is given.', { remedy: 'Give at least one --backbone FILE.' });
  const exists = await fileExists(folder);
  if (exists && options.replace !== true) {
    throw new UsageError('model-exists', `There is a model “${name}” already.`, {
      remedy: 'Choose another name, or put it in the place of the old one with --replace.',
    });
  }
  const opened: OpenedSource[] = [];
  let adapter: Adapter | null = null;
  try {
    for (const request of options.backbones) {
      options.onStage?.(`reading ${request.path}`);
      opened.push(await openSource(request, options));
    }
    if (options.adapter !== undefined) adapter = await openAdapter(options.adapter, options);
    const plan = planImport(opened, adapter, options);
    for (const line of plan.report) options.onReport?.(line);
    const replaced = join(modelsFolder(home), `${PARTIAL_PREFIX}replaced-${process.pid}`);
    const manifest = await createFolderAtomically(folder, modelsFolder(home), async (partial) => {
      const made = await writeModelFolder(partial, plan, options);
      if (exists) await moveAway(folder, replaced);
      return made;
    }).catch(async (error: unknown) => {
      // The old model comes back if the new one could not take its place.
      if (exists && !(await fileExists(folder)) && (await fileExists(replaced))) await moveAway(replaced, folder);
      throw error;
    });
    if (exists) await rm(replaced, { recursive: true, force: true });
    return { folder, manifest };
  } finally {
    await adapter?.close();
    for (const source of opened) await source.close();
  }
}

async function moveAway(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
}
