import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod';
import { UsageError } from '../common/errors.js';
import { DEVICE_NAME, isSafeRelativePath } from '../common/safe-path.js';

export const DESCRIPTION_FILE = 'procedure.json';
export const JOURNAL_FILE = 'journal.ndjson';
export const DETECTIONS_FILE = 'detections.ndjson';
export const RECORDING_FILE = 'recording.mp4';
export const STILLS_FOLDER = 'stills';
/** Made from the rest at any time, so no seal covers them; so is everything below `derived/`. */
export const DERIVED_FILES: readonly string[] = ['report.html', 'report.json', 'report.csv'];
export const DERIVED_FOLDER = 'derived';

export function isDerived(path: string): boolean {
  return DERIVED_FILES.includes(path) || path.startsWith(`${DERIVED_FOLDER}/`);
}

export function proceduresFolder(home: string): string {
  return join(home, 'procedures');
}

const ID = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[a-z0-9]{4}$/;
const SUFFIX_LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';

/** Start in UTC, so that folders sort by time, and four letters by chance: `2026-11-27T02-14-55Z-k3f9`. */
export function newProcedureId(startedAt: Date): string {
  const suffix = Array.from({ length: 4 }, () => SUFFIX_LETTERS[randomInt(SUFFIX_LETTERS.length)]).join('');
  return `${startedAt.toISOString().slice(0, 19).replaceAll(':', '-')}Z-${suffix}`;
}

export function isProcedureId(text: string): boolean {
  return ID.test(text);
}

/** @throws UsageError `procedure-id` for anything that is no id, so that none can lead out of the home. */
export function procedureFolder(home: string, id: string): string {
  if (!isProcedureId(id)) {
    throw new UsageError('procedure-id', `“${id}” is no procedure's id.`, { remedy: 'Ids look like 2026-11-27T02-14-55Z-k3f9.' });
  }
  return join(proceduresFolder(home), id);
}

export const relativePathSchema = z.string().refine(isSafeRelativePath, 'is no path within the folder');

const MAX_NAME = 80;

/** A file name for a label or name from elsewhere: ASCII letters, digits, dots, hyphens and underscores; never empty, hidden or a device. */
export function fileNameFor(text: string): string {
  const plain = text
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+|[.-]+$/g, '')
    .slice(0, MAX_NAME)
    .replace(/[.-]+$/, '');
  if (plain === '') return 'unnamed';
  return DEVICE_NAME.test(plain) ? `_${plain}` : plain;
}
