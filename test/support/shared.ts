import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

/** Folder beside the repository with reference fixtures and real endoscopy; not part of the product, absent on most machines. */
export const SHARED = process.env['LUMENMARK_SHARED'] ?? fileURLToPath(new URL('../../../shared', import.meta.url));

export const hasShared = existsSync(SHARED);

export function sharedPath(...parts: string[]): string {
  return [SHARED, ...parts].join('/');
}

/** `describe` for suites that need the shared material: they are skipped, and counted as skipped, where it is absent. */
export const describeWithShared = describe.skipIf(!hasShared);
