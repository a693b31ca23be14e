import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { downloadFailure, downloadFile } from '../common/download.js';
import { recordDownload, recordedDownloads } from '../common/download-records.js';
import { ModelError, UsageError } from '../common/errors.js';
import { diskFull, fileExists } from './files.js';
import { knownFiles, type KnownFile } from './known-files.js';
import { describeFile } from './sources.js';

function downloadsFolder(home: string): string {
  return join(home, 'downloads');
}

/** Where the file of a known checkpoint belongs, fetched or put there by hand. */
function downloadPath(home: string, known: KnownFile): string {
  return join(downloadsFolder(home), known.file);
}

export interface PullOptions {
  readonly home: string;
  /** Fetches from here instead of the official address. */
  readonly from?: string;
  readonly onProgress?: (doneBytes: number, totalBytes: number | null) => void;
  readonly signal?: AbortSignal;
}

export interface Pulled {
  readonly known: KnownFile;
  readonly path: string;
  readonly sha256: string;
  readonly byteLength: number;
  /** What the hash was compared with: the registry, an earlier download of this machine, or nothing yet. */
  readonly pinned: 'registry' | 'recorded' | 'first time';
  /** False when the file lay there already. */
  readonly fetched: boolean;
}

/** @throws UsageError `pull-unknown` */
function findKnownFile(id: string): KnownFile {
  const known = knownFiles().find((file) => file.id === id);
  if (known !== undefined) return known;
  const ids = knownFiles().flatMap((file) => (file.url === undefined ? [] : [file.id]));
  throw new UsageError('pull-unknown', `There is no checkpoint “${id}”.`, {
    remedy: `Known: ${ids.join(', ')}; gastronet explains how to obtain GastroNet.`,
  });
}

/**
 * Fetches a published checkpoint from its official address, going on where an earlier attempt stopped. The SHA-256 is recorded, and from then
 * on the same file must have it.
 *
 * @throws ModelError `pull-failed`, `pull-hash`, `pull-not-allowed`, `disk-full`
 */
export async function pullCheckpoint(id: string, options: PullOptions): Promise<Pulled> {
  const known = findKnownFile(id);
  const url = options.from ?? known.url;
  if (known.url === undefined || url === undefined) {
    throw new ModelError('pull-not-allowed', `${known.title} may not be fetched for you: ${known.licence}.`, {
      remedy: 'See “lumenmark models pull gastronet”.',
    });
  }
  const path = downloadPath(options.home, known);
  await mkdir(downloadsFolder(options.home), { recursive: true });
  const fetched = !(await fileExists(path));
  if (fetched) await fetchKnown(known, url, path, options);
  const { sha256, byteLength } = await describeFile(path, options.signal);
  const pinned = await compareHash(known, path, sha256, options.home);
  if (pinned === 'first time')
    await recordDownload(downloadsFolder(options.home), known.file, { sha256, byteLength, url, fetchedAt: new Date().toISOString() });
  return { known, path, sha256, byteLength, pinned, fetched };
}

async function compareHash(known: KnownFile, path: string, sha256: string, home: string): Promise<Pulled['pinned']> {
  const recorded = (await recordedDownloads(downloadsFolder(home)))[known.file]?.sha256;
  const expected = known.sha256 ?? recorded;
  if (expected === undefined) return 'first time';
  if (expected === sha256) return known.sha256 === null ? 'recorded' : 'registry';
  throw new ModelError('pull-hash', `${path} has the SHA-256 ${sha256}, but ${expected} is expected.`, {
    remedy: 'Delete the file and fetch it again. If it differs again, it was changed at its source: do not use it without asking why.',
  });
}

async function fetchKnown(known: KnownFile, url: string, path: string, { signal, onProgress }: PullOptions): Promise<void> {
  try {
    await downloadFile(url, path, { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw diskFull(error, dirname(path)) ?? failed(known, url, path, error);
  }
}

function failed(known: KnownFile, url: string, path: string, error: unknown): ModelError {
  return new ModelError('pull-failed', `${known.title} could not be fetched from ${url}: ${downloadFailure(error)}.`, {
    cause: error,
    remedy: `Run the command again to go on where it stopped; or fetch the file on another machine and put it at ${path}.`,
  });
}

/** How to come by GastroNet, which nobody else may hand out. */
export function explainGastronet(home: string): string {
  const files = knownFiles().filter((file) => file.id.startsWith('gastronet'));
  const [first] = files;
  return [
    'GastroNet-5M is not fetched, shipped or uploaded by this program: its licence does not allow it.',
    '',
    `Licence: ${first?.licence ?? ''}.`,
    'So: research only; the weights, and models or adapters made from them, stay with you.',
    '',
    'How to obtain it:',
    '  1. Register at https://cortex.thetavision.nl/dataset-provider/listing/2/ and accept the data use agreement.',
    '  2. Download one of the files below; VITS_GastroNet-5M_DINOv1.pth (86.7 MB) is the one of the published method.',
    `  3. Put it anywhere, for instance into ${downloadsFolder(home)}, and import it:`,
    '     lumenmark models import --name dual --backbone VITS_GastroNet-5M_DINOv1.pth --backbone dinov2-vits14-reg',
    '',
    'Files known here:',
    ...files.map((file) => `  ${file.file}  ${file.title}${file.sha256 === null ? '' : `  SHA-256 ${file.sha256}`}`),
    '',
    `Cite: ${first?.origin ?? ''}`,
  ].join('\n');
}

/** A path as it is; or, where there is no such file, the download of a known checkpoint of that name. */
export async function resolveCheckpointPath(given: string, home: string): Promise<string> {
  if (await fileExists(given)) return given;
  const known = knownFiles().find((file) => file.id === given);
  if (known === undefined) return given;
  const path = downloadPath(home, known);
  if (await fileExists(path)) return path;
  throw new ModelError('checkpoint-unreadable', `${known.title} is not on this machine yet.`, {
    remedy: known.url === undefined ? 'See “lumenmark models pull gastronet”.' : `Fetch it with “lumenmark models pull ${known.id}”.`,
  });
}
