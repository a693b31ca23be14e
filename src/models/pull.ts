import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, ModelError, UsageError } from '../common/errors.js';
import { diskFull, fileExists } from './files.js';
import { knownFiles, type KnownFile } from './known-files.js';
import { describeFile } from './sources.js';

export function downloadsFolder(home: string): string {
  return join(home, 'downloads');
}

/** Where the file of a known checkpoint belongs, fetched or put there by hand. */
export function downloadPath(home: string, known: KnownFile): string {
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
export function findKnownFile(id: string): KnownFile {
  const known = knownFiles().find((file) => file.id === id);
  if (known !== undefined) return known;
  const ids = knownFiles().flatMap((file) => (file.url === undefined ? [] : [file.id]));
  throw new UsageError('pull-unknown', `There is no checkpoint “${id}”.`, {
    remedy: `Known: ${ids.join(', ')}; gastronet explains how to obtain GastroNet.`,
  });
}

const recordSchema = z.record(z.string(), z.object({ sha256: z.string(), byteLength: z.number(), url: z.string(), fetchedAt: z.string() }));

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
  if (fetched) await fetchFile(known, url, path, options);
  const { sha256, byteLength } = await describeFile(path, options.signal);
  const pinned = await compareHash(known, path, sha256, options.home);
  if (pinned === 'first time') await record(options.home, known, { sha256, byteLength, url, fetchedAt: new Date().toISOString() });
  return { known, path, sha256, byteLength, pinned, fetched };
}

async function compareHash(known: KnownFile, path: string, sha256: string, home: string): Promise<Pulled['pinned']> {
  const recorded = (await records(home))[known.file]?.sha256;
  const expected = known.sha256 ?? recorded;
  if (expected === undefined) return 'first time';
  if (expected === sha256) return known.sha256 === null ? 'recorded' : 'registry';
  throw new ModelError('pull-hash', `${path} has the SHA-256 ${sha256}, but ${expected} is expected.`, {
    remedy: 'Delete the file and fetch it again. If it differs again, it was changed at its source: do not use it without asking why.',
  });
}

function recordsPath(home: string): string {
  return join(downloadsFolder(home), 'downloads.json');
}

async function records(home: string): Promise<z.infer<typeof recordSchema>> {
  const text = await readFile(recordsPath(home), 'utf8').catch(() => '{}');
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new ModelError('pull-record', `${recordsPath(home)} is damaged: ${messageOf(error)}.`, {
      cause: error,
      remedy: 'Delete it; the hashes are then recorded anew.',
    });
  }
}

async function record(home: string, known: KnownFile, entry: z.infer<typeof recordSchema>[string]): Promise<void> {
  const all = { ...(await records(home)), [known.file]: entry };
  await writeFile(`${recordsPath(home)}.partial`, `${JSON.stringify(all, null, 2)}\n`, { flush: true });
  await rename(`${recordsPath(home)}.partial`, recordsPath(home));
}

async function fetchFile(known: KnownFile, url: string, path: string, options: PullOptions): Promise<void> {
  const partial = `${path}.partial`;
  const tagPath = `${partial}.etag`;
  try {
    const have = await stat(partial).then(
      ({ size }) => size,
      () => 0,
    );
    const tag = await readFile(tagPath, 'utf8').catch(() => '');
    const headers: Record<string, string> = {};
    if (have > 0) {
      headers['range'] = `bytes=${have}-`;
      // The rest of another version would make a file that is neither.
      if (tag !== '') headers['if-range'] = tag;
    }
    const response = await fetch(url, { headers, ...(options.signal === undefined ? {} : { signal: options.signal }) });
    if (response.status === 416 && have > 0) {
      await rm(partial, { force: true });
      await response.body?.cancel();
      await fetchFile(known, url, path, options);
      return;
    }
    if (!response.ok || response.body === null) throw new Error(`the server answers ${response.status} ${response.statusText}`.trimEnd());
    await writeFile(tagPath, response.headers.get('etag') ?? '');
    const resumed = response.status === 206;
    const start = resumed ? have : 0;
    const length = Number(response.headers.get('content-length') ?? NaN);
    const total = Number.isFinite(length) ? start + length : null;
    const done = await append(response.body, partial, start, (bytes) => options.onProgress?.(bytes, total));
    if (total !== null && done !== total) throw new Error(`the connection ended after ${done} of ${total} bytes`);
    await rename(partial, path);
    await rm(tagPath, { force: true });
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    throw diskFull(error, downloadsFolder(options.home)) ?? failed(known, url, path, error);
  }
}

async function append(body: ReadableStream<Uint8Array>, path: string, start: number, onBytes: (done: number) => void): Promise<number> {
  const handle = await open(path, start > 0 ? 'r+' : 'w');
  let done = start;
  try {
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      for (let offset = 0; offset < chunk.byteLength;) {
        const { bytesWritten } = await handle.write(chunk, offset, chunk.byteLength - offset, done + offset);
        offset += bytesWritten;
      }
      done += chunk.byteLength;
      onBytes(done);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return done;
}

function failed(known: KnownFile, url: string, path: string, error: unknown): ModelError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : messageOf(error);
  return new ModelError('pull-failed', `${known.title} could not be fetched from ${url}: ${cause}.`, {
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
