import { readFileSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { downloadFailure, downloadFile } from '../common/download.js';
import { recordDownload, recordedDownloads } from '../common/download-records.js';
import { GalleryError, messageOf, UsageError } from '../common/errors.js';
import { classInfo, type ClassKind } from '../common/landmarks.js';
import { fileSha256, sha256Schema } from '../common/sha256.js';
import { ArchiveChanged, unzip, type Unzipped } from '../common/unzip.js';
import { diskFull } from '../models/files.js';
import { STILL_EXTENSIONS } from '../media/stills.js';
import { labelOfFolders } from './labelled-pictures.js';

const DATA_SET = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  title: z.string(),
  file: z.string(),
  /** Official addresses, tried in this order. */
  urls: z.array(z.url()).min(1),
  /** Null until the file has been fetched from its official address and its hash recorded by hand. */
  sha256: sha256Schema.nullable(),
  approximateBytes: z.number().int().positive(),
  licence: z.string(),
  origin: z.string(),
});

/** A published data set of labelled pictures, as a zip archive with a folder per class. */
export type DataSet = z.output<typeof DATA_SET>;

const REGISTRY = z.object({ dataSets: z.array(DATA_SET) });

/** The data sets listed in models/registry.json. */
export function dataSets(): readonly DataSet[] {
  return REGISTRY.parse(JSON.parse(readFileSync(new URL('../../models/registry.json', import.meta.url), 'utf8'))).dataSets;
}

/** @throws UsageError `data-set-unknown` */
export function findDataSet(id: string): DataSet {
  const found = dataSets().find((dataSet) => dataSet.id === id);
  if (found !== undefined) return found;
  throw new UsageError('data-set-unknown', `There is no data set “${id}” to fetch.`, {
    remedy: `Known: ${dataSets()
      .map((dataSet) => dataSet.id)
      .join(', ')}. Build from pictures that you have with “lumenmark gallery build”.`,
  });
}

export interface PullDataSetOptions {
  readonly home: string;
  /** Fetches from here instead of the official addresses. */
  readonly from?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (doneBytes: number, totalBytes: number | null) => void;
}

export interface PulledDataSet {
  readonly archive: string;
  readonly sha256: string;
  readonly byteLength: number;
  /** What the hash was compared with: the registry, an earlier download of this machine, or nothing yet. */
  readonly pinned: 'registry' | 'recorded' | 'first time';
  /** False when the file lay there already. */
  readonly fetched: boolean;
}

/**
 * Fetches the archive of a data set, going on where an earlier attempt stopped. The SHA-256 is recorded, and from then on the same file must
 * have it.
 * @throws GalleryError `pull-failed`, `pull-hash`; ModelError `disk-full`
 */
export async function pullDataSet(dataSet: DataSet, options: PullDataSetOptions): Promise<PulledDataSet> {
  const folder = join(options.home, 'downloads');
  const archive = join(folder, dataSet.file);
  await mkdir(folder, { recursive: true });
  const fetched = !(await exists(archive));
  const url = fetched ? await fetchFirst(dataSet, archive, options) : null;
  const sha256 = await fileSha256(archive);
  const { size: byteLength } = await stat(archive);
  const recorded = (await recordedDownloads(folder))[dataSet.file]?.sha256;
  const expected = dataSet.sha256 ?? recorded;
  if (expected !== undefined && expected !== sha256) {
    throw new GalleryError('pull-hash', `${archive} has the SHA-256 ${sha256}, but ${expected} is expected.`, {
      remedy: 'Delete the file and fetch it again. If it differs again, it was changed at its source: do not use it without asking why.',
    });
  }
  if (expected === undefined) {
    await recordDownload(folder, dataSet.file, {
      sha256,
      byteLength,
      url: url ?? 'put there by hand',
      fetchedAt: new Date().toISOString(),
    });
  }
  return {
    archive,
    sha256,
    byteLength,
    pinned: expected === undefined ? 'first time' : dataSet.sha256 === null ? 'recorded' : 'registry',
    fetched,
  };
}

/** From the first address that delivers. */
async function fetchFirst(dataSet: DataSet, archive: string, options: PullDataSetOptions): Promise<string> {
  const { from, signal, onProgress } = options;
  const failures: string[] = [];
  let last: unknown;
  for (const url of from === undefined ? dataSet.urls : [from]) {
    try {
      await downloadFile(url, archive, {
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined ? {} : { onProgress }),
      });
      return url;
    } catch (error) {
      signal?.throwIfAborted();
      const full = diskFull(error, dirname(archive));
      if (full !== null) throw full;
      failures.push(`${url}: ${downloadFailure(error)}`);
      last = error;
    }
  }
  throw new GalleryError('pull-failed', `${dataSet.title} could not be fetched (${failures.join('; ')}).`, {
    cause: last,
    remedy: `Run the command again to go on where it stopped; or fetch the file on another machine and put it at ${archive}.`,
  });
}

export interface UnpackOptions {
  /** Classes of which kinds are unpacked. */
  readonly kinds: readonly ClassKind[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** No endoscopic picture is larger; an archive that claims so is no data set of them. */
const MAX_PICTURE_BYTES = 64 * 2 ** 20;
const extensions = new Set(STILL_EXTENSIONS);

/**
 * Unpacks the pictures of the wanted kinds of classes, in their folders.
 * @throws GalleryError `archive-damaged` when it is no archive, `archive-changed`, `archive-empty` when it has no such picture; ModelError `disk-full`
 */
export async function unpackDataSet(archive: string, into: string, options: UnpackOptions): Promise<Unzipped> {
  const { kinds, signal, onProgress } = options;
  const wanted = (path: string): boolean => {
    const folders = path.split('/');
    const name = folders.pop() ?? '';
    const label = labelOfFolders(folders);
    if (label?.known !== true || name.startsWith('.') || !extensions.has(name.slice(name.lastIndexOf('.')).toLowerCase())) return false;
    return kinds.includes(classInfo(label.label).kind);
  };
  const remedy = `Delete ${archive} and fetch it again.`;
  const unzipped = await unzip(archive, into, {
    wanted,
    maxEntryBytes: MAX_PICTURE_BYTES,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  }).catch((error: unknown) => {
    signal?.throwIfAborted();
    const changed = error instanceof ArchiveChanged;
    throw (
      diskFull(error, into) ??
      new GalleryError(
        changed ? 'archive-changed' : 'archive-damaged',
        `${archive}: ${changed ? '' : 'is no archive that can be read: '}${messageOf(error)}`,
        {
          remedy: changed ? 'Run the command again when nothing else writes to it.' : remedy,
          cause: error,
        },
      )
    );
  });
  if (unzipped.unpacked === 0) {
    throw new GalleryError('archive-empty', `${archive}: holds no picture of a class of the kind ${kinds.join(', ')}`, { remedy });
  }
  return unzipped;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
