import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { messageOf, UsageError } from '../../common/errors.js';
import { isBackboneSpec } from '../../training/backbone-spec.js';
import { parseBackbone } from '../../training/backbones.js';
import { flagName } from '../flags/checked.js';

/** The flags of a run, in its folder, with which `--resume` goes on. */
const FLAGS_FILE = 'flags.json';

/** What may change when a run goes on: nothing that decides its result. */
const RESUMABLE: readonly string[] = ['device', 'threads', 'json', 'import'];

/** @throws UsageError `option` for a flag that would change what a resumed run computes. */
export function refuseOthers(given: Record<string, unknown>): void {
  const other = Object.keys(given).find((name) => !RESUMABLE.includes(name));
  if (other === undefined) return;
  throw new UsageError('option', `${flagName(other)}: a run goes on with the flags that it began with.`, {
    remedy: 'Give --resume alone, or start another run.',
  });
}

const PATHS: readonly string[] = ['train', 'val', 'groups', 'pixels', 'labels', 'init'];

function inFull(backbone: string): string {
  const { name, what } = parseBackbone(backbone);
  return `${name === undefined ? '' : `${name}=`}${isBackboneSpec(what) ? what : resolve(what)}`;
}

/** Paths are kept in full, so that a run can be resumed from another folder. */
export async function writeFlags(out: string, raw: Record<string, unknown>): Promise<void> {
  const kept = Object.entries(raw).map(([name, value]) => {
    if (PATHS.includes(name)) return [name, resolve(String(value))] as const;
    if (name !== 'backbone') return [name, value] as const;
    return [name, (value as string[]).map(inFull)] as const;
  });
  await mkdir(out, { recursive: true }).catch((error: unknown) => {
    throw new UsageError('option', `--out ${out}: ${messageOf(error)}`, { cause: error, remedy: 'Choose another folder.' });
  });
  await writeFile(join(out, FLAGS_FILE), `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`);
}

export async function readFlags(folder: string): Promise<Record<string, unknown>> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(join(folder, FLAGS_FILE), 'utf8')));
  } catch (error) {
    throw new UsageError('option', `--resume ${folder}: there is no run to go on with (${messageOf(error)}).`, {
      cause: error,
      remedy: 'Give the folder that was --out of a run.',
    });
  }
}
