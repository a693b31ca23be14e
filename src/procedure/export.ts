import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf, ProcedureError } from '../common/errors.js';
import { isSafeRelativePath } from '../common/safe-path.js';
import { unzip } from '../common/unzip.js';
import { writeZip } from '../common/zip.js';
import { filesBelow, syncFile, syncFolder } from './durable-files.js';
import { DERIVED_FOLDER } from './paths.js';
import { verifyProcedure, type Verification, type VerifyOptions } from './verify.js';

export interface ExportOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: 'verifying' | 'copying' | 'comparing', done: number, total: number) => void;
}

export interface Exported {
  /** The new folder or archive. */
  readonly out: string;
  readonly files: number;
  readonly bytes: number;
  readonly headHash: string;
}

/** What is compressed already. */
const COMPRESSED = /\.(mp4|jpe?g|png|webp)$/i;

/**
 * Copies a procedure to a new folder, or to an archive when the name ends in `.zip`, and verifies the copy. Reports go with it, caches do
 * not. The copy appears whole or not at all.
 * @throws ProcedureError `export-not-intact` when the procedure itself does not verify, `export-exists`, `export-failed`.
 */
export async function exportProcedure(folder: string, target: string, options: ExportOptions = {}): Promise<Exported> {
  const out = resolve(target);
  const partial = join(dirname(out), `.${basename(out)}.${randomBytes(4).toString('hex')}`);
  if (await stat(out).catch(() => null)) {
    throw new ProcedureError('export-exists', `${target}: is there already`, { remedy: 'Name a new folder or archive with --out.' });
  }
  const verify = async (copy: string, stage: 'verifying' | 'comparing'): Promise<Verification> => {
    const result = await verifyProcedure(copy, {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onProgress: (done, total) => options.onProgress?.(stage, done, total),
    });
    if (result.verdict === 'intact') return result;
    throw new ProcedureError('export-not-intact', `${copy}: is not intact: ${result.findings[0]?.message ?? ''}`, {
      remedy: 'An export vouches for what it holds. Copy the folder by other means if it is needed as evidence of what was done to it.',
    });
  };
  const before = await verify(folder, 'verifying');
  try {
    const { paths, bytes } = await filesToExport(folder);
    await mkdir(dirname(out), { recursive: true });
    if (out.endsWith('.zip')) await zipTo(partial, folder, basename(out, '.zip'), paths, options);
    else await copyTo(partial, folder, paths, options);
    const after = out.endsWith('.zip')
      ? await inArchive(partial, (copy) => verify(copy, 'comparing'), options)
      : await verify(partial, 'comparing');
    // An amendment that came between would be half in the copy.
    if (after.headHash === null || after.headHash !== before.headHash) throw new Error('it was amended meanwhile');
    await rename(partial, out);
    await syncFolder(dirname(out));
    return { out, files: paths.length, bytes, headHash: after.headHash };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (error instanceof ProcedureError || options.signal?.aborted === true) throw error;
    throw new ProcedureError('export-failed', `${target}: cannot be written: ${messageOf(error)}`, {
      remedy: 'Check that there is room and that you may write there, then export it again.',
      cause: error,
    });
  }
}

/** Verifies a procedure in an archive: it is unpacked to a folder for temporary files, which is removed again. */
export async function verifyArchive(archive: string, options: VerifyOptions = {}): Promise<Verification> {
  // Where it was unpacked to is gone, and nobody's concern.
  return inArchive(archive, async (folder) => ({ ...(await verifyProcedure(folder, options)), folder: archive }), options);
}

async function inArchive<Result>(
  archive: string,
  work: (folder: string) => Promise<Result>,
  { signal }: { readonly signal?: AbortSignal | undefined },
): Promise<Result> {
  const unpacked = await mkdtemp(join(tmpdir(), 'lumenmark-archive-'));
  try {
    const paths = await unpack(archive, unpacked, signal);
    const tops = new Set(paths.map((path) => path.split('/')[0] ?? ''));
    const [top] = tops;
    // An archive holds one folder; whoever packed the files without it meant the same.
    return await work(tops.size === 1 && top !== undefined && paths.every((path) => path.includes('/')) ? join(unpacked, top) : unpacked);
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
}

/** Paths of the files, with `/`. @throws ProcedureError `archive-unsafe`, `archive-unreadable`. */
async function unpack(archive: string, into: string, signal: AbortSignal | undefined): Promise<string[]> {
  const paths: string[] = [];
  const unreadable = (why: string, cause?: unknown): ProcedureError =>
    new ProcedureError('archive-unreadable', `${archive}: cannot be unpacked: ${why}`, {
      remedy: 'Copy it again from where it came.',
      cause,
    });
  try {
    const { damaged } = await unzip(archive, into, {
      maxEntryBytes: Infinity,
      wanted: (path) => {
        if (!isSafeRelativePath(path)) {
          throw new ProcedureError('archive-unsafe', `${archive}: holds the name “${path}”, which does not stay in a folder`, {
            remedy: 'Do not use this archive: ask who sent it how it was made.',
          });
        }
        paths.push(path);
        return true;
      },
      ...(signal === undefined ? {} : { signal }),
    });
    const [first] = damaged;
    if (first !== undefined) throw unreadable(`${first.path}: ${first.reason}`);
    return paths;
  } catch (error) {
    if (error instanceof ProcedureError || signal?.aborted === true) throw error;
    throw unreadable(messageOf(error), error);
  }
}

async function filesToExport(folder: string): Promise<{ paths: string[]; bytes: number }> {
  const paths = (await filesBelow(folder))
    .filter(({ path, kind }) => kind === 'file' && !path.startsWith(`${DERIVED_FOLDER}/`))
    .map(({ path }) => path);
  const sizes = await Promise.all(paths.map(async (path) => (await stat(join(folder, path))).size));
  return { paths, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

async function copyTo(target: string, folder: string, paths: readonly string[], { signal, onProgress }: ExportOptions): Promise<void> {
  for (const [at, path] of paths.entries()) {
    signal?.throwIfAborted();
    const copy = join(target, path);
    await mkdir(dirname(copy), { recursive: true });
    await copyFile(join(folder, path), copy);
    await syncFile(copy);
    onProgress?.('copying', at + 1, paths.length);
  }
}

async function zipTo(target: string, folder: string, top: string, paths: readonly string[], { signal }: ExportOptions): Promise<void> {
  const sources = paths.map((path) => ({ path: `${top}/${path}`, file: join(folder, path), compress: !COMPRESSED.test(path) }));
  await writeZip(target, sources, signal);
}
